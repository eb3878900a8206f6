/* ecg_strip: from the raw ADC sample to the int8 input of the morphology network, the last 10 s of the
 * signal.
 *
 * Beside ecg_core_t and independent of it: the same samples go to both. Levels are absolute (a fixed number
 * of microvolts a step), and neither the low-pass nor the baseline estimate shifts phases, so that ST segment
 * and T wave keep their shape. Portable C99, integers only, no heap, no globals.
 *
 * Use:  ecg_strip_init(&strip, &config);
 *       for each sample:  if (ecg_strip_push(&strip, sample)) { ecg_strip_read(&strip, input); ... }
 *
 * Not reentrant for one ecg_strip_t; different ones are independent. No function blocks.
 */
#ifndef ECG_CORE_ECG_STRIP_H
#define ECG_CORE_ECG_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_STRIP_FS_HZ 90
#define ECG_STRIP_SECONDS 10
#define ECG_STRIP_POINTS (ECG_STRIP_FS_HZ * ECG_STRIP_SECONDS) /* 900 */
#define ECG_STRIP_EVERY_SECONDS 5                              /* from one strip to the next */
#define ECG_STRIP_STEPS_PER_MV 50                              /* 20 uV; saturates at 2.54 mV */
#define ECG_STRIP_DELAY 28             /* samples at 360 Hz, 78 ms: the newest point is so late */
#define ECG_STRIP_STATE_MAX_BYTES 2048 /* asserted in strip.c */

#define ECG_STRIP_TAPS 57 /* of the low-pass, odd */

/* The members belong to ecg_strip and change without notice; the layout is here for static allocation. */
typedef struct {
    ecg_resample_t resample;
    ecg_input_t input;
    uint32_t samples;                 /* at 360 Hz, so far */
    uint16_t point_at;                /* where the next point goes, so the oldest one */
    uint16_t until_due;               /* points until a strip is due */
    uint8_t tap_at;                   /* where the next sample goes */
    int16_t taps[ECG_STRIP_TAPS];     /* the last samples, a ring */
    int16_t points[ECG_STRIP_POINTS]; /* the last points, a ring */
} ecg_strip_t;

/** Reset the state for a new signal.
 *
 *  @param[out] strip   state; its content before does not matter
 *  @param[in]  config  rate and gain as for ecg_core_init; `peaks` and `mains_hz` have no effect, as the
 *                      low-pass stops both mains frequencies
 *  @return             ECG_CORE_OK, ECG_CORE_BAD_CONFIG or ECG_CORE_BAD_ARGUMENT; unless OK, *strip is
 *                      unchanged
 */
ecg_core_status_t ecg_strip_init(ecg_strip_t *strip, const ecg_core_config_t *config);

/** Take one sample. Takes about 240 Cortex-M4 instructions on average, at most 850, at 360 Hz.
 *
 *  @param[in,out] strip       state
 *  @param[in]     sample_adu  ADC units around any baseline, as for ecg_core_push
 *  @return                    true when a strip is due: 10 s after the first sample, then every 5 s
 */
bool ecg_strip_push(ecg_strip_t *strip, int16_t sample_adu);

/** Write the last 10 s, the slow baseline subtracted. Allowed at any time; before the first strip is due, the
 *  missing part is the first sample's level. Takes about 100,000 Cortex-M4 instructions.
 *
 *  @param[in]  strip  state
 *  @param[out] out    int8 (ECG_STRIP_POINTS,), oldest first, ECG_STRIP_STEPS_PER_MV a millivolt
 */
void ecg_strip_read(const ecg_strip_t *strip, int8_t *out);

/** Compute one number that identifies the behaviour of this build, as ecg_core_fingerprint does. Bundles of
 *  models that take a strip carry the value that they were trained with.
 *
 *  @param[out] scratch  memory to work in; its content before does not matter
 *  @return              CRC-32 of the strips of a built-in synthetic signal of 22 s: QRS and T waves, noise,
 *                       a slow and a fast baseline, saturation and a jump out of the range
 */
uint32_t ecg_strip_fingerprint(ecg_strip_t *scratch);

#ifdef __cplusplus
}
#endif

#endif
