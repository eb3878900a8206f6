#include "electrodes.h"

#include "boards/board.h"

/* Own choices: shorter than a beat for what takes the signal away, longer than one for its return. */
#define GOES_SAMPLES (BOARD_FS_HZ / 10u)
#define RETURNS_SAMPLES ((uint16_t)BOARD_FS_HZ)

static uint16_t count(uint16_t samples, bool holds) {
    return holds ? (uint16_t)(samples < RETURNS_SAMPLES ? samples + 1u : samples) : 0;
}

bool electrodes_take(electrodes_t *electrodes, int16_t sample_adu, uint8_t lead_flags, mode_cause_t *cause) {
    const bool is_off = lead_flags != 0;
    const bool at_limit = sample_adu <= BOARD_ADC_LEAST || sample_adu >= BOARD_ADC_MOST;
    electrodes->off = count(electrodes->off, is_off);
    electrodes->on = count(electrodes->on, !is_off);
    electrodes->saturated = count(electrodes->saturated, !is_off && at_limit);
    electrodes->within = count(electrodes->within, !is_off && !at_limit);
    if (electrodes->off >= GOES_SAMPLES) {
        *cause = MODE_ELECTRODES_OFF;
    } else if (electrodes->saturated >= GOES_SAMPLES && electrodes->on >= RETURNS_SAMPLES) {
        *cause = MODE_SIGNAL_SATURATES;
    } else if (electrodes->within >= RETURNS_SAMPLES) {
        *cause = MODE_SIGNAL_RETURNS;
    } else {
        *cause = MODE_ELECTRODES_ON;
        return electrodes->on >= RETURNS_SAMPLES;
    }
    return true;
}
