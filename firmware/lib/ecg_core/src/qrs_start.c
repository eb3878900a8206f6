#include "qrs_start.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "candidate_queue.h"
#include "ecg_base/int_math.h"
#include "matched_filter.h"
#include "shape.h"

#define LEAST_DISTANCE 72 /* 200 ms between two beats */
#define LIKE_ENERGY 64    /* log2 * 64: a factor of two */
#define LIKE_SHAPE_Q7 96  /* correlation of 0.75 */
#define REPEAT_BONUS 128  /* log2 * 64: a candidate that repeats counts four times as high */
#define NOISE_SHARE 4     /* candidates below a quarter of the reference are noise */
#define LEAST_RR 100      /* the first interval is limited to 0.28 s */
#define MOST_RR 540       /* and 1.5 s */
#define DEFAULT_NOISE 8   /* without any: an eighth of the reference */

static bool alike(const ecg_candidate_t *a, const ecg_candidate_t *b) {
    const int32_t difference = ecg_log2_plus_one_q6(a->energy) - ecg_log2_plus_one_q6(b->energy);
    return abs((int32_t)(a->at - b->at)) >= LEAST_DISTANCE && abs(difference) <= LIKE_ENERGY &&
           ecg_shape_correlation_q7(a->shape, b->shape) >= LIKE_SHAPE_Q7;
}

static bool repeats(const ecg_queue_t *queue, const ecg_candidate_t *candidate) {
    for (uint32_t i = 0; i < queue->described; i++) {
        if (alike(candidate, ecg_queue_item(queue, i))) {
            return true;
        }
    }
    return false;
}

void ecg_qrs_start_rank(ecg_qrs_start_t *start, const ecg_queue_t *queue) {
    const ecg_candidate_t *candidate = ecg_queue_item(queue, start->ranked);
    const int32_t rank =
        ecg_log2_plus_one_q6(candidate->energy) + (repeats(queue, candidate) ? REPEAT_BONUS : 0);
    if (start->ranked == 0 || rank > start->rank) {
        start->rank = rank;
        start->best = start->ranked;
    }
    start->ranked++;
}

static int32_t noise_below(const ecg_queue_t *queue, int32_t energy) {
    int32_t sum = 0, count = 0;
    for (uint32_t i = 0; i < queue->described; i++) {
        const int32_t other = ecg_queue_item(queue, i)->energy;
        if (other < energy / NOISE_SHARE) {
            sum += other;
            count++;
        }
    }
    return count == 0 ? energy / DEFAULT_NOISE : sum / count;
}

/* Mean interval of the candidates that are like the reference beat. */
static int32_t first_rr(const ecg_queue_t *queue, const ecg_candidate_t *reference) {
    uint32_t before = 0, after = 0, intervals = 0;
    for (uint32_t i = 0; i < queue->described; i++) {
        const ecg_candidate_t *other = ecg_queue_item(queue, i);
        if (!alike(reference, other)) {
            continue;
        }
        const int32_t distance = (int32_t)(other->at - reference->at);
        intervals++;
        before = distance < 0 && (uint32_t)-distance > before ? (uint32_t)-distance : before;
        after = distance > 0 && (uint32_t)distance > after ? (uint32_t)distance : after;
    }
    const int32_t mean = intervals == 0 ? ECG_QRS_DEFAULT_RR : (int32_t)((before + after) / intervals);
    return ecg_clip(mean, LEAST_RR, MOST_RR);
}

void ecg_qrs_start_choose(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                          const int16_t *history) {
    const ecg_candidate_t *reference = ecg_queue_item(queue, classifier->start.best);
    for (uint32_t i = 0; i < ECG_QRS_BEATS; i++) {
        classifier->energies[i] = reference->energy;
        classifier->peak_to_peaks[i] = reference->peak_to_peak;
        classifier->hf_slopes[i] = reference->hf_slope;
        classifier->lf_slopes[i] = reference->lf_slope;
        memcpy(classifier->shapes[i], reference->shape, sizeof reference->shape);
    }
    classifier->noise = noise_below(queue, reference->energy);
    const int32_t rr = first_rr(queue, reference);
    classifier->rr_mean_q4 = rr * 16;
    classifier->rr_slow_q6 = rr * 64;
    classifier->beat_at = classifier->before_at[0] = classifier->before_at[1] = ecg_queue_item(queue, 0)->at;
    ecg_matched_filter_learn(&classifier->matched_filter, history, reference);
    classifier->matched_filter.r_peak_offset = (int16_t)(int32_t)(reference->at - reference->energy_at);
    classifier->start.chosen = 1;
}
