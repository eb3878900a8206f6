/* What the generated cases.c calls. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* Supplied by cases.c: begin, run and end every case. */
void harness_run_cases(void);

/* Before a run: the bytes that its layers must give, one layer after the other (read in images with
 * ECG_NN_TRACE only), and the caller's stack pointer. */
void harness_begin(const int8_t *layers, uintptr_t stack_pointer);

/* After a run. */
void harness_end(void);

/* Compare one output of a run. */
void harness_check(const int8_t *actual, const int8_t *expected, size_t bytes);

#endif
