/* The rules of rhythm and labels under a coverage-guided fuzzer: beats, ventricular states and ticks in any
 * order and of any kind; windows and outputs of models with any labels. */
#include <string.h>

#include "ecg_rhythm/ecg_rhythm.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "ecg_rhythm/ecg_rhythm_state.h"
#include "fuzz_input.h"

static ecg_rhythm_state_t rhythm;
static uint32_t events;

static void on_event(void *context, const ecg_rhythm_event_t *event) {
    fuzz_check(context == &events);
    fuzz_check(event->index == events++);
    fuzz_check(event->phase <= ECG_RHYTHM_END && event->onset <= event->end);
    fuzz_check(strlen(ecg_rhythm_kind_text(event->kind)) > 0);
}

static void give(uint32_t at, uint32_t interval, uint8_t beat_class, uint8_t evidence) {
    const ecg_rhythm_beat_t beat = {at,
                                    (uint16_t)interval,
                                    beat_class,
                                    evidence,
                                    evidence % 101,
                                    evidence & 127,
                                    (uint8_t)(evidence | evidence << 4)};
    ecg_rhythm_beat(&rhythm, &beat);
}

static void one_beat(fuzz_input_t *input, uint32_t *at) {
    const uint32_t interval = (fuzz_u16(input) & 0x7FFu) + 1;
    const bool gap = fuzz_u8(input) == 0;
    *at += interval;
    give(*at, gap ? 0 : interval, fuzz_u8(input) % 6, fuzz_u8(input));
}

/* The same beats many times: what runs, bigeminy, and the mean rate need. */
static void many_beats(fuzz_input_t *input, uint32_t *at, uint32_t count) {
    const uint8_t class_odd = fuzz_u8(input) & 3, class_even = fuzz_u8(input) & 3;
    const uint32_t usual = fuzz_u16(input) % 1000u + 1, wobble = fuzz_u8(input);
    const uint8_t evidence = fuzz_u8(input);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t interval = usual + i * 37u % (wobble + 1);
        *at += interval;
        give(*at, interval, i % 2 ? class_odd : class_even, evidence);
    }
}

static void ventricular(fuzz_input_t *input, uint32_t at) {
    const uint16_t past = fuzz_u16(input), rate = fuzz_u16(input);
    const ecg_rhythm_ventricular_t now = {at > past ? at - past : 0, at, rate, fuzz_u8(input) % 3};
    ecg_rhythm_ventricular(&rhythm, &now);
}

/* One window many times, with outputs of its own and of its last beats. */
static void label_beats(fuzz_input_t *input, uint32_t count) {
    static const char *const MODELS[] = {"N,L,R,A,V", "V", "A,V", "Q", "", ",", "N,B,e,j,n,L,R,N,V,E,F,S"};
    static ecg_rhythm_labels_t labels;
    const char *names = MODELS[fuzz_u8(input) % (sizeof MODELS / sizeof MODELS[0])];
    int8_t window[ECG_RHYTHM_WINDOW_POINTS * ECG_RHYTHM_WINDOW_CHANNELS] = {0};
    int8_t outputs[ECG_RHYTHM_LABELS_MOST] = {0};
    memset(&labels, 0xA5, sizeof labels);
    ecg_rhythm_labels_init(&labels, names);
    for (uint32_t i = 0; i < count * 8u; i++) {
        const uint8_t choice = i % 8 == 0 ? fuzz_u8(input) : 0;
        for (uint32_t k = 0; choice & 128 && k < ECG_RHYTHM_WINDOW_POINTS; k++) {
            window[k * ECG_RHYTHM_WINDOW_CHANNELS] = (int8_t)fuzz_u8(input);
        }
        outputs[choice % ECG_RHYTHM_LABELS_MOST] = (int8_t)fuzz_u8(input);
        const ecg_rhythm_unlabelled_t beat = {window, outputs, choice == 127, (choice & 96) == 96};
        const ecg_rhythm_label_t found = ecg_rhythm_labels_beat(&labels, &beat);
        fuzz_check(found.label == ECG_RHYTHM_UNCLASSIFIED || found.label < labels.count);
        fuzz_check(found.in_fibrillation == ECG_RHYTHM_UNCLASSIFIED || found.in_fibrillation < labels.count);
        fuzz_check(!beat.is_bad || found.label == ECG_RHYTHM_UNCLASSIFIED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint16_t RATES[] = {360, 250, 500, 100};
    fuzz_input_t input = {data, size};
    uint32_t at = 0;
    events = 0;
    memset(&rhythm, 0xA5, sizeof rhythm);
    ecg_rhythm_init(&rhythm, RATES[fuzz_u8(&input) & 3], on_event, &events);
    while (input.left > 0) {
        const uint8_t choice = fuzz_u8(&input);
        if (choice < 100) {
            one_beat(&input, &at);
        } else if (choice < 180) {
            many_beats(&input, &at, choice - 100u);
        } else if (choice < 200) {
            at += 360;
            ventricular(&input, at);
        } else if (choice < 206) {
            ecg_rhythm_leads(&rhythm, at + fuzz_u8(&input), choice & 1);
        } else if (choice < 212) {
            label_beats(&input, fuzz_u8(&input));
        } else {
            at += fuzz_u8(&input) * 4u;
            ecg_rhythm_tick(&rhythm, at, choice & 1);
        }
    }
    ecg_rhythm_finish(&rhythm, at);
    fuzz_check(ecg_rhythm_class_of("N,L,R,A,V", (uint8_t)size) <= ECG_RHYTHM_UNCLASSIFIABLE);
    return 0;
}
