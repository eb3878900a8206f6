/* ecg_core: from the raw ADC sample to the int8 input tensors of the beat classifier.
 *
 * Portable C99, integers only, no heap, no globals. The state is one caller-owned struct; the same
 * samples give the same beats, byte for byte, on every machine. The same code is what Python trains on
 * (`ecg_edge.firmware`), so there is no second implementation of anything in here.
 *
 * Use:  ecg_core_init(&core, &config);
 *       for each sample:  if (ecg_core_push(&core, sample, 0, &beat) == ECG_CORE_BEAT) use(&beat);
 *       at the end:       while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) use(&beat);
 *
 * Not reentrant for one ecg_core_t; different ones are independent. No function blocks.
 * A signal has less than 2^32 samples at 360 Hz, 138 days: the indices do not wrap.
 */
#ifndef ECG_CORE_ECG_CORE_H
#define ECG_CORE_ECG_CORE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Window of a beat around its R peak, in samples at 360 Hz; every second sample is kept. */
#define ECG_CORE_FS_HZ 360
#define ECG_CORE_WINDOW_PRE 96   /* 267 ms before the R peak */
#define ECG_CORE_WINDOW_POST 160 /* 444 ms from the R peak on */
#define ECG_CORE_DECIMATION 2
#define ECG_CORE_BEAT_POINTS ((ECG_CORE_WINDOW_PRE + ECG_CORE_WINDOW_POST) / ECG_CORE_DECIMATION) /* 128 */
#define ECG_CORE_BEAT_CHANNELS 2 /* 0: this beat, 1: the patient's running average beat */
#define ECG_CORE_RHYTHM_FEATURES 27

/* Quantization of the tensors: real value = q / INV_SCALE, zero point 0. */
#define ECG_CORE_BEAT_INV_SCALE 20   /* z-score; saturates at +-6.4 standard deviations */
#define ECG_CORE_RHYTHM_INV_SCALE 64 /* ratios and differences of ratios; saturates at +-2 */

/* Every status, its value and its text (one X-macro, so that they cannot part). */
#define ECG_CORE_STATUS_LIST(X)                                                   \
    X(ECG_CORE_OK, 0, "sample taken, no beat")                                    \
    X(ECG_CORE_BEAT, 1, "a beat was written")                                     \
    X(ECG_CORE_BAD_CONFIG, -1, "configuration outside its limits")                \
    X(ECG_CORE_BAD_ARGUMENT, -2, "null pointer")                                  \
    X(ECG_CORE_BAD_MODE, -3, "ecg_core_mark needs peaks = ECG_CORE_PEAKS_MARKED") \
    X(ECG_CORE_BAD_MARK, -4, "too many marked peaks wait for their window")

typedef enum {
#define ECG_CORE_X(name, value, text) name = value,
    ECG_CORE_STATUS_LIST(ECG_CORE_X)
#undef ECG_CORE_X
} ecg_core_status_t;

typedef enum {
    ECG_CORE_PEAKS_DETECTED = 0, /* the streaming detector finds the R peaks */
    ECG_CORE_PEAKS_MARKED = 1,   /* the caller gives them with ecg_core_mark (annotated peaks) */
} ecg_core_peaks_t;

typedef struct {
    uint16_t fs_hz;      /* of the samples pushed: 360, or 250 or 500, which are brought to 360 */
    uint16_t adu_per_mv; /* ADC units per millivolt at the electrode, 20 to 20000; MIT-BIH: 200 */
    uint8_t peaks;       /* ecg_core_peaks_t */
    uint8_t mains_hz;    /* 50 or 60: the notch; 0: none */
} ecg_core_config_t;

/* Lead flags of a sample (AD8232: LO+ and LO-). */
#define ECG_CORE_LEAD_OFF_PLUS 0x01u
#define ECG_CORE_LEAD_OFF_MINUS 0x02u

/* Flags of a beat. */
#define ECG_CORE_FLAG_LEARNING 0x0001u       /* the average beat is not known yet: no ectopic label */
#define ECG_CORE_FLAG_LEADS_OFF 0x0002u      /* a lead was off somewhere in the window */
#define ECG_CORE_FLAG_SATURATED 0x0004u      /* the ADC was at a rail somewhere in the window */
#define ECG_CORE_FLAG_SEARCHBACK 0x0008u     /* found by going back with a lower threshold */
#define ECG_CORE_FLAG_FLAT 0x0010u           /* no signal in the window: standard deviation at the floor */
#define ECG_CORE_FLAG_UNCLASSIFIABLE 0x0020u /* the signal around is bad: take no label from this beat */
/* What disturbs the signal around the beat; it may still be good enough. */
#define ECG_CORE_FLAG_MAINS_HUM 0x0040u     /* 50 or 60 Hz */
#define ECG_CORE_FLAG_BASELINE_JUMP 0x0080u /* the baseline went to another level */
#define ECG_CORE_FLAG_MOTION 0x0100u        /* waves as slow as a beat's: electrode motion */
#define ECG_CORE_FLAG_MUSCLE_NOISE 0x0200u  /* waves faster than a beat's */
#define ECG_CORE_FLAG_DOUBTFUL 0x0400u      /* perhaps no beat: low and unlike the average, or flat */

typedef struct {
    /* Both count samples as they were pushed, at fs_hz. */
    uint32_t r_sample; /* index of the R peak's sample; the first sample pushed is 0 */
    /* Interval to the R peak before; 65535 saturates. 0: there is none, for the first beat, the first one
     * after the leads were off, and one of the last 0.8 s before. */
    uint16_t rr_samples;
    uint16_t flags;  /* ECG_CORE_FLAG_* */
    uint8_t quality; /* of the signal around: 0 worst, 100 best; see ecg_core_signal_t */
    uint8_t p_wave;  /* before this beat: 1 certainly none, 128 undecided, 255 certainly; 0 unknown */
    /* Tensor "beat", channels last. Channel 0: the window, filtered, z-scored. Channel 1: the running
     * average of this patient's beats that are not early, as it stood before this beat. */
    int8_t beat[ECG_CORE_BEAT_POINTS][ECG_CORE_BEAT_CHANNELS];
    /* clang-format off */
    /* Tensor "rhythm", each q / 64. RR: interval to the beat before; prev: the one before that; mean: running mean.
     *   0: RR / mean - 1
     *   1: RR / prev - 1
     *   2: prev / mean - 1
     *   3: mean / 0.8 s - 1
     *   4: mean |difference of successive RR| / mean
     *   5: correlation of the two channels
     *   6: log2 of this beat's standard deviation to the average beat's
     *   7: mean absolute difference of the two channels, in standard deviations
     * Among the last 32 intervals, log2 but for the shares; sinus: median of the last nine that were neither early
     * nor long; early: short of 0.88 of it.
     *   8, 9, 10: RR, prev and the one before prev to the sinus interval
     *   11, 12: RR and mean to the median
     *   13: RR to the longest of the last 16
     *   14: upper to lower quartile
     *   15, 16, 17: share within 6 % of the median, early, more than 10 % from the one before
     *   18: distance of RR and prev from the most similar pair of successive intervals, sum of both
     *   19: RR to the median of the early ones
     * Of the beat in pieces.
     *   20, 21: correlation of the P waves of the two channels, their mean absolute difference * 4
     *   22: correlation of the QRS complexes
     *   23, 24: log2 of the width of the average beat's QRS complex to 0.1 s, of this beat's to that
     *   25: evidence of a P wave: p_wave less 128, / 2
     *   26: running mean of 7 over beats like the average beat, * 2: noise */
    /* clang-format on */
    int8_t rhythm[ECG_CORE_RHYTHM_FEATURES];
} ecg_core_beat_t;

/* State of the signal, also where no beats are. It is decided for blocks of 200 ms, each before a beat in it
 * is given out, so that a beat in a bad block has ECG_CORE_FLAG_UNCLASSIFIABLE. The signal turns bad when the
 * quality falls below 55, and good again after 1.4 s above 70. */
typedef struct {
    uint32_t since;   /* first sample of the present state; 0 with bad = 0: it never changed */
    uint32_t until;   /* decided for all samples before this one, 0.5 to 0.8 s behind the newest */
    uint16_t reasons; /* bad: why, all ECG_CORE_FLAG_* since `since`. Good: why it was bad before, or 0 */
    uint8_t bad;
    uint8_t quality;      /* of the block that ends at `until` */
    uint8_t leads_off;    /* a lead is off now: 100 ms without contact; then until 500 ms of contact */
    uint32_t leads_since; /* first sample of that; 0 with leads_off = 0: it never changed */
} ecg_core_signal_t;

typedef enum {
    ECG_CORE_VENTRICULAR_NONE = 0,
    ECG_CORE_VENTRICULAR_TACHYCARDIA = 1,
    ECG_CORE_VENTRICULAR_FIBRILLATION = 2, /* or flutter */
} ecg_core_ventricular_kind_t;

/* Ventricular rhythm, decided once a second from the last 4 s of the signal, not from beats. */
typedef struct {
    uint32_t since;     /* first sample of the present state; 0 with kind = NONE: it never changed */
    uint32_t until;     /* decided for all samples before this one, 0.4 to 1.8 s behind the newest */
    uint16_t rate;      /* waves a minute, 0: not known */
    uint8_t kind;       /* ecg_core_ventricular_kind_t */
    uint8_t confidence; /* that the last seconds are a ventricular rhythm: 0 to 100 */
} ecg_core_ventricular_t;

typedef struct ecg_core ecg_core_t; /* the layout is in ecg_core_state.h, for static allocation only */

/** Get the size of the state, for callers that allocate it at run time.
 *
 *  @return  bytes of ecg_core_t on this machine, at most ECG_CORE_STATE_MAX_BYTES
 */
uint32_t ecg_core_state_bytes(void);

/** Get the configuration of MIT-BIH.
 *
 *  @return  360 Hz, 200 ADC units per mV, detected peaks, 60 Hz notch
 */
ecg_core_config_t ecg_core_default_config(void);

/** Reset the state for a new signal.
 *
 *  @param[out] core    state; its content before does not matter
 *  @param[in]  config  configuration, copied; may lie inside *core
 *  @return             ECG_CORE_OK, ECG_CORE_BAD_CONFIG or ECG_CORE_BAD_ARGUMENT; unless OK, *core is
 * unchanged
 */
ecg_core_status_t ecg_core_init(ecg_core_t *core, const ecg_core_config_t *config);

/** Take one sample. A beat comes at most 800 ms after its R peak (288 samples at 360 Hz), at every rate. The
 * first beats come later: they wait until the signal is 2.7 s long, so that it is known what a beat looks
 * like, and are all out when it is 3.4 s long. Takes at most about 8,800 Cortex-M4 instructions, 950 on
 * average, at 360 Hz.
 *
 *  @param[in,out] core        state
 *  @param[in]     sample_adu  ADC units around any baseline, -32768 to 32767
 *  @param[in]     lead_flags  ECG_CORE_LEAD_OFF_*, or 0
 *  @param[out]    beat        written when the result is ECG_CORE_BEAT, else unchanged
 *  @return                    ECG_CORE_OK, ECG_CORE_BEAT or ECG_CORE_BAD_ARGUMENT
 */
ecg_core_status_t ecg_core_push(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                                ecg_core_beat_t *beat);

/** Mark the sample pushed last as an R peak. As with detected peaks, r_sample will be the largest deflection
 * within 78 ms. One beat comes for each mark, in their order.
 *
 *  @param[in,out] core  state, configured with ECG_CORE_PEAKS_MARKED
 *  @return              ECG_CORE_OK; ECG_CORE_BAD_MODE with detected peaks or before the first sample;
 *                       ECG_CORE_BAD_MARK when 32 marks wait for their window; ECG_CORE_BAD_ARGUMENT
 */
ecg_core_status_t ecg_core_mark(ecg_core_t *core);

/** End the signal: call it until it returns ECG_CORE_OK to get the beats that wait for their window, one per
 * call, as if the last sample were held. None is detected in the last 50 ms. Afterwards only ecg_core_init is
 * allowed.
 *
 *  @param[in,out] core  state
 *  @param[out]    beat  written when the result is ECG_CORE_BEAT, else unchanged
 *  @return              ECG_CORE_BEAT, ECG_CORE_OK when there are no more, or ECG_CORE_BAD_ARGUMENT
 */
ecg_core_status_t ecg_core_finish(ecg_core_t *core, ecg_core_beat_t *beat);

/** Get the state of the signal: good or bad, since when and why. Call it after each ecg_core_push to see
 * every change: a sample brings at most one, ecg_core_finish none. Takes about 30 instructions.
 *
 *  @param[in]  core    state
 *  @param[out] signal  written; unchanged when a pointer is NULL
 */
void ecg_core_signal(const ecg_core_t *core, ecg_core_signal_t *signal);

/** Get the state of the ventricular rhythm detector. It is decided again every second, at the latest 780 ms
 * after `until`, so before a beat from then on comes out; ecg_core_finish brings no change.
 *
 *  @param[in]  core         state
 *  @param[out] ventricular  written; unchanged when a pointer is NULL
 */
void ecg_core_ventricular(const ecg_core_t *core, ecg_core_ventricular_t *ventricular);

/** Compute the CRC of a beat's inputs to the classifier.
 *
 *  @param[in] beat  beat from ecg_core_push or ecg_core_finish
 *  @return          CRC-32/ISO-HDLC of tensor "beat", then tensor "rhythm"
 */
uint32_t ecg_core_beat_crc32(const ecg_core_beat_t *beat);

/** Compute one number that identifies the behaviour of this build. Runs a built-in synthetic signal of 72 s:
 * wide, early, low and missing beats, tall T waves, noise, a step, a lead that is off, hum, a rail, a flat
 * line, muscle noise and motion. Model bundles carry the value that they were trained with; the device checks
 * it at boot, the host at the handshake. Takes about twenty million instructions.
 *
 *  @param[out] scratch  memory to work in; its content before does not matter
 *  @return              CRC-32 of all beats (position, interval, flags, quality, P wave, both tensors), of
 * the signal's state, of the ventricular rhythm detector's figures, score and state, of the features of all
 * candidates, and of the scores of 64 random feature vectors
 */
uint32_t ecg_core_fingerprint(ecg_core_t *scratch);

/** Get the text of a status.
 *
 *  @param[in] status  any value
 *  @return            a constant string, never NULL
 */
const char *ecg_core_status_text(ecg_core_status_t status);

#ifdef __cplusplus
}
#endif

#endif
