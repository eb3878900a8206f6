#include "ventricular_features.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"

#define BLOCK 45 /* samples at 90 Hz: half a second */
#define WINDOW (BLOCK * ECG_VENTRICULAR_BLOCKS)
#define PHASE_DELAY 45 /* of the phase space */

ECG_STATIC_ASSERT(ECG_VENTRICULAR_SAMPLES >= BLOCK + WINDOW, room_before_the_window);

/* Samples of the window; those of the half second before it have negative indices. */
static const int16_t *window_of(const ecg_ventricular_t *state) {
    return state->samples + BLOCK;
}

static int16_t larger(int16_t a, int32_t b) {
    return b > a ? (int16_t)b : a;
}

/* First pass over a block: sums and extremes. The samples before the window are there, too. */
void ecg_ventricular_measure(ecg_ventricular_t *state, uint32_t block) {
    ecg_ventricular_sums_t *sums = &state->sums;
    if (block == 0) {
        memset(sums, 0, sizeof *sums);
        memset(state->work.cells, 0, sizeof state->work.cells);
        sums->lowest = INT16_MAX;
        sums->highest = INT16_MIN;
    }
    const int16_t *window = window_of(state);
    const int32_t first = (int32_t)block * BLOCK;
    int32_t before = window[first - 1];
    int32_t slope_before = (before - window[first - 2]) / 2;
    int16_t highest = 0, steepest = 0;
    for (int32_t i = first; i < first + BLOCK; i++) {
        const int32_t x = window[i], slope = (x - before) / 2;
        highest = larger(highest, abs(x));
        steepest = larger(steepest, abs(slope));
        sums->magnitudes += abs(x);
        sums->slopes += abs(slope);
        sums->bends += abs(slope - slope_before);
        sums->highest = larger(sums->highest, x);
        sums->lowest = (int16_t)(x < sums->lowest ? x : sums->lowest);
        before = x;
        slope_before = slope;
    }
    state->block_highest[block] = (int16_t)(highest > 0 ? highest : 1);
    state->block_slope[block] = (int16_t)(steepest > 0 ? steepest : 1);
}

/* Mean, least and greatest of the highest values of the seconds. */
typedef struct {
    int32_t mean, least, greatest;
} levels_t;

static levels_t levels(const int16_t *blocks) {
    levels_t result = {0, INT16_MAX, 0};
    for (int k = 0; k < ECG_VENTRICULAR_BLOCKS; k += 2) {
        const int32_t level = blocks[k] > blocks[k + 1] ? blocks[k] : blocks[k + 1];
        result.mean += level;
        result.least = level < result.least ? level : result.least;
        result.greatest = level > result.greatest ? level : result.greatest;
    }
    result.mean = (result.mean + 2) / (ECG_VENTRICULAR_BLOCKS / 2);
    return result;
}

static int16_t ratio(int32_t above, int32_t below) {
    return (int16_t)(ecg_log2_plus_one_q6(above) - ecg_log2_plus_one_q6(below));
}

/* Mean of the highest values of the half seconds against the least: 0 where all are alike. */
static int16_t rest(const int16_t *blocks) {
    int32_t sum = 0, least = INT16_MAX;
    for (int k = 0; k < ECG_VENTRICULAR_BLOCKS; k++) {
        sum += blocks[k];
        least = blocks[k] < least ? blocks[k] : least;
    }
    return ratio(sum / ECG_VENTRICULAR_BLOCKS, least);
}

/* Half the mean period in samples, as the VF filter has it: pi * sum |x| / sum |d|. */
static int32_t half_period(const ecg_ventricular_sums_t *sums) {
    const int32_t slopes = sums->slopes > 0 ? 2 * sums->slopes : 1;
    return ecg_clip((int32_t)((int64_t)sums->magnitudes * 201 / 64 / slopes), 1, BLOCK);
}

static void mark_cell(ecg_ventricular_t *state, int32_t x, int32_t delayed) {
    const ecg_ventricular_sums_t *sums = &state->sums;
    const int32_t range = sums->highest - sums->lowest + 1;
    const int32_t column =
        ecg_clip((x - sums->lowest) * ECG_VENTRICULAR_CELLS / range, 0, ECG_VENTRICULAR_CELLS - 1);
    const int32_t row =
        ecg_clip((delayed - sums->lowest) * ECG_VENTRICULAR_CELLS / range, 0, ECG_VENTRICULAR_CELLS - 1);
    state->work.cells[row] |= UINT32_C(1) << column;
}

/* Second pass over a block: what needs the extremes and the mean period. */
void ecg_ventricular_count(ecg_ventricular_t *state, uint32_t block) {
    ecg_ventricular_sums_t *sums = &state->sums;
    const int32_t level = levels(state->block_highest).mean, slope_level = levels(state->block_slope).mean;
    const int32_t half = half_period(sums), first = (int32_t)block * BLOCK;
    const int16_t *window = window_of(state);
    int32_t before = window[first - 1];
    for (int32_t i = first; i < first + BLOCK; i++) {
        const int32_t x = window[i], slope = abs(x - before) / 2, past = window[i - half];
        for (int k = 0; k < 3; k++) {
            sums->flat[k] = (uint16_t)(sums->flat[k] + (slope * (16 >> k) < slope_level));
        }
        sums->high[0] = (uint16_t)(sums->high[0] + (abs(x) * 5 > level));
        sums->high[1] = (uint16_t)(sums->high[1] + (abs(x) * 2 > level));
        sums->crossings = (uint16_t)(sums->crossings + ((x < 0) != (before < 0)));
        sums->leak += abs(x + past);
        sums->leak_whole += abs(x) + abs(past);
        mark_cell(state, x, window[i - PHASE_DELAY]);
        before = x;
    }
}

static int16_t normalized(int64_t product, int64_t energy_a, int64_t energy_b) {
    const uint64_t a = ecg_isqrt((uint64_t)energy_a), b = ecg_isqrt((uint64_t)energy_b);
    const int64_t norm = (int64_t)(a * b);
    return (int16_t)(norm > 0 ? ecg_clip((int32_t)(product * 1000 / norm), -1000, 1000) : 0);
}

/* Sum of the products of every second sample of both; four a turn, and the rest. */
static int64_t dot_product(const int16_t *x, const int16_t *y, uint32_t count) {
    int64_t product = 0;
    for (; count >= 4; count -= 4, x += 8, y += 8) {
        product += x[0] * y[0];
        product += x[2] * y[2];
        product += x[4] * y[4];
        product += x[6] * y[6];
    }
    for (; count > 0; count--, x += 2, y += 2) {
        product += *x * *y;
    }
    return product;
}

/* Autocorrelation at one lag, of every second sample. */
void ecg_ventricular_correlate(ecg_ventricular_t *state, uint32_t lag) {
    const int16_t *window = window_of(state), *end = window + WINDOW;
    const int64_t product = dot_product(window + 2 * lag, window, (WINDOW + 1) / 2 - lag);
    if (lag == 0) {
        state->head_energy = state->tail_energy = product;
    } else {
        const int32_t gone_tail = window[2 * (lag - 1)], gone_head = end[-2 * (int32_t)lag];
        state->tail_energy -= gone_tail * gone_tail;
        state->head_energy -= gone_head * gone_head;
    }
    state->correlation[lag] = normalized(product, state->head_energy, state->tail_energy);
}

static int16_t share(uint32_t count) {
    return (int16_t)(count * 1000u / WINDOW);
}

void ecg_ventricular_describe_sums(ecg_ventricular_t *state) {
    const ecg_ventricular_sums_t *sums = &state->sums;
    const levels_t height = levels(state->block_highest), slope = levels(state->block_slope);
    int16_t *f = state->features;
    f[ECG_VENTRICULAR_SLOPE_CREST] = ratio(sums->slopes, slope.mean * WINDOW / 16);
    f[ECG_VENTRICULAR_CREST] = ratio(sums->magnitudes, height.mean * WINDOW / 4);
    f[ECG_VENTRICULAR_MOBILITY] = ratio(sums->slopes, sums->magnitudes);
    f[ECG_VENTRICULAR_COMPLEXITY] = ratio(sums->bends, sums->slopes);
    f[ECG_VENTRICULAR_SPREAD] = ratio(height.greatest, height.least);
    f[ECG_VENTRICULAR_SLOPE_SPREAD] = ratio(slope.greatest, slope.least);
    f[ECG_VENTRICULAR_REST] = rest(state->block_highest);
    f[ECG_VENTRICULAR_SLOPE_REST] = rest(state->block_slope);
    f[ECG_VENTRICULAR_SKEW] =
        (int16_t)abs(ratio(sums->highest > 0 ? sums->highest : 0, sums->lowest < 0 ? -sums->lowest : 0));
}

static uint16_t count_cells(const ecg_ventricular_t *state) {
    uint16_t count = 0;
    for (int row = 0; row < ECG_VENTRICULAR_CELLS; row++) {
        for (uint32_t bits = state->work.cells[row]; bits != 0; bits &= bits - 1) {
            count++;
        }
    }
    return count;
}

void ecg_ventricular_describe_counts(ecg_ventricular_t *state) {
    const ecg_ventricular_sums_t *sums = &state->sums;
    int16_t *f = state->features;
    for (int k = 0; k < 3; k++) {
        f[ECG_VENTRICULAR_FLAT_16 + k] = share(sums->flat[k]);
    }
    f[ECG_VENTRICULAR_HIGH_5] = share(sums->high[0]);
    f[ECG_VENTRICULAR_HIGH_2] = share(sums->high[1]);
    f[ECG_VENTRICULAR_CROSSINGS] = share(sums->crossings);
    f[ECG_VENTRICULAR_LEAKAGE] =
        (int16_t)((int64_t)sums->leak * 1000 / (sums->leak_whole > 0 ? sums->leak_whole : 1));
    f[ECG_VENTRICULAR_OCCUPIED] = (int16_t)count_cells(state);
}

#define FIRST_LAG 7    /* 156 ms: no two waves follow each other sooner */
#define LEAST_PEAK 200 /* what is lower gives no rate */

static bool is_peak(const int16_t *c, int32_t lag) {
    return c[lag] >= c[lag - 1] && c[lag] > c[lag + 1];
}

/* Lag of the highest peak, of which the first that is nearly as high as a later one counts. */
static int32_t highest_peak(const int16_t *c) {
    int32_t best = 0;
    for (int32_t lag = FIRST_LAG; lag < ECG_VENTRICULAR_LAGS - 1; lag++) {
        if (is_peak(c, lag) && (best == 0 || c[lag] > c[best] + 60)) {
            best = lag;
        }
    }
    return best;
}

static int32_t first_peak(const int16_t *c) {
    int32_t lag = 3;
    while (lag < ECG_VENTRICULAR_LAGS - 1 && !is_peak(c, lag)) {
        lag++;
    }
    return lag < ECG_VENTRICULAR_LAGS - 1 ? lag : 0;
}

/* The peak's place between lags * 64, by a parabola through three of them. */
static int32_t place_q6(const int16_t *c, int32_t peak) {
    const int32_t bend = 2 * c[peak] - c[peak - 1] - c[peak + 1];
    return 64 * peak + (bend > 0 ? 32 * (c[peak + 1] - c[peak - 1]) / bend : 0);
}

static int16_t log_lag(const int16_t *c, int32_t peak) {
    return (int16_t)ecg_log2_q6((uint32_t)(peak > 0 ? place_q6(c, peak) : 64 * ECG_VENTRICULAR_LAGS));
}

void ecg_ventricular_describe_correlation(ecg_ventricular_t *state) {
    static const uint8_t LAGS[] = {1, 2, 4, 6, 8};
    const int16_t *c = state->correlation;
    int16_t *f = state->features;
    for (int k = 0; k < 5; k++) {
        f[ECG_VENTRICULAR_CORRELATION + k] = c[LAGS[k]];
    }
    const int32_t peak = highest_peak(c), first = first_peak(c);
    int16_t lowest = 1000;
    for (int32_t lag = 1; lag < (peak > 0 ? peak : ECG_VENTRICULAR_LAGS); lag++) {
        lowest = c[lag] < lowest ? c[lag] : lowest;
    }
    f[ECG_VENTRICULAR_PEAK] = (int16_t)(peak > 0 ? c[peak] : -500);
    f[ECG_VENTRICULAR_PEAK_LAG] = log_lag(c, peak);
    f[ECG_VENTRICULAR_TROUGH] = lowest;
    f[ECG_VENTRICULAR_SECOND_PEAK] =
        c[peak > 0 && 2 * peak < ECG_VENTRICULAR_LAGS ? 2 * peak : ECG_VENTRICULAR_LAGS - 1];
    f[ECG_VENTRICULAR_FIRST_PEAK] = (int16_t)(first > 0 ? c[first] : -500);
    f[ECG_VENTRICULAR_FIRST_PEAK_LAG] = log_lag(c, first);
}

int32_t ecg_ventricular_peak_to_peak_uv(const ecg_ventricular_t *state) {
    return (state->sums.highest - state->sums.lowest) * 10 / 9; /* 900 units a millivolt */
}

/* 60 s are 2700 lags. */
uint16_t ecg_ventricular_rate(const ecg_ventricular_t *state) {
    const int16_t *c = state->correlation;
    const int32_t peak = highest_peak(c);
    return (uint16_t)(peak > 0 && c[peak] >= LEAST_PEAK ? ecg_divide(2700 * 64, place_q6(c, peak)) : 0);
}
