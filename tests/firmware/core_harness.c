/* Reads int16 samples from standard input and prints R sample and CRC-32 of each beat, first with detected
 * peaks, then with a mark at every 200th sample, and the fingerprint before that; with the argument
 * "detected" only the first of these. For a build with sanitizers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"

#define MARK_EVERY 200

static ecg_core_t core;

static void print_beat(const ecg_core_beat_t *beat) {
    printf("%" PRIu32 " %08" PRIx32 "\n", beat->r_sample, ecg_core_beat_crc32(beat));
}

static void run(const int16_t *samples, size_t count, ecg_core_peaks_t peaks) {
    ecg_core_config_t config = ecg_core_default_config();
    ecg_core_beat_t beat;
    config.peaks = (uint8_t)peaks;
    if (ecg_core_init(&core, &config) != ECG_CORE_OK) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (ecg_core_push(&core, samples[i], 0, &beat) == ECG_CORE_BEAT) {
            print_beat(&beat);
        }
        if (peaks == ECG_CORE_PEAKS_MARKED && i % MARK_EVERY == 0 && ecg_core_mark(&core) != ECG_CORE_OK) {
            abort();
        }
    }
    while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) {
        print_beat(&beat);
    }
}

int main(int argc, char **argv) {
    static int16_t samples[2000000];
    const size_t count = fread(samples, sizeof samples[0], sizeof samples / sizeof samples[0], stdin);
    if (argc > 1 && strcmp(argv[1], "detected") == 0) {
        run(samples, count, ECG_CORE_PEAKS_DETECTED);
        return 0;
    }
    printf("%08" PRIx32 "\n", ecg_core_fingerprint(&core));
    run(samples, count, ECG_CORE_PEAKS_DETECTED);
    run(samples, count, ECG_CORE_PEAKS_MARKED);
    return 0;
}
