"""Builds `_ecg_core`: the device's signal path, compiled for this computer, and a loop over many samples.

The loop is here and not in ecg_core because a device never has more than one sample at a time.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

PROJECT = Path(__file__).resolve().parents[2]
BASE = Path("firmware/lib/ecg_base")  # setuptools wants sources relative to the project
CORE = Path("firmware/lib/ecg_core")
HERE = Path("firmware/binding")

CONSTANTS = [
    "ECG_CORE_FS_HZ",
    "ECG_CORE_WINDOW_PRE",
    "ECG_CORE_WINDOW_POST",
    "ECG_CORE_DECIMATION",
    "ECG_CORE_BEAT_POINTS",
    "ECG_CORE_BEAT_CHANNELS",
    "ECG_CORE_RHYTHM_FEATURES",
    "ECG_CORE_BEAT_INV_SCALE",
    "ECG_CORE_RHYTHM_INV_SCALE",
    "ECG_CORE_OK",
    "ECG_CORE_BEAT",
    "ECG_CORE_PEAKS_DETECTED",
    "ECG_CORE_PEAKS_MARKED",
    "ECG_CORE_LEAD_OFF_PLUS",
    "ECG_CORE_LEAD_OFF_MINUS",
    "ECG_CORE_VENTRICULAR_NONE",
    "ECG_CORE_VENTRICULAR_TACHYCARDIA",
    "ECG_CORE_VENTRICULAR_FIBRILLATION",
    "ECG_CORE_FLAG_LEARNING",
    "ECG_CORE_FLAG_LEADS_OFF",
    "ECG_CORE_FLAG_SATURATED",
    "ECG_CORE_FLAG_SEARCHBACK",
    "ECG_CORE_FLAG_FLAT",
    "ECG_CORE_FLAG_UNCLASSIFIABLE",
    "ECG_CORE_FLAG_MAINS_HUM",
    "ECG_CORE_FLAG_BASELINE_JUMP",
    "ECG_CORE_FLAG_MOTION",
    "ECG_CORE_FLAG_MUSCLE_NOISE",
    "ECG_CORE_FLAG_DOUBTFUL",
    "TRACE_FILTER_DELAY",
    "TRACE_ENERGY_DELAY",
    "TRACE_UNITS_PER_MV",
    "TRACE_REFUSED",
    "ECG_QRS_FEATURES",
    "ECG_STRIP_FS_HZ",
    "ECG_STRIP_SECONDS",
    "ECG_STRIP_POINTS",
    "ECG_STRIP_EVERY_SECONDS",
    "ECG_STRIP_STEPS_PER_MV",
    "ECG_STRIP_DELAY",
    "TRACE_P_WAVE_FEATURES",
]

DECLARATIONS = """
typedef struct { uint16_t fs_hz; uint16_t adu_per_mv; uint8_t peaks; uint8_t mains_hz; } ecg_core_config_t;
typedef ... ecg_core_t;
uint32_t ecg_core_state_bytes(void);
int ecg_core_init(ecg_core_t *core, const ecg_core_config_t *config);
uint32_t ecg_core_fingerprint(ecg_core_t *scratch);
const char *ecg_core_status_text(int status);

typedef struct { size_t next_mark; size_t rows; size_t changes; size_t ventricular; size_t leads; int status;
} progress_t;
typedef struct { uint32_t samples; uint32_t beats; uint8_t leads_off; } told_t;
uint32_t row_bytes(void);
uint32_t lead_change_bytes(void);
uint32_t change_bytes(void);
uint32_t ventricular_bytes(void);
progress_t push_block(ecg_core_t *core, const int16_t *samples, size_t count, uint8_t lead_flags,
                      const uint32_t *marks, size_t mark_count, void *rows, size_t capacity, void *changes,
                      void *ventricular, void *leads, told_t *told);
progress_t finish_all(ecg_core_t *core, void *rows, size_t capacity);

typedef struct { const char *name, *unit, *description; } qrs_feature_t;
qrs_feature_t qrs_feature(uint32_t feature);
uint32_t candidate_bytes(void);
size_t p_wave_features(const int8_t *beats, const uint16_t *flags, size_t count, int16_t *features);

typedef ... ecg_strip_t;
uint32_t strip_bytes(void);
int ecg_strip_init(ecg_strip_t *strip, const ecg_core_config_t *config);
uint32_t ecg_strip_fingerprint(ecg_strip_t *scratch);
size_t strip_block(ecg_strip_t *strip, const int16_t *samples, size_t count, int8_t *points, uint32_t *at);
size_t trace_block(ecg_core_t *core, const int16_t *samples, const uint8_t *lead_flags, size_t count,
                   int16_t *filtered, int32_t *energy, void *rows);
"""

SOURCE = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "ecg_core/ecg_strip.h"
#include "trace.h"

typedef struct { uint32_t sample; uint16_t reasons; uint8_t bad; } change_t;
typedef struct { uint32_t sample; uint32_t told; uint32_t beats; uint8_t bad; } lead_change_t;
typedef struct { uint32_t samples; uint32_t beats; uint8_t leads_off; } told_t;
#define EVENTS_EVERY 36u /* as in firmware/src/events.h */
typedef struct { size_t next_mark; size_t rows; size_t changes; size_t ventricular; size_t leads; int status;
} progress_t;

/* A row is a beat up to its last member, then its CRC: no padding, whose bytes would be arbitrary. */
enum {
    BEAT_BYTES = offsetof(ecg_core_beat_t, rhythm) + ECG_CORE_RHYTHM_FEATURES,
    ROW_BYTES = BEAT_BYTES + sizeof(uint32_t),
    CHANGE_BYTES = offsetof(change_t, bad) + 1,
    LEAD_CHANGE_BYTES = offsetof(lead_change_t, bad) + 1,
    VENTRICULAR_BYTES = offsetof(ecg_core_ventricular_t, confidence) + 1
};

static uint32_t row_bytes(void) { return ROW_BYTES; }
static uint32_t change_bytes(void) { return CHANGE_BYTES; }
static uint32_t lead_change_bytes(void) { return LEAD_CHANGE_BYTES; }
static uint32_t ventricular_bytes(void) { return VENTRICULAR_BYTES; }

/* The caller gives room for every beat that `count` samples can bring. */
static void take(progress_t *progress, uint8_t *rows, const ecg_core_beat_t *beat) {
    const uint32_t crc32 = ecg_core_beat_crc32(beat);
    uint8_t *row = rows + progress->rows++ * ROW_BYTES;
    memcpy(row, beat, BEAT_BYTES);
    memcpy(row + BEAT_BYTES, &crc32, sizeof crc32);
}

/* The signal turns bad or good with a sample, not more often than that. */
static void follow(progress_t *progress, uint8_t *changes, const ecg_core_t *core, uint8_t was_bad) {
    ecg_core_signal_t now;
    ecg_core_signal(core, &now);
    if (now.bad == was_bad) return;
    const change_t change = {now.since, now.reasons, now.bad};
    memcpy(changes + progress->changes++ * CHANGE_BYTES, &change, CHANGE_BYTES);
}

/* A state of the ventricular rhythm detector that was decided, where there is or was such a rhythm. */
static void follow_ventricular(progress_t *progress, uint8_t *states, const ecg_core_t *core,
                               const ecg_core_ventricular_t *before) {
    ecg_core_ventricular_t now;
    ecg_core_ventricular(core, &now);
    if (now.until == before->until || (now.kind | before->kind) == ECG_CORE_VENTRICULAR_NONE) return;
    memcpy(states + progress->ventricular++ * VENTRICULAR_BYTES, &now, VENTRICULAR_BYTES);
}

/* A lead went off, or all are on again. The device looks every EVENTS_EVERY samples, and before a beat. */
static void follow_leads(progress_t *progress, uint8_t *changes, const ecg_core_t *core, told_t *told,
                         int has_beat) {
    ecg_core_signal_t now;
    ecg_core_signal(core, &now);
    if ((!has_beat && told->samples % EVENTS_EVERY != 0) || now.leads_off == told->leads_off) return;
    const lead_change_t change = {now.leads_since, told->samples, told->beats, now.leads_off};
    memcpy(changes + progress->leads++ * LEAD_CHANGE_BYTES, &change, LEAD_CHANGE_BYTES);
    told->leads_off = now.leads_off;
}

static progress_t push_block(ecg_core_t *core, const int16_t *samples, size_t count, uint8_t lead_flags,
                             const uint32_t *marks, size_t mark_count, void *rows, size_t capacity,
                             void *changes, void *ventricular, void *leads, told_t *told) {
    progress_t progress = {0, 0, 0, 0, 0, ECG_CORE_OK};
    ecg_core_beat_t beat;
    ecg_core_signal_t before;
    ecg_core_ventricular_t ventricular_before;
    for (size_t i = 0; i < count && progress.rows < capacity; i++) {
        ecg_core_signal(core, &before);
        ecg_core_ventricular(core, &ventricular_before);
        progress.status = ecg_core_push(core, samples[i], lead_flags, &beat);
        const int has_beat = progress.status == ECG_CORE_BEAT;
        told->samples++;
        follow_leads(&progress, leads, core, told, has_beat);
        told->beats += (uint32_t)has_beat;
        if (has_beat) take(&progress, rows, &beat);
        follow(&progress, changes, core, before.bad);
        follow_ventricular(&progress, ventricular, core, &ventricular_before);
        for (; progress.next_mark < mark_count && marks[progress.next_mark] == i; progress.next_mark++) {
            progress.status = ecg_core_mark(core);
            if (progress.status != ECG_CORE_OK) return progress;
        }
    }
    progress.status = ECG_CORE_OK;
    return progress;
}

static uint32_t strip_bytes(void) { return sizeof(ecg_strip_t); }

/* The caller gives room for all strips of `count` samples; `at`: which samples brought them. */
static size_t strip_block(ecg_strip_t *strip, const int16_t *samples, size_t count, int8_t *points,
                          uint32_t *at) {
    size_t strips = 0;
    for (size_t i = 0; i < count; i++) {
        if (!ecg_strip_push(strip, samples[i])) continue;
        ecg_strip_read(strip, points + strips * ECG_STRIP_POINTS);
        at[strips++] = (uint32_t)i;
    }
    return strips;
}

static progress_t finish_all(ecg_core_t *core, void *rows, size_t capacity) {
    progress_t progress = {0, 0, 0, 0, 0, ECG_CORE_OK};
    ecg_core_beat_t beat;
    while (progress.rows < capacity && ecg_core_finish(core, &beat) == ECG_CORE_BEAT) {
        take(&progress, rows, &beat);
    }
    return progress;
}
"""


def _paths(folder: Path, pattern: str) -> list[str]:
    return sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / folder).glob(pattern))


ffibuilder = FFI()
ffibuilder.cdef("\n".join(f"#define {name} ..." for name in CONSTANTS) + DECLARATIONS)
ffibuilder.set_source(
    "ecg_edge.firmware.binding._ecg_core",
    SOURCE,
    sources=[*_paths(BASE / "src", "*.c"), *_paths(CORE / "src", "*.c"), str(HERE / "trace.c")],
    depends=[*_paths(BASE, "**/*.h"), *_paths(CORE, "**/*.h"), str(HERE / "trace.h")],
    include_dirs=[str(BASE / "include"), str(CORE / "include"), str(CORE / "src"), str(HERE)],
    extra_compile_args=["-std=c99", "-O2"],
)
