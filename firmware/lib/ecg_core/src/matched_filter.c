#include "matched_filter.h"

#include "ecg_base/int_math.h"
#include "ecg_base/pairs.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "filters.h"
#include "history.h"

#define STEP 3           /* samples between two points of a template, and between two lags */
#define LAGS 15          /* the beat may lie 58 ms before or after the energy's peak */
#define HALF_SLOPE 3     /* half the distance of the samples whose difference is a slope */
#define SLOPE_LIMIT 8191 /* keeps the sums of squares within 32 bits */
#define POINTS ECG_QRS_TEMPLATE_POINTS
#define SERIES (POINTS + LAGS - 1)
#define GAIN_LIMIT 192           /* three times the usual gain of 64 */
#define HALF_Q8 128              /* half of the beats went into the second template */
#define MATCHED_CORR_Q7 77       /* correlation of 0.6: the beat belongs to the template */
#define FIRST_BEATS 16           /* plain mean of the first 16 beats, then exponential with 1 / 16 */
#define SECOND_TEMPLATE_WEIGHT 4 /* an unmatched beat moves the second template by 1 / 4 at once */

ECG_STATIC_ASSERT(LAGS % 3 == 0 && POINTS % 2 == 1, lags_by_three_and_points_by_two);
ECG_STATIC_ASSERT(STEP *(SERIES / 2) + HALF_SLOPE == ECG_MATCHED_FILTER_REACH, reach);

static int32_t slope(int32_t after, int32_t before) {
    return ecg_clip(after - before, -SLOPE_LIMIT, SLOPE_LIMIT);
}

static int32_t norm_of(const int16_t *points) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        sum += points[i] * points[i];
    }
    return (int32_t)ecg_isqrt32((uint32_t)sum);
}

/* Slopes around the energy's peak from the last low-pass outputs. */
static void read_lowpass(const ecg_filter_t *filter, uint32_t energy_at, int16_t *series) {
    uint32_t at = energy_at + ECG_FILTER_LOWPASS_DELAY - STEP * (SERIES / 2);
    for (uint32_t i = 0; i < SERIES; i++, at += STEP) {
        series[i] = (int16_t)slope(ecg_filter_lowpass(filter, at + HALF_SLOPE),
                                   ecg_filter_lowpass(filter, at - HALF_SLOPE));
    }
}

static void read_history(const int16_t *history, uint32_t energy_at, int16_t *series) {
    uint32_t at = energy_at - STEP * (SERIES / 2);
    for (uint32_t i = 0; i < SERIES; i++, at += STEP) {
        series[i] = (int16_t)slope(ecg_history_at(history, at + HALF_SLOPE),
                                   ecg_history_at(history, at - HALF_SLOPE));
    }
}

/* Candidates that waited for the end of the start-up are older than the low-pass outputs. */
static void read_series(const ecg_filter_t *filter, const int16_t *history, uint32_t index,
                        const ecg_candidate_t *candidate, int16_t *series) {
    const uint32_t age = index - ECG_FILTER_LOWPASS_DELAY - candidate->energy_at;
    if (age + ECG_MATCHED_FILTER_REACH < ECG_FILTER_BASELINE_TAPS) {
        read_lowpass(filter, candidate->energy_at, series);
    } else {
        read_history(history, candidate->energy_at, series);
    }
}

/* Lag of the highest filter output; three lags per pass, so that each point is loaded once. */
static int32_t best_lag(const ecg_qrs_template_t *qrs_template, const int16_t *series, int32_t *output) {
    int32_t best = 0;
    *output = INT32_MIN;
    for (int32_t lag = 0; lag < LAGS; lag += 3) {
        const int16_t *at = series + lag;
        const int32_t last = qrs_template->points[POINTS - 1];
        const int16_t *point = qrs_template->points, *const end = point + POINTS - 1;
        int32_t sum0 = last * at[POINTS - 1], sum1 = last * at[POINTS], sum2 = last * at[POINTS + 1];
        ECG_UNROLL(3)
        for (; point != end; point += 2, at += 2) {
            const ecg_pair_t pair = ecg_pair_at(point);
            sum0 = ecg_add_pairs(sum0, pair, ecg_pair_at(at));
            sum1 = ecg_add_pairs(sum1, pair, ecg_pair_at(at + 1));
            sum2 = ecg_add_pairs(sum2, pair, ecg_pair_at(at + 2));
        }
        if (sum0 > *output) {
            *output = sum0;
            best = lag;
        }
        if (sum1 > *output) {
            *output = sum1;
            best = lag + 1;
        }
        if (sum2 > *output) {
            *output = sum2;
            best = lag + 2;
        }
    }
    return best;
}

/* Normalize a rare template by the common one's norm, so that low-amplitude templates do not inflate the
 * gain.
 */
static int32_t common_norm(const ecg_matched_filter_t *matched, const ecg_qrs_template_t *own) {
    const int32_t common = matched->templates[matched->second_template_share_q8 > HALF_Q8 ? 1 : 0].norm;
    return own->norm > common ? own->norm : common;
}

void ecg_matched_filter_apply(const ecg_matched_filter_t *matched, const ecg_filter_t *filter,
                              const int16_t *history, uint32_t index, ecg_candidate_t *candidate) {
    int16_t series[SERIES];
    candidate->template_gain = candidate->template_corr = 0;
    read_series(filter, history, index, candidate, series);
    int32_t highest = INT32_MIN;
    for (uint8_t i = 0; i < ECG_QRS_TEMPLATES && matched->templates[i].norm > 0; i++) {
        const ecg_qrs_template_t *kind = &matched->templates[i];
        int32_t output;
        const int32_t lag = best_lag(kind, series, &output);
        const int32_t amplitude = output / kind->norm;
        if (amplitude <= highest) {
            continue;
        }
        highest = amplitude;
        candidate->template_index = i;
        candidate->lag = (int8_t)(STEP * (lag - LAGS / 2));
        const int32_t gain = amplitude * 64 / common_norm(matched, kind);
        candidate->template_gain = (int16_t)ecg_clip(gain, -GAIN_LIMIT, GAIN_LIMIT);
        candidate->template_corr = (int16_t)(amplitude * 128 / (norm_of(series + lag) + 1));
    }
}

void ecg_matched_filter_learn(ecg_matched_filter_t *matched, const int16_t *history,
                              const ecg_candidate_t *candidate) {
    const bool unmatched = matched->templates[0].norm > 0 && candidate->template_corr < MATCHED_CORR_Q7;
    const uint8_t kind = unmatched ? ECG_QRS_TEMPLATES - 1 : candidate->template_index;
    ecg_qrs_template_t *qrs_template = &matched->templates[kind];
    matched->second_template_share_q8 =
        (int16_t)(matched->second_template_share_q8 +
                  ((kind == 0 ? 0 : 2 * HALF_Q8) - matched->second_template_share_q8) / 16);
    const int32_t weight =
        unmatched && qrs_template->norm > 0 ? SECOND_TEMPLATE_WEIGHT : qrs_template->beats + 1;
    const uint32_t first = candidate->energy_at + (uint32_t)(candidate->lag - STEP * (POINTS / 2));
    for (uint32_t i = 0; i < POINTS; i++) {
        const uint32_t at = first + STEP * i;
        const int32_t value =
            slope(ecg_history_at(history, at + HALF_SLOPE), ecg_history_at(history, at - HALF_SLOPE));
        qrs_template->points[i] =
            (int16_t)(qrs_template->points[i] + ecg_divide(value - qrs_template->points[i], weight));
    }
    qrs_template->norm = norm_of(qrs_template->points) + 1;
    if (qrs_template->beats < FIRST_BEATS - 1) {
        qrs_template->beats++;
    }
}
