/* The sampling instants of a timer whose rate is no multiple of the sampling rate: whole ticks that are right
 * on average. The rate is measured by another clock, and corrected where the timer is not at its own. */
#ifndef ECG_BOARD_SAMPLING_RATE_H
#define ECG_BOARD_SAMPLING_RATE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_RATE_WINDOW_US 10000000u /* 10 s: a reading that is 50 us late changes the rate by 5 ppm */
#define ECG_RATE_LEAST_PPM 50u       /* a smaller difference is left as it is: two crystals may differ so */
#define ECG_RATE_MOST_PPM 300000u    /* more is no clock's error: measured anew */

typedef struct {
    uint64_t period_q16;   /* ticks between two instants, in 1/65536 */
    uint32_t rest_q16;     /* part of a tick that the last period left out */
    uint32_t nominal_mhz;  /* in 1/1000 Hz */
    uint32_t measured_mhz; /* of the last window, before a correction; 0: not measured yet */
    uint32_t instants;     /* of the present window */
    uint64_t elapsed_us;
    uint32_t corrections;
} ecg_rate_t;

/** Begin at the nominal rate.
 *
 *  @param[out] rate      state
 *  @param[in]  timer_hz  ticks a second, at least 1000 times fs_hz
 *  @param[in]  fs_hz     sampling rate
 */
void ecg_rate_init(ecg_rate_t *rate, uint32_t timer_hz, uint16_t fs_hz);

/** Get the time to the next instant.
 *
 *  @param[in,out] rate  state
 *  @return              whole ticks
 */
uint32_t ecg_rate_next(ecg_rate_t *rate);

/** Begin a window anew, as after a pause.
 *
 *  @param[in,out] rate  state
 */
void ecg_rate_restart(ecg_rate_t *rate);

/** Take what the other clock counted. When a window is complete, the rate is known, and the period corrected.
 *
 *  @param[in,out] rate        state
 *  @param[in]     instants    sampling instants since the last call
 *  @param[in]     elapsed_us  microseconds since the last call
 *  @return                    true when a window was completed
 */
bool ecg_rate_measure(ecg_rate_t *rate, uint32_t instants, uint32_t elapsed_us);

#ifdef __cplusplus
}
#endif

#endif
