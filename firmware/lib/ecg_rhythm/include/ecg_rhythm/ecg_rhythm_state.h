/* Layout of ecg_rhythm_state_t, so that it can be allocated statically. Private otherwise. */
#ifndef ECG_RHYTHM_ECG_RHYTHM_STATE_H
#define ECG_RHYTHM_ECG_RHYTHM_STATE_H

#include "ecg_rhythm/ecg_rhythm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Figures of some intervals. */
typedef struct {
    uint32_t rr_sum;
    uint16_t intervals;
    uint16_t shortest;
    uint16_t longest;
} ecg_rhythm_figures_t;

/* Something that lasts: from `onset` to `end`, as far as it is known. */
typedef struct {
    uint32_t onset;
    uint32_t end;
    ecg_rhythm_figures_t figures; /* of the intervals up to `end` */
    uint16_t beats;
    uint16_t irregularity_permille;
    uint8_t confidence;
    uint8_t kind;
    bool open; /* BEGIN was sent, END was not */
} ecg_rhythm_episode_t;

typedef struct {
    uint32_t at; /* R peak at its end */
    uint16_t rr;
    uint8_t p_wave; /* the rest: for irregular rhythms only */
    uint8_t quality;
    uint8_t unlikeness;
    uint8_t lost;            /* beats since the interval before that could not be read; saturates */
    uint8_t far;             /* bit k: differs from the interval k + 1 before it */
    bool beside_ventricular; /* one of its two beats is */
} ecg_rhythm_interval_t;

/* How long there has been no beat. */
typedef struct {
    uint32_t since; /* the last beat, or the end of bad signal */
    uint8_t beats;  /* seen so far, saturates */
    ecg_rhythm_episode_t pause;
    ecg_rhythm_episode_t asystole;
} ecg_rhythm_silence_t;

/* Technical events. */
typedef struct {
    uint32_t bad_since; /* where the present bad signal began */
    ecg_rhythm_episode_t unreadable;
    ecg_rhythm_episode_t leads_off;
} ecg_rhythm_technical_t;

typedef struct {
    ecg_rhythm_interval_t intervals[ECG_RHYTHM_TACHYCARDIA_INTERVALS]; /* the newest last */
    uint8_t count;
    ecg_rhythm_episode_t slow;
    ecg_rhythm_episode_t fast;
} ecg_rhythm_rate_t;

/* Beats of one class in a row. */
typedef struct {
    ecg_rhythm_episode_t episode;
    uint8_t beat_class;
    uint32_t rr_before;                  /* sum of the intervals that led to it; 0: not known */
    uint8_t certainties[ECG_RHYTHM_RUN]; /* of its last labels, the newest first */
} ecg_rhythm_run_t;

/* One ventricular beat in every `period`. */
typedef struct {
    ecg_rhythm_episode_t episode;
    ecg_rhythm_figures_t tail; /* intervals since the last ventricular beat */
    uint16_t ventricular;      /* ventricular beats in the pattern so far */
    uint8_t others;            /* beats since the last one */
    uint8_t period;
} ecg_rhythm_pattern_t;

typedef struct {
    ecg_rhythm_episode_t episode;
    ecg_rhythm_figures_t tail; /* intervals since the episode's `end` */
} ecg_rhythm_lasting_t;

/* Sums of the intervals in the window as angles on circles, one circle for each period. */
typedef struct {
    int16_t cosine[ECG_RHYTHM_FLUTTER_PERIODS];
    int16_t sine[ECG_RHYTHM_FLUTTER_PERIODS];
    uint8_t count;
} ecg_rhythm_flutter_t;

typedef struct {
    ecg_rhythm_interval_t intervals[ECG_RHYTHM_IRREGULAR_INTERVALS]; /* the newest last */
    ecg_rhythm_flutter_t flutter;
    uint8_t count;
    uint8_t lost; /* beats since the newest that could not be read */
    ecg_rhythm_lasting_t fibrillation;
    ecg_rhythm_lasting_t other; /* irregular, but with P waves or without evidence of them */
} ecg_rhythm_irregular_t;

typedef struct {
    ecg_rhythm_episode_t episode; /* its figures: the mean period of each second */
    uint32_t known;               /* end that its BEGIN reported */
    uint32_t ended;               /* end of the last episode */
    uint8_t kind;                 /* ecg_rhythm_ventricular_kind_t of the episode; NONE: none is open */
    bool sustained;
} ecg_rhythm_ventricular_rule_t;

/* The times of the rules in samples. */
typedef struct {
    uint32_t pause;
    uint32_t asystole;
    uint32_t rate_span;
    uint32_t rate_every;
    uint32_t stale;
    uint32_t unreadable;
    uint32_t sustained;
    uint16_t fs_hz;
} ecg_rhythm_times_t;

struct ecg_rhythm_state {
    ecg_rhythm_sink_t sink;
    void *context;
    ecg_rhythm_times_t times;
    uint32_t events; /* sent so far */
    uint32_t time;   /* settled up to here */
    uint32_t rate_at;
    uint32_t due; /* nothing happens by itself before */
    bool bad;     /* the signal at `time` */
    bool joined;  /* the signal has been good since the last beat, and that beat was classified */
    uint8_t last_class;
    ecg_rhythm_silence_t silence;
    ecg_rhythm_technical_t technical;
    ecg_rhythm_rate_t rate;
    ecg_rhythm_run_t run_v;
    ecg_rhythm_run_t run_s;
    ecg_rhythm_pattern_t bigeminy;
    ecg_rhythm_pattern_t trigeminy;
    ecg_rhythm_irregular_t irregular;
    ecg_rhythm_ventricular_rule_t ventricular;
};

#ifdef __cplusplus
}
#endif

#endif
