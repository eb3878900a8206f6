/* Every threshold of ecg_rhythm, once. docs/explanation/rhythm.md says where each comes from. Times are in
 * milliseconds, rates in beats a minute. */
#ifndef ECG_RHYTHM_ECG_RHYTHM_RULES_H
#define ECG_RHYTHM_ECG_RHYTHM_RULES_H

/* A beat leaves the signal path at most this long after its R peak (ecg_core_push). The signal's quality at a
 * time is decided earlier than that, so that with this delay both are final. */
#define ECG_RHYTHM_BEAT_DELAY_MS 800
#define ECG_RHYTHM_BEAT_DELAY_SPARE_SAMPLES 4 /* a board of another rate rounds its indices */
#define ECG_RHYTHM_START_MS 3400 /* the first beats come later: all are out when the signal is so long */

/* Pause, asystole: no beat for at least so long. */
#define ECG_RHYTHM_PAUSE_MS 2000
#define ECG_RHYTHM_ASYSTOLE_MS 3000
#define ECG_RHYTHM_SILENCE_AFTER_BEATS 3 /* beats that must have been seen */

/* Signal unreadable: bad for so long. */
#define ECG_RHYTHM_UNREADABLE_MS 10000

/* Heart rate: mean of the last intervals that ended in the last 15 s, every 10 s. */
#define ECG_RHYTHM_RATE_INTERVALS 8
#define ECG_RHYTHM_RATE_INTERVALS_MIN 3
#define ECG_RHYTHM_RATE_SPAN_MS 15000
#define ECG_RHYTHM_RATE_EVERY_MS 10000
#define ECG_RHYTHM_RATE_LOWEST 20
#define ECG_RHYTHM_RATE_HIGHEST 300

/* Bradycardia and tachycardia: the mean of eight intervals; the second figure of each ends it. */
#define ECG_RHYTHM_BRADYCARDIA_BELOW 50
#define ECG_RHYTHM_BRADYCARDIA_END 55
#define ECG_RHYTHM_TACHYCARDIA_ABOVE 100
#define ECG_RHYTHM_TACHYCARDIA_END 90

/* Runs of one class, in beats; bigeminy and trigeminy, in ventricular beats with one or two others between.
 */
#define ECG_RHYTHM_RUN 3
#define ECG_RHYTHM_PATTERN_VENTRICULAR 3

/* Irregularly irregular: of the last 32 intervals between beats that are not ventricular, how many differ by
 * more than 8 % from the one before; from the second, third and fourth before; the lowest of these four
 * counts. It begins only where at most so many of the 32 follow a gap (a ventricular beat, bad signal). */
#define ECG_RHYTHM_IRREGULAR_INTERVALS 32
#define ECG_RHYTHM_IRREGULAR_LAGS 4
#define ECG_RHYTHM_IRREGULAR_PERCENT 8
#define ECG_RHYTHM_IRREGULAR_BEGIN 22
#define ECG_RHYTHM_IRREGULAR_END 14
#define ECG_RHYTHM_IRREGULAR_GAPS 10
#define ECG_RHYTHM_IRREGULAR_STALE_MS 15000 /* so long without such an interval: it cannot be upheld */

/* A ventricular tachycardia is sustained from here on. */
#define ECG_RHYTHM_SUSTAINED_MS 30000

#endif
