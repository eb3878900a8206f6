/* Gives the beats of beats.h to the rhythm rules and reports the ticks of the longest beat, of all beats, and
 * of one ecg_rhythm_tick for every sample between; and those of labelling a beat, the shape of which is like
 * one of as many as are kept. */
#include "bare_board.h"
#include "beats.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "ecg_rhythm/ecg_rhythm_state.h"

#define LABELLED 200u

static ecg_rhythm_labels_t labels;
static ecg_rhythm_state_t rhythm;
static volatile uint32_t events;

static void count(void *context, const ecg_rhythm_event_t *event) {
    (void)context;
    events += event->index >= events;
}

static uint32_t measure_labels(void) {
    int8_t window[ECG_RHYTHM_WINDOW_POINTS * ECG_RHYTHM_WINDOW_CHANNELS] = {0};
    const int8_t outputs[] = {20, -3, -4, 1, 5};
    const ecg_rhythm_unlabelled_t beat = {window, outputs, false, false};
    uint32_t longest = 0;
    ecg_rhythm_labels_init(&labels, "N,L,R,A,V");
    for (uint32_t i = 0; i < LABELLED; i++) {
        for (uint32_t k = 0; k < ECG_RHYTHM_WINDOW_POINTS; k++) {
            window[k * ECG_RHYTHM_WINDOW_CHANNELS] =
                (int8_t)((k * k * (i % ECG_RHYTHM_SHAPES + 1)) % 200u - 100u);
        }
        const uint32_t before = SYSTICK_VALUE;
        ecg_rhythm_labels_beat(&labels, &beat);
        const uint32_t ticks = ticks_since(before);
        longest = ticks > longest ? ticks : longest;
    }
    return longest;
}

static void measure(void) {
    uint32_t longest = 0, all = 0, clock = 0, time = 0;
    ecg_rhythm_init(&rhythm, 360, count, 0);
    for (uint32_t i = 0; i < BEATS; i++) {
        for (; time < beats[i].r_sample; time++) {
            const uint32_t before = SYSTICK_VALUE;
            ecg_rhythm_tick(&rhythm, time, false);
            clock += ticks_since(before);
        }
        const uint32_t before = SYSTICK_VALUE;
        ecg_rhythm_beat(&rhythm, &beats[i]);
        const uint32_t ticks = ticks_since(before);
        all += ticks;
        longest = ticks > longest ? ticks : longest;
    }
    const uint32_t start = SYSTICK_VALUE;
    const uint32_t fingerprint = ecg_rhythm_fingerprint(&rhythm);
    print("fingerprint_ticks ", ticks_since(start));
    print("fingerprint ", fingerprint);
    const uint32_t labels_start = SYSTICK_VALUE;
    print("all_fingerprint ", ecg_rhythm_labels_fingerprint(&labels, fingerprint));
    print("labels_fingerprint_ticks ", ticks_since(labels_start));
    print("longest_label ", measure_labels());
    print("labels_bytes ", (uint32_t)sizeof labels);
    print("longest ", longest);
    print("all ", all);
    print("clock ", clock);
    print("samples ", time);
    print("events ", events);
    print("state_bytes ", ecg_rhythm_state_bytes());
}

BARE_BOARD_START(measure);
