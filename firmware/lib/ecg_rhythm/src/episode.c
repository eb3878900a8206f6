#include <stddef.h>

#include "private.h"

void ecg_rhythm_add(ecg_rhythm_figures_t *figures, uint16_t rr) {
    if (figures->intervals == UINT16_MAX) {
        return; /* 65,535 intervals say enough of the mean */
    }
    if (figures->intervals == 0 || rr < figures->shortest) {
        figures->shortest = rr;
    }
    if (rr > figures->longest) {
        figures->longest = rr;
    }
    figures->rr_sum += rr;
    figures->intervals++;
}

void ecg_rhythm_merge(ecg_rhythm_figures_t *into, ecg_rhythm_figures_t *from) {
    if (from->intervals > 0 && into->intervals <= UINT16_MAX - from->intervals) {
        if (into->intervals == 0 || from->shortest < into->shortest) {
            into->shortest = from->shortest;
        }
        if (from->longest > into->longest) {
            into->longest = from->longest;
        }
        into->rr_sum += from->rr_sum;
        into->intervals = (uint16_t)(into->intervals + from->intervals);
    }
    *from = (ecg_rhythm_figures_t){0};
}

bool ecg_rhythm_overlaps(const ecg_rhythm_episode_t *last, const ecg_rhythm_interval_t *interval) {
    const uint32_t overlap = last->end - (interval->at - interval->rr);
    return last->beats > 0 && overlap > 0 && overlap <= ECG_RHYTHM_LOOK_BACK;
}

/* Beats in ten minutes at the mean interval. */
static uint16_t rate_x10(const ecg_rhythm_figures_t *figures, uint16_t fs_hz) {
    if (figures->rr_sum == 0) {
        return 0;
    }
    const uint64_t scaled = (uint64_t)figures->intervals * (600u * fs_hz);
    const uint64_t rate = (scaled + figures->rr_sum / 2) / figures->rr_sum;
    return (uint16_t)(rate > UINT16_MAX ? UINT16_MAX : rate);
}

void ecg_rhythm_send(ecg_rhythm_state_t *rhythm, const ecg_rhythm_episode_t *episode,
                     ecg_rhythm_phase_t phase, uint8_t flags) {
    const ecg_rhythm_figures_t *figures = &episode->figures;
    const uint32_t count = figures->intervals;
    const ecg_rhythm_event_t event = {
        .index = rhythm->events++,
        .kind = episode->kind,
        .phase = (uint8_t)phase,
        .flags = flags,
        .onset = episode->onset,
        .end = episode->end,
        .beats = episode->beats,
        .rate_x10 = rate_x10(figures, rhythm->times.fs_hz),
        .mean_rr = (uint16_t)(count > 0 ? (figures->rr_sum + count / 2) / count : 0),
        .shortest_rr = figures->shortest,
        .longest_rr = figures->longest,
        .irregularity_permille = episode->irregularity_permille,
        .confidence = episode->confidence,
    };
    rhythm->sink(rhythm->context, &event);
}

void ecg_rhythm_open(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode) {
    episode->open = true;
    ecg_rhythm_send(rhythm, episode, ECG_RHYTHM_BEGIN, 0);
}

void ecg_rhythm_close(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode, uint8_t flags) {
    if (episode->open) {
        episode->open = false;
        ecg_rhythm_send(rhythm, episode, ECG_RHYTHM_END, flags);
    }
}
