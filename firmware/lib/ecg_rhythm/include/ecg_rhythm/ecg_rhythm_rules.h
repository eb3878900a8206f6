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

/* Bradycardia: the mean of eight intervals. Tachycardia: the mean of 16, of which at most four are longer
 * than the rate that ends it. Both end by the mean of eight. */
#define ECG_RHYTHM_BRADYCARDIA_BELOW 50
#define ECG_RHYTHM_BRADYCARDIA_END 55
#define ECG_RHYTHM_TACHYCARDIA_ABOVE 100
#define ECG_RHYTHM_TACHYCARDIA_END 90
#define ECG_RHYTHM_TACHYCARDIA_INTERVALS 16
#define ECG_RHYTHM_TACHYCARDIA_SLOW_MOST 4

/* Runs of one class, in beats; bigeminy and trigeminy, in ventricular beats with one or two others between.
 */
#define ECG_RHYTHM_RUN 3
#define ECG_RHYTHM_RUN_CERTAINTY 22 /* mean of three beats (couplet: two), steps of the model's output */
#define ECG_RHYTHM_RUN_QUALITY 90   /* in poorer signal, a label counts as not certain at all */
#define ECG_RHYTHM_RUN_RATE 100     /* at least this rate, */
#define ECG_RHYTHM_RUN_PERCENT 95   /* or intervals at most so long against those before */
#define ECG_RHYTHM_PATTERN_VENTRICULAR 3

/* Irregular rhythms: of up to 48 intervals, at least 12, those that differ by more than 8 % from the one,
 * two, three and four before, P waves, and more (fibrillation.h), in one score, 256 a logit. The score of the
 * last 16 ends an episode, too. Intervals at ventricular beats are left out. From 44 intervals on, these
 * included, fibrillation begins at a higher score and ends at a lower one. */
#define ECG_RHYTHM_IRREGULAR_INTERVALS 48
#define ECG_RHYTHM_IRREGULAR_LEAST 12
#define ECG_RHYTHM_IRREGULAR_SHORT 16
#define ECG_RHYTHM_IRREGULAR_LAGS 4
#define ECG_RHYTHM_IRREGULAR_PERCENT 8
#define ECG_RHYTHM_IRREGULAR_LONG 44
#define ECG_RHYTHM_FIBRILLATION_BEGIN_Q8 64
#define ECG_RHYTHM_FIBRILLATION_END_Q8 (-256)
#define ECG_RHYTHM_FIBRILLATION_BEGIN_LONG_Q8 576
#define ECG_RHYTHM_FIBRILLATION_END_LONG_Q8 (-384)
#define ECG_RHYTHM_FIBRILLATION_SHORT_END_Q8 (-768)
#define ECG_RHYTHM_IRREGULAR_BEGIN_Q8 320
#define ECG_RHYTHM_IRREGULAR_END_Q8 (-256)
#define ECG_RHYTHM_IRREGULAR_SHORT_END_Q8 (-2048)
#define ECG_RHYTHM_IRREGULAR_STALE_MS 15000 /* so long without such an interval: it cannot be upheld */

/* Flutter: intervals that are multiples of one period take from the score of fibrillation what their
 * agreement (flutter.c), in per mille, exceeds this by, times 5; from so many intervals on. */
#define ECG_RHYTHM_FLUTTER_PERMILLE 600
#define ECG_RHYTHM_FLUTTER_Q8 5
#define ECG_RHYTHM_FLUTTER_INTERVALS 40
#define ECG_RHYTHM_FLUTTER_PERIODS 24

/* A ventricular tachycardia is sustained from here on. */
#define ECG_RHYTHM_SUSTAINED_MS 30000

#endif
