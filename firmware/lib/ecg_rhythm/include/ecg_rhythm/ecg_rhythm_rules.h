/* Every threshold of ecg_rhythm, once. docs/rhythm.md says where each comes from. Times are in samples at
 * 360 Hz, rates in beats a minute. */
#ifndef ECG_RHYTHM_ECG_RHYTHM_RULES_H
#define ECG_RHYTHM_ECG_RHYTHM_RULES_H

#define ECG_RHYTHM_FS_HZ 360

/* How long after its R peak a beat leaves the signal path: what is said of a time can be final only then. */
#define ECG_RHYTHM_BEAT_DELAY 288 /* 800 ms */

/* Pause, asystole: no beat for at least so long. */
#define ECG_RHYTHM_PAUSE 720     /* 2 s */
#define ECG_RHYTHM_ASYSTOLE 1080 /* 3 s */

/* Heart rate: mean of the last intervals that ended in the last so many samples. */
#define ECG_RHYTHM_RATE_INTERVALS 8
#define ECG_RHYTHM_RATE_INTERVALS_MIN 3
#define ECG_RHYTHM_RATE_SPAN 5400  /* 15 s */
#define ECG_RHYTHM_RATE_EVERY 3600 /* 10 s */
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
#define ECG_RHYTHM_IRREGULAR_STALE 5400 /* 15 s without such an interval: it cannot be upheld */

#endif
