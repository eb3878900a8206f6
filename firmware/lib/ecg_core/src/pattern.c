#include "pattern.h"

#include "filters.h"
#include "int_math.h"

#define STEP 3           /* samples between two points of a pattern, and between two lags */
#define LAGS 15          /* the beat may lie 58 ms before or after the energy's peak */
#define HALF_SLOPE 3     /* half the distance of the samples whose difference is a slope */
#define SLOPE_LIMIT 8191 /* keeps the sums of squares within 32 bits */
#define POINTS ECG_PATTERN_POINTS
#define SERIES (POINTS + LAGS - 1)
#define MATCH_LIMIT 192 /* three times the usual */
#define HALF_Q8 128     /* half of the beats */
#define FITS 77         /* 0.6 * 128: such a beat is of the pattern */
#define FIRST_BEATS 16  /* the plain mean of so many, then a running one */
#define ODD_WEIGHT 4    /* a beat that fits no pattern is a quarter of the second one at once */

typedef char ecg_assert_lags_by_three[LAGS % 3 == 0 ? 1 : -1];
typedef char ecg_assert_reach[STEP * (SERIES / 2) + HALF_SLOPE == ECG_PATTERN_REACH ? 1 : -1];

static int32_t slope(int32_t after, int32_t before) {
    return ecg_clip(after - before, -SLOPE_LIMIT, SLOPE_LIMIT);
}

static int32_t norm_of(const int16_t *points) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < POINTS; i++) sum += points[i] * points[i];
    return (int32_t)ecg_isqrt32((uint32_t)sum);
}

/* Slopes around the energy's peak; the baseline filter keeps the last low-pass outputs. */
static void read_series(const ecg_filter_t *filter, uint32_t age, int16_t *series) {
    const uint32_t latest = filter->baseline_at + ECG_FILTER_BASELINE_TAPS - 1;
    uint32_t before =
        (latest + ECG_FILTER_BASELINE_TAPS - age - ECG_PATTERN_REACH) % ECG_FILTER_BASELINE_TAPS;
    for (uint32_t i = 0; i < SERIES; i++) {
        uint32_t after = before + 2 * HALF_SLOPE;
        if (after >= ECG_FILTER_BASELINE_TAPS) after -= ECG_FILTER_BASELINE_TAPS;
        series[i] = (int16_t)slope(filter->baseline[after], filter->baseline[before]);
        before += STEP;
        if (before >= ECG_FILTER_BASELINE_TAPS) before -= ECG_FILTER_BASELINE_TAPS;
    }
}

/* The lag at which the pattern's filter answers most; three lags at once, so that each point is loaded once.
 */
static int32_t best_lag(const ecg_pattern_t *pattern, const int16_t *series, int32_t *answer) {
    int32_t best = 0;
    *answer = INT32_MIN;
    for (int32_t lag = 0; lag < LAGS; lag += 3) {
        const int16_t *at = series + lag;
        int32_t sum0 = 0, sum1 = 0, sum2 = 0;
        for (uint32_t i = 0; i < POINTS; i++) {
            const int32_t point = pattern->points[i];
            sum0 += point * at[i];
            sum1 += point * at[i + 1];
            sum2 += point * at[i + 2];
        }
        if (sum0 > *answer) *answer = sum0, best = lag;
        if (sum1 > *answer) *answer = sum1, best = lag + 1;
        if (sum2 > *answer) *answer = sum2, best = lag + 2;
    }
    return best;
}

/* A rare pattern that is lower than the usual one must not make much of little. */
static int32_t usual_norm(const ecg_patterns_t *patterns, const ecg_pattern_t *own) {
    const int32_t usual = patterns->kinds[patterns->odd_q8 > HALF_Q8 ? 1 : 0].norm;
    return own->norm > usual ? own->norm : usual;
}

void ecg_pattern_match(const ecg_patterns_t *patterns, const ecg_filter_t *filter, uint32_t index,
                       ecg_candidate_t *candidate) {
    int16_t series[SERIES];
    candidate->match = candidate->fit = 0;
    read_series(filter, index - ECG_FILTER_LOWPASS_DELAY - candidate->energy_at, series);
    int32_t highest = INT32_MIN;
    for (uint8_t i = 0; i < ECG_PATTERNS && patterns->kinds[i].norm > 0; i++) {
        const ecg_pattern_t *kind = &patterns->kinds[i];
        int32_t answer;
        const int32_t lag = best_lag(kind, series, &answer);
        const int32_t amplitude = answer / kind->norm;
        if (amplitude <= highest) continue;
        highest = amplitude;
        candidate->pattern = i;
        candidate->lag = (int8_t)(STEP * (lag - LAGS / 2));
        const int32_t match = amplitude * 64 / usual_norm(patterns, kind);
        candidate->match = (int16_t)ecg_clip(match, -MATCH_LIMIT, MATCH_LIMIT);
        candidate->fit = (int16_t)(amplitude * 128 / (norm_of(series + lag) + 1));
    }
}

void ecg_pattern_learn(ecg_patterns_t *patterns, const int16_t *history, const ecg_candidate_t *candidate) {
    const bool odd = patterns->kinds[0].norm > 0 && candidate->fit < FITS;
    const uint8_t kind = odd ? ECG_PATTERNS - 1 : candidate->pattern;
    ecg_pattern_t *pattern = &patterns->kinds[kind];
    patterns->odd_q8 = (int16_t)(patterns->odd_q8 + ((kind == 0 ? 0 : 2 * HALF_Q8) - patterns->odd_q8) / 16);
    const int32_t weight = odd && pattern->norm > 0 ? ODD_WEIGHT : pattern->beats + 1;
    const uint32_t first = candidate->energy_at + (uint32_t)(candidate->lag - STEP * (POINTS / 2));
    for (uint32_t i = 0; i < POINTS; i++) {
        const uint32_t at = first + STEP * i;
        const int32_t value = slope(history[(at + HALF_SLOPE) & (ECG_HISTORY_SAMPLES - 1)],
                                    history[(at - HALF_SLOPE) & (ECG_HISTORY_SAMPLES - 1)]);
        pattern->points[i] = (int16_t)(pattern->points[i] + ecg_divide(value - pattern->points[i], weight));
    }
    pattern->norm = norm_of(pattern->points) + 1;
    if (pattern->beats < FIRST_BEATS - 1) pattern->beats++;
}
