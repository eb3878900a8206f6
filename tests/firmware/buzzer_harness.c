/* The buzzer of the firmware, with a board that remembers what it was told. */
#include "boards/board.h"
#include "buzzer.h"

static bool sounds;

void board_buzzer(bool on) {
    sounds = on;
}

/* Does it sound, at this time? */
bool harness_sounds(uint32_t now_ms, bool is_wanted);
bool harness_sounds(uint32_t now_ms, bool is_wanted) {
    buzzer_update(now_ms, is_wanted);
    return sounds;
}
