"""Builds `_ecg_rhythm`: the device's rhythm rules, compiled for this computer."""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

PROJECT = Path(__file__).resolve().parents[2]
BASE = Path("firmware/lib/ecg_base")  # setuptools wants sources relative to the project
RHYTHM = Path("firmware/lib/ecg_rhythm")
HEADERS = PROJECT / RHYTHM / "include/ecg_rhythm"

CONSTANTS = [
    "ECG_RHYTHM_NORMAL",
    "ECG_RHYTHM_SUPRAVENTRICULAR",
    "ECG_RHYTHM_VENTRICULAR",
    "ECG_RHYTHM_UNCLASSIFIABLE",
    "ECG_RHYTHM_DOUBTFUL",
    "ECG_RHYTHM_UNLABELLED",
    "ECG_RHYTHM_BEGIN",
    "ECG_RHYTHM_UPDATE",
    "ECG_RHYTHM_END",
    "ECG_RHYTHM_FLAG_TRUNCATED",
    "ECG_RHYTHM_FLAG_SUSTAINED",
    "ECG_RHYTHM_EVENTS_MAX",
    "ECG_RHYTHM_FEATURES",
    "ECG_RHYTHM_LABELS_MOST",
    "ECG_RHYTHM_WINDOW_POINTS",
    "ECG_RHYTHM_WINDOW_CHANNELS",
    *re.findall(r"#define (ECG_RHYTHM_\w+) \d", (HEADERS / "ecg_rhythm_rules.h").read_text(encoding="utf-8")),
    *re.findall(r"X\((ECG_RHYTHM_\w+),", (HEADERS / "ecg_rhythm.h").read_text(encoding="utf-8")),
]

DECLARATIONS = """
typedef struct {
    uint32_t r_sample;
    uint16_t rr_samples;
    uint8_t beat_class, p_wave, quality, unlikeness, certainty;
} ecg_rhythm_beat_t;
typedef struct { uint32_t since, until; uint16_t rate; uint8_t kind; } ecg_rhythm_ventricular_t;
typedef ... ecg_rhythm_state_t;
uint32_t ecg_rhythm_state_bytes(void);
uint32_t ecg_rhythm_settled(uint16_t fs_hz, uint32_t samples);
uint32_t ecg_rhythm_fingerprint(ecg_rhythm_state_t *scratch);
const char *irregularity_feature(int feature);
typedef struct { uint8_t kind; const char *latency, *silenced_by; } alarm_t;
size_t alarm_count(void);
alarm_t alarm_row(size_t row);
int ecg_rhythm_priority(uint8_t kind);
bool ecg_rhythm_is_latching(uint8_t kind);
const char *ecg_rhythm_priority_text(uint8_t priority);
int irregularity_features(const ecg_rhythm_state_t *rhythm, int16_t *features);
int ecg_rhythm_class_of(const char *labels, uint8_t label);
typedef ... ecg_rhythm_labels_t;
void ecg_rhythm_labels_init(ecg_rhythm_labels_t *state, const char *labels);
uint32_t ecg_rhythm_labels_fingerprint(ecg_rhythm_labels_t *scratch, uint32_t crc);
uint32_t labels_bytes(void);
void label_beats(ecg_rhythm_labels_t *state, const int8_t *windows, const int8_t *outputs, size_t labels,
                 const uint8_t *is_bad, const uint8_t *is_learning, size_t count, uint8_t *found);
const char *ecg_rhythm_kind_text(uint8_t kind);

uint32_t event_bytes(void);
void start(ecg_rhythm_state_t *rhythm, uint16_t fs_hz);
size_t give_beats(ecg_rhythm_state_t *rhythm, const ecg_rhythm_beat_t *beats, size_t count,
                  void *in_fibrillation, void *rows, size_t capacity);
size_t give_tick(ecg_rhythm_state_t *rhythm, uint32_t settled, uint8_t signal_is_bad, void *rows,
                 size_t capacity);
size_t give_leads(ecg_rhythm_state_t *rhythm, uint32_t sample, uint8_t off, void *rows, size_t capacity);
size_t give_ventricular(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now, void *rows,
                        size_t capacity);
size_t give_end(ecg_rhythm_state_t *rhythm, uint32_t samples, void *rows, size_t capacity);
"""

SOURCE = """
#include <stddef.h>
#include <stdint.h>
#include "ecg_rhythm/ecg_rhythm_state.h"
#include "ecg_rhythm/ecg_rhythm_alarms.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "fibrillation.h"

typedef struct { uint8_t kind; const char *latency, *silenced_by; } alarm_t;

static const alarm_t ALARMS[] = {
#define ROW(kind, priority, latching, latency, silenced_by) {kind, latency, silenced_by},
    ECG_RHYTHM_ALARM_LIST(ROW)
#undef ROW
};

static size_t alarm_count(void) { return sizeof ALARMS / sizeof ALARMS[0]; }

static alarm_t alarm_row(size_t row) { return ALARMS[row]; }

/* Where the events of one call go; `count` beyond `capacity` tells that rows were lost. */
typedef struct {
    ecg_rhythm_event_t *rows;
    size_t capacity;
    size_t count;
} target_t;

static const char *irregularity_feature(int feature) {
    static const char *const NAMES[ECG_RHYTHM_FEATURES] = {
#define NAME(name, description) #name,
        ECG_RHYTHM_FEATURE_LIST(NAME)
#undef NAME
    };
    return NAMES[feature];
}

static int irregularity_features(const ecg_rhythm_state_t *rhythm, int16_t *features) {
    const uint8_t all = ECG_RHYTHM_IRREGULAR_INTERVALS;
    return ecg_rhythm_describe(&rhythm->irregular, all, rhythm->times.fs_hz, features);
}

static uint32_t labels_bytes(void) { return (uint32_t)sizeof(ecg_rhythm_labels_t); }

/* Two labels for each beat: its own, and that in suspected fibrillation. */
static void label_beats(ecg_rhythm_labels_t *state, const int8_t *windows, const int8_t *outputs,
                        size_t labels, const uint8_t *is_bad, const uint8_t *is_learning, size_t count,
                        uint8_t *found) {
    const size_t window = ECG_RHYTHM_WINDOW_POINTS * ECG_RHYTHM_WINDOW_CHANNELS;
    for (size_t i = 0; i < count; i++) {
        const ecg_rhythm_unlabelled_t beat = {
            &windows[i * window], &outputs[i * labels], is_bad[i] != 0, is_learning[i] != 0};
        const ecg_rhythm_label_t label = ecg_rhythm_labels_beat(state, &beat);
        found[2 * i] = label.label;
        found[2 * i + 1] = label.in_fibrillation;
    }
}

static uint32_t event_bytes(void) { return (uint32_t)sizeof(ecg_rhythm_event_t); }

static void keep(void *context, const ecg_rhythm_event_t *event) {
    target_t *target = context;
    if (target->count < target->capacity) target->rows[target->count] = *event;
    target->count++;
}

static void start(ecg_rhythm_state_t *rhythm, uint16_t fs_hz) { ecg_rhythm_init(rhythm, fs_hz, keep, NULL); }

static size_t give_beats(ecg_rhythm_state_t *rhythm, const ecg_rhythm_beat_t *beats, size_t count,
                         void *in_fibrillation, void *rows, size_t capacity) {
    target_t target = {rows, capacity, 0};
    uint8_t *suspected = in_fibrillation;
    rhythm->context = &target;
    for (size_t i = 0; i < count; i++) {
        suspected[i] = ecg_rhythm_suspects_fibrillation(rhythm, beats[i].r_sample);
        ecg_rhythm_beat(rhythm, &beats[i]);
    }
    rhythm->context = NULL;
    return target.count;
}

static size_t give_tick(ecg_rhythm_state_t *rhythm, uint32_t settled, uint8_t signal_is_bad, void *rows,
                        size_t capacity) {
    target_t target = {rows, capacity, 0};
    rhythm->context = &target;
    ecg_rhythm_tick(rhythm, settled, signal_is_bad != 0);
    rhythm->context = NULL;
    return target.count;
}

static size_t give_leads(ecg_rhythm_state_t *rhythm, uint32_t sample, uint8_t off, void *rows,
                         size_t capacity) {
    target_t target = {rows, capacity, 0};
    rhythm->context = &target;
    ecg_rhythm_leads(rhythm, sample, off != 0);
    rhythm->context = NULL;
    return target.count;
}

static size_t give_ventricular(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now, void *rows,
                               size_t capacity) {
    target_t target = {rows, capacity, 0};
    rhythm->context = &target;
    ecg_rhythm_ventricular(rhythm, now);
    rhythm->context = NULL;
    return target.count;
}

static size_t give_end(ecg_rhythm_state_t *rhythm, uint32_t samples, void *rows, size_t capacity) {
    target_t target = {rows, capacity, 0};
    rhythm->context = &target;
    ecg_rhythm_finish(rhythm, samples);
    rhythm->context = NULL;
    return target.count;
}
"""


def _paths(folder: Path, pattern: str) -> list[str]:
    return sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / folder).glob(pattern))


ffibuilder = FFI()
ffibuilder.cdef("\n".join(f"#define {name} ..." for name in CONSTANTS) + DECLARATIONS)
ffibuilder.set_source(
    "ecg_edge.firmware.binding._ecg_rhythm",
    SOURCE,
    sources=[*_paths(BASE / "src", "*.c"), *_paths(RHYTHM / "src", "*.c")],
    depends=[*_paths(BASE, "**/*.h"), *_paths(RHYTHM, "**/*.h")],
    include_dirs=[str(BASE / "include"), str(RHYTHM / "include"), str(RHYTHM / "src")],
    extra_compile_args=["-std=c99", "-O2"],
)
