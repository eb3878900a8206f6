#include "judge.h"

#include <string.h>

#include "int_math.h"
#include "judge_weights.h"
#include "pattern.h"
#include "queue.h"

#define REFRACTORY 72        /* 200 ms: no two beats are nearer */
#define DEFAULT_RR 288       /* 0.8 s */
#define SHORTEST_RR 72       /* intervals that the mean takes in are limited to 0.2 s */
#define LONGEST_RR 720       /* and 2 s */
#define LONGEST_GAP 1500     /* 4 s: longer ones count as this long */
#define FORGET_AFTER 1080    /* 3 s without a beat */
#define LONGEST_RATIO 512    /* of a gap to the mean interval, * 64 */
#define REJECTED_REACH 400   /* 1.1 s */
#define NEXT_REACH 222       /* candidates up to 0.6 s later are known when one is judged */
#define LOWEST_RATIO (-384)  /* log2 * 64 of 1 / 64: as good as nothing */
#define SHAPE_NORM 10000     /* of a shape that is not clipped: 25 points, 20^2 */
#define NO_MATCH (-64)       /* no candidate there */
#define MATCH_REACH 200      /* candidates up to 0.55 s later have been compared with the patterns */
#define PHASE_TOLERANCE 12   /* an interval back: 8 % of it earlier or later */
#define FIRST_WEIGHT 4       /* of a difference in the slow mean interval: 1 / 4 for the first beats, */
#define SLOW_WEIGHT 24       /* then 1 / 24 */
#define FNV_PRIME 16777619u  /* of the hash FNV-1a */
#define UNKNOWN_LIKENESS 115 /* 0.9 * 128: before there is a beat to compare with */

static int32_t log_of(int32_t value) {
    return ecg_log2_q6((uint32_t)value + 1);
}

static int32_t mean(const int32_t *values) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < ECG_JUDGE_BEATS; i++) sum += values[i];
    return sum / ECG_JUDGE_BEATS;
}

static int32_t lowest(const int32_t *values) {
    int32_t result = values[0];
    for (uint32_t i = 1; i < ECG_JUDGE_BEATS; i++) result = values[i] < result ? values[i] : result;
    return result;
}

/* Before there are eight beats the highest candidate in sight stands for those that are missing. */
static void start(ecg_judge_t *judge, const ecg_queue_t *queue) {
    const ecg_candidate_t *first = ecg_queue_item(queue, 0), *highest = first;
    for (uint32_t i = 1; i < queue->described; i++) {
        if (ecg_queue_item(queue, i)->energy > highest->energy) highest = ecg_queue_item(queue, i);
    }
    for (uint32_t i = 0; i < ECG_JUDGE_BEATS; i++) {
        judge->energies[i] = highest->energy;
        judge->swings[i] = highest->swing;
        judge->sharps[i] = highest->sharp;
        judge->blunts[i] = highest->blunt;
    }
    judge->noise = first->energy / 4;
    judge->rr_mean_q4 = DEFAULT_RR * 16;
    judge->rr_slow_q6 = DEFAULT_RR * 64;
    judge->beat_at = judge->before_at[0] = judge->before_at[1] = first->at;
}

static int32_t correlation_q7(const int8_t *a, const int8_t *b) {
    const int8_t *end = a + ECG_SHAPE_POINTS;
    int32_t sum = 0;
    while (a != end) sum += *a++ * *b++;
    return sum * 128 / SHAPE_NORM;
}

static uint32_t known_beats(const ecg_judge_t *judge) {
    return judge->beats < ECG_JUDGE_BEATS ? judge->beats : ECG_JUDGE_BEATS;
}

/* How much the shape is like one of the last beats, and like all of them. */
static void compare_shapes(const ecg_judge_t *judge, const int8_t *shape, int16_t *best, int16_t *average) {
    *best = *average = UNKNOWN_LIKENESS;
    if (judge->beats == 0) return;
    const uint32_t known = known_beats(judge);
    int32_t highest = INT16_MIN, sum = 0;
    for (uint32_t i = 0; i < known; i++) {
        const int32_t likeness = correlation_q7(shape, judge->shapes[i]);
        sum += likeness;
        if (likeness > highest) highest = likeness;
    }
    *best = (int16_t)highest;
    *average = (int16_t)(sum / (int32_t)known);
}

/* log2 * 64 of the ratio of two values that are not 0. */
static int16_t ratio(int32_t log_value, int32_t log_reference) {
    return (int16_t)ecg_clip(log_value - log_reference, LOWEST_RATIO, -LOWEST_RATIO);
}

static int16_t ratio_or_lowest(int32_t value, int32_t log_reference) {
    return value == 0 ? LOWEST_RATIO : ratio(log_of(value), log_reference);
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
        if (distance > NEXT_REACH) continue;
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

static int32_t gap(const ecg_judge_t *judge, const ecg_candidate_t *candidate) {
    if (judge->beats == 0) return DEFAULT_RR;
    const uint32_t since = candidate->at - judge->beat_at;
    return (int32_t)(since > LONGEST_GAP ? LONGEST_GAP : since);
}

/* The candidate's height against beats and noise, and its neighbours' heights against its own. */
static void compare_heights(const ecg_judge_t *judge, const ecg_queue_t *queue, int16_t *features) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    const uint32_t last = (judge->beats + ECG_JUDGE_BEATS - 1) % ECG_JUDGE_BEATS;
    const int32_t log_energy = log_of(c->energy);
    features[0] = ratio(log_energy, log_of(mean(judge->energies)));
    features[1] = ratio(log_energy, log_of(lowest(judge->energies)));
    features[2] = ratio(log_energy, log_of(judge->noise));
    features[3] = ratio(log_energy, log_of(judge->energies[last]));
    features[4] = ratio_or_lowest(c->swing, log_of(mean(judge->swings)));
    look_ahead(queue, log_energy, &features[10], &features[11], &features[12]);
    features[13] = ratio_or_lowest(judge->rejected, log_energy);
}

static void compare_times(const ecg_judge_t *judge, const ecg_candidate_t *c, int16_t *features) {
    const int32_t since = gap(judge, c);
    const int32_t since_rejected = (int32_t)(c->at - judge->rejected_at);
    features[5] = (int16_t)ecg_clip(since * 64 * 16 / judge->rr_mean_q4, 0, LONGEST_RATIO);
    features[6] = (int16_t)(since < LONGEST_RR ? since : LONGEST_RR);
    features[7] = (int16_t)(judge->rr_mean_q4 / 16);
    features[14] =
        (int16_t)(judge->rejected == 0 ? REJECTED_REACH : ecg_clip(since_rejected, 0, REJECTED_REACH));
}

/* Highest match of later candidates within the refractory time, and beyond as far as all are known. */
static void look_ahead_matches(const ecg_queue_t *queue, int16_t *near, int16_t *next) {
    const uint32_t at = ecg_queue_item(queue, 0)->at;
    *near = *next = NO_MATCH;
    for (uint32_t i = 1; i < queue->matched; i++) {
        const ecg_candidate_t *other = ecg_queue_item(queue, i);
        const uint32_t distance = other->energy_at - at;
        if (distance > MATCH_REACH) continue;
        int16_t *highest = distance < REFRACTORY ? near : next;
        if (other->match > *highest) *highest = other->match;
    }
}

/* Highest match of the candidates that lie one, and two, intervals back. */
static void look_back(const ecg_judge_t *judge, const ecg_candidate_t *c, int16_t *one, int16_t *two) {
    const int32_t rr = judge->rr_slow_q6 / 64, tolerance = rr / PHASE_TOLERANCE;
    *one = *two = NO_MATCH;
    for (uint32_t i = 0; i < ECG_JUDGE_PAST; i++) {
        const int32_t distance = (int32_t)(c->at - judge->past_at[i]);
        const int16_t match = judge->past_match[i];
        if (match > *one && distance - rr <= tolerance && rr - distance <= tolerance) *one = match;
        if (match > *two && distance - 2 * rr <= tolerance && 2 * rr - distance <= tolerance) *two = match;
    }
}

static int16_t in_intervals(const ecg_judge_t *judge, uint32_t since) {
    const int32_t limited = (int32_t)(since > LONGEST_GAP ? LONGEST_GAP : since);
    return (int16_t)ecg_clip(limited * 64 * 64 / judge->rr_slow_q6, 0, LONGEST_RATIO);
}

/* What the filters matched to the usual beats say of it and of its neighbours, and where the rhythm expects
 * it. */
static void compare_patterns(const ecg_judge_t *judge, const ecg_queue_t *queue, int16_t *features) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    features[22] = c->match;
    features[23] = c->fit;
    look_ahead_matches(queue, &features[24], &features[25]);
    features[26] = (int16_t)(judge->rejected == 0 ? NO_MATCH : judge->rejected_match);
    look_back(judge, c, &features[27], &features[28]);
    features[29] = in_intervals(judge, c->at - judge->beat_at);
    features[30] = in_intervals(judge, c->at - judge->before_at[0]);
    features[31] = (int16_t)(judge->fit_q4 / 16);
    features[32] = (int16_t)(judge->rr_slow_q6 / 64);
    features[33] = in_intervals(judge, c->at - judge->before_at[1]);
    features[34] = (int16_t)(judge->noise_match_q4 / 16);
}

void ecg_judge_look(ecg_judge_t *judge, const ecg_queue_t *queue) {
    const ecg_candidate_t *c = ecg_queue_item(queue, 0);
    int16_t *features = judge->features;
    if (judge->rr_mean_q4 == 0) start(judge, queue);
    compare_heights(judge, queue, features);
    compare_times(judge, c, features);
    compare_shapes(judge, c->shape, &features[8], &features[9]);
    compare_patterns(judge, queue, features);
    features[15] = c->sharp;
    features[16] = c->blunt;
    features[17] = c->peaky;
    features[18] = c->calm;
    features[19] = c->usual;
    features[20] = (int16_t)(c->sharp - mean(judge->sharps));
    features[21] = (int16_t)(c->blunt - mean(judge->blunts));
    for (uint32_t i = 0; i < ECG_JUDGE_FEATURES; i++) {
        judge->trace = (judge->trace ^ (uint16_t)features[i]) * FNV_PRIME;
    }
}

/* Four hidden units at once: each input is loaded once for the four. */
#define TOGETHER 4
typedef char ecg_assert_units_by_four[JUDGE_HIDDEN % TOGETHER == 0 ? 1 : -1];

static int32_t output_of(uint32_t unit, int32_t sum) {
    sum += JUDGE_HIDDEN_BIAS[unit];
    return sum > 0 ? (sum >> 8) * JUDGE_OUTPUT_WEIGHT[unit] : 0;
}

static int32_t four_outputs(uint32_t unit, const int16_t *inputs) {
    const int16_t *weight = &JUDGE_HIDDEN_WEIGHT[unit * ECG_JUDGE_FEATURES];
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (uint32_t i = 0; i < ECG_JUDGE_FEATURES; i++, weight++) {
        const int32_t input = inputs[i];
        sum0 += input * weight[0];
        sum1 += input * weight[ECG_JUDGE_FEATURES];
        sum2 += input * weight[2 * ECG_JUDGE_FEATURES];
        sum3 += input * weight[3 * ECG_JUDGE_FEATURES];
    }
    return output_of(unit, sum0) + output_of(unit + 1, sum1) + output_of(unit + 2, sum2) +
           output_of(unit + 3, sum3);
}

/* One hidden layer. Inputs are made comparable first: 64 is one standard deviation. With what the features
 * can be at most, the score stays below a tenth of what 32 bits hold. */
int32_t ecg_judge_score(const int16_t *features) {
    int16_t inputs[ECG_JUDGE_FEATURES];
    for (uint32_t i = 0; i < ECG_JUDGE_FEATURES; i++) {
        inputs[i] = (int16_t)(((features[i] - JUDGE_CENTRE[i]) * JUDGE_GAIN[i]) >> 8);
    }
    int32_t score = JUDGE_OUTPUT_BIAS;
    for (uint32_t unit = 0; unit < JUDGE_HIDDEN; unit += TOGETHER) score += four_outputs(unit, inputs);
    return score;
}

static void remember_interval(ecg_judge_t *judge, uint32_t at) {
    const int32_t rr = ecg_clip((int32_t)(at - judge->beat_at), SHORTEST_RR, LONGEST_RR);
    judge->rr_mean_q4 += (rr * 16 - judge->rr_mean_q4) / 8;
    const int32_t change = rr * 64 - judge->rr_slow_q6, limit = judge->rr_slow_q6 / 4;
    const int32_t weight = judge->beats < ECG_JUDGE_BEATS ? FIRST_WEIGHT : SLOW_WEIGHT;
    judge->rr_slow_q6 += ecg_clip(change, -limit, limit) / weight;
}

static void remember_beat(ecg_judge_t *judge, const int16_t *history, const ecg_candidate_t *candidate) {
    if (judge->beats > 0) remember_interval(judge, candidate->at);
    ecg_pattern_learn(&judge->patterns, history, candidate);
    judge->fit_q4 += (candidate->fit * 16 - judge->fit_q4) / 8;
    judge->before_at[1] = judge->before_at[0];
    judge->before_at[0] = judge->beat_at;
    const uint32_t slot = judge->beats % ECG_JUDGE_BEATS;
    judge->energies[slot] = candidate->energy;
    judge->swings[slot] = candidate->swing;
    judge->sharps[slot] = candidate->sharp;
    judge->blunts[slot] = candidate->blunt;
    memcpy(judge->shapes[slot], candidate->shape, sizeof candidate->shape);
    judge->beat_at = candidate->at;
    judge->beats++;
    judge->rejected = 0;
}

/* An artefact far higher than any beat must not keep the judge deaf: the levels sink until beats are found.
 */
static void forget(ecg_judge_t *judge) {
    for (uint32_t i = 0; i < ECG_JUDGE_BEATS; i++) {
        judge->energies[i] -= judge->energies[i] / 16;
        judge->swings[i] -= judge->swings[i] / 16;
    }
}

void ecg_judge_learn(ecg_judge_t *judge, const ecg_queue_t *queue, const int16_t *history, bool beat) {
    const ecg_candidate_t *candidate = ecg_queue_item(queue, 0);
    judge->past_at[judge->past % ECG_JUDGE_PAST] = candidate->at;
    judge->past_match[judge->past++ % ECG_JUDGE_PAST] = candidate->match;
    if (beat) {
        remember_beat(judge, history, candidate);
        return;
    }
    if (judge->rejected == 0 || candidate->match > judge->rejected_match) {
        judge->rejected_match = candidate->match;
    }
    judge->noise += (candidate->energy - judge->noise) / 16;
    judge->noise_match_q4 += (candidate->match * 16 - judge->noise_match_q4) / 16;
    if (candidate->at - judge->beat_at > FORGET_AFTER) forget(judge);
    if (candidate->energy > judge->rejected) {
        judge->rejected = candidate->energy;
        judge->rejected_at = candidate->at;
    }
}

bool ecg_judge_refractory(const ecg_judge_t *judge, const ecg_queue_t *queue) {
    return judge->beats > 0 && ecg_queue_item(queue, 0)->at - judge->beat_at < REFRACTORY;
}

ecg_verdict_t ecg_judge_decide(ecg_judge_t *judge, const ecg_queue_t *queue, const int16_t *history) {
    const int16_t *features = judge->features;
    judge->score = ecg_judge_refractory(judge, queue) ? ECG_JUDGE_SURE : ecg_judge_score(features);
    const bool beat = judge->score > 0;
    ecg_judge_learn(judge, queue, history, beat);
    if (!beat) return ECG_VERDICT_NOISE;
    return features[0] < -64 && features[5] > 96 ? ECG_VERDICT_SEARCHBACK : ECG_VERDICT_BEAT;
}
