/* Atrial flutter. Its waves come every 170 to 330 ms, and some of them are conducted: every second, third or
 * fourth. So each interval is a multiple of one period, and lies at the same angle of a circle of this
 * period. The mean of the intervals as vectors on the circle is long then, and short in fibrillation. */
#include "ecg_base/int_math.h"
#include "private.h"

#define SECOND 1024u /* unit of an interval */
#define CIRCLE 64u   /* steps of a turn */
#define RADIUS 100
#define LONGEST 3u /* intervals up to so many seconds */

/* Turns * 2^16 in 1/1024 s: 330 to 170 ms in steps of 2.9 %. */
static const uint16_t STEPS[ECG_RHYTHM_FLUTTER_PERIODS] = {
    194, 200, 205, 211, 218, 224, 231, 237, 244, 251, 259, 266,
    274, 282, 290, 299, 308, 317, 326, 335, 345, 355, 366, 376,
};

/* RADIUS * sin of steps of a turn, and a quarter more for the cosine. */
static const int8_t SINE[CIRCLE + CIRCLE / 4u] = {
    0,   10,  20,  29,  38,  47,  56,  63,   71,   77,   83,  88,  92,  96,  98,  100, 100, 100, 98,  96,
    92,  88,  83,  77,  71,  63,  56,  47,   38,   29,   20,  10,  0,   -10, -20, -29, -38, -47, -56, -63,
    -71, -77, -83, -88, -92, -96, -98, -100, -100, -100, -98, -96, -92, -88, -83, -77, -71, -63, -56, -47,
    -38, -29, -20, -10, 0,   10,  20,  29,   38,   47,   56,  63,  71,  77,  83,  88,  92,  96,  98,  100};

static void add(ecg_rhythm_flutter_t *flutter, uint16_t rr, uint16_t fs_hz, int32_t times) {
    const uint32_t seconds = rr < LONGEST * fs_hz ? rr * SECOND / fs_hz : LONGEST * SECOND;
    for (uint32_t k = 0; k < ECG_RHYTHM_FLUTTER_PERIODS; k++) {
        const uint32_t step = ((seconds * STEPS[k] + 512u) >> 10) % CIRCLE;
        flutter->sine[k] = (int16_t)(flutter->sine[k] + times * SINE[step]);
        flutter->cosine[k] = (int16_t)(flutter->cosine[k] + times * SINE[step + CIRCLE / 4u]);
    }
    flutter->count = (uint8_t)(flutter->count + times);
}

void ecg_rhythm_flutter_add(ecg_rhythm_flutter_t *flutter, uint16_t rr, uint16_t fs_hz) {
    add(flutter, rr, fs_hz, 1);
}

void ecg_rhythm_flutter_remove(ecg_rhythm_flutter_t *flutter, uint16_t rr, uint16_t fs_hz) {
    add(flutter, rr, fs_hz, -1);
}

uint32_t ecg_rhythm_flutter_excess(const ecg_rhythm_flutter_t *flutter) {
    const uint32_t limit = flutter->count * (ECG_RHYTHM_FLUTTER_PERMILLE * RADIUS / 1000u);
    uint32_t highest = 0;
    for (uint32_t k = 0; k < ECG_RHYTHM_FLUTTER_PERIODS; k++) {
        const int32_t sine = flutter->sine[k], cosine = flutter->cosine[k];
        const uint32_t square = (uint32_t)(sine * sine + cosine * cosine);
        highest = square > highest ? square : highest;
    }
    return highest > limit * limit ? 1000u / RADIUS * (ecg_isqrt32(highest) - limit) / flutter->count : 0;
}
