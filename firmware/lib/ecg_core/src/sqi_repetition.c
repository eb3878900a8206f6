#include "sqi_repetition.h"

#include "ecg_base/int_math.h"

#define MEAN_SAMPLES 8   /* the slopes between means of so many samples: 45 a second */
#define SLOPE_LIMIT 4095 /* so that a sum stays within 31 bits: 4.5 mV in 22 ms */
#define DECAY_BITS 6     /* a sum is of the last 64 products: 1.4 s, half of it within a second */
#define FIRST_LAG 6      /* 133 ms: flutter waves are further apart */
#define LAGS_A_SAMPLE (ECG_SQI_LAGS / MEAN_SAMPLES)

static int32_t slope_before(const ecg_sqi_repetition_t *state, uint32_t lag) {
    return state->slopes[(state->newest - lag) % ECG_SQI_LAGS];
}

static void add_products(ecg_sqi_repetition_t *state, uint32_t first_lag) {
    const int32_t newest = slope_before(state, 0);
    const int16_t *const slopes = state->slopes;
    const uint32_t at = state->newest;
    int32_t *const sums = state->sums;
    for (uint32_t lag = first_lag; lag < first_lag + LAGS_A_SAMPLE; lag++) {
        const int32_t sum = sums[lag];
        sums[lag] = sum + newest * slopes[(at - lag) % ECG_SQI_LAGS] - (sum >> DECAY_BITS);
    }
}

static void add_slope(ecg_sqi_repetition_t *state) {
    const int16_t mean = (int16_t)(state->part / MEAN_SAMPLES);
    const int32_t slope = state->newest == 0 ? 0 : mean - state->mean;
    state->slopes[++state->newest % ECG_SQI_LAGS] = (int16_t)ecg_clip(slope, -SLOPE_LIMIT, SLOPE_LIMIT);
    state->mean = mean;
    state->part = 0;
    state->samples = 0;
}

void ecg_sqi_repetition_push(ecg_sqi_repetition_t *state, int16_t lowpass) {
    add_products(state, state->samples * (uint32_t)LAGS_A_SAMPLE);
    state->part += lowpass;
    if (++state->samples == MEAN_SAMPLES) {
        add_slope(state);
    }
}

int32_t ecg_sqi_repetition(const ecg_sqi_repetition_t *state) {
    int32_t highest = 0;
    for (uint32_t lag = FIRST_LAG; lag < ECG_SQI_LAGS; lag++) {
        if (state->sums[lag] > highest) {
            highest = state->sums[lag];
        }
    }
    const int32_t share = highest / (state->sums[0] / ECG_SQI_REPETITION_ONE + 1);
    return ecg_clip(share, 0, ECG_SQI_REPETITION_ONE);
}
