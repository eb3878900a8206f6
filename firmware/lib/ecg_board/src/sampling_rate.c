#include "ecg_board/sampling_rate.h"

#define PART 65536u /* of a tick */
#define PPM 1000000u

void ecg_rate_init(ecg_rate_t *rate, uint32_t timer_hz, uint16_t fs_hz) {
    *rate = (ecg_rate_t){
        .period_q16 = ((uint64_t)timer_hz * PART + fs_hz / 2u) / fs_hz,
        .nominal_mhz = fs_hz * 1000u,
    };
}

uint32_t ecg_rate_next(ecg_rate_t *rate) {
    const uint64_t due_q16 = rate->period_q16 + rate->rest_q16;
    rate->rest_q16 = (uint32_t)(due_q16 % PART);
    return (uint32_t)(due_q16 / PART);
}

void ecg_rate_restart(ecg_rate_t *rate) {
    rate->instants = 0;
    rate->elapsed_us = 0;
}

static uint32_t difference_ppm(const ecg_rate_t *rate) {
    const uint32_t one = rate->measured_mhz, other = rate->nominal_mhz;
    return (uint32_t)((uint64_t)(one > other ? one - other : other - one) * PPM / other);
}

/* Too fast by a tenth: the period becomes longer by a tenth. */
static void correct(ecg_rate_t *rate) {
    const uint32_t ppm = difference_ppm(rate);
    if (ppm >= ECG_RATE_LEAST_PPM && ppm <= ECG_RATE_MOST_PPM) {
        rate->period_q16 = rate->period_q16 * rate->measured_mhz / rate->nominal_mhz;
        rate->corrections++;
    }
}

bool ecg_rate_measure(ecg_rate_t *rate, uint32_t instants, uint32_t elapsed_us) {
    rate->instants += instants;
    rate->elapsed_us += elapsed_us;
    if (rate->elapsed_us < ECG_RATE_WINDOW_US) {
        return false;
    }
    rate->measured_mhz =
        (uint32_t)(((uint64_t)rate->instants * 1000u * PPM + rate->elapsed_us / 2u) / rate->elapsed_us);
    correct(rate);
    ecg_rate_restart(rate);
    return true;
}
