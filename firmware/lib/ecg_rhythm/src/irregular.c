/* Irregularly irregular rhythm: atrial fibrillation is suspected.
 *
 * In fibrillation no interval predicts the next one. An occasional early beat changes few differences of
 * successive intervals; bigeminy changes all of them, but every second interval is alike, and so on. So each
 * interval is compared with the four before it, and the most regular of the four comparisons counts. */
#include <string.h>

#include "private.h"

#define ALL_FAR ((1u << ECG_RHYTHM_IRREGULAR_LAGS) - 1u)

void ecg_rhythm_irregular_init(ecg_rhythm_irregular_t *irregular) {
    *irregular = (ecg_rhythm_irregular_t){.episode = {.kind = ECG_RHYTHM_IRREGULAR}};
}

/* Bit k: `rr` differs from the interval k + 1 before it. An interval that is not known differs from none. */
static uint8_t compare(const ecg_rhythm_irregular_t *irregular, uint16_t rr) {
    uint8_t far = 0;
    for (unsigned k = 0; k < ECG_RHYTHM_IRREGULAR_LAGS && k < irregular->count; k++) {
        const uint32_t other = irregular->intervals[irregular->count - 1u - k].rr;
        const uint32_t difference = rr > other ? rr - other : other - rr;
        if (200u * difference > ECG_RHYTHM_IRREGULAR_PERCENT * (rr + other)) {
            far = (uint8_t)(far | (1u << k));
        }
    }
    return far;
}

static void push(ecg_rhythm_irregular_t *irregular, const ecg_rhythm_step_t *step) {
    const uint8_t far = compare(irregular, step->rr);
    if (irregular->count == ECG_RHYTHM_IRREGULAR_INTERVALS) {
        memmove(irregular->intervals, irregular->intervals + 1,
                sizeof irregular->intervals - sizeof irregular->intervals[0]);
        irregular->count--;
    }
    irregular->intervals[irregular->count++] =
        (ecg_rhythm_interval_t){.at = step->at, .rr = step->rr, .far = far, .gap = irregular->gap};
    irregular->gap = false;
}

/* Number of intervals that differ from the one k + 1 before, for the k with the fewest: a rhythm that repeats
 * every one to four beats is regular in one of the four. */
static uint8_t count_irregular(const ecg_rhythm_irregular_t *irregular) {
    uint8_t fewest = irregular->count;
    for (unsigned k = 0; k < ECG_RHYTHM_IRREGULAR_LAGS; k++) {
        uint8_t count = 0;
        for (uint8_t i = 0; i < irregular->count; i++) {
            count = (uint8_t)(count + ((irregular->intervals[i].far >> k) & 1u));
        }
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

static uint8_t count_gaps(const ecg_rhythm_irregular_t *irregular) {
    uint8_t gaps = 0;
    for (uint8_t i = 0; i < irregular->count; i++) {
        gaps = (uint8_t)(gaps + irregular->intervals[i].gap);
    }
    return gaps;
}

/* Take an interval into the episode, which ends with the last interval that is unlike all four before it. */
static void extend(ecg_rhythm_irregular_t *irregular, const ecg_rhythm_interval_t *interval) {
    ecg_rhythm_episode_t *episode = &irregular->episode;
    ecg_rhythm_add(&irregular->tail, interval->rr);
    if (interval->far == ALL_FAR) {
        ecg_rhythm_merge(&episode->figures, &irregular->tail);
        episode->end = interval->at;
        episode->beats = ecg_rhythm_clip16(episode->figures.intervals + 1u);
    }
}

/* First interval in the window that differs from the one before it and begins after the last episode's end.
 */
static const ecg_rhythm_interval_t *find_first(const ecg_rhythm_irregular_t *irregular) {
    const ecg_rhythm_interval_t *interval = irregular->intervals;
    const ecg_rhythm_interval_t *last = interval + irregular->count - 1;
    while (interval < last && (!(interval->far & 1u) || ecg_rhythm_overlaps(&irregular->episode, interval))) {
        interval++;
    }
    return interval;
}

static void begin(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    const ecg_rhythm_interval_t *interval = find_first(irregular);
    irregular->episode.onset = interval->at - interval->rr;
    irregular->episode.end = interval->at;
    irregular->episode.beats = 2; /* of the first interval */
    irregular->episode.figures = (ecg_rhythm_figures_t){0};
    irregular->tail = (ecg_rhythm_figures_t){0};
    ecg_rhythm_add(&irregular->episode.figures, interval->rr);
    for (interval++; interval < irregular->intervals + irregular->count; interval++) {
        extend(irregular, interval);
    }
    ecg_rhythm_open(rhythm, &irregular->episode);
}

static void update_episode(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    ecg_rhythm_episode_t *episode = &irregular->episode;
    const uint8_t count = count_irregular(irregular);
    const uint16_t permille = (uint16_t)(1000u * count / ECG_RHYTHM_IRREGULAR_INTERVALS);
    if (episode->open) {
        extend(irregular, &irregular->intervals[irregular->count - 1]);
        if (permille > episode->irregularity_permille) {
            episode->irregularity_permille = permille;
        }
        if (count <= ECG_RHYTHM_IRREGULAR_END) {
            ecg_rhythm_close(rhythm, episode, 0);
        }
    } else if (count >= ECG_RHYTHM_IRREGULAR_BEGIN && count_gaps(irregular) <= ECG_RHYTHM_IRREGULAR_GAPS) {
        episode->irregularity_permille = permille;
        begin(rhythm);
    }
}

void ecg_rhythm_irregular_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    const bool conducted =
        step->beat_class != ECG_RHYTHM_VENTRICULAR && step->last_class != ECG_RHYTHM_VENTRICULAR;
    if (!step->joined || !conducted || step->rr >= rhythm->times.asystole) {
        irregular->gap = true;
        return;
    }
    push(irregular, step);
    if (irregular->count == ECG_RHYTHM_IRREGULAR_INTERVALS) {
        update_episode(rhythm);
    }
}

void ecg_rhythm_irregular_cut(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    if (irregular->episode.open) { /* it has not ended: it lasts to the last interval seen */
        ecg_rhythm_merge(&irregular->episode.figures, &irregular->tail);
        irregular->episode.end = irregular->intervals[irregular->count - 1].at;
        irregular->episode.beats = ecg_rhythm_clip16(irregular->episode.figures.intervals + 1u);
        ecg_rhythm_close(rhythm, &irregular->episode, ECG_RHYTHM_FLAG_TRUNCATED);
    }
    irregular->count = 0;
    irregular->gap = false;
}
