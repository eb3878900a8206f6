/* Every second the last 4 s are described and classified, in pieces of work that are spread over the samples.
 * The scores of successive windows add up; the state follows the sum, with hysteresis. */
#include "ventricular.h"

#include <stddef.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "filters.h"
#include "resample.h"
#include "ventricular_classifier.h"
#include "ventricular_features.h"

enum { DECIMATION = ECG_VENTRICULAR_DECIMATION, SECOND = ECG_CORE_FS_HZ / DECIMATION };

#define WINDOW (4 * SECOND)
#define KEPT (SECOND / 2 + WINDOW) /* half a second before the window is looked at, too */

/* A wave that is lower than this is asystole or noise, not fibrillation. */
#define LOWEST_UV 150

/* Waves that repeat, but not as those of a heart: more than 350 a minute, or less than 60. Of the windows of
 * vfdb's development records in a ventricular rhythm none is so. */
#define FAST_LAG_Q6 571 /* log2 * 64 of the lag of the first peak of the autocorrelation: 169 ms */
#define FAST_PEAK 750   /* its height, 1000 at most */
#define NO_PEAK (-500)  /* the correlation has no peak up to 1 s */

/* A pure sine: it repeats as no heart does, and is as high as it is deep. Of 7,201 ventricular windows of
 * vfdb's development records the highest correlation is 983, and the least difference between half seconds 3.
 */
#define SINE_PEAK 988
#define SINE_SKEW 1
#define SINE_REST 1 /* of height and slope together */

/* Log odds * 256. A window counts as ventricular from THRESHOLD on; two clear ones begin an episode, three
 * clear others end it. Chosen on the development parts (docs/experiments/ventricular.md). */
#define THRESHOLD (-448)
#define SCORE_LIMIT 768
#define EVIDENCE_LIMIT 2048
#define EVIDENCE_BEGIN 1536
#define FIBRILLATION_BEGIN 256 /* what was tachycardia before */

ECG_STATIC_ASSERT(ECG_VENTRICULAR_SAMPLES > SECOND + KEPT + ECG_VENTRICULAR_LATEST, room_until_work_begins);

enum { STEP_IDLE = ECG_VENTRICULAR_IDLE, STEP_SHIFT, STEP_MEASURE };

/* First step of each kind of work. */
#define STEP_COUNT (STEP_MEASURE + ECG_VENTRICULAR_BLOCKS)
#define STEP_CORRELATE (STEP_COUNT + ECG_VENTRICULAR_BLOCKS)
#define STEP_DESCRIBE (STEP_CORRELATE + ECG_VENTRICULAR_LAGS / 2)
#define STEP_CLASSIFY (STEP_DESCRIBE + 3)

/* Append a sample at 90 Hz. The work begins when a second of new samples follows the window before, or the
 * half second and the first window are there. */
static void keep(ecg_ventricular_t *state, int32_t sample) {
    if (state->taken++ == 0) {
        state->filled = SECOND;
    }
    state->samples[state->filled++] = (int16_t)sample;
    if (state->filled == SECOND + KEPT) {
        state->window_end = state->taken;
        state->step = STEP_SHIFT;
    }
}

/* The second of new samples moves into the window. */
static void shift(ecg_ventricular_t *state) {
    state->filled = (uint16_t)(state->filled - SECOND);
    memmove(state->samples, state->samples + SECOND, sizeof state->samples[0] * state->filled);
}

void ecg_ventricular_keep(ecg_ventricular_t *state) {
    keep(state, ecg_clip(ecg_shift_round(state->decimation_sum, 2), -INT16_MAX, INT16_MAX));
    state->decimation_sum = 0;
}

static bool is_no_rhythm(const ecg_ventricular_t *state) {
    const int16_t *f = state->features;
    const bool fast =
        f[ECG_VENTRICULAR_FIRST_PEAK] >= FAST_PEAK && f[ECG_VENTRICULAR_FIRST_PEAK_LAG] < FAST_LAG_Q6;
    const bool sine = f[ECG_VENTRICULAR_PEAK] >= SINE_PEAK && f[ECG_VENTRICULAR_SKEW] <= SINE_SKEW &&
                      f[ECG_VENTRICULAR_REST] + f[ECG_VENTRICULAR_SLOPE_REST] <= SINE_REST;
    return fast || sine || f[ECG_VENTRICULAR_PEAK] <= NO_PEAK;
}

/* Log odds that the window is ventricular: the larger of the two classes against the others. */
static int32_t score(const ecg_ventricular_t *state) {
    const int32_t *logits = state->logits_q8;
    const int32_t ventricular = logits[1] > logits[2] ? logits[1] : logits[2];
    const bool blind = (int32_t)(state->window_end - state->blind_until) < WINDOW && state->blind_until != 0;
    if (blind || ecg_ventricular_peak_to_peak_uv(state) < LOWEST_UV || is_no_rhythm(state)) {
        return -SCORE_LIMIT;
    }
    return ecg_clip(ventricular - logits[0] - THRESHOLD, -SCORE_LIMIT, SCORE_LIMIT);
}

static void change(ecg_ventricular_t *state, uint8_t kind, uint32_t since) {
    state->since = since > state->since ? since : state->since;
    state->kind = kind;
}

/* Add the window's score to the evidence, and the difference of the two kinds to its running mean. */
static void weigh(ecg_ventricular_t *state) {
    const int32_t difference = ecg_clip(state->logits_q8[2] - state->logits_q8[1], -SCORE_LIMIT, SCORE_LIMIT);
    state->score_q8 = score(state);
    if (state->evidence_q8 == 0) {
        state->first = state->window_end;
        state->fibrillation_q8 = difference;
    }
    state->evidence_q8 = ecg_clip(state->evidence_q8 + state->score_q8, 0, EVIDENCE_LIMIT);
    state->fibrillation_q8 += (difference - state->fibrillation_q8) / 2;
    if (state->score_q8 > 0) {
        state->last = state->window_end;
    }
}

/* A rhythm begins in the middle of the first window of its evidence. Tachycardia may become fibrillation; the
 * other way it is one episode. */
static void update_kind(ecg_ventricular_t *state) {
    const bool none = state->kind == ECG_CORE_VENTRICULAR_NONE;
    if (none && state->evidence_q8 >= EVIDENCE_BEGIN) {
        const bool fibrillation = state->fibrillation_q8 > 0;
        change(state, fibrillation ? ECG_CORE_VENTRICULAR_FIBRILLATION : ECG_CORE_VENTRICULAR_TACHYCARDIA,
               state->first - WINDOW / 2);
    } else if (!none && state->evidence_q8 == 0) {
        change(state, ECG_CORE_VENTRICULAR_NONE, state->last);
    } else if (state->kind == ECG_CORE_VENTRICULAR_TACHYCARDIA &&
               state->fibrillation_q8 > FIBRILLATION_BEGIN) {
        change(state, ECG_CORE_VENTRICULAR_FIBRILLATION, state->decided);
    }
}

static void decide(ecg_ventricular_t *state) {
    weigh(state);
    update_kind(state);
    state->rate = ecg_ventricular_rate(state);
    state->decided = state->window_end;
}

void ecg_ventricular_step(ecg_ventricular_t *state) {
    const uint32_t step = state->step++;
    if (step == STEP_SHIFT) {
        shift(state);
    } else if (step < STEP_COUNT) {
        ecg_ventricular_measure(state, step - STEP_MEASURE);
    } else if (step < STEP_CORRELATE) {
        ecg_ventricular_count(state, step - STEP_COUNT);
    } else if (step < STEP_DESCRIBE) {
        ecg_ventricular_correlate(state, 2 * (step - STEP_CORRELATE));
    } else if (step == STEP_DESCRIBE) {
        ecg_ventricular_describe_sums(state);
    } else if (step == STEP_DESCRIBE + 1) {
        ecg_ventricular_describe_counts(state);
    } else if (step == STEP_DESCRIBE + 2) {
        ecg_ventricular_describe_correlation(state);
    } else if (step < STEP_CLASSIFY + ecg_ventricular_classify_steps()) {
        ecg_ventricular_classify(state, step - STEP_CLASSIFY);
    } else {
        decide(state);
        state->step = STEP_IDLE;
    }
}

/* Index of the board's sample for an index at 90 Hz, each of which is the mean of four at 360 Hz. */
static uint32_t board_index(const ecg_core_t *core, uint32_t index) {
    const uint32_t at = index * DECIMATION;
    return ecg_resample_board_index(&core->resample, at > ECG_FILTER_DELAY ? at - ECG_FILTER_DELAY : 0);
}

void ecg_core_ventricular(const ecg_core_t *core, ecg_core_ventricular_t *ventricular) {
    if (core == NULL || ventricular == NULL) {
        return;
    }
    const ecg_ventricular_t *state = &core->ventricular;
    ventricular->since = board_index(core, state->since);
    ventricular->until = board_index(core, state->decided);
    ventricular->rate = state->rate;
    ventricular->kind = state->kind;
    ventricular->confidence = (uint8_t)ecg_clip(50 + 50 * state->score_q8 / SCORE_LIMIT, 0, 100);
}
