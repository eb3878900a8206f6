/* Gives the beats of beats.h to the rhythm rules and reports the ticks of the longest beat, of all beats, and
 * of one ecg_rhythm_tick for every sample between. */
#include "bare_board.h"
#include "beats.h"
#include "ecg_rhythm/ecg_rhythm_state.h"

static ecg_rhythm_state_t rhythm;
static volatile uint32_t events;

static void count(void *context, const ecg_rhythm_event_t *event) {
    (void)context;
    events += event->index >= events;
}

static void measure(void) {
    uint32_t longest = 0, all = 0, clock = 0, time = 0;
    ecg_rhythm_init(&rhythm, 360, count, 0);
    for (uint32_t i = 0; i < BEATS; i++) {
        for (; time < beats[i].r_sample; time++) {
            const uint32_t before = SYSTICK_VALUE;
            ecg_rhythm_tick(&rhythm, time, false);
            clock += ticks_since(before);
        }
        const uint32_t before = SYSTICK_VALUE;
        ecg_rhythm_beat(&rhythm, &beats[i]);
        const uint32_t ticks = ticks_since(before);
        all += ticks;
        longest = ticks > longest ? ticks : longest;
    }
    const uint32_t start = SYSTICK_VALUE;
    const uint32_t fingerprint = ecg_rhythm_fingerprint(&rhythm);
    print("fingerprint_ticks ", ticks_since(start));
    print("fingerprint ", fingerprint);
    print("longest ", longest);
    print("all ", all);
    print("clock ", clock);
    print("samples ", time);
    print("events ", events);
    print("state_bytes ", ecg_rhythm_state_bytes());
}

BARE_BOARD_START(measure);
