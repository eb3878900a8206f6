/* What the application asks of a board: the few functions that a porter writes (docs/how-to/port-a-board.md).
 * Each board has its own entry point, which calls board_init() and then app_run(). */
#ifndef ECG_EDGE_BOARD_H
#define ECG_EDGE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ecg_store/flash.h"
#include "reset_cause.h"

/* How often a board samples its front end; another rate is a build flag in platformio.ini. The signal path
 * works at 360 Hz and resamples the other two (docs/explanation/signal-path.md). */
#ifndef BOARD_FS_HZ
#define BOARD_FS_HZ 360
#endif
#if BOARD_FS_HZ != 250 && BOARD_FS_HZ != 360 && BOARD_FS_HZ != 500
#error "BOARD_FS_HZ is 250, 360 or 500"
#endif

/* Readings that mean that the front end saturates: the outermost of an ADC of 12 bits. */
#ifndef BOARD_ADC_LEAST
#define BOARD_ADC_LEAST 8
#endif
#ifndef BOARD_ADC_MOST
#define BOARD_ADC_MOST 4087
#endif

/* Whether LIVE begins without a host when the settings do not say otherwise. */
#ifndef BOARD_LIVE_ALONE
#define BOARD_LIVE_ALONE 1
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

/* ---- what a board may leave out (board_defaults.c) ------------------------------------------------------
 */

/* reset_cause_t of this start; the same answer at every call. */
uint8_t board_reset_cause(void);

/* Memory for settings and log: at least 5 sectors, 3 of them the log; NULL when there is none. */
const ecg_flash_t *board_flash(void);

/* The stack's size, and the most of it that was used since the start; 0: not known. */
uint32_t board_stack_bytes(void);
uint32_t board_stack_used(void);

/* Sampling instants without a sample since board_init: filled in, and flagged. */
uint32_t board_missed_samples(void);

/* Longest minus shortest delay from a sampling instant to its conversion since the start, in ticks. */
uint32_t board_jitter_ticks(void);

/* A reset comes when board_watchdog_feed is not called for some seconds: longer than it takes to erase a
 * sector. */
void board_watchdog_start(void);
void board_watchdog_feed(void);

/* A tone, until it is switched off. */
void board_buzzer(bool on);

/* Measured sampling rate in 1/1000 Hz, by another clock than the one that samples; 0: not known yet. */
uint32_t board_rate_mhz(void);

/* Voltage of the battery; 0: not measured. */
uint16_t board_battery_mv(void);

/* What goes out by Bluetooth, in the payloads of ecg_ble. */
typedef enum {
    BOARD_VALUE_HEART_RATE,
    BOARD_VALUE_BATTERY,
    BOARD_VALUE_SAMPLES,
    BOARD_VALUE_BEAT,
    BOARD_VALUE_EVENT,
} board_value_t;

/* The most bytes that a notification takes now; 0: nobody is connected. */
size_t board_notify_bytes(void);

/* Notify whoever wants that value; keeps it for those who read it. Does not wait. */
void board_notify(board_value_t value, const uint8_t *bytes, size_t size);

/* Called after the self-test, and then often: a firmware that is on trial after an update is kept, or the one
 * before it is started again (ecg_board/update.h). */
void board_trial(bool self_test_passed, uint32_t uptime_ms);

#ifdef __cplusplus
}
#endif

#endif
