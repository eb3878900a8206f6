#include "qrs_classifier.h"

#include <stdlib.h>
#include <string.h>

#include "candidate_queue.h"
#include "ecg_base/int_math.h"
#include "ecg_base/pairs.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "matched_filter.h"
#include "qrs_classifier_weights.h"
#include "qrs_start.h"
#include "shape.h"
#include "sqi_repetition.h"
#include "sqi_waves.h"

#define REFRACTORY 72           /* 200 ms: physiological refractory period */
#define SHORTEST_RR 72          /* intervals that the mean takes in are limited to 0.2 s */
#define LONGEST_RR 720          /* and 2 s */
#define LONGEST_GAP 1500        /* 4 s: longer ones count as this long */
#define DECAY_AFTER 1080        /* 3 s without a beat */
#define LONGEST_RATIO 512       /* of a gap to the mean interval, * 64 */
#define REJECTED_REACH 400      /* 1.1 s */
#define NEXT_REACH 222          /* candidates up to 0.6 s later are known when one is classified */
#define LOWEST_RATIO (-384)     /* log2 * 64 of 1 / 64: as good as nothing */
#define NO_MATCH (-64)          /* no candidate there */
#define MATCH_REACH 200         /* candidates up to 0.55 s later have been matched with the templates */
#define PHASE_TOLERANCE 12      /* an interval back: 8 % of it earlier or later */
#define FIRST_WEIGHT 4          /* of a difference in the slow mean interval: 1 / 4 for the first beats, */
#define SLOW_WEIGHT 24          /* then 1 / 24 */
#define SEARCHBACK_ENERGY (-64) /* log2 * 64: half the mean energy */
#define SEARCHBACK_RR 96        /* 1.5 mean intervals * 64 */
#define FNV_PRIME 16777619u     /* of the hash FNV-1a */
#define LIKE_ENERGY 64          /* log2 * 64: a factor of two */
#define NO_REPEAT (-128)        /* no candidate of like energy */
#define EARLIEST_START (-50)    /* samples from the first one */
#define LEAST_PEAK_TO_PEAK \
    72 /* 0.08 mV, the lowest QRS complex annotated in ludb's training part; noise is lower */
#define LATEST_START 200 /* samples; later than at the start */

static int32_t mean(const int32_t *values) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < ECG_QRS_BEATS; i++) {
        sum += values[i];
    }
    return sum / ECG_QRS_BEATS;
}

static int16_t above_mean(int16_t slope, const int16_t *slopes) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < ECG_QRS_BEATS; i++) {
        sum += slopes[i];
    }
    return (int16_t)(slope - sum / ECG_QRS_BEATS);
}

static int32_t lowest(const int32_t *values) {
    int32_t result = values[0];
    for (uint32_t i = 1; i < ECG_QRS_BEATS; i++) {
        result = values[i] < result ? values[i] : result;
    }
    return result;
}

static uint32_t known_beats(const ecg_qrs_classifier_t *classifier) {
    return classifier->beats < ECG_QRS_BEATS ? classifier->beats : ECG_QRS_BEATS;
}

/* How much the shape is like one of the last beats, and like all of them. */
static void compare_shapes(const ecg_qrs_classifier_t *classifier, const int8_t *shape, int16_t *best,
                           int16_t *average) {
    int32_t highest = INT16_MIN, sum = 0;
    for (uint32_t i = 0; i < ECG_QRS_BEATS; i++) {
        const int32_t likeness = ecg_shape_correlation_q7(shape, classifier->shapes[i]);
        sum += likeness;
        if (likeness > highest) {
            highest = likeness;
        }
    }
    *best = (int16_t)highest;
    *average = (int16_t)(sum / ECG_QRS_BEATS);
}

/* The candidates that were classified last need not have been beats. */
static void find_repeats(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *c, int32_t log_energy,
                         int16_t *features) {
    int32_t best = NO_REPEAT, second = NO_REPEAT;
    for (uint32_t i = 0; i < ECG_QRS_RECENT; i++) {
        const ecg_qrs_recent_t *other = &classifier->recent[i];
        if (c->at - other->at < REFRACTORY || abs(other->log_energy - log_energy) > LIKE_ENERGY) {
            continue;
        }
        const int32_t likeness = ecg_shape_correlation_q7(c->shape, other->shape);
        second = likeness > best ? best : likeness > second ? likeness : second;
        best = likeness > best ? likeness : best;
    }
    features[ECG_QRS_REPEAT_CORR] = (int16_t)best;
    features[ECG_QRS_SECOND_REPEAT_CORR] = (int16_t)second;
}

/* log2 * 64 of the ratio of two values that are not 0. */
static int16_t ratio(int32_t log_value, int32_t log_reference) {
    return (int16_t)ecg_clip(log_value - log_reference, LOWEST_RATIO, -LOWEST_RATIO);
}

static int16_t ratio_or_lowest(int32_t value, int32_t log_reference) {
    return value == 0 ? LOWEST_RATIO : ratio(ecg_log2_plus_one_q6(value), log_reference);
}

/* The highest candidates within the refractory time after this one, and beyond it. What comes still later may
 * or may not be known yet, and must not count. */
static void look_ahead(const ecg_queue_t *queue, int32_t log_energy, int16_t *near, int16_t *next,
                       int16_t *next_distance) {
    const uint32_t at = ecg_queue_item(queue, 0)->at;
    int32_t highest_near = 0, highest_next = 0;
    *next_distance = NEXT_REACH;
    for (uint32_t i = 1; i < queue->count; i++) {
        const ecg_candidate_t *other = ecg_queue_item(queue, i);
        const uint32_t distance = other->at - at;
        if (distance > NEXT_REACH) {
            continue;
        }
        if (distance < REFRACTORY) {
            highest_near = other->energy > highest_near ? other->energy : highest_near;
        } else if (other->energy > highest_next) {
            highest_next = other->energy;
            *next_distance = (int16_t)distance;
        }
    }
    *near = ratio_or_lowest(highest_near, log_energy);
    *next = ratio_or_lowest(highest_next, log_energy);
}

static int32_t gap(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *candidate) {
    if (classifier->beats == 0) {
        return classifier->rr_mean_q4 / 16;
    }
    const uint32_t since = candidate->at - classifier->beat_at;
    return (int32_t)(since > LONGEST_GAP ? LONGEST_GAP : since);
}

/* The candidate's height against beats and noise, and its neighbours' heights against its own. */
static void compare_heights(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                            int16_t *features) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    const uint32_t last = (classifier->beats + ECG_QRS_BEATS - 1) % ECG_QRS_BEATS;
    const int32_t log_energy = ecg_log2_plus_one_q6(c->energy);
    features[ECG_QRS_LOG_ENERGY_VS_MEAN] =
        ratio(log_energy, ecg_log2_plus_one_q6(mean(classifier->energies)));
    features[ECG_QRS_LOG_ENERGY_VS_LOWEST] =
        ratio(log_energy, ecg_log2_plus_one_q6(lowest(classifier->energies)));
    features[ECG_QRS_LOG_ENERGY_VS_NOISE] = ratio(log_energy, ecg_log2_plus_one_q6(classifier->noise));
    features[ECG_QRS_LOG_ENERGY_VS_LAST] =
        ratio(log_energy, ecg_log2_plus_one_q6(classifier->energies[last]));
    features[ECG_QRS_LOG_PEAK_TO_PEAK_VS_MEAN] =
        ratio_or_lowest(c->peak_to_peak, ecg_log2_plus_one_q6(mean(classifier->peak_to_peaks)));
    look_ahead(queue, log_energy, &features[ECG_QRS_LOG_NEAR_ENERGY], &features[ECG_QRS_LOG_NEXT_ENERGY],
               &features[ECG_QRS_NEXT_DISTANCE]);
    features[ECG_QRS_LOG_REJECTED_ENERGY] = ratio_or_lowest(classifier->rejected, log_energy);
}

static void compare_times(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *c,
                          int16_t *features) {
    const int32_t since = gap(classifier, c);
    const int32_t since_rejected = (int32_t)(c->at - classifier->rejected_at);
    features[ECG_QRS_RR_VS_MEAN] =
        (int16_t)ecg_clip(since * 64 * 16 / classifier->rr_mean_q4, 0, LONGEST_RATIO);
    features[ECG_QRS_RR_SAMPLES] = (int16_t)(since < LONGEST_RR ? since : LONGEST_RR);
    features[ECG_QRS_MEAN_RR_SAMPLES] = (int16_t)(classifier->rr_mean_q4 / 16);
    features[ECG_QRS_REJECTED_DISTANCE] =
        (int16_t)(classifier->rejected == 0 ? REJECTED_REACH : ecg_clip(since_rejected, 0, REJECTED_REACH));
}

/* Highest match of later candidates within the refractory time, and beyond as far as all are known. */
static void look_ahead_matches(const ecg_queue_t *queue, int16_t *near, int16_t *next) {
    const uint32_t at = ecg_queue_item(queue, 0)->at;
    *near = *next = NO_MATCH;
    for (uint32_t i = 1; i < queue->matched; i++) {
        const ecg_candidate_t *other = ecg_queue_item(queue, i);
        const uint32_t distance = other->energy_at - at;
        if (distance > MATCH_REACH) {
            continue;
        }
        int16_t *highest = distance < REFRACTORY ? near : next;
        if (other->template_gain > *highest) {
            *highest = other->template_gain;
        }
    }
}

/* Highest match of the candidates that lie one, and two, intervals back. */
static void look_back(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *c, int16_t *one,
                      int16_t *two) {
    const int32_t rr = classifier->rr_slow_q6 / 64, tolerance = rr / PHASE_TOLERANCE;
    *one = *two = NO_MATCH;
    for (uint32_t i = 0; i < ECG_QRS_PAST; i++) {
        const int32_t distance = (int32_t)(c->at - classifier->past_at[i]);
        const int16_t gain = classifier->past_template_gain[i];
        if (gain > *one && distance - rr <= tolerance && rr - distance <= tolerance) {
            *one = gain;
        }
        if (gain > *two && distance - 2 * rr <= tolerance && 2 * rr - distance <= tolerance) {
            *two = gain;
        }
    }
}

static int16_t in_intervals(const ecg_qrs_classifier_t *classifier, uint32_t since) {
    const int32_t limited = (int32_t)(since > LONGEST_GAP ? LONGEST_GAP : since);
    return (int16_t)ecg_clip(limited * 64 * 64 / classifier->rr_slow_q6, 0, LONGEST_RATIO);
}

/* Matched filter output of the candidate and its neighbours, and its place in the rhythm. */
static void compare_templates(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                              int16_t *features) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    features[ECG_QRS_TEMPLATE_GAIN] = c->template_gain;
    features[ECG_QRS_TEMPLATE_CORR] = c->template_corr;
    look_ahead_matches(queue, &features[ECG_QRS_NEAR_TEMPLATE_GAIN], &features[ECG_QRS_NEXT_TEMPLATE_GAIN]);
    features[ECG_QRS_REJECTED_TEMPLATE_GAIN] =
        (int16_t)(classifier->rejected == 0 ? NO_MATCH : classifier->rejected_template_gain);
    look_back(classifier, c, &features[ECG_QRS_TEMPLATE_GAIN_1_RR_BACK],
              &features[ECG_QRS_TEMPLATE_GAIN_2_RR_BACK]);
    features[ECG_QRS_RR_VS_SLOW_MEAN] = in_intervals(classifier, c->at - classifier->beat_at);
    features[ECG_QRS_TWO_RR_VS_SLOW_MEAN] = in_intervals(classifier, c->at - classifier->before_at[0]);
    features[ECG_QRS_MEAN_TEMPLATE_CORR] = (int16_t)(classifier->template_corr_q4 / 16);
    features[ECG_QRS_SLOW_MEAN_RR_SAMPLES] = (int16_t)(classifier->rr_slow_q6 / 64);
    features[ECG_QRS_THREE_RR_VS_SLOW_MEAN] = in_intervals(classifier, c->at - classifier->before_at[1]);
    features[ECG_QRS_NOISE_TEMPLATE_GAIN] = (int16_t)(classifier->noise_template_gain_q4 / 16);
}

/* Negative for a beat that is over when the signal starts. */
static int16_t template_at(const ecg_matched_filter_t *matched, const ecg_candidate_t *c) {
    if (c->energy_at >= LATEST_START) {
        return LATEST_START;
    }
    return (int16_t)ecg_clip((int32_t)c->energy_at + c->lag + matched->r_peak_offset, EARLIEST_START,
                             LATEST_START);
}

/* Without a comparison with the beats. */
static void describe_alone(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *c,
                           int16_t *features) {
    const int32_t log_energy = ecg_log2_plus_one_q6(c->energy);
    features[ECG_QRS_LOG_ENERGY] = (int16_t)log_energy;
    features[ECG_QRS_LOG_PEAK_TO_PEAK] = (int16_t)ecg_log2_plus_one_q6(c->peak_to_peak);
    features[ECG_QRS_KNOWN_BEATS] = (int16_t)known_beats(classifier);
    features[ECG_QRS_AT] = (int16_t)(c->at < LATEST_START ? c->at : LATEST_START);
    features[ECG_QRS_TEMPLATE_AT] = template_at(&classifier->matched_filter, c);
    find_repeats(classifier, c, log_energy, features);
}

static int16_t repetition_at(const ecg_sqi_measures_t *measures, int32_t distance) {
    const int32_t share = ecg_sqi_repetition_at(&measures->repetition, distance, measures->waiting);
    return (int16_t)(share * 128 / ECG_SQI_REPETITION_ONE);
}

/* How long the signal rests, and how it repeats: whether there are QRS complexes at all. */
static void describe_signal(const ecg_qrs_classifier_t *classifier, const ecg_candidate_t *c,
                            const ecg_sqi_measures_t *measures, int16_t *features) {
    const int32_t repetition = ecg_sqi_repetition(&measures->repetition, measures->waiting);
    features[ECG_QRS_LOG_ENERGY_VS_REST] = ratio(ecg_log2_plus_one_q6(c->energy / ECG_DETECT_ENERGY_TAPS),
                                                 ecg_log2_plus_one_q6(ecg_sqi_rest(measures)));
    features[ECG_QRS_LOG_STEEPEST_VS_MEAN] = ratio(ecg_log2_plus_one_q6(ecg_sqi_steepest(measures)),
                                                   ecg_log2_plus_one_q6(ecg_sqi_mean_slope(measures)));
    features[ECG_QRS_SHAPE_STEP] = (int16_t)abs(c->shape[ECG_SHAPE_POINTS - 1] - c->shape[0]);
    features[ECG_QRS_REPETITION] = (int16_t)(repetition * 128 / ECG_SQI_REPETITION_ONE);
    features[ECG_QRS_RR_REPETITION] = repetition_at(measures, gap(classifier, c));
    features[ECG_QRS_SLOW_RR_REPETITION] = repetition_at(measures, classifier->rr_slow_q6 / 64);
}

void ecg_qrs_extract_features(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                              const ecg_sqi_measures_t *measures) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    int16_t *features = classifier->features;
    compare_heights(classifier, queue, features);
    compare_times(classifier, c, features);
    compare_shapes(classifier, c->shape, &features[ECG_QRS_SHAPE_CORR_BEST],
                   &features[ECG_QRS_SHAPE_CORR_MEAN]);
    compare_templates(classifier, queue, features);
    describe_alone(classifier, c, features);
    describe_signal(classifier, c, measures, features);
    features[ECG_QRS_HF_SLOPE] = c->hf_slope;
    features[ECG_QRS_LF_SLOPE] = c->lf_slope;
    features[ECG_QRS_SLOPE_CREST] = c->slope_crest;
    features[ECG_QRS_ENERGY_Q1] = c->energy_q1;
    features[ECG_QRS_ENERGY_MEDIAN] = c->energy_median;
    features[ECG_QRS_HF_SLOPE_VS_MEAN] = above_mean(c->hf_slope, classifier->hf_slopes);
    features[ECG_QRS_LF_SLOPE_VS_MEAN] = above_mean(c->lf_slope, classifier->lf_slopes);
    ECG_UNROLL(6)
    for (uint32_t i = 0; i < ECG_QRS_FEATURES; i++) {
        classifier->trace = (classifier->trace ^ (uint16_t)features[i]) * FNV_PRIME;
    }
}

/* Four hidden units at once: each pair of inputs is loaded once for the four. */
#define TOGETHER 4
ECG_STATIC_ASSERT(sizeof QRS_CENTRE == ECG_QRS_FEATURES * sizeof QRS_CENTRE[0], weights_for_every_feature);
ECG_STATIC_ASSERT(ECG_QRS_FEATURES % 2 == 0, features_in_pairs);
ECG_STATIC_ASSERT(QRS_HIDDEN % (2 * TOGETHER) == 0, two_halves_of_units_by_four);

static int32_t output_of(uint32_t unit, int32_t sum) {
    sum += QRS_HIDDEN_BIAS[unit];
    return sum > 0 ? (sum >> 8) * QRS_OUTPUT_WEIGHT[unit] : 0;
}

static int32_t four_outputs(uint32_t unit, const int16_t *inputs) {
    const int16_t *weight = &QRS_HIDDEN_WEIGHT[unit * ECG_QRS_FEATURES];
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    ECG_UNROLL(3)
    for (uint32_t i = 0; i < ECG_QRS_FEATURES; i += 2, weight += 2) {
        sum0 = ecg_add_products(sum0, &inputs[i], weight);
        sum1 = ecg_add_products(sum1, &inputs[i], weight + ECG_QRS_FEATURES);
        sum2 = ecg_add_products(sum2, &inputs[i], weight + 2 * ECG_QRS_FEATURES);
        sum3 = ecg_add_products(sum3, &inputs[i], weight + 3 * ECG_QRS_FEATURES);
    }
    return output_of(unit, sum0) + output_of(unit + 1, sum1) + output_of(unit + 2, sum2) +
           output_of(unit + 3, sum3);
}

/* One hidden layer. Inputs are made comparable first: 64 is one standard deviation. With what the features
 * can be at most, the score stays below a tenth of what 32 bits hold. */
static int32_t sum_outputs(const int16_t *features, uint32_t first, uint32_t end) {
    int16_t inputs[ECG_QRS_FEATURES];
    ECG_UNROLL(6)
    for (uint32_t i = 0; i < ECG_QRS_FEATURES; i++) {
        inputs[i] = (int16_t)(((features[i] - QRS_CENTRE[i]) * QRS_GAIN[i]) >> 8);
    }
    int32_t sum = 0;
    for (uint32_t unit = first; unit < end; unit += TOGETHER) {
        sum += four_outputs(unit, inputs);
    }
    return sum;
}

int32_t ecg_qrs_score(const int16_t *features) {
    return QRS_OUTPUT_BIAS + sum_outputs(features, 0, QRS_HIDDEN);
}

void ecg_qrs_score_first_half(ecg_qrs_classifier_t *classifier) {
    classifier->score = QRS_OUTPUT_BIAS + sum_outputs(classifier->features, 0, QRS_HIDDEN / 2);
}

static int32_t score_second_half(const ecg_qrs_classifier_t *classifier) {
    return classifier->score + sum_outputs(classifier->features, QRS_HIDDEN / 2, QRS_HIDDEN);
}

static void remember_interval(ecg_qrs_classifier_t *classifier, uint32_t at) {
    const int32_t rr = ecg_clip((int32_t)(at - classifier->beat_at), SHORTEST_RR, LONGEST_RR);
    classifier->rr_mean_q4 += (rr * 16 - classifier->rr_mean_q4) / 8;
    const int32_t change = rr * 64 - classifier->rr_slow_q6, limit = classifier->rr_slow_q6 / 4;
    const int32_t weight = classifier->beats < ECG_QRS_BEATS ? FIRST_WEIGHT : SLOW_WEIGHT;
    classifier->rr_slow_q6 += ecg_clip(change, -limit, limit) / weight;
}

static void remember_beat(ecg_qrs_classifier_t *classifier, const int16_t *history,
                          const ecg_candidate_t *candidate) {
    if (classifier->beats > 0) {
        remember_interval(classifier, candidate->at);
    }
    ecg_matched_filter_learn(&classifier->matched_filter, history, candidate);
    classifier->template_corr_q4 += (candidate->template_corr * 16 - classifier->template_corr_q4) / 8;
    classifier->before_at[1] = classifier->before_at[0];
    classifier->before_at[0] = classifier->beat_at;
    const uint32_t slot = classifier->beats % ECG_QRS_BEATS;
    classifier->energies[slot] = candidate->energy;
    classifier->peak_to_peaks[slot] = candidate->peak_to_peak;
    classifier->hf_slopes[slot] = candidate->hf_slope;
    classifier->lf_slopes[slot] = candidate->lf_slope;
    memcpy(classifier->shapes[slot], candidate->shape, sizeof candidate->shape);
    classifier->beat_at = candidate->at;
    classifier->beats++;
    classifier->rejected = 0;
}

/* Decay the reference levels after 3 s without a beat, so that a large artefact does not block detection. */
static void decay_levels(ecg_qrs_classifier_t *classifier) {
    for (uint32_t i = 0; i < ECG_QRS_BEATS; i++) {
        classifier->energies[i] -= classifier->energies[i] / 16;
        classifier->peak_to_peaks[i] -= classifier->peak_to_peaks[i] / 16;
    }
}

void ecg_qrs_learn(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue, const int16_t *history,
                   bool beat) {
    const ecg_candidate_t *candidate = ecg_queue_item(queue, 0);
    classifier->past_at[classifier->past % ECG_QRS_PAST] = candidate->at;
    classifier->past_template_gain[classifier->past % ECG_QRS_PAST] = candidate->template_gain;
    ecg_qrs_recent_t *recent = &classifier->recent[classifier->past++ % ECG_QRS_RECENT];
    recent->at = candidate->at;
    recent->log_energy = (int16_t)ecg_log2_plus_one_q6(candidate->energy);
    memcpy(recent->shape, candidate->shape, sizeof recent->shape);
    if (beat) {
        remember_beat(classifier, history, candidate);
        return;
    }
    if (classifier->rejected == 0 || candidate->template_gain > classifier->rejected_template_gain) {
        classifier->rejected_template_gain = candidate->template_gain;
    }
    classifier->noise += (candidate->energy - classifier->noise) / 16;
    classifier->noise_template_gain_q4 +=
        (candidate->template_gain * 16 - classifier->noise_template_gain_q4) / 16;
    if (candidate->at - classifier->beat_at > DECAY_AFTER) {
        decay_levels(classifier);
    }
    if (candidate->energy > classifier->rejected) {
        classifier->rejected = candidate->energy;
        classifier->rejected_at = candidate->at;
    }
}

bool ecg_qrs_is_refractory(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue) {
    return classifier->beats > 0 && ecg_queue_item(queue, 0)->at - classifier->beat_at < REFRACTORY;
}

static bool cannot_be_beat(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue) {
    return ecg_qrs_is_refractory(classifier, queue) ||
           ecg_queue_item(queue, 0)->peak_to_peak < LEAST_PEAK_TO_PEAK;
}

/* A beat that a detector with thresholds finds only on a second search: low, and overdue. */
static bool is_searchback(const int16_t *features) {
    return features[ECG_QRS_LOG_ENERGY_VS_MEAN] < SEARCHBACK_ENERGY &&
           features[ECG_QRS_RR_VS_MEAN] > SEARCHBACK_RR;
}

ecg_qrs_decision_t ecg_qrs_classify(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                                    const int16_t *history) {
    const int16_t *features = classifier->features;
    classifier->score =
        cannot_be_beat(classifier, queue) ? ECG_QRS_SCORE_REFUSED : score_second_half(classifier);
    const bool beat = classifier->score > 0;
    ecg_qrs_learn(classifier, queue, history, beat);
    if (!beat) {
        return ECG_QRS_DECISION_NOISE;
    }
    return is_searchback(features) ? ECG_QRS_DECISION_SEARCHBACK : ECG_QRS_DECISION_BEAT;
}
