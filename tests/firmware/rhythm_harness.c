/* Reads records of 8 bytes from standard input: u32 sample, u16 interval, u8 what (0 beat, 1 tick, 2 end, 3
 * start here, 4 ventricular state, 5 leads), u8 class, or 1 for bad signal or leads off, or kind of
 * ventricular rhythm, which began u16 samples before; prints every event. For a build with sanitizers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ecg_rhythm/ecg_rhythm_state.h"

enum { BEAT, TICK, END, START, VENTRICULAR, LEADS };

static void print_event(void *context, const ecg_rhythm_event_t *event) {
    (void)context;
    printf("%" PRIu32 " %u %u %u %" PRIu32 " %" PRIu32 " %u %u %u %u %u %u %u\n", event->index, event->kind,
           event->phase, event->flags, event->onset, event->end, event->beats, event->rate_x10,
           event->mean_rr, event->shortest_rr, event->longest_rr, event->irregularity_permille,
           event->confidence);
}

static uint32_t number(const uint8_t *bytes, unsigned count) {
    uint32_t value = 0;
    while (count-- > 0) {
        value = value << 8 | bytes[count];
    }
    return value;
}

int main(void) {
    ecg_rhythm_state_t *rhythm = malloc(sizeof *rhythm); /* on the heap, where reading past its end is seen */
    uint8_t record[8];
    if (rhythm == NULL) {
        return 2;
    }
    ecg_rhythm_init(rhythm, 360, print_event, NULL);
    while (fread(record, sizeof record, 1, stdin) == 1) {
        const uint32_t sample = number(record, 4);
        const ecg_rhythm_beat_t beat = {sample, (uint16_t)number(record + 4, 2), record[7], 0, 100, 0, 255};
        if (record[6] == BEAT) {
            ecg_rhythm_beat(rhythm, &beat);
        }
        if (record[6] == TICK) {
            ecg_rhythm_tick(rhythm, sample, record[7] == 1);
        }
        if (record[6] == LEADS) {
            ecg_rhythm_leads(rhythm, sample, record[7] == 1);
        }
        if (record[6] == START) {
            rhythm->time = rhythm->due = rhythm->silence.since = sample;
            rhythm->rate_at = sample + rhythm->times.rate_every;
        }
        if (record[6] == VENTRICULAR) {
            const ecg_rhythm_ventricular_t now = {sample - beat.rr_samples, sample, 180, record[7]};
            ecg_rhythm_ventricular(rhythm, &now);
        }
        if (record[6] == END) {
            ecg_rhythm_finish(rhythm, sample);
        }
    }
    free(rhythm);
    return 0;
}
