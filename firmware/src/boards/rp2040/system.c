#include "system.h"

#include "boards/board.h"
#include "registers.h"

#define WATCHDOG_US 8000000u
#define WATCHDOG_LOAD (2u * WATCHDOG_US) /* erratum RP2040-E1: it counts down twice a microsecond */

uint8_t board_reset_cause(void) {
    return (uint8_t)reset_cause_of(CHIP_RESET, WATCHDOG->REASON);
}

/* Resets all but the oscillators. */
void board_watchdog_start(void) {
    PSM_WDSEL = PSM_ALL_BUT_OSCILLATORS;
    WATCHDOG->LOAD = WATCHDOG_LOAD;
    WATCHDOG->CTRL = WATCHDOG_ENABLE | WATCHDOG_PAUSE_IN_DEBUGGER;
}

void board_watchdog_feed(void) {
    WATCHDOG->LOAD = WATCHDOG_LOAD;
}
