/* What a board may leave out: a board that has it defines its own function instead. */
#include "boards/board.h"

#define OPTIONAL __attribute__((weak))

OPTIONAL uint8_t board_reset_cause(void) {
    return RESET_UNKNOWN;
}

OPTIONAL const ecg_flash_t *board_flash(void) {
    return NULL;
}

OPTIONAL uint32_t board_stack_bytes(void) {
    return 0;
}

OPTIONAL uint32_t board_stack_used(void) {
    return 0;
}

OPTIONAL uint32_t board_missed_samples(void) {
    return 0;
}

OPTIONAL uint32_t board_jitter_ticks(void) {
    return 0;
}

OPTIONAL void board_watchdog_start(void) {
}

OPTIONAL void board_watchdog_feed(void) {
}

OPTIONAL void board_buzzer(bool on) {
    (void)on;
}

OPTIONAL uint32_t board_rate_mhz(void) {
    return 0;
}

OPTIONAL uint16_t board_battery_mv(void) {
    return 0;
}

OPTIONAL size_t board_notify_bytes(void) {
    return 0;
}

OPTIONAL void board_notify(board_value_t value, const uint8_t *bytes, size_t size) {
    (void)value;
    (void)bytes;
    (void)size;
}

OPTIONAL void board_trial(bool self_test_passed, uint32_t uptime_ms) {
    (void)self_test_passed;
    (void)uptime_ms;
}
