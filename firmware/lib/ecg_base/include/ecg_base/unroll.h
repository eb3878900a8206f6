/* Loops whose counter costs as much as their work. */
#ifndef ECG_BASE_UNROLL_H
#define ECG_BASE_UNROLL_H

/* In front of a loop: do so many turns between two looks at its counter. */
#if defined(__GNUC__) && !defined(__clang__)
#define ECG_PRAGMA(text) _Pragma(#text)
#define ECG_UNROLL(turns) ECG_PRAGMA(GCC unroll turns)
#else
#define ECG_UNROLL(turns)
#endif

#endif
