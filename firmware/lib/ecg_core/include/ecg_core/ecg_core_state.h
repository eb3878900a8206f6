/* Layout of ecg_core_t. Only for static allocation (`static ecg_core_t core;`): the members belong to
 * ecg_core and change without notice. docs/explanation/signal-path.md explains each stage. */
#ifndef ECG_CORE_ECG_CORE_STATE_H
#define ECG_CORE_ECG_CORE_STATE_H

#include <stdint.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_qrs_features.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_CORE_STATE_MAX_BYTES 10240 /* 10 KiB, asserted in ecg_core.c */

/* clang-format off */
#define ECG_FILTER_BASELINE_TAPS 241 /* moving mean that is subtracted: 669 ms; odd, so that it has a middle */
#define ECG_HISTORY_SAMPLES 1024     /* filtered samples kept, a power of two above window + start-up time */
#define ECG_FILTER_LOWPASS 256       /* outputs of the low-pass kept: more than that, a power of two */
#define ECG_DETECT_SLOPE_TAPS 8      /* half width of the QRS slope filter */
#define ECG_DETECT_ENERGY_TAPS 32    /* moving sum of the rectified slope: 89 ms */
#define ECG_DETECT_ENERGIES 256      /* energies kept, a power of two */
#define ECG_QUEUE_CANDIDATES 32      /* peaks that wait for the end of the start-up or for their decision */
#define ECG_SHAPE_POINTS 25          /* QRS shape: every third sample within 100 ms of the R peak */
#define ECG_QRS_BEATS 8              /* beats that a candidate is compared with */
#define ECG_QRS_TEMPLATES 2          /* QRS shapes with a matched filter, */
#define ECG_QRS_TEMPLATE_POINTS 25   /* each of the slopes at every third sample within 100 ms */
#define ECG_QRS_PAST 32              /* candidates before this one, accepted or not, a power of two */
#define ECG_QRS_RECENT 12            /* of these, the last whose shapes are kept */
#define ECG_BEAT_SHAPES 3            /* shapes of beats that may be the average beat */
#define ECG_RR_FIRST 8               /* intervals whose median is the first mean */
#define ECG_RR_PAST 32               /* intervals that the one in turn is compared with */
#define ECG_RR_SINUS 9               /* intervals whose median is the sinus interval */
#define ECG_SQI_BLOCKS 16            /* blocks of 200 ms that are kept, a power of two */
#define ECG_SQI_LARGEST 3            /* largest ranges of the signal within a block that are kept */
#define ECG_SQI_TOGETHER 8           /* samples that are measured at once; a noise slope is over as many */
#define ECG_VENTRICULAR_SAMPLES 520  /* samples at 90 Hz: 500 ms, window, 1 s, and what comes before work begins */
#define ECG_VENTRICULAR_BLOCKS 8     /* blocks of 500 ms in the window of the ventricular rhythm detector */
#define ECG_VENTRICULAR_LAGS 46      /* of its autocorrelation, 22 ms apart: up to 1 s */
#define ECG_VENTRICULAR_CELLS 32     /* rows and columns of its phase space */
#define ECG_VENTRICULAR_FEATURES 28  /* figures that are classified */
#define ECG_VENTRICULAR_CLASSES 3    /* other, tachycardia, fibrillation or flutter */
#define ECG_SQI_LAGS 64              /* lags of the autocorrelation, 22 ms apart, */
#define ECG_SQI_LEAST_LAG 4          /* of which the first ones but 0 are not needed */
#define ECG_SQI_SLOPES 80            /* slopes of as many lags, and room for some more */
#define ECG_P_WAVE_POINTS 12         /* 267 to 67 ms before the R peak, every 16.7 ms */
#define ECG_RESAMPLE_TAPS 12         /* samples between which one at 360 Hz is interpolated: 24 ms at 500 Hz */
/* clang-format on */

/* From a board of 250 or 500 Hz to 360 Hz. */
typedef struct {
    uint8_t phases; /* steps between two samples of the board; 0: it samples at 360 Hz */
    uint8_t phase;  /* of the next sample at 360 Hz */
    uint8_t wait;   /* samples of the board until that can be made */
    uint8_t started;
    uint8_t newest;                     /* where the newest sample is */
    int16_t highest, lowest;            /* of all samples so far */
    int16_t samples[ECG_RESAMPLE_TAPS]; /* a ring */
    uint8_t lead_flags[ECG_RESAMPLE_TAPS];
} ecg_resample_t;

/* From ADC units to internal units. */
typedef struct {
    int32_t offset_adu; /* the level that counts as zero: first sample, or where the signal jumped to */
    int32_t limit_adu;  /* a sample further from the offset becomes the offset */
    int32_t gain_q12;   /* internal units per ADC unit */
} ecg_input_t;

/* Input scaling, mains notch, low-pass, baseline removal. */
typedef struct {
    ecg_input_t input;
    int32_t notch_cos_q14; /* 2 cos(2 pi mains / fs); 0: no notch */
    int32_t notch_x[2];    /* the last inputs */
    int32_t taps[4];       /* the last outputs of the notch, inputs of the low-pass, the oldest first */
    int16_t lowpass[ECG_FILTER_LOWPASS]; /* outputs of the low-pass, by sample index */
    int32_t baseline_sum;                /* of the last ECG_FILTER_BASELINE_TAPS of them */
} ecg_filter_t;

/* A peak of the QRS energy: perhaps a beat. Ratios are log2 * 64, against the energy where nothing else is
 * said. */
typedef struct {
    uint32_t at;                    /* sample index: the energy's peak, after refinement the R peak */
    uint32_t energy_at;             /* the energy's peak */
    int32_t energy;                 /* its height */
    int32_t peak_to_peak;           /* highest minus lowest of the filtered signal within 100 ms */
    int16_t hf_slope;               /* energy of faster slopes than QRS */
    int16_t lf_slope;               /* energy of slower ones */
    int16_t slope_crest;            /* steepest slope against all slopes */
    int16_t energy_q1;              /* lower quartile of the energy around */
    int16_t energy_median;          /* median of the energy around */
    int16_t template_gain;          /* amplitude of its template in the signal; 64: as in the average beat */
    int16_t template_corr;          /* correlation of the signal with its template; 128: 1 */
    int8_t lag;                     /* of the template to the energy's peak, samples */
    uint8_t template_index;         /* template with the highest output */
    int8_t shape[ECG_SHAPE_POINTS]; /* z-scored, 20 a standard deviation */
} ecg_candidate_t;

/* A ring of candidates, the oldest first; queue.h gives access. */
typedef struct {
    uint8_t first;
    uint8_t count;      /* items in use */
    uint8_t matched;    /* how many of them were matched with the templates */
    uint8_t refined;    /* how many have `at` on the R peak */
    uint8_t described;  /* how many have the rest filled */
    uint32_t latest_at; /* the R peak refined last */
    ecg_candidate_t items[ECG_QUEUE_CANDIDATES];
} ecg_queue_t;

/* QRS energy and its peaks. */
typedef struct {
    uint16_t energy_in[ECG_DETECT_ENERGY_TAPS];
    uint16_t energies[ECG_DETECT_ENERGIES]; /* by sample index, units of 16 */
    int32_t slope;
    int32_t energy;
    int32_t peak;     /* highest energy since the last candidate */
    uint32_t peak_at; /* where */
    uint8_t rising;   /* the energy rose since the last candidate, so peak is a real maximum */
} ecg_detector_t;

/* Slopes of one QRS shape: a running mean. */
typedef struct {
    int32_t norm; /* root of the sum of squares; 0: none yet */
    int16_t points[ECG_QRS_TEMPLATE_POINTS];
    uint8_t beats; /* in the mean, saturates */
} ecg_qrs_template_t;

/* Matched filters of the patient's most common QRS shapes. */
typedef struct {
    ecg_qrs_template_t templates[ECG_QRS_TEMPLATES];
    int16_t second_template_share_q8; /* running share of beats that went into templates[1] */
    int16_t r_peak_offset;            /* of the reference beat's R peak to its energy's peak, samples */
} ecg_matched_filter_t;

/* A candidate that has been classified, accepted or not. */
typedef struct {
    uint32_t at;
    int16_t log_energy; /* log2 * 64 */
    int8_t shape[ECG_SHAPE_POINTS];
} ecg_qrs_recent_t;

/* Search for the reference beat that stands for all beats until there are some. */
typedef struct {
    int32_t rank;      /* of the best candidate so far */
    uint8_t best;      /* its place in the queue */
    uint8_t ranked;    /* candidates that have a rank */
    uint8_t chosen;    /* the reference is known, the candidates are being matched with it */
    uint8_t completed; /* candidates are being classified */
} ecg_qrs_start_t;

/* Reference levels from the beats so far, and the features of the candidate in turn. */
typedef struct {
    int32_t energies[ECG_QRS_BEATS]; /* of the last beats */
    int32_t peak_to_peaks[ECG_QRS_BEATS];
    int16_t hf_slopes[ECG_QRS_BEATS];
    int16_t lf_slopes[ECG_QRS_BEATS];
    int8_t shapes[ECG_QRS_BEATS][ECG_SHAPE_POINTS];
    uint32_t beats; /* how many there were */
    uint32_t beat_at;
    int32_t rr_mean_q4;
    int32_t noise;    /* running energy of what was not a beat */
    int32_t rejected; /* highest energy rejected since the last beat, 0: none */
    uint32_t rejected_at;
    int32_t rejected_template_gain; /* highest match of those */
    uint32_t before_at[2];          /* the beats before the last, newest first */
    int32_t rr_slow_q6;             /* mean interval that noise moves little */
    int32_t template_corr_q4;       /* mean fit of the last beats */
    int32_t noise_template_gain_q4; /* mean match of what was not a beat */
    uint32_t past_at[ECG_QRS_PAST];
    int16_t past_template_gain[ECG_QRS_PAST];
    uint32_t past; /* candidates so far */
    ecg_qrs_recent_t recent[ECG_QRS_RECENT];
    ecg_qrs_start_t start;
    ecg_matched_filter_t matched_filter;
    int16_t features[ECG_QRS_FEATURES]; /* of the candidate in turn */
    int32_t score;  /* of the last candidate; ECG_QRS_SCORE_REFUSED: it cannot be a beat */
    uint32_t trace; /* hash of the features of every candidate, for the fingerprint only */
} ecg_qrs_classifier_t;

/* Running mean of beats of one shape. */
typedef struct {
    int16_t mean_q8[ECG_CORE_BEAT_POINTS]; /* tensor units * 256 */
    uint32_t deviation;                    /* running mean of the beats' standard deviations */
    uint8_t beats;                         /* in the mean, saturates; 0: no shape */
    uint8_t votes;                         /* of regular beats: for it, less those since for another */
} ecg_beat_shape_t;

/* The patient's average beat is the shape with the most votes. */
typedef struct {
    ecg_beat_shape_t shapes[ECG_BEAT_SHAPES];
    uint8_t dominant;    /* which of them */
    uint8_t known;       /* enough beats agreed once */
    int16_t residual_q8; /* running mean of element 7 of "rhythm" of beats like the average beat */
} ecg_average_beat_t;

/* Running mean of the signal before the QRS, in units of the beat's tensor, three points summed; Q4. */
typedef struct {
    int16_t mean_q4[ECG_P_WAVE_POINTS];
    int16_t r_q4;  /* that of the R peak, one point */
    uint8_t beats; /* in the mean, saturates */
} ecg_p_wave_t;

/* Running figures of the RR intervals; Q8 samples. */
typedef struct {
    int32_t mean_q8;
    int32_t irregularity_q8;      /* mean absolute difference of successive intervals */
    uint16_t before;              /* interval before the last; 0: none */
    uint16_t first[ECG_RR_FIRST]; /* the first intervals, ascending */
    uint8_t intervals;            /* so far, saturates */
} ecg_rr_t;

/* The last RR intervals, newest first; log2 * 64 of sixteenths of samples. */
typedef struct {
    int16_t past_q6[ECG_RR_PAST];
    int16_t sinus_q6[ECG_RR_SINUS]; /* neither early nor long */
    uint8_t intervals;              /* in past_q6, */
    uint8_t sinus;                  /* in sinus_q6 */
    uint32_t early;                 /* of the past intervals, newest in bit 0: short of the sinus interval */
} ecg_rr_context_t;

/* A block of 200 ms. Slopes: over 8 low-pass outputs, 900 units per millivolt. Second differences: of raw
 * samples, 800 units per millivolt. */
typedef struct {
    int16_t level;              /* mean, ADC units */
    int16_t lowest;             /* ADC units */
    int16_t highest;            /* ADC units */
    uint16_t noise_slope;       /* mean slope of the quietest third: noise between beats */
    uint16_t mean_slope;        /* of the whole block */
    uint16_t steepest;          /* mean slope of the steepest third */
    uint16_t second_difference; /* mean magnitude of the second difference: muscle noise and hum */
    uint8_t hum;                /* the second differences repeat at 50 or 60 Hz */
    uint8_t faults;             /* ECG_CORE_FLAG_LEADS_OFF, _SATURATED */
} ecg_sqi_block_t;

/* The block that is being measured. */
typedef struct {
    int32_t sum;                /* of the samples, ADC units */
    int32_t second_differences; /* sum of magnitudes, ADC units */
    int32_t rest_60, rest_50;   /* the same after a filter that removes 60 or 50 Hz */
    int32_t slopes;             /* of the slopes' magnitudes since the last third began */
    int32_t quietest, steepest; /* least and greatest of these sums */
    int32_t all_slopes;         /* their sum */
    int16_t lowest, highest;
    uint8_t faults;
    uint8_t samples;
} ecg_sqi_sums_t;

/* The signal's autocorrelation. */
typedef struct {
    int32_t energy;                                 /* sum of squares of slopes, decaying */
    int32_t sums[ECG_SQI_LAGS - ECG_SQI_LEAST_LAG]; /* of products of slopes so many lags apart, decaying */
    int16_t slopes[ECG_SQI_SLOPES];                 /* from `newest` on, the newest first */
    int16_t mean;                                   /* of the samples before */
    uint8_t newest;                                 /* this slope's products are not in the sums yet, */
    uint8_t has_older;                              /* perhaps nor are those of the one before it */
    uint8_t started;
} ecg_sqi_repetition_t;

/* Leads off and ADC rails, one bit a sample; blocks; repetition. */
typedef struct {
    uint32_t leads_off[ECG_HISTORY_SAMPLES / 32];
    uint32_t saturated[ECG_HISTORY_SAMPLES / 32];
    uint32_t leads_since; /* first sample of the present state of the leads */
    uint16_t leads_other; /* samples in a row that speak against it */
    uint8_t leads_are_off;
    uint8_t waiting;                   /* samples that were not measured yet when there was last work, */
    uint8_t leads_bits;                /* whether a lead was off, the first of them in bit 0 */
    int16_t samples[ECG_SQI_TOGETHER]; /* those samples, by index */
    int16_t highest, lowest, last;
    uint16_t repeats; /* how often the last value came in a row, saturates */
    int16_t before;   /* the sample before the last */
    int32_t second_difference, second_difference_before;
    ecg_sqi_sums_t sums;
    ecg_sqi_block_t blocks[ECG_SQI_BLOCKS]; /* a ring by number */
    uint32_t measured;                      /* blocks that are complete */
    uint16_t largest[ECG_SQI_LARGEST];      /* ranges of the signal within one of the blocks, ADC units */
    ecg_sqi_repetition_t repetition;
} ecg_sqi_measures_t;

/* The time since the last beat. Energies are those of candidates. */
typedef struct {
    uint32_t beat_at;    /* the last beat that counts as one */
    uint32_t lively_at;  /* the last candidate with a beat's energy that is none */
    uint32_t found_at;   /* the last candidate that was classified as a beat */
    int32_t beat_energy; /* running mean of the beats */
    int32_t energy;      /* of the last candidate */
    uint8_t doubted;     /* doubtful beats in a row */
    uint8_t trusted;     /* other beats so far, saturates */
} ecg_sqi_gap_t;

/* SQI and reasons of a block. */
typedef struct {
    uint16_t reasons;
    uint8_t quality;
} ecg_sqi_result_t;

/* Good or bad, decided block by block. */
typedef struct {
    uint32_t decided;            /* blocks */
    uint32_t since;              /* block with which the present state began */
    int32_t uncertainty_q10;     /* running sum, moves by 1 / 8 a block */
    int32_t new_uncertainty_q10; /* of the candidates classified since the last block was decided */
    int32_t
        restlessness_adu_q4; /* running sum of the baseline's changes in a second, moves by 1 / 16 a block */
    ecg_sqi_gap_t gap;
    ecg_sqi_result_t now, before; /* of the last two blocks decided */
    uint16_t reasons;             /* why it is or was bad */
    uint8_t bad;
    uint8_t good_blocks;      /* good blocks in a row while it is bad */
    uint8_t jump_blocks_left; /* blocks since which a jump still disturbs the filters, counts down */
} ecg_sqi_t;

/* Sums over the window of the ventricular rhythm detector; d: difference of successive samples. */
typedef struct {
    int32_t magnitudes;      /* sum of |x| */
    int32_t leak;            /* sum of |x + x half a period before| */
    int16_t highest, lowest; /* x */
    uint16_t flat[3];        /* samples with |d| below 1 / 16, 1 / 8, 1 / 4 of its highest */
    uint16_t high[2];        /* samples with |x| above 1 / 5, 1 / 2 of its highest */
    uint16_t crossings;      /* of zero */
} ecg_ventricular_sums_t;

/* Ventricular rhythm detector: figures of the last 4 s once a second, a classifier, a state. Indices count
 * samples at 90 Hz. */
typedef struct {
    int32_t decimation_sum;                        /* of the filtered samples at 360 Hz since the last one */
    uint32_t taken;                                /* samples so far */
    uint32_t window_end;                           /* index after the last sample of the window in work */
    uint32_t blind_until;                          /* index after the last sample where a lead was off */
    int16_t samples[ECG_VENTRICULAR_SAMPLES];      /* filtered signal, the oldest first */
    int16_t block_highest[ECG_VENTRICULAR_BLOCKS]; /* of |x| */
    int16_t block_slope[ECG_VENTRICULAR_BLOCKS];   /* of |d| */
    int32_t slopes[ECG_VENTRICULAR_BLOCKS / 2];    /* of each second: sum of |d|, */
    int32_t bends[ECG_VENTRICULAR_BLOCKS / 2];     /* of the differences of successive d, magnitudes */
    ecg_ventricular_sums_t sums;
    union {                                    /* one after the other */
        uint32_t cells[ECG_VENTRICULAR_CELLS]; /* of the phase space, a bit each */
        int16_t inputs[ECG_VENTRICULAR_FEATURES];
    } work;
    int64_t head_energy, tail_energy;          /* of the two parts that a lag compares */
    uint32_t head_root, tail_root;             /* of the energies */
    int16_t correlation[ECG_VENTRICULAR_LAGS]; /* autocorrelation, 1000: 1 */
    int16_t features[ECG_VENTRICULAR_FEATURES];
    int32_t logits_q8[ECG_VENTRICULAR_CLASSES];
    uint16_t filled; /* of `samples` */
    uint8_t step;    /* piece of work that is next */
    /* State */
    uint32_t decided;        /* index after the last window that was decided */
    uint32_t since;          /* index with which the present state began */
    uint32_t last;           /* window end of the last positive score */
    uint32_t first;          /* window end of the first decision of the present evidence */
    int32_t evidence_q8;     /* running sum of the scores */
    int32_t score_q8;        /* of the last window: log odds of a ventricular rhythm */
    int32_t fibrillation_q8; /* running difference of the two ventricular classes */
    uint16_t rate;           /* a minute */
    uint8_t kind;
} ecg_ventricular_t;

/* The beat that is being made; each stage is the work of one sample, so that no sample takes long. */
typedef struct {
    ecg_core_beat_t beat;
    uint32_t deviation; /* standard deviation of its window */
    uint8_t stage;
} ecg_pending_t;

struct ecg_core {
    ecg_core_config_t config;
    uint32_t pushed;  /* samples of the board so far */
    uint32_t samples; /* at 360 Hz so far: every index in here counts those */
    uint32_t end;     /* index after the last real sample; UINT32_MAX before ecg_core_finish */
    uint32_t last_beat_at;
    uint8_t has_last_beat;
    uint8_t queue_count; /* candidates when there was last nothing to prepare, */
    int16_t last_sample;
    uint32_t quiet_until; /* and the first sample that has something to prepare for them */
    uint32_t next_work;   /* the first sample that needs more than the filters and the detector */
    /* What every sample changes comes first: a load reaches 4 KiB. */
    ecg_resample_t resample;
    ecg_filter_t filter;
    ecg_detector_t detector;
    ecg_sqi_measures_t sqi_measures;
    ecg_ventricular_t ventricular;
    ecg_pending_t pending;
    ecg_sqi_t sqi;
    ecg_queue_t queue;
    int16_t history[ECG_HISTORY_SAMPLES]; /* filtered signal, by sample index */
    ecg_qrs_classifier_t qrs_classifier;
    ecg_average_beat_t average;
    ecg_p_wave_t p_wave;
    ecg_rr_t rr;
    ecg_rr_context_t rr_context;
};

#ifdef __cplusplus
}
#endif

#endif
