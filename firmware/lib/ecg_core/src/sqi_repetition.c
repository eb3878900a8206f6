#include "sqi_repetition.h"

#include <stdbool.h>
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

/* The products of the two newest slopes, four lags a turn. */
static void add_products(ecg_sqi_repetition_t *state) {
    const int16_t *slope = &state->slopes[state->newest];
    const int32_t newest = slope[0], older = slope[1];
    int32_t *sum = state->sums, *const end = sum + ECG_SQI_LAGS - ECG_SQI_LEAST_LAG;
    state->energy = added(added(state->energy, older * older), newest * newest);
    for (slope += ECG_SQI_LEAST_LAG; sum != end; sum += 4, slope += 4) {
        sum[0] = added(added(sum[0], older * slope[1]), newest * slope[0]);
        sum[1] = added(added(sum[1], older * slope[2]), newest * slope[1]);
        sum[2] = added(added(sum[2], older * slope[3]), newest * slope[2]);
        sum[3] = added(added(sum[3], older * slope[4]), newest * slope[3]);
    }
}

/* The newest slope stands first; without room there, the others move. */
static void add_slope(ecg_sqi_repetition_t *state, int32_t slope) {
    if (state->newest == 0) {
        state->newest = ECG_SQI_SLOPES - ECG_SQI_LAGS;
        memmove(&state->slopes[state->newest], state->slopes, ECG_SQI_LAGS * sizeof *state->slopes);
    }
    state->slopes[--state->newest] = (int16_t)ecg_clip(slope, -SLOPE_LIMIT, SLOPE_LIMIT);
}

void ecg_sqi_repetition_add(ecg_sqi_repetition_t *state, int32_t sum) {
    const int16_t mean = (int16_t)(sum / ECG_SQI_TOGETHER);
    if (state->has_older) {
        add_products(state);
    }
    add_slope(state, state->started ? mean - state->mean : 0);
    state->has_older = !state->has_older;
    state->mean = mean;
    state->started = 1;
}

/* A sum with the product of the older slope, if it does not hold that yet, and with that of the newest. */
static inline int32_t complete(const ecg_sqi_repetition_t *state, int32_t sum, uint32_t lag,
                               bool has_newest) {
    const int16_t *slope = &state->slopes[state->newest];
    if (state->has_older) {
        sum = added(sum, slope[1] * slope[lag + 1]);
    }
    return has_newest ? added(sum, slope[0] * slope[lag]) : sum;
}

/* The product with the newest slope counts from eight lags a sample. */
static int32_t sum_at(const ecg_sqi_repetition_t *state, int32_t sum, uint32_t lag, uint32_t samples) {
    return complete(state, sum, lag, lag < samples * LAGS_A_SAMPLE);
}

/* Of the lags from `first` to before `end`. */
static inline int32_t highest_sum(const ecg_sqi_repetition_t *state, uint32_t first, uint32_t end,
                                  bool has_newest) {
    int32_t highest = 0;
    for (uint32_t lag = first; lag < end; lag++) {
        const int32_t sum = complete(state, state->sums[lag - ECG_SQI_LEAST_LAG], lag, has_newest);
        highest = sum > highest ? sum : highest;
    }
    return highest;
}

int32_t ecg_sqi_repetition(const ecg_sqi_repetition_t *state, uint32_t samples) {
    const uint32_t newest = (uint32_t)ecg_clip((int32_t)(samples * LAGS_A_SAMPLE), FIRST_LAG, ECG_SQI_LAGS);
    const int32_t with = highest_sum(state, FIRST_LAG, newest, true);
    const int32_t without = highest_sum(state, newest, ECG_SQI_LAGS, false);
    const int32_t highest = with > without ? with : without;
    const int32_t share = highest / (sum_at(state, state->energy, 0, samples) / ECG_SQI_REPETITION_ONE + 1);
    return ecg_clip(share, 0, ECG_SQI_REPETITION_ONE);
}

int32_t ecg_sqi_repetition_at(const ecg_sqi_repetition_t *state, int32_t distance, uint32_t samples) {
    const uint32_t middle = (uint32_t)(distance + ECG_SQI_TOGETHER / 2) / ECG_SQI_TOGETHER;
    if (middle <= ECG_SQI_LEAST_LAG || middle + 1 >= ECG_SQI_LAGS) {
        return -ECG_SQI_REPETITION_ONE;
    }
    int32_t highest = INT32_MIN;
    for (uint32_t lag = middle - 1; lag <= middle + 1; lag++) {
        const int32_t sum = sum_at(state, state->sums[lag - ECG_SQI_LEAST_LAG], lag, samples);
        highest = sum > highest ? sum : highest;
    }
    const int32_t share = highest / (sum_at(state, state->energy, 0, samples) / ECG_SQI_REPETITION_ONE + 1);
    return ecg_clip(share, -ECG_SQI_REPETITION_ONE, ECG_SQI_REPETITION_ONE);
}
