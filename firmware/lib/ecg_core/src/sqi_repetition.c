#include "sqi_repetition.h"

#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"

#define SLOPE_LIMIT 4095 /* so that a sum stays within 31 bits: 4.5 mV in 22 ms */
#define DECAY_BITS 6     /* a sum is of the last 64 products: 1.4 s, half of it within a second */
#define FIRST_LAG 6      /* 133 ms: flutter waves are further apart */
#define LAGS_A_SAMPLE (ECG_SQI_LAGS / ECG_SQI_TOGETHER)

ECG_STATIC_ASSERT((ECG_SQI_LAGS - ECG_SQI_LEAST_LAG) % 4 == 0 && ECG_SQI_LEAST_LAG <= FIRST_LAG,
                  lags_by_four);

static int32_t added(int32_t sum, int32_t product) {
    return sum + product - (sum >> DECAY_BITS);
}

/* Four lags a turn. */
static void add_products(ecg_sqi_repetition_t *state) {
    const int16_t *slope = &state->slopes[state->newest];
    const int32_t newest = *slope;
    int32_t *sum = state->sums, *const end = sum + ECG_SQI_LAGS - ECG_SQI_LEAST_LAG;
    state->energy = added(state->energy, newest * newest);
    for (slope += ECG_SQI_LEAST_LAG; sum != end; sum += 4, slope += 4) {
        sum[0] = added(sum[0], newest * slope[0]);
        sum[1] = added(sum[1], newest * slope[1]);
        sum[2] = added(sum[2], newest * slope[2]);
        sum[3] = added(sum[3], newest * slope[3]);
    }
}

/* The newest slope stands first; without room there, the others move. */
static void add_slope(ecg_sqi_repetition_t *state, int32_t slope) {
    if (state->newest == 0) {
        state->newest = ECG_SQI_SLOPES - ECG_SQI_LAGS + 1;
        memmove(&state->slopes[state->newest], state->slopes, (ECG_SQI_LAGS - 1) * sizeof *state->slopes);
    }
    state->slopes[--state->newest] = (int16_t)ecg_clip(slope, -SLOPE_LIMIT, SLOPE_LIMIT);
}

void ecg_sqi_repetition_add(ecg_sqi_repetition_t *state, int32_t sum) {
    const int16_t mean = (int16_t)(sum / ECG_SQI_TOGETHER);
    add_products(state);
    add_slope(state, state->started ? mean - state->mean : 0);
    state->mean = mean;
    state->started = 1;
}

/* With its product with the newest slope if that counts already: eight lags a sample. */
static int32_t sum_at(const ecg_sqi_repetition_t *state, uint32_t lag, uint32_t samples) {
    const int16_t *slope = &state->slopes[state->newest];
    const int32_t sum = state->sums[lag - ECG_SQI_LEAST_LAG];
    return lag < samples * LAGS_A_SAMPLE ? added(sum, slope[0] * slope[lag]) : sum;
}

int32_t ecg_sqi_repetition(const ecg_sqi_repetition_t *state, uint32_t samples) {
    const int32_t newest = state->slopes[state->newest];
    const int32_t energy = samples > 0 ? added(state->energy, newest * newest) : state->energy;
    int32_t highest = 0;
    for (uint32_t lag = FIRST_LAG; lag < ECG_SQI_LAGS; lag++) {
        const int32_t sum = sum_at(state, lag, samples);
        highest = sum > highest ? sum : highest;
    }
    const int32_t share = highest / (energy / ECG_SQI_REPETITION_ONE + 1);
    return ecg_clip(share, 0, ECG_SQI_REPETITION_ONE);
}
