/* What the application asks of a board: the few functions that a porter writes (docs/how-to/port-a-board.md).
 * Each board has its own entry point, which calls board_init() and then app_run(). */
#ifndef ECG_EDGE_BOARD_H
#define ECG_EDGE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often a board samples its front end; another rate is a build flag in platformio.ini. The signal path
 * works at 360 Hz and resamples the other two (docs/explanation/signal-path.md). */
#ifndef BOARD_FS_HZ
#define BOARD_FS_HZ 360
#endif
#if BOARD_FS_HZ != 250 && BOARD_FS_HZ != 360 && BOARD_FS_HZ != 500
#error "BOARD_FS_HZ is 250, 360 or 500"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Clocks, serial line, timers, LED. Never fails and never waits for ever. */
void board_init(void);

/* Name that INFO reports, e.g. "stm32f405". */
const char *board_name(void);

/* Take up to `size` received bytes; 0 when there are none. Does not wait. */
size_t board_read(uint8_t *bytes, size_t size);

/* Received bytes that were lost since board_init, because the receive buffer was full. */
uint32_t board_lost_bytes(void);

/* Send bytes; waits until they are in the hardware or its queue. */
void board_write(const uint8_t *bytes, size_t size);

/* A fast free-running counter and its rate; wraps at 2^32. */
uint32_t board_ticks(void);
uint32_t board_tick_hz(void);

/* Milliseconds since board_init; wraps at 2^32. */
uint32_t board_millis(void);

/* Sleep until a byte or a sample may have come, 100 ms at most. */
void board_idle(void);

void board_led(bool on);

/* Start sampling the analog front end at BOARD_FS_HZ; false: this board has none. */
bool board_live_start(void);
void board_live_stop(void);

/* Take the oldest sample (ADC units) and its lead flags (ECG_CORE_LEAD_OFF_*); false when there is none.
 * There is one for every sampling instant: those that could not be read have both lead flags (sample_gaps.h).
 */
bool board_sample(int16_t *sample_adu, uint8_t *lead_flags);

#ifdef __cplusplus
}
#endif

#endif
