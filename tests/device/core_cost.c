/* Pushes the samples of samples.h through the signal path and reports the ticks of the longest push and of
 * all. */
#include "bare_board.h"
#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "samples.h"

static ecg_core_t core;
static ecg_core_beat_t beat;

static void measure(void) {
    const ecg_core_config_t config = ecg_core_default_config();
    uint32_t longest = 0, all = 0;
    (void)ecg_core_init(&core, &config);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint32_t before = SYSTICK_VALUE;
        (void)ecg_core_push(&core, samples[i], 0, &beat);
        const uint32_t ticks = ticks_since(before);
        all += ticks;
        longest = ticks > longest ? ticks : longest;
    }
    print("longest ", longest);
    print("all ", all);
    print("state_bytes ", ecg_core_state_bytes());
}

BARE_BOARD_START(measure);
