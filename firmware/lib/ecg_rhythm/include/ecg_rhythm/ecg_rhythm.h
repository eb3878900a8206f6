/* ecg_rhythm: from beats and their classes to rhythm events. (ecg_rhythm_labels.h: from outputs to labels.)
 *
 * Portable C99, integers only, no heap, no globals. The state is one caller-owned struct; the same beats and
 * ticks give the same events, byte for byte, on every machine. docs/explanation/rhythm.md has the rules.
 *
 * Use:  ecg_rhythm_init(&rhythm, 360, on_event, context);
 *       for each beat that the signal path gives:  ecg_rhythm_beat(&rhythm, &beat);
 *       after each sample or block:                ecg_rhythm_tick(&rhythm, settled, signal_is_bad);
 *       at the end of the signal, after its last beats:  ecg_rhythm_finish(&rhythm, samples);
 *
 * Time is sample indices. A beat leaves the signal path up to ECG_RHYTHM_BEAT_DELAY_MS after its R peak, so
 * the settled time (ecg_rhythm_settled) lags behind the newest sample by as much. Events refer to settled
 * time only, and each is sent once, as soon as it is final; an asystole is announced 3.8 s after the last R
 * peak. The events do not depend on the number of ticks, as long as every change of `signal_is_bad` has its
 * tick.
 *
 * Not reentrant for one state; different ones are independent. No function blocks, other than in the caller's
 * own on_event.
 */
#ifndef ECG_RHYTHM_ECG_RHYTHM_H
#define ECG_RHYTHM_ECG_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

#include "ecg_rhythm/ecg_rhythm_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ECG_RHYTHM_NORMAL = 0,
    ECG_RHYTHM_SUPRAVENTRICULAR = 1,
    ECG_RHYTHM_VENTRICULAR = 2,
    ECG_RHYTHM_UNCLASSIFIABLE = 3, /* there may be a beat, but nothing is to be concluded from it */
    ECG_RHYTHM_DOUBTFUL = 4,       /* perhaps no beat: it does not end a silence either */
    ECG_RHYTHM_UNLABELLED = 5, /* a beat, but its label is not known: it counts for rate and irregularity */
} ecg_rhythm_class_t;

/* Every kind of event, its value and its name (one X-macro, so that they cannot part). */
#define ECG_RHYTHM_KIND_LIST(X)                                                                 \
    X(ECG_RHYTHM_HEART_RATE, 1, "heart rate")                                                   \
    X(ECG_RHYTHM_PAUSE, 2, "pause")                                                             \
    X(ECG_RHYTHM_ASYSTOLE, 3, "asystole")                                                       \
    X(ECG_RHYTHM_BRADYCARDIA, 4, "bradycardia")                                                 \
    X(ECG_RHYTHM_TACHYCARDIA, 5, "tachycardia")                                                 \
    X(ECG_RHYTHM_COUPLET_V, 6, "V couplet")                                                     \
    X(ECG_RHYTHM_RUN_V, 7, "V run")                                                             \
    X(ECG_RHYTHM_RUN_S, 8, "S run")                                                             \
    X(ECG_RHYTHM_BIGEMINY, 9, "bigeminy")                                                       \
    X(ECG_RHYTHM_TRIGEMINY, 10, "trigeminy")                                                    \
    X(ECG_RHYTHM_IRREGULAR, 11, "irregularly irregular")                                        \
    X(ECG_RHYTHM_VENTRICULAR_FIBRILLATION, 12, "ventricular fibrillation or flutter suspected") \
    X(ECG_RHYTHM_VENTRICULAR_TACHYCARDIA, 13, "ventricular tachycardia")                        \
    X(ECG_RHYTHM_UNREADABLE, 14, "signal unreadable")                                           \
    X(ECG_RHYTHM_LEADS_OFF, 15, "leads off")                                                    \
    X(ECG_RHYTHM_ATRIAL_FIBRILLATION, 16, "atrial fibrillation suspected")

typedef enum {
#define ECG_RHYTHM_X(name, value, text) name = value,
    ECG_RHYTHM_KIND_LIST(ECG_RHYTHM_X)
#undef ECG_RHYTHM_X
} ecg_rhythm_kind_t;

/* A heart rate comes as UPDATE, a couplet as END alone, everything else as BEGIN and later END. A ventricular
 * tachycardia that is sustained has an UPDATE between. */
typedef enum { ECG_RHYTHM_BEGIN = 0, ECG_RHYTHM_UPDATE = 1, ECG_RHYTHM_END = 2 } ecg_rhythm_phase_t;

/* The end of what could be seen, not of the rhythm: bad signal, an unclassifiable beat, or the signal's end.
 */
#define ECG_RHYTHM_FLAG_TRUNCATED 0x01u
/* VENTRICULAR_TACHYCARDIA: it has lasted for 30 s. An UPDATE reports it, and the END has the flag, too. */
#define ECG_RHYTHM_FLAG_SUSTAINED 0x02u

/* A figure that does not apply, or is not known, is 0; one that does not fit saturates. */
typedef struct {
    uint32_t index; /* of this event, from 0 */
    uint8_t kind;   /* ecg_rhythm_kind_t */
    uint8_t phase;  /* ecg_rhythm_phase_t */
    uint8_t flags;  /* ECG_RHYTHM_FLAG_* */
    uint32_t onset; /* sample; final from the first message on */
    uint32_t end;   /* sample; in BEGIN: up to where it is known to last. Final in END. */
    uint16_t beats;
    uint16_t rate_x10; /* beats in ten minutes: of the mean interval */
    uint16_t mean_rr;  /* samples, as the next two */
    uint16_t shortest_rr;
    uint16_t longest_rr;
    uint16_t irregularity_permille; /* IRREGULAR, ATRIAL_FIBRILLATION: intervals unlike those before, the most
                                     * so far */
    uint8_t confidence;             /* of the same, percent, the highest so far */
} ecg_rhythm_event_t;

typedef struct {
    uint32_t r_sample;   /* in rising order */
    uint16_t rr_samples; /* interval to the R peak before; 0: there is none */
    uint8_t beat_class;  /* ecg_rhythm_class_t */
    uint8_t p_wave;      /* ecg_core_beat_t's: 1 certainly none before this beat, 255 certainly; 0 unknown */
    uint8_t quality;     /* of the signal around, 0 worst to 100 best */
    uint8_t unlikeness;  /* mean difference from the patient's average beat, 64 a standard deviation */
    uint8_t certainty;   /* by how much the label's output exceeds the next one's; 0: not to be relied on */
} ecg_rhythm_beat_t;

/* State of the signal path's ventricular rhythm detector, as ecg_core_ventricular gives it. */
typedef struct {
    uint32_t since; /* first sample of the present state */
    uint32_t until; /* it is decided for the samples before this one */
    uint16_t rate;  /* waves a minute, 0: not known */
    uint8_t kind;   /* ecg_rhythm_ventricular_kind_t */
} ecg_rhythm_ventricular_t;

typedef enum {
    ECG_RHYTHM_VENTRICULAR_IS_NONE = 0,
    ECG_RHYTHM_VENTRICULAR_IS_TACHYCARDIA = 1,
    ECG_RHYTHM_VENTRICULAR_IS_FIBRILLATION = 2, /* or flutter */
} ecg_rhythm_ventricular_kind_t;

/* Called for every event; it must not call into the same state. One call of the functions below gives at most
 * ECG_RHYTHM_EVENTS_MAX events, and one more for every ECG_RHYTHM_RATE_EVERY_MS that it settles. */
typedef void (*ecg_rhythm_sink_t)(void *context, const ecg_rhythm_event_t *event);
#define ECG_RHYTHM_EVENTS_MAX 32

typedef struct ecg_rhythm_state
    ecg_rhythm_state_t; /* layout: ecg_rhythm_state.h, for static allocation only */

/** Get the size of the state, for callers that allocate it at run time.
 *
 *  @return  bytes of ecg_rhythm_state_t on this machine, less than 2,048
 */
uint32_t ecg_rhythm_state_bytes(void);

/** Reset the state for a new signal.
 *
 *  @param[out] rhythm   state; its content before does not matter
 *  @param[in]  fs_hz    rate that sample indices count in, 100 to 2000 Hz
 *  @param[in]  sink     called for every event, within the calls below
 *  @param[in]  context  first argument of `sink`
 */
void ecg_rhythm_init(ecg_rhythm_state_t *rhythm, uint16_t fs_hz, ecg_rhythm_sink_t sink, void *context);

/** Compute the settled time: no beat before it will come any more, and the signal's quality up to it is
 * decided.
 *
 *  @param[in] fs_hz    rate of the samples, 100 to 2000 Hz
 *  @param[in] samples  number of samples pushed so far
 *  @return             sample index, the argument of ecg_rhythm_tick; 0 as long as nothing is settled
 */
uint32_t ecg_rhythm_settled(uint16_t fs_hz, uint32_t samples);

/** Tell whether atrial fibrillation is suspected when a beat comes: what the beats before it have told.
 *
 *  No beat is premature then, because every interval is another: the caller does not label it
 * supraventricular, and ecg_rhythm_beat takes one that is for a normal beat.
 *
 *  @param[in,out] rhythm    state; rules that are due up to the beat report first, as in ecg_rhythm_beat
 *  @param[in]     r_sample  R peak of the next beat
 *  @return                  the event has begun, and not ended
 */
bool ecg_rhythm_suspects_fibrillation(ecg_rhythm_state_t *rhythm, uint32_t r_sample);

/** Take the next beat. About 12,000 Cortex-M4 instructions, at most 16,000, besides those of the sink.
 *
 *  @param[in,out] rhythm  state
 *  @param[in]     beat    beat in rising order of r_sample
 */
void ecg_rhythm_beat(ecg_rhythm_state_t *rhythm, const ecg_rhythm_beat_t *beat);

/** Advance the time. About 20 Cortex-M4 instructions where nothing is due.
 *
 *  @param[in,out] rhythm         state
 *  @param[in]     settled        sample before which no beat will come any more; up to it the signal was as
 * in the tick before. Earlier than before counts as the same time.
 *  @param[in]     signal_is_bad  state of the signal from `settled` on
 */
void ecg_rhythm_tick(ecg_rhythm_state_t *rhythm, uint32_t settled, bool signal_is_bad);

/** Take a change of the leads, as soon as it is known. Its event comes at once, ahead of the settled time.
 *
 *  @param[in,out] rhythm  state
 *  @param[in]     sample  first sample with the leads off, or on again
 *  @param[in]     off     a lead is off from `sample` on
 */
void ecg_rhythm_leads(ecg_rhythm_state_t *rhythm, uint32_t sample, bool off);

/** Take the state of the ventricular rhythm detector, each time that it was decided; states may be left out
 * while there is no such rhythm. The events outlast bad signal: the detector does not need beats.
 *
 *  @param[in,out] rhythm  state
 *  @param[in]     now     state of the detector; all beats before its `until` were given, and none later
 */
void ecg_rhythm_ventricular(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now);

/** End the signal after its last beats: ends what is open, with ECG_RHYTHM_FLAG_TRUNCATED. Afterwards only
 *  ecg_rhythm_init is allowed.
 *
 *  @param[in,out] rhythm   state
 *  @param[in]     samples  number of samples of the signal
 */
void ecg_rhythm_finish(ecg_rhythm_state_t *rhythm, uint32_t samples);

/** Compute the number that identifies the behaviour of these rules: equal for two builds whose events are
 *  equal, with high probability. About 20 million Cortex-M4 instructions, once, at the start.
 *
 *  @param[in,out] scratch  memory to work in; afterwards it needs ecg_rhythm_init
 *  @return                 CRC of events of a made-up sequence of beats, of scores, and of classes of labels
 */
uint32_t ecg_rhythm_fingerprint(ecg_rhythm_state_t *scratch);

/** Get the class of a model's label.
 *
 *  @param[in] labels  comma-separated label names, such as "N,L,R,A,V": WFDB's symbols
 *  @param[in] label   index of the label
 *  @return            its class; ECG_RHYTHM_UNCLASSIFIABLE for every other symbol and index
 */
ecg_rhythm_class_t ecg_rhythm_class_of(const char *labels, uint8_t label);

/** Compute how certain a label is.
 *
 *  @param[in] outputs  of the model
 *  @param[in] count    number of labels; with fewer than two, the result is 0
 *  @return             the largest output minus the next one, in steps of the output
 */
uint8_t ecg_rhythm_certainty(const int8_t *outputs, uint8_t count);

/** Get the name of a kind of event.
 *
 *  @param[in] kind  any value
 *  @return          a constant string such as "asystole", never NULL
 */
const char *ecg_rhythm_kind_text(uint8_t kind);

#ifdef __cplusplus
}
#endif

#endif
