/* Heart rate, bradycardia and tachycardia. */
#include <string.h>

#include "private.h"

void ecg_rhythm_rate_init(ecg_rhythm_rate_t *rate) {
    *rate = (ecg_rhythm_rate_t){
        .slow = {.kind = ECG_RHYTHM_BRADYCARDIA},
        .fast = {.kind = ECG_RHYTHM_TACHYCARDIA},
    };
}

static uint32_t samples_a_minute(const ecg_rhythm_state_t *rhythm) {
    return 60u * rhythm->times.fs_hz;
}

static void push(ecg_rhythm_rate_t *rate, const ecg_rhythm_step_t *step) {
    if (rate->count == ECG_RHYTHM_TACHYCARDIA_INTERVALS) {
        memmove(rate->intervals, rate->intervals + 1, sizeof rate->intervals - sizeof rate->intervals[0]);
        rate->count--;
    }
    rate->intervals[rate->count++] = (ecg_rhythm_interval_t){.at = step->at, .rr = step->rr};
}

/* The newest `count` intervals as an episode. */
static void gather(const ecg_rhythm_rate_t *rate, uint8_t count, ecg_rhythm_episode_t *episode) {
    const ecg_rhythm_interval_t *first = rate->intervals + rate->count - count;
    episode->figures = (ecg_rhythm_figures_t){0};
    for (uint8_t i = 0; i < count; i++) {
        ecg_rhythm_add(&episode->figures, first[i].rr);
    }
    episode->onset = first->at - first->rr;
    episode->end = first[count - 1].at;
    episode->beats = (uint16_t)(count + 1u);
}

static uint32_t sum_newest(const ecg_rhythm_rate_t *rate, uint8_t count) {
    uint32_t sum = 0;
    for (uint8_t i = (uint8_t)(rate->count - count); i < rate->count; i++) {
        sum += rate->intervals[i].rr;
    }
    return sum;
}

/* Is the mean rate of the newest `count` intervals below, or above, `per_minute`? Never with fewer. */
static bool is_below(const ecg_rhythm_state_t *rhythm, uint8_t count, uint32_t per_minute) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    return rate->count >= count && count * samples_a_minute(rhythm) < per_minute * sum_newest(rate, count);
}

static bool is_above(const ecg_rhythm_state_t *rhythm, uint8_t count, uint32_t per_minute) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    return rate->count >= count && count * samples_a_minute(rhythm) > per_minute * sum_newest(rate, count);
}

/* Fast beats all along: noise that is counted as beats between slow ones leaves some long intervals. */
static bool is_fast(const ecg_rhythm_state_t *rhythm) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    uint8_t slow = 0;
    for (uint8_t i = 0; i < rate->count; i++) {
        slow =
            (uint8_t)(slow + (ECG_RHYTHM_TACHYCARDIA_END * rate->intervals[i].rr > samples_a_minute(rhythm)));
    }
    return slow <= ECG_RHYTHM_TACHYCARDIA_SLOW_MOST &&
           is_above(rhythm, ECG_RHYTHM_TACHYCARDIA_INTERVALS, ECG_RHYTHM_TACHYCARDIA_ABOVE);
}

/* An episode begins from intervals of its own: a mean that includes intervals of the last episode would begin
 * before that one's end, or report a rate that the remaining intervals do not have. `begins` of them are
 * enough; 0: it does not begin. */
static void follow(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode, uint8_t begins, bool lasts,
                   const ecg_rhythm_step_t *step) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    if (episode->open && lasts) {
        ecg_rhythm_add(&episode->figures, step->rr);
        episode->end = step->at;
        episode->beats = ecg_rhythm_clip16(episode->beats + 1u);
    } else if (episode->open) {
        ecg_rhythm_close(rhythm, episode, 0);
    } else if (begins > 0 && !ecg_rhythm_overlaps(episode, rate->intervals + rate->count - begins)) {
        gather(rate, begins, episode);
        ecg_rhythm_open(rhythm, episode);
    }
}

void ecg_rhythm_rate_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step) {
    ecg_rhythm_rate_t *rate = &rhythm->rate;
    if (!step->joined) {
        return;
    }
    push(rate, step);
    const bool slow = is_below(rhythm, ECG_RHYTHM_RATE_INTERVALS, ECG_RHYTHM_BRADYCARDIA_BELOW);
    follow(rhythm, &rate->slow, slow ? ECG_RHYTHM_RATE_INTERVALS : 0,
           is_below(rhythm, ECG_RHYTHM_RATE_INTERVALS, ECG_RHYTHM_BRADYCARDIA_END), step);
    follow(rhythm, &rate->fast, is_fast(rhythm) ? ECG_RHYTHM_TACHYCARDIA_INTERVALS : 0,
           is_above(rhythm, ECG_RHYTHM_RATE_INTERVALS, ECG_RHYTHM_TACHYCARDIA_END), step);
}

uint32_t ecg_rhythm_rate_sum(const ecg_rhythm_state_t *rhythm, uint8_t count) {
    return rhythm->rate.count >= count ? sum_newest(&rhythm->rate, count) : 0;
}

void ecg_rhythm_rate_cut(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_close(rhythm, &rhythm->rate.slow, ECG_RHYTHM_FLAG_TRUNCATED);
    ecg_rhythm_close(rhythm, &rhythm->rate.fast, ECG_RHYTHM_FLAG_TRUNCATED);
    rhythm->rate.count = 0;
}

/* Intervals that ended in the last ECG_RHYTHM_RATE_SPAN_MS. */
static uint8_t count_recent(const ecg_rhythm_state_t *rhythm) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    uint8_t recent = 0;
    while (recent < rate->count && recent < ECG_RHYTHM_RATE_INTERVALS &&
           ecg_rhythm_after(rate->intervals[rate->count - 1 - recent].at + rhythm->times.rate_span,
                            rhythm->time)) {
        recent++;
    }
    return recent;
}

static bool in_range(const ecg_rhythm_state_t *rhythm, const ecg_rhythm_figures_t *figures) {
    const uint32_t scaled = figures->intervals * samples_a_minute(rhythm);
    return scaled >= ECG_RHYTHM_RATE_LOWEST * figures->rr_sum &&
           scaled <= ECG_RHYTHM_RATE_HIGHEST * figures->rr_sum;
}

void ecg_rhythm_rate_report(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_episode_t now = {.kind = ECG_RHYTHM_HEART_RATE};
    const uint8_t recent = count_recent(rhythm);
    if (!rhythm->bad && recent >= ECG_RHYTHM_RATE_INTERVALS_MIN) {
        gather(&rhythm->rate, recent, &now);
    }
    if (!in_range(rhythm, &now.figures) || now.beats == 0) {
        now = (ecg_rhythm_episode_t){.kind = now.kind, .onset = rhythm->time, .end = rhythm->time};
    }
    ecg_rhythm_send(rhythm, &now, ECG_RHYTHM_UPDATE, 0);
}
