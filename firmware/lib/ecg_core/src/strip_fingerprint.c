#include "ecg_base/crc32.h"
#include "ecg_base/int_math.h"
#include "ecg_core/ecg_strip.h"

#define SIGNAL_SAMPLES 7920 /* 22 s: strips at 10, 15 and 20 s */
#define BEAT_SAMPLES 300
#define JUMP_AT 3000 /* the level leaves the range of 34 mV */
#define JUMP_ADU (-9000)
#define SATURATED_AT 6000 /* from here on the waves are higher than a strip holds */

/* A triangle of this half width and height around `middle`. */
static int32_t triangle(int32_t at, int32_t middle, int32_t half_width, int32_t height) {
    const int32_t distance = at > middle ? at - middle : middle - at;
    return distance < half_width ? height * (half_width - distance) / half_width : 0;
}

/* QRS complexes and T waves, 200 a millivolt, with noise and a baseline that turns every 7 s and every 0.3 s.
 */
static int16_t synthetic_sample(int32_t index, uint32_t *random) {
    const int32_t at = index % BEAT_SAMPLES;
    const int32_t gain = index < SATURATED_AT ? 1 : 4;
    *random = *random * 1664525u + 1013904223u; /* Numerical Recipes */
    const int32_t waves = triangle(at, 90, 8, 240) + triangle(at, 180, 40, 60);
    const int32_t baseline = triangle(index % 2520, 1260, 1260, 300) + triangle(index % 108, 54, 54, 20);
    const int32_t jump = index < JUMP_AT ? 0 : JUMP_ADU;
    return (int16_t)(gain * waves + baseline + jump + (int32_t)(*random >> 27));
}

uint32_t ecg_strip_fingerprint(ecg_strip_t *scratch) {
    const ecg_core_config_t config = ecg_core_default_config();
    int8_t out[ECG_STRIP_POINTS];
    uint32_t crc = 0, random = 1;
    ecg_strip_init(scratch, &config);
    for (int32_t i = 0; i < SIGNAL_SAMPLES; i++) {
        if (ecg_strip_push(scratch, synthetic_sample(i, &random))) {
            ecg_strip_read(scratch, out);
            crc = ecg_crc32(crc, out, sizeof out);
        }
    }
    return crc;
}
