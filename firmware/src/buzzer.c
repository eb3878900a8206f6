#include "buzzer.h"

#include <stddef.h>

#include "boards/board.h"
#include "ecg_base/static_assert.h"
#include "ecg_rhythm/ecg_rhythm.h"
#include "ecg_rhythm/ecg_rhythm_alarms.h"

#define KINDS 32u /* bits of `open` */

#define FITS(priority, pulses, on, off, period, text) \
    ECG_STATIC_ASSERT((period) == 0 || (pulses) * ((on) + (off)) < (period), buzzer_fits_##priority);
BUZZER_PATTERNS(FITS)
#undef FITS

static const struct {
    uint8_t priority, pulses;
    uint16_t on_ms, off_ms, period_ms;
} PATTERNS[] = {
#define PATTERN(priority, pulses, on, off, period, text) {ECG_RHYTHM_##priority, pulses, on, off, period},
    BUZZER_PATTERNS(PATTERN)
#undef PATTERN
};

#define PATTERN_COUNT (sizeof PATTERNS / sizeof PATTERNS[0])

static struct {
    uint32_t open;    /* a bit for each kind of event that has begun and not ended */
    uint8_t priority; /* of the pattern that plays */
    uint32_t since_ms;
    bool is_on;
} buzzer;

/* PATTERN_COUNT: silent. */
static size_t pattern_of(uint8_t priority) {
    size_t i = 0;
    while (i < PATTERN_COUNT && PATTERNS[i].priority != priority) {
        i++;
    }
    return i;
}

bool buzzer_is_on(uint8_t priority, uint32_t at_ms) {
    const size_t i = pattern_of(priority);
    if (i == PATTERN_COUNT) {
        return false;
    }
    const uint32_t at = PATTERNS[i].period_ms > 0 ? at_ms % PATTERNS[i].period_ms : at_ms;
    const uint32_t pulse = (uint32_t)PATTERNS[i].on_ms + PATTERNS[i].off_ms;
    return at < PATTERNS[i].pulses * pulse && at % pulse < PATTERNS[i].on_ms;
}

static bool is_repeated(uint8_t priority) {
    const size_t i = pattern_of(priority);
    return i < PATTERN_COUNT && PATTERNS[i].period_ms > 0;
}

static void play(uint8_t priority, uint32_t now_ms) {
    buzzer.priority = priority;
    buzzer.since_ms = now_ms;
}

static uint8_t highest_open(void) {
    uint8_t highest = ECG_RHYTHM_NO_ALARM;
    for (uint8_t kind = 0; kind < KINDS; kind++) {
        const uint8_t priority = (uint8_t)ecg_rhythm_priority(kind);
        highest = (buzzer.open >> kind & 1u) != 0 && priority > highest ? priority : highest;
    }
    return highest;
}

void buzzer_reset(void) {
    buzzer.open = 0;
    buzzer.priority = ECG_RHYTHM_NO_ALARM;
}

/* An alarm that begins is heard unless a more urgent one plays. When that has ended, the next one goes on, if
 * its pattern is repeated. A couplet comes as its end alone. */
void buzzer_event(uint8_t kind, uint8_t phase, uint32_t now_ms) {
    const uint32_t bit = kind < KINDS ? 1u << kind : 0u;
    const uint8_t priority = (uint8_t)ecg_rhythm_priority(kind);
    const bool begins = (buzzer.open & bit) == 0 && phase != ECG_RHYTHM_UPDATE;
    buzzer.open = phase == ECG_RHYTHM_END ? buzzer.open & ~bit : begins ? buzzer.open | bit : buzzer.open;
    if (begins && (priority >= buzzer.priority || !is_repeated(buzzer.priority))) {
        play(priority, now_ms);
    } else if (is_repeated(buzzer.priority) && highest_open() < buzzer.priority) {
        play(is_repeated(highest_open()) ? highest_open() : (uint8_t)ECG_RHYTHM_NO_ALARM, now_ms);
    }
}

void buzzer_update(uint32_t now_ms, bool is_wanted) {
    const bool is_on = is_wanted && buzzer_is_on(buzzer.priority, now_ms - buzzer.since_ms);
    if (is_on != buzzer.is_on) {
        buzzer.is_on = is_on;
        board_buzzer(is_on);
    }
}
