/* What each kind of event is as an alarm: one table for firmware, Python and docs/explanation/rhythm.md. The
 * device sends events and raises no alarm itself; whoever shows them takes the priority from here. */
#ifndef ECG_RHYTHM_ECG_RHYTHM_ALARMS_H
#define ECG_RHYTHM_ECG_RHYTHM_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The three priorities of IEC 60601-1-8, besides what is no alarm, and what concerns the recording. */
typedef enum {
    ECG_RHYTHM_NO_ALARM = 0,
    ECG_RHYTHM_TECHNICAL = 1, /* the recording needs attention, not the patient */
    ECG_RHYTHM_LOW = 2,       /* worth knowing */
    ECG_RHYTHM_MEDIUM = 3,    /* look soon */
    ECG_RHYTHM_HIGH = 4,      /* look at once */
} ecg_rhythm_priority_t;

/* X(kind, priority, latching, latency, what silences it). Latency: from the begin of the condition to the
 * event. Latching: to be shown until a person has confirmed it, also when the condition has ended. */
/* clang-format off */
#define ECG_RHYTHM_ALARM_LIST(X) \
    X(ECG_RHYTHM_ASYSTOLE, HIGH, true, "3.8 s after the last R peak", \
      "bad signal, ventricular rhythm") \
    X(ECG_RHYTHM_VENTRICULAR_FIBRILLATION, HIGH, true, "two to three windows of 4 s, one each second", \
      "a lead that is off") \
    X(ECG_RHYTHM_VENTRICULAR_TACHYCARDIA, HIGH, true, "two to three windows of 4 s, one each second", \
      "a lead that is off") \
    X(ECG_RHYTHM_RUN_V, MEDIUM, false, "third beat + 0.8 s", \
      "bad signal, label not certain, average beat not known, no faster than before and below 100/min") \
    X(ECG_RHYTHM_PAUSE, MEDIUM, false, "2.8 s after the last R peak", \
      "bad signal, ventricular rhythm") \
    X(ECG_RHYTHM_BRADYCARDIA, MEDIUM, false, "8 intervals + 0.8 s", \
      "bad signal, a beat that cannot be read") \
    X(ECG_RHYTHM_TACHYCARDIA, MEDIUM, false, "16 intervals + 0.8 s", \
      "bad signal, a beat that cannot be read, five slow intervals among 16") \
    X(ECG_RHYTHM_ATRIAL_FIBRILLATION, MEDIUM, false, "12 to 48 intervals + 0.8 s", \
      "P waves, 15 s without a readable interval, ventricular rhythm") \
    X(ECG_RHYTHM_RUN_S, LOW, false, "third beat + 0.8 s", \
      "as V run, suspected atrial fibrillation") \
    X(ECG_RHYTHM_IRREGULAR, LOW, false, "12 to 48 intervals + 0.8 s", \
      "suspected atrial fibrillation; otherwise as that, P waves apart") \
    X(ECG_RHYTHM_COUPLET_V, LOW, false, "the beat after it + 0.8 s", \
      "bad signal, label not certain, average beat not known") \
    X(ECG_RHYTHM_BIGEMINY, LOW, false, "third V + 0.8 s", \
      "bad signal, label not certain, average beat not known") \
    X(ECG_RHYTHM_TRIGEMINY, LOW, false, "third V + 0.8 s", \
      "bad signal, label not certain, average beat not known") \
    X(ECG_RHYTHM_UNREADABLE, TECHNICAL, false, "10.8 s", \
      "ventricular rhythm, leads off") \
    X(ECG_RHYTHM_LEADS_OFF, TECHNICAL, false, "0.1 s", \
      "nothing") \
    X(ECG_RHYTHM_HEART_RATE, NO_ALARM, false, "every 10 s", \
      "bad signal")
/* clang-format on */

/** Get the priority of a kind of event.
 *
 *  @param[in] kind  any value
 *  @return          its priority; ECG_RHYTHM_NO_ALARM for an unknown kind
 */
ecg_rhythm_priority_t ecg_rhythm_priority(uint8_t kind);

/** Tell whether a kind of event is latching.
 *
 *  @param[in] kind  any value
 *  @return          true if an alarm of this kind stays until a person has confirmed it
 */
bool ecg_rhythm_is_latching(uint8_t kind);

/** Get the name of a priority.
 *
 *  @param[in] priority  any value
 *  @return              a constant string such as "high", never NULL
 */
const char *ecg_rhythm_priority_text(uint8_t priority);

#ifdef __cplusplus
}
#endif

#endif
