#include <stddef.h>
#include <string.h>

#include "ecg_rhythm/ecg_rhythm.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "labels_rules.h"
#include "shapes.h"

#define VENTRICULAR ECG_RHYTHM_NORMAL_LABELS /* the last of the votes */
#define NO_BALLOT UINT8_MAX
#define NO_LABEL UINT8_MAX

void ecg_rhythm_labels_init(ecg_rhythm_labels_t *state, const char *labels) {
    uint8_t normal = 0;
    memset(state, 0, sizeof *state);
    for (const char *at = labels; at != NULL && state->count < ECG_RHYTHM_LABELS_MOST; at = strchr(at, ',')) {
        at += *at == ',';
        const uint8_t beat_class = (uint8_t)ecg_rhythm_class_of(at, 0);
        uint8_t ballot = beat_class == ECG_RHYTHM_VENTRICULAR ? VENTRICULAR : NO_BALLOT;
        if (beat_class == ECG_RHYTHM_NORMAL && normal < ECG_RHYTHM_NORMAL_LABELS) {
            ballot = normal++;
        }
        state->ballots[state->count] = ballot;
        state->classes[state->count++] = beat_class;
    }
}

static bool is_ventricular(const ecg_rhythm_labels_t *state, uint8_t label) {
    return state->classes[label] == ECG_RHYTHM_VENTRICULAR;
}

static bool is_normal(const ecg_rhythm_labels_t *state, uint8_t label) {
    return state->ballots[label] < VENTRICULAR;
}

static bool is_not_ventricular(const ecg_rhythm_labels_t *state, uint8_t label) {
    return !is_ventricular(state, label);
}

/* The label with the largest output among some, the first of equals; NO_LABEL when there is none. */
static uint8_t best_of(const ecg_rhythm_labels_t *state, const int8_t *outputs,
                       bool (*is_one)(const ecg_rhythm_labels_t *, uint8_t)) {
    uint8_t best = NO_LABEL;
    for (uint8_t i = 0; i < state->count; i++) {
        if (is_one(state, i) && (best == NO_LABEL || outputs[i] > outputs[best])) {
            best = i;
        }
    }
    return best;
}

static uint32_t count_votes(const ecg_rhythm_votes_t *group, uint32_t ballots) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < ballots; i++) {
        sum += group->votes[i];
    }
    return sum;
}

static void vote(ecg_rhythm_votes_t *group, uint8_t ballot) {
    if (ballot == NO_BALLOT) {
        return;
    }
    group->votes[ballot]++;
    if (count_votes(group, VENTRICULAR + 1) > MOST_VOTES) {
        for (uint32_t i = 0; i <= VENTRICULAR; i++) {
            group->votes[i] /= 2;
        }
    }
}

static bool votes_ventricular(const ecg_rhythm_votes_t *shape, bool own) {
    const uint32_t ventricular = shape->votes[VENTRICULAR] + (own ? OWN_VOTES : 0u);
    return ventricular * VENTRICULAR_PART > count_votes(shape, VENTRICULAR + 1) + OWN_VOTES;
}

/* The normal label with the largest sum of its shares of the shape's votes and of all. */
static uint8_t elect_normal(const ecg_rhythm_labels_t *state, const ecg_rhythm_votes_t *shape, uint8_t own) {
    const uint32_t in_shape = count_votes(shape, VENTRICULAR) + OWN_VOTES;
    const uint32_t in_all = count_votes(&state->patient, VENTRICULAR) + OWN_VOTES;
    uint32_t most = 0;
    uint8_t elected = own;
    for (uint8_t i = 0; i < state->count; i++) {
        if (!is_normal(state, i)) {
            continue;
        }
        const uint32_t mine = i == own ? OWN_VOTES : 0;
        const uint32_t share = (shape->votes[state->ballots[i]] + mine) * in_all +
                               (state->patient.votes[state->ballots[i]] + mine) * in_shape;
        if (share > most) {
            most = share;
            elected = i;
        }
    }
    return elected;
}

/* What the votes make of a beat; the network's own labels are the best of all, of those that are not
 * ventricular, and of the normal ones. */
static ecg_rhythm_label_t elect(const ecg_rhythm_labels_t *state, const ecg_rhythm_votes_t *shape,
                                const int8_t *outputs, bool own_is_ventricular) {
    const uint8_t ventricular = best_of(state, outputs, is_ventricular);
    const uint8_t other = best_of(state, outputs, is_not_ventricular);
    const uint8_t own_normal = best_of(state, outputs, is_normal);
    if (other == NO_LABEL || (ventricular != NO_LABEL && votes_ventricular(shape, own_is_ventricular))) {
        return (ecg_rhythm_label_t){ventricular, ventricular};
    }
    const uint8_t normal = own_normal == NO_LABEL ? other : elect_normal(state, shape, own_normal);
    const bool is_premature = state->classes[other] == ECG_RHYTHM_SUPRAVENTRICULAR;
    const uint8_t label = is_normal(state, other) ? normal : other;
    return (ecg_rhythm_label_t){label, is_premature ? normal : label};
}

static bool is_ectopic(const ecg_rhythm_labels_t *state, uint8_t label) {
    const uint8_t beat_class = state->classes[label];
    return beat_class == ECG_RHYTHM_SUPRAVENTRICULAR || beat_class == ECG_RHYTHM_VENTRICULAR;
}

static uint8_t without_ectopic(const ecg_rhythm_labels_t *state, uint8_t label) {
    return is_ectopic(state, label) ? ECG_RHYTHM_UNCLASSIFIED : label;
}

static bool is_any(const ecg_rhythm_labels_t *state, uint8_t label) {
    (void)state;
    (void)label;
    return true;
}

ecg_rhythm_label_t ecg_rhythm_labels_beat(ecg_rhythm_labels_t *state, const ecg_rhythm_unlabelled_t *beat) {
    ecg_rhythm_label_t result = {ECG_RHYTHM_UNCLASSIFIED, ECG_RHYTHM_UNCLASSIFIED};
    if (beat->is_bad || state->count == 0) {
        return result;
    }
    const uint8_t own = best_of(state, beat->outputs, is_any);
    const uint8_t own_normal = best_of(state, beat->outputs, is_normal);
    const bool is_vote = !beat->is_learning || !is_ectopic(state, own);
    const ecg_rhythm_votes_t nobody = {{0}};
    ecg_rhythm_shape_t *shape = is_vote ? ecg_rhythm_find_shape(state, beat->window) : NULL;
    result = elect(state, shape != NULL ? &shape->votes : &nobody, beat->outputs, is_ventricular(state, own));
    if (shape != NULL) {
        const uint8_t voted_for = is_ventricular(state, own) ? own : own_normal;
        const uint8_t ballot = voted_for == NO_LABEL ? NO_BALLOT : state->ballots[voted_for];
        vote(&shape->votes, ballot);
        vote(&state->patient, is_ventricular(state, own) ? NO_BALLOT : ballot);
    }
    if (beat->is_learning) {
        result.label = without_ectopic(state, result.label);
        result.in_fibrillation = without_ectopic(state, result.in_fibrillation);
    }
    return result;
}
