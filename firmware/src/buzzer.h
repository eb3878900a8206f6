/* Buzzer: bursts of pulses while an alarm lasts. The table below is all of its patterns;
 * docs/reference/modes.md shows it. Which event has which priority: ecg_rhythm/ecg_rhythm_alarms.h. */
#ifndef ECG_EDGE_BUZZER_H
#define ECG_EDGE_BUZZER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Priority, pulses in a burst, a pulse and the gap behind it in ms, ms from burst to burst (0: one burst
 * alone), text. Own choice: the more urgent, the more pulses, the shorter, and the sooner again. */
#define BUZZER_PATTERNS(X)                                                   \
    X(HIGH, 5, 150, 100, 4000, "asystole, ventricular rhythms")              \
    X(MEDIUM, 3, 200, 200, 8000, "V run, pause, rates, atrial fibrillation") \
    X(LOW, 2, 200, 200, 0, "S run, couplet, bigeminy, trigeminy, irregular") \
    X(TECHNICAL, 1, 200, 200, 0, "electrodes off, signal unreadable")

/** Tell when the pattern of a priority sounds.
 *
 *  @param priority  ecg_rhythm_priority_t; any other is silent
 *  @param at_ms     time since the pattern began
 *  @return          true within a pulse
 */
bool buzzer_is_on(uint8_t priority, uint32_t at_ms);

/* Nothing sounds any more, as when a session begins. */
void buzzer_reset(void);

/* An event of a live session: ecg_rhythm_kind_t and ecg_rhythm_phase_t. */
void buzzer_event(uint8_t kind, uint8_t phase, uint32_t now_ms);

/* Call often. `is_wanted`: as the settings have it. */
void buzzer_update(uint32_t now_ms, bool is_wanted);

#ifdef __cplusplus
}
#endif

#endif
