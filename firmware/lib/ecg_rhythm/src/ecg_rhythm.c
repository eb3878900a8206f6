/* Time and dispatch: settled time, rules that are due without a beat, and the rules that a beat or bad signal
 * concerns. */
#include "ecg_base/static_assert.h"
#include "private.h"

ECG_STATIC_ASSERT(sizeof(ecg_rhythm_state_t) < 2048, state_size);

uint32_t ecg_rhythm_state_bytes(void) {
    return (uint32_t)sizeof(ecg_rhythm_state_t);
}

const char *ecg_rhythm_kind_text(uint8_t kind) {
    switch (kind) {
#define ECG_RHYTHM_X(name, value, text) \
    case name:                          \
        return text;
        ECG_RHYTHM_KIND_LIST(ECG_RHYTHM_X)
#undef ECG_RHYTHM_X
        default:
            return "unknown kind";
    }
}

static uint32_t earlier(uint32_t a, uint32_t b) {
    return ecg_rhythm_after(a, b) ? b : a;
}

/* Time of the next event that needs no beat. */
static uint32_t next_due(const ecg_rhythm_state_t *rhythm) {
    uint32_t due = rhythm->rate_at;
    if (ecg_rhythm_silence_counts(rhythm) && !rhythm->silence.pause.open) {
        due = earlier(due, rhythm->silence.since + rhythm->times.pause);
    }
    if (ecg_rhythm_silence_counts(rhythm) && !rhythm->silence.asystole.open) {
        due = earlier(due, rhythm->silence.since + rhythm->times.asystole);
    }
    if (ecg_rhythm_unreadable_counts(rhythm)) {
        due = earlier(due, rhythm->technical.bad_since + rhythm->times.unreadable);
    }
    if (rhythm->irregular.count > 0) {
        const uint32_t newest = rhythm->irregular.intervals[rhythm->irregular.count - 1].at;
        due = earlier(due, newest + rhythm->times.stale);
    }
    return due;
}

void ecg_rhythm_reschedule(ecg_rhythm_state_t *rhythm) {
    rhythm->due = next_due(rhythm);
}

uint32_t ecg_rhythm_settled(uint16_t fs_hz, uint32_t samples) {
    const uint32_t delay =
        ECG_RHYTHM_BEAT_DELAY_MS * (uint32_t)fs_hz / 1000u + ECG_RHYTHM_BEAT_DELAY_SPARE_SAMPLES;
    const uint32_t start = ECG_RHYTHM_START_MS * (uint32_t)fs_hz / 1000u;
    return samples >= start ? samples - delay : 0;
}

static ecg_rhythm_times_t times_at(uint16_t fs_hz) {
    return (ecg_rhythm_times_t){
        .pause = ECG_RHYTHM_PAUSE_MS * (uint32_t)fs_hz / 1000u,
        .asystole = ECG_RHYTHM_ASYSTOLE_MS * (uint32_t)fs_hz / 1000u,
        .rate_span = ECG_RHYTHM_RATE_SPAN_MS * (uint32_t)fs_hz / 1000u,
        .rate_every = ECG_RHYTHM_RATE_EVERY_MS * (uint32_t)fs_hz / 1000u,
        .stale = ECG_RHYTHM_IRREGULAR_STALE_MS * (uint32_t)fs_hz / 1000u,
        .unreadable = ECG_RHYTHM_UNREADABLE_MS * (uint32_t)fs_hz / 1000u,
        .sustained = ECG_RHYTHM_SUSTAINED_MS * (uint32_t)fs_hz / 1000u,
        .fs_hz = fs_hz,
    };
}

void ecg_rhythm_init(ecg_rhythm_state_t *rhythm, uint16_t fs_hz, ecg_rhythm_sink_t sink, void *context) {
    *rhythm = (ecg_rhythm_state_t){.sink = sink, .context = context, .times = times_at(fs_hz)};
    rhythm->rate_at = rhythm->times.rate_every;
    ecg_rhythm_silence_init(&rhythm->silence);
    ecg_rhythm_technical_init(&rhythm->technical);
    ecg_rhythm_rate_init(&rhythm->rate);
    ecg_rhythm_run_init(&rhythm->run_v, ECG_RHYTHM_VENTRICULAR, ECG_RHYTHM_RUN_V);
    ecg_rhythm_run_init(&rhythm->run_s, ECG_RHYTHM_SUPRAVENTRICULAR, ECG_RHYTHM_RUN_S);
    ecg_rhythm_pattern_init(&rhythm->bigeminy, 2, ECG_RHYTHM_BIGEMINY);
    ecg_rhythm_pattern_init(&rhythm->trigeminy, 3, ECG_RHYTHM_TRIGEMINY);
    ecg_rhythm_irregular_init(&rhythm->irregular);
    rhythm->due = next_due(rhythm);
}

/* No beats can be read from here on: every rule on successive beats ends. Irregularity outlasts a short gap,
 * because it needs intervals to be found again. */
static void truncate_labels(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_run_end(rhythm, &rhythm->run_v, ECG_RHYTHM_FLAG_TRUNCATED);
    ecg_rhythm_run_end(rhythm, &rhythm->run_s, ECG_RHYTHM_FLAG_TRUNCATED);
    ecg_rhythm_pattern_end(rhythm, &rhythm->bigeminy, ECG_RHYTHM_FLAG_TRUNCATED);
    ecg_rhythm_pattern_end(rhythm, &rhythm->trigeminy, ECG_RHYTHM_FLAG_TRUNCATED);
}

static void truncate_beats(ecg_rhythm_state_t *rhythm) {
    truncate_labels(rhythm);
    ecg_rhythm_rate_cut(rhythm);
    rhythm->joined = false;
}

static void truncate_all(ecg_rhythm_state_t *rhythm, uint32_t at) {
    ecg_rhythm_silence_end(rhythm, at, ECG_RHYTHM_FLAG_TRUNCATED);
    truncate_beats(rhythm);
}

static void run_due_rules(ecg_rhythm_state_t *rhythm) {
    const ecg_rhythm_irregular_t *irregular = &rhythm->irregular;
    if (ecg_rhythm_silence_counts(rhythm)) {
        ecg_rhythm_silence_due(rhythm);
    }
    if (ecg_rhythm_unreadable_counts(rhythm)) {
        ecg_rhythm_unreadable_due(rhythm);
    }
    if (irregular->count > 0) {
        const uint32_t newest = irregular->intervals[irregular->count - 1].at;
        if (!ecg_rhythm_after(newest + rhythm->times.stale, rhythm->time)) {
            ecg_rhythm_irregular_cut(rhythm);
        }
    }
    if (!ecg_rhythm_after(rhythm->rate_at, rhythm->time)) {
        rhythm->rate_at += rhythm->times.rate_every;
        ecg_rhythm_rate_report(rhythm);
    }
}

/* Run all rules that are due up to `time`. */
void ecg_rhythm_settle(ecg_rhythm_state_t *rhythm, uint32_t time) {
    while (!ecg_rhythm_after(rhythm->due, time)) {
        rhythm->time = ecg_rhythm_after(rhythm->due, rhythm->time) ? rhythm->due : rhythm->time;
        run_due_rules(rhythm);
        rhythm->due = next_due(rhythm);
    }
    if (ecg_rhythm_after(time, rhythm->time)) {
        rhythm->time = time;
    }
}

static void apply_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_step_t *step) {
    ecg_rhythm_silence_end(rhythm, step->at, 0);
    ecg_rhythm_silence_beat(rhythm);
    ecg_rhythm_rate_beat(rhythm, step);
    ecg_rhythm_irregular_beat(rhythm, step);
    if (step->beat_class == ECG_RHYTHM_UNLABELLED) {
        truncate_labels(rhythm);
        return;
    }
    ecg_rhythm_run_beat(rhythm, &rhythm->run_v, step);
    ecg_rhythm_run_beat(rhythm, &rhythm->run_s, step);
    ecg_rhythm_pattern_beat(rhythm, &rhythm->bigeminy, step);
    ecg_rhythm_pattern_beat(rhythm, &rhythm->trigeminy, step);
}

static bool is_beat(const ecg_rhythm_beat_t *beat) {
    return beat->beat_class < ECG_RHYTHM_UNCLASSIFIABLE || beat->beat_class == ECG_RHYTHM_UNLABELLED;
}

bool ecg_rhythm_suspects_fibrillation(ecg_rhythm_state_t *rhythm, uint32_t r_sample) {
    ecg_rhythm_settle(rhythm, r_sample);
    return rhythm->irregular.fibrillation.episode.open;
}

/* No beat is premature in fibrillation. */
static uint8_t class_of(ecg_rhythm_state_t *rhythm, const ecg_rhythm_beat_t *beat) {
    const bool in_fibrillation = ecg_rhythm_suspects_fibrillation(rhythm, beat->r_sample);
    const bool is_premature = beat->beat_class == ECG_RHYTHM_SUPRAVENTRICULAR;
    return is_premature && in_fibrillation ? ECG_RHYTHM_NORMAL : beat->beat_class;
}

void ecg_rhythm_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_beat_t *beat) {
    const uint8_t beat_class = class_of(rhythm, beat);
    const ecg_rhythm_step_t step = {
        .at = beat->r_sample,
        .rr = beat->rr_samples,
        .beat_class = beat_class,
        .last_class = rhythm->last_class,
        .joined = rhythm->joined && beat->rr_samples > 0,
        .evidence = *beat,
    };
    ecg_rhythm_ventricular_beat(rhythm);
    if (!rhythm->bad && beat->beat_class == ECG_RHYTHM_DOUBTFUL) {
        truncate_beats(rhythm);
        ecg_rhythm_irregular_lose(&rhythm->irregular);
    } else if (rhythm->bad || !is_beat(beat)) {
        truncate_all(rhythm, beat->r_sample);
        ecg_rhythm_irregular_lose(&rhythm->irregular);
    } else {
        apply_beat(rhythm, &step);
        rhythm->joined = true;
    }
    rhythm->last_class = beat->beat_class;
    rhythm->due = next_due(rhythm);
}

void ecg_rhythm_tick(ecg_rhythm_state_t *rhythm, uint32_t settled, bool signal_is_bad) {
    ecg_rhythm_settle(rhythm, settled);
    if (signal_is_bad != rhythm->bad) {
        rhythm->bad = signal_is_bad;
        if (signal_is_bad) {
            truncate_all(rhythm, rhythm->time);
            rhythm->technical.bad_since = rhythm->time;
        } else {
            ecg_rhythm_unreadable_end(rhythm, rhythm->time, 0);
        }
        rhythm->silence.since = rhythm->time;
        rhythm->due = next_due(rhythm);
    }
}

void ecg_rhythm_finish(ecg_rhythm_state_t *rhythm, uint32_t samples) {
    ecg_rhythm_settle(rhythm, samples);
    truncate_all(rhythm, samples);
    ecg_rhythm_irregular_cut(rhythm);
    ecg_rhythm_ventricular_cut(rhythm);
    ecg_rhythm_technical_cut(rhythm, samples);
}
