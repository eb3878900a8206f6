/* Irregular rhythms. In fibrillation no interval predicts the next one, and there are no P waves. An
 * occasional early beat changes few intervals; bigeminy changes all of them, but every second one is alike.
 * So each interval is compared with the four before it, and P waves, pauses after early beats and the
 * signal's quality have a say in the score (fibrillation.c). */
#include <string.h>

#include "fibrillation.h"
#include "private.h"

#define ALL_FAR ((1u << ECG_RHYTHM_IRREGULAR_LAGS) - 1u)
#define LONGEST_LOST UINT8_MAX

void ecg_rhythm_irregular_init(ecg_rhythm_irregular_t *irregular) {
    *irregular = (ecg_rhythm_irregular_t){
        .fibrillation = {.episode = {.kind = ECG_RHYTHM_ATRIAL_FIBRILLATION}},
        .other = {.episode = {.kind = ECG_RHYTHM_IRREGULAR}},
    };
}

/* Bit k: `rr` differs from the interval k + 1 before it. An interval that is not known differs from none. */
static uint8_t compare(const ecg_rhythm_irregular_t *irregular, uint16_t rr) {
    uint8_t far = 0;
    for (unsigned k = 0; k < ECG_RHYTHM_IRREGULAR_LAGS && k < irregular->count; k++) {
        if (ecg_rhythm_differ(rr, irregular->intervals[irregular->count - 1u - k].rr)) {
            far = (uint8_t)(far | (1u << k));
        }
    }
    return far;
}

/* The oldest interval leaves the window. */
static void shift(ecg_rhythm_irregular_t *irregular, uint16_t fs_hz) {
    if (!irregular->intervals[0].beside_ventricular) {
        ecg_rhythm_flutter_remove(&irregular->flutter, irregular->intervals[0].rr, fs_hz);
    }
    memmove(irregular->intervals, irregular->intervals + 1,
            sizeof irregular->intervals - sizeof irregular->intervals[0]);
    irregular->count--;
}

static void push(ecg_rhythm_irregular_t *irregular, const ecg_rhythm_step_t *step, uint16_t fs_hz) {
    const bool ventricular = step->beat_class == ECG_RHYTHM_VENTRICULAR;
    const ecg_rhythm_interval_t interval = {
        .at = step->at,
        .rr = step->rr,
        .p_wave = step->evidence.p_wave,
        .quality = step->evidence.quality,
        .unlikeness = step->evidence.unlikeness,
        .far = compare(irregular, step->rr),
        .lost = irregular->lost,
        .beside_ventricular = ventricular || step->last_class == ECG_RHYTHM_VENTRICULAR,
    };
    if (irregular->count == ECG_RHYTHM_IRREGULAR_INTERVALS) {
        shift(irregular, fs_hz);
    }
    irregular->intervals[irregular->count++] = interval;
    if (!interval.beside_ventricular) {
        ecg_rhythm_flutter_add(&irregular->flutter, interval.rr, fs_hz);
    }
    irregular->lost = 0;
}

/* Take an interval into the episode, which ends with the last interval that is unlike all four before it. */
static void extend(ecg_rhythm_lasting_t *lasting, const ecg_rhythm_interval_t *interval) {
    ecg_rhythm_episode_t *episode = &lasting->episode;
    ecg_rhythm_add(&lasting->tail, interval->rr);
    if (interval->far == ALL_FAR) {
        ecg_rhythm_merge(&episode->figures, &lasting->tail);
        episode->end = interval->at;
        episode->beats = ecg_rhythm_clip16(episode->figures.intervals + 1u);
    }
}

/* First interval in the window that differs from the one before it and begins after the last episode's end.
 */
static const ecg_rhythm_interval_t *find_first(const ecg_rhythm_irregular_t *irregular,
                                               const ecg_rhythm_episode_t *last_episode) {
    const ecg_rhythm_interval_t *interval = irregular->intervals;
    const ecg_rhythm_interval_t *last = interval + irregular->count - 1;
    while (interval < last && (!(interval->far & 1u) || ecg_rhythm_overlaps(last_episode, interval))) {
        interval++;
    }
    return interval;
}

static void begin(ecg_rhythm_state_t *rhythm, ecg_rhythm_lasting_t *lasting) {
    const ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    const ecg_rhythm_interval_t *interval = find_first(irregular, &lasting->episode);
    ecg_rhythm_episode_t *episode = &lasting->episode;
    episode->onset = interval->at - interval->rr;
    episode->end = interval->at;
    episode->beats = 2; /* of the first interval */
    episode->figures = (ecg_rhythm_figures_t){0};
    lasting->tail = (ecg_rhythm_figures_t){0};
    ecg_rhythm_add(&episode->figures, interval->rr);
    for (interval++; interval < irregular->intervals + irregular->count; interval++) {
        extend(lasting, interval);
    }
    ecg_rhythm_open(rhythm, episode);
}

/* Evidence of the episode, the most so far. */
static void note(ecg_rhythm_episode_t *episode, const int16_t *features, int32_t score) {
    const uint16_t permille = (uint16_t)features[ECG_RHYTHM_FEATURE_FAR];
    const uint8_t percent = ecg_rhythm_percent(score);
    if (!episode->open || permille > episode->irregularity_permille) {
        episode->irregularity_permille = permille;
    }
    if (!episode->open || percent > episode->confidence) {
        episode->confidence = percent;
    }
}

/* Begins at one score, ends at a lower one. */
typedef struct {
    int32_t begin;
    int32_t end;
} limits_t;

static void follow(ecg_rhythm_state_t *rhythm, ecg_rhythm_lasting_t *lasting, const int16_t *features,
                   int32_t score, limits_t limits) {
    ecg_rhythm_episode_t *episode = &lasting->episode;
    if (episode->open) {
        note(episode, features, score);
        extend(lasting, &rhythm->irregular.intervals[rhythm->irregular.count - 1]);
        if (score < limits.end) {
            ecg_rhythm_close(rhythm, episode, 0);
        }
    } else if (score >= limits.begin) {
        note(episode, features, score);
        begin(rhythm, lasting);
    }
}

/* What began in the long window ends when the short one is regular, or has P waves. */
static void end_by_newest(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    int16_t features[ECG_RHYTHM_FEATURES];
    if (!ecg_rhythm_describe(irregular, ECG_RHYTHM_IRREGULAR_SHORT, rhythm->times.fs_hz, features)) {
        return;
    }
    if (ecg_rhythm_score_fibrillation(features) < ECG_RHYTHM_FIBRILLATION_SHORT_END_Q8) {
        ecg_rhythm_close(rhythm, &irregular->fibrillation.episode, 0);
    }
    if (ecg_rhythm_score_irregular(features) < ECG_RHYTHM_IRREGULAR_SHORT_END_Q8) {
        ecg_rhythm_close(rhythm, &irregular->other.episode, 0);
    }
}

/* Many intervals tell more than few. What has begun in them lasts until they tell the contrary. */
static limits_t fibrillation_limits(const ecg_rhythm_irregular_t *irregular) {
    if (irregular->count < ECG_RHYTHM_IRREGULAR_LONG) {
        return (limits_t){ECG_RHYTHM_FIBRILLATION_BEGIN_Q8, ECG_RHYTHM_FIBRILLATION_END_Q8};
    }
    return (limits_t){ECG_RHYTHM_FIBRILLATION_BEGIN_LONG_Q8, ECG_RHYTHM_FIBRILLATION_END_LONG_Q8};
}

/* Flutter is as irregular as fibrillation, and has no P waves either. */
static int32_t score_fibrillation(const ecg_rhythm_irregular_t *irregular, const int16_t *features) {
    const bool flutters = irregular->count >= ECG_RHYTHM_FLUTTER_INTERVALS;
    const uint32_t excess = flutters ? ecg_rhythm_flutter_excess(&irregular->flutter) : 0;
    return ecg_rhythm_score_fibrillation(features) - (int32_t)(ECG_RHYTHM_FLUTTER_Q8 * excess);
}

/* Fibrillation is irregular, too, but one event is enough. */
static void update_episodes(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    int16_t features[ECG_RHYTHM_FEATURES];
    if (!ecg_rhythm_describe(irregular, ECG_RHYTHM_IRREGULAR_INTERVALS, rhythm->times.fs_hz, features)) {
        return;
    }
    follow(rhythm, &irregular->fibrillation, features, score_fibrillation(irregular, features),
           fibrillation_limits(irregular));
    if (irregular->fibrillation.episode.open) {
        ecg_rhythm_close(rhythm, &irregular->other.episode, 0);
    } else {
        const limits_t limits = {ECG_RHYTHM_IRREGULAR_BEGIN_Q8, ECG_RHYTHM_IRREGULAR_END_Q8};
        follow(rhythm, &irregular->other, features, ecg_rhythm_score_irregular(features), limits);
    }
    if (irregular->fibrillation.episode.open || irregular->other.episode.open) {
        end_by_newest(rhythm);
    }
}

void ecg_rhythm_irregular_lose(ecg_rhythm_irregular_t *irregular) {
    irregular->lost = (uint8_t)(irregular->lost + (irregular->lost < LONGEST_LOST));
}

void ecg_rhythm_irregular_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step) {
    const bool ventricular = rhythm->ventricular.kind != ECG_RHYTHM_VENTRICULAR_IS_NONE;
    if (!step->joined || step->rr >= rhythm->times.asystole || ventricular) {
        ecg_rhythm_irregular_lose(&rhythm->irregular);
        return;
    }
    push(&rhythm->irregular, step, rhythm->times.fs_hz);
    update_episodes(rhythm);
}

/* It has not ended: it lasts to the last interval seen. */
static void cut(ecg_rhythm_state_t *rhythm, ecg_rhythm_lasting_t *lasting) {
    const ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    ecg_rhythm_episode_t *episode = &lasting->episode;
    if (episode->open) {
        ecg_rhythm_merge(&episode->figures, &lasting->tail);
        episode->end = irregular->intervals[irregular->count - 1].at;
        episode->beats = ecg_rhythm_clip16(episode->figures.intervals + 1u);
        ecg_rhythm_close(rhythm, episode, ECG_RHYTHM_FLAG_TRUNCATED);
    }
}

void ecg_rhythm_irregular_cut(ecg_rhythm_state_t *rhythm) {
    cut(rhythm, &rhythm->irregular.fibrillation);
    cut(rhythm, &rhythm->irregular.other);
    rhythm->irregular.count = 0;
    rhythm->irregular.flutter = (ecg_rhythm_flutter_t){0};
    rhythm->irregular.lost = 0;
}
