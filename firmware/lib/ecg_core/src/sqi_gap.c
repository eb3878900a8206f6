#include "sqi_gap.h"

#define GAP_SAMPLES 576      /* 1.6 s without a beat: the state is known before a pause of 2 s */
#define T_WAVE_SAMPLES 180   /* 0.5 s after a beat: what comes earlier may be its T wave */
#define RESTLESS_SAMPLES 720 /* 2 s */
#define BEATING_SAMPLES 720  /* 2 s */
#define ENERGY_SHARE 4       /* a candidate with a quarter of the beats' energy may be a beat */
#define ENERGY_FACTOR 8      /* of the running mean of the beats' energies */

/* Of 146,000 beats of mitdb's DS1 and svdb's even records, 20 are as low and as unlike the average. */
#define DOUBT_DEVIATION_Q6 (-64) /* log2: standard deviation at most half of the average beat's */
#define DOUBT_CORRELATION_Q6 60  /* 0.94; a beat that has only become lower is more like the average */
#define DOUBT_BEATS 32           /* in a row; then they are the patient's beats after all */
#define DOUBT_AFTER 16           /* beats, since an average of the first ones may be of something else */

static bool is_lively(const ecg_sqi_gap_t *gap, uint32_t at, int32_t energy) {
    return at - gap->beat_at > T_WAVE_SAMPLES && energy > gap->beat_energy / ENERGY_SHARE;
}

void ecg_sqi_gap_candidate(ecg_sqi_gap_t *gap, const ecg_candidate_t *candidate, bool is_beat) {
    gap->energy = candidate->energy;
    if (is_beat) {
        gap->found_at = candidate->at;
    }
    if (!is_beat && is_lively(gap, candidate->at, candidate->energy)) {
        gap->lively_at = candidate->at;
    }
}

/* No signal in its window: no beat. */
static bool is_flat(const ecg_core_beat_t *beat) {
    return (beat->flags & ECG_CORE_FLAG_FLAT) != 0;
}

static bool is_low(const ecg_sqi_gap_t *gap, const ecg_core_beat_t *beat) {
    return gap->energy < gap->beat_energy / ENERGY_SHARE && beat->rhythm[6] <= DOUBT_DEVIATION_Q6 &&
           beat->rhythm[5] < DOUBT_CORRELATION_Q6;
}

static bool is_doubtful(const ecg_sqi_gap_t *gap, const ecg_core_beat_t *beat) {
    const uint16_t others = ECG_CORE_FLAG_LEARNING | ECG_CORE_FLAG_UNCLASSIFIABLE;
    return (beat->flags & others) == 0 && is_low(gap, beat) && gap->doubted < DOUBT_BEATS &&
           gap->trusted >= DOUBT_AFTER;
}

static void learn_energy(ecg_sqi_gap_t *gap) {
    gap->beat_energy = gap->beat_energy == 0
                           ? gap->energy
                           : gap->beat_energy + (gap->energy - gap->beat_energy) / ENERGY_FACTOR;
}

void ecg_sqi_gap_beat(ecg_sqi_gap_t *gap, ecg_core_beat_t *beat) {
    if (is_doubtful(gap, beat)) {
        beat->flags |= ECG_CORE_FLAG_UNCLASSIFIABLE | ECG_CORE_FLAG_DOUBTFUL;
        gap->doubted++;
        return;
    }
    if (is_flat(beat)) {
        beat->flags |= ECG_CORE_FLAG_DOUBTFUL;
        return;
    }
    if ((beat->flags & ECG_CORE_FLAG_UNCLASSIFIABLE) == 0) {
        learn_energy(gap);
        gap->doubted = 0;
        gap->trusted = (uint8_t)(gap->trusted + (gap->trusted < DOUBT_AFTER));
    }
    gap->beat_at = beat->r_sample;
}

bool ecg_sqi_gap_is_restless(const ecg_sqi_gap_t *gap, uint32_t index) {
    const bool is_gap = gap->beat_energy > 0 && (int32_t)(index - gap->beat_at) > GAP_SAMPLES;
    return is_gap && (int32_t)(gap->lively_at - gap->beat_at) > 0 &&
           index - gap->lively_at < RESTLESS_SAMPLES;
}

bool ecg_sqi_gap_is_beating(const ecg_sqi_gap_t *gap, uint32_t index) {
    return (int32_t)(index - gap->found_at) < BEATING_SAMPLES;
}
