#include "ventricular_features.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/pairs.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"

#define BLOCK 45 /* samples at 90 Hz: half a second */
#define WINDOW (BLOCK * ECG_VENTRICULAR_BLOCKS)
#define SECONDS (ECG_VENTRICULAR_BLOCKS / 2)
#define PHASE_DELAY 45      /* of the phase space */
#define LAGS_AT_ONCE 4      /* whose sums fit the registers */
#define NARROW_LAGS 16      /* in one step of work, where their sums fit 32 bits */
#define HIGHEST_NARROW 3454 /* the root of 2^31 / 180 */

ECG_STATIC_ASSERT(ECG_VENTRICULAR_SAMPLES >= BLOCK + WINDOW, room_before_the_window);

/* Samples of the window; those of the half second before it have negative indices. */
static const int16_t *window_of(const ecg_ventricular_t *state) {
    return state->samples + BLOCK;
}

static int16_t larger(int16_t a, int32_t b) {
    return b > a ? (int16_t)b : a;
}

/* First pass over a block: sums and extremes. The samples before the window are there, too. */
static void measure_slopes(ecg_ventricular_t *state, uint32_t block) {
    const int16_t *at = window_of(state) + block * BLOCK, *const end = at + BLOCK;
    int32_t before = at[-1], slope_before = (before - at[-2]) / 2;
    int32_t slopes = 0, bends = 0, steepest = 1;
    ECG_UNROLL(5)
    while (at != end) {
        const int32_t x = *at++, slope = (x - before) / 2, magnitude = abs(slope);
        steepest = magnitude > steepest ? magnitude : steepest;
        slopes += magnitude;
        bends += abs(slope - slope_before);
        before = x;
        slope_before = slope;
    }
    state->slopes[block / 2] += slopes;
    state->bends[block / 2] += bends;
    state->block_slope[block] = (int16_t)steepest;
}

static void measure_heights(ecg_ventricular_t *state, uint32_t block) {
    const int16_t *at = window_of(state) + block * BLOCK, *const end = at + BLOCK;
    ecg_ventricular_sums_t *sums = &state->sums;
    int32_t magnitudes = 0, highest = INT16_MIN, lowest = INT16_MAX;
    ECG_UNROLL(5)
    while (at != end) {
        const int32_t x = *at++;
        magnitudes += abs(x);
        highest = x > highest ? x : highest;
        lowest = x < lowest ? x : lowest;
    }
    const int16_t most = larger(1, highest > -lowest ? highest : -lowest);
    sums->magnitudes += magnitudes;
    sums->highest = larger(sums->highest, highest);
    sums->lowest = (int16_t)(lowest < sums->lowest ? lowest : sums->lowest);
    state->block_highest[block] = most;
}

/* The slopes of three seconds are known from the window before. */
static void move_slopes(ecg_ventricular_t *state) {
    memmove(state->block_slope, state->block_slope + 2,
            sizeof state->block_slope - 2 * sizeof *state->block_slope);
    memmove(state->slopes, state->slopes + 1, sizeof state->slopes - sizeof *state->slopes);
    memmove(state->bends, state->bends + 1, sizeof state->bends - sizeof *state->bends);
    state->slopes[SECONDS - 1] = state->bends[SECONDS - 1] = 0;
}

void ecg_ventricular_measure(ecg_ventricular_t *state, uint32_t block) {
    const bool is_first = state->decided == 0;
    ecg_ventricular_sums_t *sums = &state->sums;
    if (block == 0) {
        memset(sums, 0, sizeof *sums);
        memset(&state->work, 0, sizeof state->work);
        sums->lowest = INT16_MAX;
        sums->highest = INT16_MIN;
        if (!is_first) {
            move_slopes(state);
        }
    }
    if (is_first || block / 2 == SECONDS - 1) {
        measure_slopes(state, block);
    }
    measure_heights(state, block);
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

static int32_t total(const int32_t *seconds) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < SECONDS; i++) {
        sum += seconds[i];
    }
    return sum;
}

/* Half the mean period in samples, as the VF filter has it: pi * sum |x| / sum |d|. */
static int32_t half_period(const ecg_ventricular_t *state) {
    const int32_t sum = total(state->slopes), slopes = sum > 0 ? 2 * sum : 1;
    return ecg_clip((int32_t)((int64_t)state->sums.magnitudes * 201 / 64 / slopes), 1, BLOCK);
}

static uint32_t cell(int32_t x, int32_t lowest, int32_t range) {
    return (uint32_t)ecg_clip((x - lowest) * ECG_VENTRICULAR_CELLS / range, 0, ECG_VENTRICULAR_CELLS - 1);
}

/* Second pass over a block, in parts: what needs the extremes and the mean period. */
static void mark_cells(ecg_ventricular_t *state, const int16_t *at) {
    const int32_t lowest = state->sums.lowest, range = state->sums.highest - lowest + 1;
    ECG_UNROLL(5)
    for (const int16_t *const end = at + BLOCK; at != end; at++) {
        const uint32_t row = cell(at[-PHASE_DELAY], lowest, range);
        /* within the window, so no limits */
        state->work.cells[row] |= UINT32_C(1) << ((*at - lowest) * ECG_VENTRICULAR_CELLS / range);
    }
}

/* 1 where value < limit, by the sign of their difference. */
static uint32_t below(int32_t value, int32_t limit) {
    return (uint32_t)(value - limit) >> 31;
}

/* Levels are limits: what is below 1 / 16 is also below 1 / 8. A slope is half the difference. */
static void count_flat(ecg_ventricular_t *state, const int16_t *at) {
    const int32_t level = levels(state->block_slope).mean;
    const int32_t flat_16 = (level + 15) / 16 * 2, flat_8 = (level + 7) / 8 * 2, flat_4 = (level + 3) / 4 * 2;
    int32_t before = at[-1];
    uint32_t below_16 = 0, below_8 = 0, below_4 = 0, crossings = 0;
    ECG_UNROLL(5)
    for (const int16_t *const end = at + BLOCK; at != end; at++) {
        const int32_t x = *at, difference = abs(x - before);
        below_4 += below(difference, flat_4);
        below_8 += below(difference, flat_8);
        below_16 += below(difference, flat_16);
        crossings += (uint32_t)(x ^ before) >> 31;
        before = x;
    }
    ecg_ventricular_sums_t *sums = &state->sums;
    sums->flat[0] = (uint16_t)(sums->flat[0] + below_16);
    sums->flat[1] = (uint16_t)(sums->flat[1] + below_8);
    sums->flat[2] = (uint16_t)(sums->flat[2] + below_4);
    sums->crossings = (uint16_t)(sums->crossings + crossings);
}

static void count_high(ecg_ventricular_t *state, const int16_t *at) {
    ecg_ventricular_sums_t *sums = &state->sums;
    const int32_t level = levels(state->block_highest).mean, high_5 = level / 5, high_2 = level / 2;
    const int16_t *past = at - half_period(state);
    int32_t leak = 0;
    uint32_t above_5 = 0, above_2 = 0;
    ECG_UNROLL(5)
    for (const int16_t *const end = at + BLOCK; at != end; at++) {
        const int32_t x = *at, magnitude = abs(x);
        above_5 += below(high_5, magnitude);
        above_2 += below(high_2, magnitude);
        leak += abs(x + *past++);
    }
    sums->high[0] = (uint16_t)(sums->high[0] + above_5);
    sums->high[1] = (uint16_t)(sums->high[1] + above_2);
    sums->leak += leak;
}

/* Sum of |x| over the window and over as many samples half a period earlier, which differ at their ends. */
static int32_t leak_whole(const ecg_ventricular_t *state) {
    const int16_t *window = window_of(state);
    int32_t whole = 2 * state->sums.magnitudes;
    for (int32_t i = half_period(state); i > 0; i--) {
        whole += abs(window[-i]) - abs(window[WINDOW - i]);
    }
    return whole;
}

void ecg_ventricular_count(ecg_ventricular_t *state, uint32_t block) {
    const int16_t *at = window_of(state) + block * BLOCK;
    count_flat(state, at);
    count_high(state, at);
    mark_cells(state, at);
}

/* Root of an energy that is smaller than the one before it, by Newton's method from that one's root. */
static uint32_t lower_root(uint32_t root, int64_t energy) {
    if (energy > UINT32_MAX) {
        return ecg_isqrt((uint64_t)energy);
    }
    const uint32_t value = (uint32_t)energy;
    while (root > 0 && value / root < root) {
        root = (root + value / root) / 2;
    }
    return root;
}

/* 1000 * product / norm; the product is not above the norm. */
static int16_t normalized(int64_t product, uint64_t norm) {
    if (norm == 0) {
        return 0;
    }
    const bool small = norm <= INT32_MAX && product <= INT32_MAX / 1000 && product >= INT32_MIN / 1000;
    const int32_t quotient =
        small ? (int32_t)product * 1000 / (int32_t)norm : (int32_t)(product * 1000 / (int64_t)norm);
    return (int16_t)ecg_clip(quotient, -1000, 1000);
}

#define POINTS (WINDOW / 2)         /* every second sample of the window, */
#define PADDED_POINTS (POINTS + 10) /* and zeros, so that every lag takes the same number of products */

/* Sums of the products of the points with those `lag` and the next lags later. */
static void correlate_wide(const int16_t *points, uint32_t lag, int64_t *products) {
    for (uint32_t k = 0; k < LAGS_AT_ONCE; k++) {
        int64_t product = 0;
        for (uint32_t i = 0; i + lag + k < POINTS; i++) {
            product += points[i] * points[i + lag + k];
        }
        products[k] = product;
    }
}

ECG_STATIC_ASSERT(LAGS_AT_ONCE == 4, four_sums);

/* The same where the sums fit 32 bits. Pairs are loaded once for all the lags that need them. */
static void correlate_narrow(const int16_t *points, uint32_t lag, int64_t *products) {
    const int16_t *y = points, *const end = points + PADDED_POINTS - 6;
    const int16_t *x = points + lag;
    ecg_pair_t x0 = ecg_pair_at(x), x1 = ecg_pair_at(x + 1);
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    while (x < end) {
        const ecg_pair_t x2 = ecg_pair_at(x + 2), x3 = ecg_pair_at(x + 3), y0 = ecg_pair_at(y);
        sum0 = ecg_add_pairs(ecg_add_pairs(sum0, y0, x0), ecg_pair_at(y + 2), x2);
        sum1 = ecg_add_pairs(ecg_add_pairs(sum1, y0, x1), ecg_pair_at(y + 2), x3);
        x += 4, y += 4;
        x0 = ecg_pair_at(x), x1 = ecg_pair_at(x + 1);
        sum2 = ecg_add_pairs(ecg_add_pairs(sum2, y0, x2), ecg_pair_at(y - 2), x0);
        sum3 = ecg_add_pairs(ecg_add_pairs(sum3, y0, x3), ecg_pair_at(y - 2), x1);
    }
    products[0] = sum0, products[1] = sum1, products[2] = sum2, products[3] = sum3;
}

/* No sample is so high that the sum of 180 products needs more than 32 bits. */
static bool is_narrow(const ecg_ventricular_t *state) {
    const int32_t highest = state->sums.highest, lowest = state->sums.lowest;
    return highest <= HIGHEST_NARROW && lowest >= -HIGHEST_NARROW;
}

/* Energies of the parts that the lag compares: each lag takes one point from both. */
static void shorten(ecg_ventricular_t *state, const int16_t *points, uint32_t lag) {
    const int32_t gone_tail = points[lag - 1], gone_head = points[POINTS - lag];
    state->tail_energy -= gone_tail * gone_tail;
    state->head_energy -= gone_head * gone_head;
    state->tail_root = lower_root(state->tail_root, state->tail_energy);
    state->head_root = lower_root(state->head_root, state->head_energy);
}

static void correlate(ecg_ventricular_t *state, const int16_t *points, uint32_t lag) {
    int64_t products[LAGS_AT_ONCE];
    if (is_narrow(state)) {
        correlate_narrow(points, lag, products);
    } else {
        correlate_wide(points, lag, products);
    }
    for (uint32_t k = 0; k < LAGS_AT_ONCE && lag < ECG_VENTRICULAR_LAGS; k++, lag++) {
        if (lag == 0) {
            state->head_energy = state->tail_energy = products[0];
            state->head_root = state->tail_root = ecg_isqrt((uint64_t)products[0]);
        } else {
            shorten(state, points, lag);
        }
        state->correlation[lag] = normalized(products[k], (uint64_t)state->head_root * state->tail_root);
    }
}

/* The points stand together first, so that two are loaded at once. */
void ecg_ventricular_correlate(ecg_ventricular_t *state, uint32_t lag) {
    const uint32_t lags = is_narrow(state) ? NARROW_LAGS : LAGS_AT_ONCE;
    if (lag % lags != 0) {
        return;
    }
    const int16_t *at = window_of(state);
    int16_t points[PADDED_POINTS] = {0};
    ECG_UNROLL(6)
    for (uint32_t i = 0; i < POINTS; i++, at += 2) {
        points[i] = *at;
    }
    for (uint32_t end = lag + lags; lag < end; lag += LAGS_AT_ONCE) {
        correlate(state, points, lag);
    }
}

static int16_t share(uint32_t count) {
    return (int16_t)(count * 1000u / WINDOW);
}

void ecg_ventricular_describe_sums(ecg_ventricular_t *state) {
    const ecg_ventricular_sums_t *sums = &state->sums;
    const levels_t height = levels(state->block_highest), slope = levels(state->block_slope);
    const int32_t slopes = total(state->slopes);
    int16_t *f = state->features;
    f[ECG_VENTRICULAR_SLOPE_CREST] = ratio(slopes, slope.mean * WINDOW / 16);
    f[ECG_VENTRICULAR_CREST] = ratio(sums->magnitudes, height.mean * WINDOW / 4);
    f[ECG_VENTRICULAR_MOBILITY] = ratio(slopes, sums->magnitudes);
    f[ECG_VENTRICULAR_COMPLEXITY] = ratio(total(state->bends), slopes);
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
    const int32_t whole = leak_whole(state);
    f[ECG_VENTRICULAR_LEAKAGE] = (int16_t)((int64_t)sums->leak * 1000 / (whole > 0 ? whole : 1));
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
