#include "electrodes.h"

#include "boards/board.h"

/* Own choices: shorter than a beat for what takes the signal away, longer than one for its return. */
#define GOES_SAMPLES (BOARD_FS_HZ / 10)
#define RETURNS_SAMPLES BOARD_FS_HZ

static uint16_t count(uint16_t samples, bool holds) {
    return holds ? (uint16_t)(samples < RETURNS_SAMPLES ? samples + 1u : samples) : 0;
}

electrodes_signs_t electrodes_take(electrodes_t *electrodes, int16_t sample_adu, uint8_t lead_flags) {
    const bool is_off = lead_flags != 0;
    const bool at_limit = sample_adu <= BOARD_ADC_LEAST || sample_adu >= BOARD_ADC_MOST;
    electrodes->off = count(electrodes->off, is_off);
    electrodes->on = count(electrodes->on, !is_off);
    electrodes->saturated = count(electrodes->saturated, !is_off && at_limit);
    electrodes->within = count(electrodes->within, !is_off && !at_limit);
    return (electrodes_signs_t){
        .off = electrodes->off >= GOES_SAMPLES,
        .on = electrodes->on >= RETURNS_SAMPLES,
        .saturated = electrodes->saturated >= GOES_SAMPLES,
        .within = electrodes->within >= RETURNS_SAMPLES,
    };
}
