#include "mode.h"

#include <stddef.h>

static const struct {
    uint8_t from, cause, to;
} ROWS[] = {
#define ROW(from, cause, to) {MODE_##from, MODE_##cause, MODE_##to},
    MODE_TRANSITIONS(ROW)
#undef ROW
};

void mode_init(modes_t *mode) {
    *mode = (modes_t){MODE_SELF_TEST, MODE_HOST_AWAY, MODE_LOG_OPEN};
}

static void take(uint8_t *state, mode_cause_t cause, mode_changed_t changed) {
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (ROWS[i].from == *state && ROWS[i].cause == cause) {
            *state = ROWS[i].to;
            changed((mode_state_t)ROWS[i].from, cause, (mode_state_t)ROWS[i].to);
            return;
        }
    }
}

void mode_take(modes_t *mode, mode_cause_t cause, mode_changed_t changed) {
    take(&mode->mode, cause, changed);
    take(&mode->host, cause, changed);
    take(&mode->log, cause, changed);
}
