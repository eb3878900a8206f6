/* The label of a beat, from the network's outputs for it and from what the network said of the patient's
 * beats before: of those of its shape, and of all.
 *
 * Beats are sorted by the shape of their QRS complex. A shape is ventricular when the network calls more than
 * a third of its beats so, and what is normal for the patient (N, L or R) is decided by the beats of the
 * shape and by all beats together, not by each beat alone. docs/explanation/labels.md has the rules.
 *
 * Use:  ecg_rhythm_labels_init(&labels, "N,L,R,A,V");
 *       for each beat that the signal path gives:  ecg_rhythm_labels_beat(&labels, &beat);
 *
 * Portable C99, integers only, no heap, no globals. Only the order of the outputs matters, so a network may
 * have any scale. */
#ifndef ECG_RHYTHM_ECG_RHYTHM_LABELS_H
#define ECG_RHYTHM_ECG_RHYTHM_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_RHYTHM_LABELS_MOST 32 /* labels of a model */
#define ECG_RHYTHM_WINDOW_POINTS 128
#define ECG_RHYTHM_WINDOW_CHANNELS 2
#define ECG_RHYTHM_UNCLASSIFIED 254 /* the label of a beat without one */

#define ECG_RHYTHM_SHAPES 8        /* that are known at a time */
#define ECG_RHYTHM_SHAPE_FIRST 30  /* point of the window: 100 ms before the R peak */
#define ECG_RHYTHM_SHAPE_POINTS 44 /* to 139 ms after it */
#define ECG_RHYTHM_SHAPE_SHIFT 2   /* a beat may lie so many points, 11 ms, before or after its shape */
#define ECG_RHYTHM_NORMAL_LABELS 7 /* as many as there are normal symbols, NLRBejn */

/* What the network said of a group of beats: votes for each normal label, in the order of the model's, and
 * last for a ventricular one. Halved when they are more than a thousand. */
typedef struct {
    uint16_t votes[ECG_RHYTHM_NORMAL_LABELS + 1];
} ecg_rhythm_votes_t;

typedef struct {
    int16_t points_q4[ECG_RHYTHM_SHAPE_POINTS]; /* running mean of its beats, without their level */
    uint16_t beats;                             /* 0: not in use; saturates */
    uint32_t last;                              /* number of its last beat */
    ecg_rhythm_votes_t votes;
} ecg_rhythm_shape_t;

typedef struct {
    uint8_t count;                           /* labels of the model */
    uint8_t classes[ECG_RHYTHM_LABELS_MOST]; /* ecg_rhythm_class_t */
    uint8_t ballots[ECG_RHYTHM_LABELS_MOST]; /* which of the votes is a label's */
    uint32_t beats;                          /* so far */
    ecg_rhythm_shape_t shapes[ECG_RHYTHM_SHAPES];
    ecg_rhythm_votes_t patient; /* of all shapes */
} ecg_rhythm_labels_t;

/* A beat to be labelled. */
typedef struct {
    const int8_t *window;  /* the signal path's tensor, points by channels, the beat in channel 0 */
    const int8_t *outputs; /* of the network, one a label */
    bool is_bad;           /* bad signal: no label, and no vote */
    bool is_learning; /* the patient's average beat is not known: no ectopic label, and no vote for one */
} ecg_rhythm_unlabelled_t;

/* Labels of a beat: ECG_RHYTHM_UNCLASSIFIED, or an index. */
typedef struct {
    uint8_t label;
    uint8_t in_fibrillation; /* while atrial fibrillation is suspected: none is premature then */
} ecg_rhythm_label_t;

/** Begin with a new patient.
 *
 *  @param[out] state   its content before does not matter
 *  @param[in]  labels  comma-separated label names of the model, such as "N,L,R,A,V"; those beyond
 *                      ECG_RHYTHM_LABELS_MOST have no vote
 */
void ecg_rhythm_labels_init(ecg_rhythm_labels_t *state, const char *labels);

/** Label the next beat. About 20,000 Cortex-M4 instructions.
 *
 *  @param[in,out] state  the beat's vote counts for the beats after it
 *  @param[in]     beat   in the order of time
 *  @return               its label
 */
ecg_rhythm_label_t ecg_rhythm_labels_beat(ecg_rhythm_labels_t *state, const ecg_rhythm_unlabelled_t *beat);

/** Compute the number that identifies the behaviour of these rules.
 *
 *  @param[in,out] scratch  memory to work in; afterwards it needs ecg_rhythm_labels_init
 *  @param[in]     crc      CRC of what comes before
 *  @return                 CRC of labels of made-up beats
 */
uint32_t ecg_rhythm_labels_fingerprint(ecg_rhythm_labels_t *scratch, uint32_t crc);

#ifdef __cplusplus
}
#endif

#endif
