/* The rhythm's rules under a coverage-guided fuzzer: beats, ventricular states and ticks in any order and of
 * any kind. */
#include <string.h>

#include "ecg_rhythm/ecg_rhythm.h"
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
        } else {
            at += fuzz_u8(&input) * 4u;
            ecg_rhythm_tick(&rhythm, at, choice & 1);
        }
    }
    ecg_rhythm_finish(&rhythm, at);
    fuzz_check(ecg_rhythm_class_of("N,L,R,A,V", (uint8_t)size) <= ECG_RHYTHM_UNCLASSIFIABLE);
    return 0;
}
