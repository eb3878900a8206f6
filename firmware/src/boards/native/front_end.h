/* A scripted analog front end: live mode plays a file, or what another program writes into a pipe.
 *
 * The file has four bytes for each sampling instant: sample (ADC units, 16 bits, little-endian), lead flags
 * (ECG_CORE_LEAD_OFF_*), and what else happens then (front_end_event_t, or a reset_cause_t: the device is
 * reset, and goes on with the next instant). */
#ifndef ECG_EDGE_FRONT_END_H
#define ECG_EDGE_FRONT_END_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    FRONT_END_NOTHING = 0,
    FRONT_END_QUEUE_FULL = 16, /* the sample is lost */
    FRONT_END_LINE_FULL = 17,  /* a byte from the host is lost */
    FRONT_END_FLASH_FAILS = 18,
} front_end_event_t;

/* Open the file; false: it cannot be read. `speed`: times real time, 0 for as fast as the line takes it. */
bool front_end_open(const char *path, double speed);

/* Begin again when the file has ended, until `samples` were taken. */
void front_end_repeat(uint64_t samples);

/* Instants taken since the program started. */
uint64_t front_end_clock(void);

/* For a device that was reset: the file, and the instants that were taken, to go on from. */
int front_end_file(void);
uint64_t front_end_taken(void);
void front_end_go_on(int file, uint64_t taken);

/* Begin at the file's first sample, or after a reset where it was; false: no file is open. */
bool front_end_start(uint64_t now_ns);

/* Take the sample of the next instant; false when it is not due yet, when there is none, and once in a while,
 * so that the application reads its line. */
bool front_end_read(uint64_t now_ns, int16_t *sample_adu, uint8_t *lead_flags, uint8_t *event);

/* Milliseconds until the next sample is due, at most `limit_ms`. */
int front_end_wait_ms(uint64_t now_ns, int limit_ms);

#endif
