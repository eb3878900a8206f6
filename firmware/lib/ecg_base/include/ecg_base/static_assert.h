/* Compile-time assertion for C99, which has no _Static_assert. */
#ifndef ECG_BASE_STATIC_ASSERT_H
#define ECG_BASE_STATIC_ASSERT_H

/** Fail to compile unless a constant expression is true.
 *
 *  @param condition  integer constant expression
 *  @param name       identifier, unique in the file; the compiler's message shows it
 */
#define ECG_STATIC_ASSERT(condition, name) typedef char ecg_assert_##name[(condition) ? 1 : -1]

#endif
