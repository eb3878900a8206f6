#include "morphology.h"

#include "boards/board.h"
#include "confidence.h"
#include "ecg_base/crc32.h"
#include "ecg_core/ecg_strip.h"
#include "engine.h"
#include "model.h"

static const ecg_model_t *model; /* of this session; NULL: no second network */
static ecg_link_sender_t *line;
static ecg_strip_t strip;
static int8_t input[ECG_STRIP_POINTS];
static uint32_t strip_samples;

/* The result that waits until the signal of its strip is decided. */
static bool is_waiting;
static ecg_link_morphology_t result;
static int8_t logits[ENGINE_MAX_LABELS];

/* The signal: bad now, from where on, and where it was last bad before. */
static bool is_bad;
static uint32_t bad_since;
static uint32_t bad_until;

static bool bind(const ecg_model_t *candidate, const int8_t *inputs[]) {
    const engine_array_t arrays[] = {{"strip", input, sizeof input}};
    return engine_bind(candidate, arrays, 1, inputs);
}

bool app_morphology_takes(const ecg_model_t *candidate) {
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    return bind(candidate, inputs);
}

const ecg_model_t *app_morphology_model(void) {
    static const ecg_model_t *const MODELS[] = ECG_MODELS;
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++) {
        if (app_morphology_takes(MODELS[i])) {
            return MODELS[i];
        }
    }
    return NULL;
}

uint32_t app_morphology_fingerprint(void) {
    return ecg_strip_fingerprint(&strip);
}

void app_morphology_start(const ecg_core_config_t *config, ecg_link_sender_t *sender) {
    model = ecg_strip_init(&strip, config) == ECG_CORE_OK ? app_morphology_model() : NULL;
    line = sender;
    strip_samples = (uint32_t)ECG_STRIP_SECONDS * config->fs_hz;
    is_waiting = false;
    result = (ecg_link_morphology_t){.logits = logits};
    is_bad = false;
    bad_since = 0;
    bad_until = 0;
}

bool app_morphology_push(int16_t sample_adu) {
    return model != NULL && ecg_strip_push(&strip, sample_adu);
}

/* As of a beat: see report_beat in app.c. */
static void label_strip(bool ran) {
    result.label = (uint8_t)(ran ? argmax(logits, model->label_count) : ECG_LINK_NOT_LABELLED);
    result.confidence =
        ran ? confidence(logits, model->label_count, result.label, model->logits_scale_q16) : 0;
    result.count = ran ? model->label_count : 0;
}

void app_morphology_run(uint32_t sample, ecg_link_done_t *totals) {
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    const uint32_t start = board_ticks();
    ecg_strip_read(&strip, input);
    label_strip(bind(model, inputs) && engine_invoke(model, inputs, logits));
    const uint32_t ticks = board_ticks() - start;
    result.sample = sample;
    result.input_crc32 = ecg_crc32(0, input, sizeof input);
    result.strip_index = totals->strips++;
    is_waiting = true;
    totals->strip_ticks += ticks;
    if (ticks > totals->strip_ticks_max) {
        totals->strip_ticks_max = ticks;
    }
}

/* In bad signal the logits go to the host, but no label is taken from them.
 * host/reference/morphology.py has the same rule. */
static bool is_strip_bad(void) {
    const uint32_t first = result.sample + 1 > strip_samples ? result.sample + 1 - strip_samples : 0;
    return (is_bad && bad_since <= result.sample) || bad_until > first;
}

static void send(void) {
    if (is_strip_bad() && result.label != ECG_LINK_NOT_LABELLED) {
        result.label = ECG_LINK_UNCLASSIFIABLE;
    }
    ecg_link_send_morphology(line, &result);
    is_waiting = false;
}

void app_morphology_settle(const ecg_core_signal_t *signal) {
    if (signal->bad != 0 && !is_bad) {
        bad_since = signal->since;
    } else if (signal->bad == 0 && is_bad) {
        bad_until = signal->since;
    }
    is_bad = signal->bad != 0;
    if (is_waiting && signal->until > result.sample) {
        send();
    }
}

void app_morphology_finish(void) {
    if (is_waiting) {
        send();
    }
}
