/* Pushes the samples of samples.h through ecg_strip and reports the ticks of the longest push, of all, and of
 * one read. */
#include "bare_board.h"
#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_strip.h"
#include "samples.h"

static ecg_strip_t strip;
static int8_t points[ECG_STRIP_POINTS];

static void measure(void) {
    const ecg_core_config_t config = ecg_core_default_config();
    uint32_t longest = 0, all = 0;
    (void)ecg_strip_init(&strip, &config);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint32_t before = SYSTICK_VALUE;
        (void)ecg_strip_push(&strip, samples[i]);
        const uint32_t ticks = ticks_since(before);
        all += ticks;
        longest = ticks > longest ? ticks : longest;
    }
    const uint32_t before = SYSTICK_VALUE;
    ecg_strip_read(&strip, points);
    print("read ", ticks_since(before));
    print("longest ", longest);
    print("all ", all);
    print("state_bytes ", (uint32_t)sizeof strip);
}

BARE_BOARD_START(measure);
