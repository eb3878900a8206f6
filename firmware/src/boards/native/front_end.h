/* A scripted analog front end: live mode plays a file, or what another program writes into a pipe.
 *
 * The file has four bytes for each sampling instant: sample (ADC units, 16 bits, little-endian), lead flags
 * (ECG_CORE_LEAD_OFF_*), 0. */
#ifndef ECG_EDGE_FRONT_END_H
#define ECG_EDGE_FRONT_END_H

#include <stdbool.h>
#include <stdint.h>

/* Open the file; false: it cannot be read. `speed`: times real time, 0 for as fast as the line takes it. */
bool front_end_open(const char *path, double speed);

/* Begin at the file's first sample; false: no file is open. */
bool front_end_start(uint64_t now_ns);

/* Take the sample of the next instant; false when it is not due yet, when there is none, and once in a while,
 * so that the application reads its line. */
bool front_end_read(uint64_t now_ns, int16_t *sample_adu, uint8_t *lead_flags);

/* Milliseconds until the next sample is due, at most `limit_ms`. */
int front_end_wait_ms(uint64_t now_ns, int limit_ms);

#endif
