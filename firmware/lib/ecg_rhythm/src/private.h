/* What the files of ecg_rhythm share. */
#ifndef ECG_RHYTHM_PRIVATE_H
#define ECG_RHYTHM_PRIVATE_H

#include "ecg_rhythm/ecg_rhythm_state.h"

/* A beat with what is known of the way to it. */
typedef struct {
    uint32_t at;
    uint16_t rr;
    uint8_t beat_class; /* never unclassifiable */
    uint8_t last_class;
    bool joined; /* `rr` can be used: nothing unreadable since the beat before */
    ecg_rhythm_beat_t evidence;
} ecg_rhythm_step_t;

/* Is a later than b? Right also where sample indices wrap. */
static inline bool ecg_rhythm_after(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) > 0;
}

/* No rule looks back further than so many samples, hours. A larger difference is an index that has wrapped,
 * or something that was long ago or never. */
#define ECG_RHYTHM_LOOK_BACK ((uint32_t)ECG_RHYTHM_IRREGULAR_INTERVALS * UINT16_MAX)

/* `at`, but not before the end of what came before it, which may be long ago. */
static inline uint32_t ecg_rhythm_not_before(uint32_t at, uint32_t end) {
    return end - at <= ECG_RHYTHM_LOOK_BACK ? end : at;
}

/* Are two intervals further apart than ECG_RHYTHM_IRREGULAR_PERCENT of their mean? */
static inline bool ecg_rhythm_differ(uint16_t a, uint16_t b) {
    const uint32_t difference = (uint32_t)(a > b ? a - b : b - a);
    return 200u * difference > ECG_RHYTHM_IRREGULAR_PERCENT * ((uint32_t)a + b);
}

static inline uint16_t ecg_rhythm_clip16(uint32_t value) {
    return (uint16_t)(value > UINT16_MAX ? UINT16_MAX : value);
}

/* episode.c */
void ecg_rhythm_add(ecg_rhythm_figures_t *figures, uint16_t rr);
void ecg_rhythm_merge(ecg_rhythm_figures_t *into, ecg_rhythm_figures_t *from); /* and empties `from` */
/* True when `interval` begins before the end of `last`, an episode of the same kind or one never opened. The
 * next episode must not take it in. */
bool ecg_rhythm_overlaps(const ecg_rhythm_episode_t *last, const ecg_rhythm_interval_t *interval);
void ecg_rhythm_send(ecg_rhythm_state_t *rhythm, const ecg_rhythm_episode_t *episode,
                     ecg_rhythm_phase_t phase, uint8_t flags);
void ecg_rhythm_open(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode);
void ecg_rhythm_close(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode, uint8_t flags);

/* Compute anew when something happens by itself. */
void ecg_rhythm_reschedule(ecg_rhythm_state_t *rhythm);

/* Each rule: what a beat does to it, and what the end of what can be seen does. */
void ecg_rhythm_silence_init(ecg_rhythm_silence_t *silence);
void ecg_rhythm_silence_beat(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_silence_end(ecg_rhythm_state_t *rhythm, uint32_t at, uint8_t flags);
bool ecg_rhythm_silence_counts(const ecg_rhythm_state_t *rhythm);
void ecg_rhythm_silence_due(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_silence_cut(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_technical_init(ecg_rhythm_technical_t *technical);
bool ecg_rhythm_unreadable_counts(const ecg_rhythm_state_t *rhythm);
void ecg_rhythm_unreadable_due(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_unreadable_end(ecg_rhythm_state_t *rhythm, uint32_t at, uint8_t flags);
void ecg_rhythm_technical_cut(ecg_rhythm_state_t *rhythm, uint32_t at);
void ecg_rhythm_rate_init(ecg_rhythm_rate_t *rate);
void ecg_rhythm_rate_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step);
/* Sum of the newest `count` intervals in a row, at most ECG_RHYTHM_TACHYCARDIA_INTERVALS; 0: not as many. */
uint32_t ecg_rhythm_rate_sum(const ecg_rhythm_state_t *rhythm, uint8_t count);
void ecg_rhythm_rate_cut(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_rate_report(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_run_init(ecg_rhythm_run_t *run, uint8_t beat_class, ecg_rhythm_kind_t kind);
void ecg_rhythm_run_beat(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, const ecg_rhythm_step_t *step);
void ecg_rhythm_run_end(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, uint8_t flags);
void ecg_rhythm_pattern_init(ecg_rhythm_pattern_t *pattern, uint8_t period, ecg_rhythm_kind_t kind);
void ecg_rhythm_pattern_beat(ecg_rhythm_state_t *rhythm, ecg_rhythm_pattern_t *pattern,
                             const ecg_rhythm_step_t *step);
void ecg_rhythm_pattern_end(ecg_rhythm_state_t *rhythm, ecg_rhythm_pattern_t *pattern, uint8_t flags);
/* Take an interval into the sums, or out of them again. */
void ecg_rhythm_flutter_add(ecg_rhythm_flutter_t *flutter, uint16_t rr, uint16_t fs_hz);
void ecg_rhythm_flutter_remove(ecg_rhythm_flutter_t *flutter, uint16_t rr, uint16_t fs_hz);
/* How well one period of flutter divides all intervals, 1000: exactly; less ECG_RHYTHM_FLUTTER_PERMILLE. */
uint32_t ecg_rhythm_flutter_excess(const ecg_rhythm_flutter_t *flutter);
void ecg_rhythm_irregular_init(ecg_rhythm_irregular_t *irregular);
void ecg_rhythm_irregular_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step);
void ecg_rhythm_irregular_lose(ecg_rhythm_irregular_t *irregular); /* a beat that cannot be read */
void ecg_rhythm_irregular_cut(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_settle(ecg_rhythm_state_t *rhythm, uint32_t time);
void ecg_rhythm_ventricular_beat(ecg_rhythm_state_t *rhythm);
void ecg_rhythm_ventricular_cut(ecg_rhythm_state_t *rhythm);

#endif
