#include "fibrillation.h"

#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "fibrillation_weights.h"
#include "private.h"

ECG_STATIC_ASSERT(FIBRILLATION_INPUTS == ECG_RHYTHM_FEATURES, weights_fit_features);

#define ENTROPY_FIRST 40u /* per cent of the median interval */
#define ENTROPY_WIDTH 8u
#define ENTROPY_CLASSES 21u
#define LONGEST_SPREAD 2000 /* per mille of the median interval */

/* 64 n log2(n) */
static const uint16_t N_LOG_N[ECG_RHYTHM_IRREGULAR_INTERVALS + 1] = {
    0,     0,     128,   304,   512,   743,   993,   1258,  1536,  1826,  2126,  2435,  2753,
    3079,  3411,  3751,  4096,  4447,  4804,  5165,  5532,  5903,  6279,  6659,  7043,  7430,
    7822,  8216,  8615,  9016,  9421,  9829,  10240, 10654, 11070, 11490, 11912, 12336, 12763,
    13192, 13624, 14058, 14495, 14933, 15374, 15817, 16261, 16708, 17157};

/* The intervals that count, the oldest first. */
typedef struct {
    uint16_t rr[ECG_RHYTHM_IRREGULAR_INTERVALS];
    uint32_t sum;
    int32_t p_waves;    /* of the evidence, around undecided */
    uint32_t no_p_wave; /* intervals */
    uint32_t quality;   /* sums over all intervals, also those that do not count */
    uint32_t unlikeness;
    uint32_t beats;  /* from the first interval to the last, read or not */
    uint8_t p_count; /* intervals with evidence of a P wave or its absence */
    uint8_t count;
} stretch_t;

static void take(stretch_t *stretch, const ecg_rhythm_interval_t *interval) {
    stretch->rr[stretch->count++] = interval->rr;
    stretch->sum += interval->rr;
    if (interval->p_wave > 0) {
        stretch->p_waves += interval->p_wave - 128;
        stretch->no_p_wave += interval->p_wave < 128;
        stretch->p_count++;
    }
}

static stretch_t gather(const ecg_rhythm_interval_t *intervals, uint8_t count) {
    stretch_t stretch = {.count = 0};
    for (uint8_t i = 0; i < count; i++) {
        stretch.quality += intervals[i].quality;
        stretch.unlikeness += intervals[i].unlikeness;
        stretch.beats += 1u + (i > 0 ? intervals[i].lost : 0u);
        if (!intervals[i].beside_ventricular) { /* its length tells nothing of the atria */
            take(&stretch, &intervals[i]);
        }
    }
    return stretch;
}

static int16_t permille(uint32_t part, uint32_t whole) {
    return (int16_t)(1000u * part / whole);
}

/* Intervals that do not differ from one: ecg_rhythm_differ with one division for all that it is compared to.
 */
typedef struct {
    uint32_t least;
    uint32_t width;
} alike_t;

static alike_t alike(uint32_t rr) {
    const uint32_t less = 200u - ECG_RHYTHM_IRREGULAR_PERCENT, more = 200u + ECG_RHYTHM_IRREGULAR_PERCENT;
    const uint32_t least = (less * rr + more - 1) / more;
    return (alike_t){least, more * rr / less - least};
}

static bool is_far(alike_t alike, uint32_t rr) {
    return rr - alike.least > alike.width;
}

ECG_STATIC_ASSERT(ECG_RHYTHM_IRREGULAR_LAGS == 4, as_many_as_count_far_has);

static void count_far(const stretch_t *stretch, uint32_t far[ECG_RHYTHM_IRREGULAR_LAGS]) {
    const uint16_t *rr = stretch->rr, *end = rr + stretch->count;
    uint32_t one = is_far(alike(rr[1]), rr[0]);
    one += is_far(alike(rr[2]), rr[1]) + is_far(alike(rr[3]), rr[2]);
    uint32_t two = is_far(alike(rr[2]), rr[0]) + is_far(alike(rr[3]), rr[1]);
    uint32_t three = is_far(alike(rr[3]), rr[0]), four = 0;
    for (rr += 4; rr < end; rr++) {
        const alike_t now = alike(*rr);
        one += is_far(now, rr[-1]);
        two += is_far(now, rr[-2]);
        three += is_far(now, rr[-3]);
        four += is_far(now, rr[-4]);
    }
    far[0] = one;
    far[1] = two;
    far[2] = three;
    far[3] = four;
}

static uint32_t count_bent(const stretch_t *stretch) {
    uint32_t bent = 0;
    for (unsigned i = 2; i < stretch->count; i++) {
        const int32_t line = 2 * stretch->rr[i - 1] - stretch->rr[i - 2];
        bent += 100 * abs(stretch->rr[i] - line) > ECG_RHYTHM_IRREGULAR_PERCENT * stretch->rr[i - 1];
    }
    return bent;
}

/* An early beat and the pause after it: 16 % of the mean apart, and together hardly longer than two. In
 * fibrillation two unlike neighbours are longer as often. */
static uint32_t count_early(const stretch_t *stretch) {
    const int32_t mean = (int32_t)(stretch->sum / stretch->count);
    const int32_t apart = 16 * mean, together = 210 * mean;
    uint32_t pairs = 0;
    for (unsigned i = 2; i < stretch->count; i++) {
        const int32_t a = stretch->rr[i - 2], b = stretch->rr[i - 1];
        pairs += 100 * abs(a - b) > apart && 100 * (a + b) < together;
    }
    return pairs;
}

/* Shell's method: a third of the steps of a plain insertion. */
static void sort(uint16_t *values, unsigned count) {
    static const uint8_t GAPS[] = {13, 4, 1};
    for (unsigned k = 0; k < sizeof GAPS; k++) {
        const int gap = GAPS[k];
        const uint16_t *end = values + count, *second = values + gap;
        for (uint16_t *next = values + gap; next < end; next++) {
            const uint16_t value = *next;
            uint16_t *place = next;
            for (; place >= second && place[-gap] > value; place -= gap) {
                *place = place[-gap];
            }
            *place = value;
        }
    }
}

/* Fibrillation spreads over many classes of the interval's length, ectopy and flutter over few. Classes are 8
 * % of the median wide, from 40 to 208 %. */
static int16_t entropy(const uint16_t *ascending, uint32_t count, uint32_t median) {
    uint32_t sum = 0, same = 0, last = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t now = (100u * ascending[i] / median - ENTROPY_FIRST) / ENTROPY_WIDTH;
        if (now != last) {
            sum += last < ENTROPY_CLASSES ? N_LOG_N[same] : 0;
            same = 0;
            last = now;
        }
        same++;
    }
    sum += last < ENTROPY_CLASSES ? N_LOG_N[same] : 0;
    return (int16_t)((N_LOG_N[count] - sum) / count);
}

/* Quantiles against the median: one early beat in ten or one long pause moves the outer ones alone,
 * fibrillation all of them. */
static void describe_spread(const stretch_t *stretch, int16_t *features) {
    static const uint8_t PERCENT[] = {5, 10, 25, 75, 90, 95};
    uint16_t rr[ECG_RHYTHM_IRREGULAR_INTERVALS];
    memcpy(rr, stretch->rr, stretch->count * sizeof rr[0]);
    sort(rr, stretch->count);
    const uint32_t last = stretch->count - 1u, median = rr[last / 2] > 0 ? rr[last / 2] : 1;
    features[ECG_RHYTHM_FEATURE_ENTROPY] = entropy(rr, stretch->count, median);
    for (unsigned k = 0; k < sizeof PERCENT; k++) {
        const uint32_t spread = 1000u * rr[(PERCENT[k] * last + 50) / 100] / median;
        features[ECG_RHYTHM_FEATURE_SPREAD_5 + k] =
            (int16_t)(spread < LONGEST_SPREAD ? spread : LONGEST_SPREAD);
    }
}

static void describe_intervals(const stretch_t *stretch, uint16_t fs_hz, int16_t *features) {
    uint32_t far[ECG_RHYTHM_IRREGULAR_LAGS] = {0}, fewest = stretch->count;
    count_far(stretch, far);
    for (unsigned k = 0; k < ECG_RHYTHM_IRREGULAR_LAGS; k++) {
        features[ECG_RHYTHM_FEATURE_FAR_1 + k] = permille(far[k], stretch->count);
        fewest = far[k] < fewest ? far[k] : fewest;
    }
    features[ECG_RHYTHM_FEATURE_FAR] = permille(fewest, stretch->count);
    features[ECG_RHYTHM_FEATURE_BENT] = permille(count_bent(stretch), stretch->count);
    features[ECG_RHYTHM_FEATURE_EARLY] = permille(count_early(stretch), stretch->count);
    const uint32_t rate = 60u * fs_hz * stretch->count / stretch->sum;
    features[ECG_RHYTHM_FEATURE_RATE] =
        (int16_t)(rate < ECG_RHYTHM_RATE_HIGHEST ? rate : ECG_RHYTHM_RATE_HIGHEST);
}

bool ecg_rhythm_describe(const ecg_rhythm_irregular_t *irregular, uint8_t count, uint16_t fs_hz,
                         int16_t features[ECG_RHYTHM_FEATURES]) {
    count = count < irregular->count ? count : irregular->count;
    const stretch_t stretch = gather(irregular->intervals + irregular->count - count, count);
    if (stretch.count < ECG_RHYTHM_IRREGULAR_LEAST) {
        return false;
    }
    describe_intervals(&stretch, fs_hz, features);
    describe_spread(&stretch, features);
    features[ECG_RHYTHM_FEATURE_P_WAVE] = (int16_t)(stretch.p_waves / (stretch.p_count + 1));
    features[ECG_RHYTHM_FEATURE_NO_P_WAVE] = permille(stretch.no_p_wave, stretch.p_count + 1u);
    features[ECG_RHYTHM_FEATURE_LEFT_OUT] = permille(stretch.beats - stretch.count, stretch.beats);
    features[ECG_RHYTHM_FEATURE_QUALITY] = (int16_t)(stretch.quality / count);
    features[ECG_RHYTHM_FEATURE_UNLIKE] = (int16_t)(stretch.unlikeness / count);
    features[ECG_RHYTHM_FEATURE_FEW] = (int16_t)(12000 / stretch.count);
    return true;
}

static int32_t score(const int16_t *features, const int32_t *weights, int32_t bias) {
    int32_t sum = bias;
    for (int i = 0; i < ECG_RHYTHM_FEATURES; i++) {
        sum += weights[i] * features[i];
    }
    return sum >> FIBRILLATION_SHIFT;
}

int32_t ecg_rhythm_score_fibrillation(const int16_t features[ECG_RHYTHM_FEATURES]) {
    return score(features, FIBRILLATION_WEIGHT, FIBRILLATION_BIAS);
}

int32_t ecg_rhythm_score_irregular(const int16_t features[ECG_RHYTHM_FEATURES]) {
    return score(features, IRREGULAR_WEIGHT, IRREGULAR_BIAS);
}

/* 100 / (1 + e^-x) for x = 0, 1/2, 1, ... */
uint8_t ecg_rhythm_percent(int32_t score) {
    static const uint8_t PERCENT[] = {50, 62, 73, 82, 88, 92, 95, 97, 98, 99, 99};
    const int32_t half = ecg_clip(abs(score) / 128, 0, (int32_t)sizeof PERCENT - 1);
    return (uint8_t)(score >= 0 ? PERCENT[half] : 100 - PERCENT[half]);
}
