/* Priority and latching of each kind of event, from the one table. */
#include "ecg_rhythm/ecg_rhythm.h"
#include "ecg_rhythm/ecg_rhythm_alarms.h"

ecg_rhythm_priority_t ecg_rhythm_priority(uint8_t kind) {
    switch (kind) {
#define ECG_RHYTHM_X(name, priority, latching, latency, silenced_by) \
    case name:                                                       \
        return ECG_RHYTHM_##priority;
        ECG_RHYTHM_ALARM_LIST(ECG_RHYTHM_X)
#undef ECG_RHYTHM_X
        default:
            return ECG_RHYTHM_NO_ALARM;
    }
}

bool ecg_rhythm_is_latching(uint8_t kind) {
    switch (kind) {
#define ECG_RHYTHM_X(name, priority, latching, latency, silenced_by) \
    case name:                                                       \
        return latching;
        ECG_RHYTHM_ALARM_LIST(ECG_RHYTHM_X)
#undef ECG_RHYTHM_X
        default:
            return false;
    }
}

const char *ecg_rhythm_priority_text(uint8_t priority) {
    static const char *const TEXTS[] = {"none", "technical", "low", "medium", "high"};
    return priority < sizeof TEXTS / sizeof TEXTS[0] ? TEXTS[priority] : "unknown priority";
}
