#include "app.h"

#include "boards/board.h"
#include "buzzer.h"
#include "confidence.h"
#include "device.h"
#include "ecg_base/static_assert.h"
#include "ecg_core/ecg_core_state.h"
#include "ecg_link/session.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "engine.h"
#include "events.h"
#include "label.h"
#include "led.h"
#include "model.h"
#include "morphology.h"
#include "radio.h"
#include "selftest.h"

#define WINDOW_SAMPLES 1920u /* 8 blocks: twice of them fit the receive buffer */
#define READ_BYTES 64u
#define WAVE_SAMPLES (BOARD_FS_HZ / 10u) /* 100 ms */

/* A live session ends long before its indices wrap: the signal path counts 2^32 at 360 Hz, 138 days. */
#ifndef APP_MOST_SAMPLES
#define APP_MOST_SAMPLES 0x80000000u
#endif

ECG_STATIC_ASSERT(ENGINE_MAX_LABELS <= ECG_RHYTHM_LABELS_MOST, labels_fit);

static ecg_link_sender_t sender;
static ecg_session_t session;
static ecg_link_status_t status;
static uint32_t fingerprint;
static uint32_t rhythm_fingerprint;
static uint32_t strip_fingerprint; /* 0: the image has no second network */

/* The signal path and what this session has taken so far. */
static ecg_core_t core;
static ecg_core_beat_t beat;
static ecg_link_done_t totals;
static uint8_t signal_bad; /* as the last QUALITY frame reported it */

/* LIVE without a host: everything runs, and no frame is sent. */
static bool is_alone;
static bool has_front_end; /* until it does not start */

/* Live samples on their way to the host. */
static struct {
    int16_t samples[WAVE_SAMPLES];
    uint8_t count;
    uint8_t lead_flags;
} wave;

static const ecg_model_t *const model = &ECG_MODEL;

/* The arrays of a beat under the names of the model's inputs. */
static bool bind_beat(const int8_t *inputs[]) {
    const engine_array_t arrays[] = {
        {"beat", &beat.beat[0][0], sizeof beat.beat},
        {"rhythm", beat.rhythm, sizeof beat.rhythm},
    };
    return engine_bind(model, arrays, sizeof arrays / sizeof arrays[0], inputs);
}

static bool classify(int8_t *logits) {
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    if (!bind_beat(inputs)) {
        return false;
    }
    const uint32_t start = board_ticks();
    const bool ran = engine_invoke(model, inputs, logits);
    const uint32_t ticks = board_ticks() - start;
    totals.engine_ticks += ticks;
    if (ticks > totals.engine_ticks_max) {
        totals.engine_ticks_max = ticks;
    }
    return ran;
}

static void report_beat(void) {
    int8_t logits[ENGINE_MAX_LABELS];
    const bool in_fibrillation = events_fibrillation(&core, beat.r_sample);
    ecg_link_beat_t report = {
        .beat_index = totals.beats++,
        .r_sample = beat.r_sample,
        .rr_samples = beat.rr_samples,
        .flags = beat.flags,
        .quality = beat.quality,
        .p_wave = beat.p_wave,
        .label = ECG_LINK_NOT_LABELLED,
        .input_crc32 = ecg_core_beat_crc32(&beat),
    };
    if (classify(logits)) {
        report.label = label_of(&beat, logits, in_fibrillation);
        report.confidence = confidence(logits, model->label_count, report.label, model->logits_scale_q16);
        report.count = model->label_count;
        report.logits = logits;
    }
    device_counts()->beats++;
    ecg_link_send_beat(&sender, &report);
    events_beat(&core, &beat, &report);
    led_beat(board_millis());
    radio_beat(&report, model->labels);
}

/* The signal has turned bad or good. */
static void report_quality(const ecg_core_signal_t *signal) {
    const ecg_link_quality_t report = {
        .sample = signal->since, .bad = signal->bad, .reasons = signal->reasons};
    ecg_link_send_quality(&sender, &report);
    signal_bad = signal->bad;
}

/* The signal path's ticks are those of whole blocks less the time spent on the beats in them, so that reading
 * the counter for every sample does not cost more than the sample. */
static uint32_t core_since;

static void core_clock_start(void) {
    core_since = board_ticks();
}

static void core_clock_stop(void) {
    totals.core_ticks += board_ticks() - core_since;
}

static void push(int16_t sample_adu, uint8_t lead_flags) {
    totals.samples++;
    const bool has_beat = ecg_core_push(&core, sample_adu, lead_flags, &beat) == ECG_CORE_BEAT;
    const bool has_strip = app_morphology_push(sample_adu);
    const bool follow = has_beat || totals.samples % EVENTS_EVERY == 0;
    ecg_core_signal_t signal;
    ecg_core_signal(&core, &signal);
    if (!follow && !has_strip && signal.bad == signal_bad) {
        return;
    }
    core_clock_stop();
    if (signal.bad != signal_bad) {
        report_quality(&signal);
    }
    if (follow) {
        events_follow(&core, totals.samples);
    }
    if (has_beat) {
        report_beat();
    }
    if (has_strip) {
        app_morphology_run(totals.samples - 1, &totals);
    }
    app_morphology_settle(&signal);
    core_clock_start();
}

static void describe(ecg_link_info_t *info) {
    const ecg_model_t *const second = app_morphology_model();
    *info = (ecg_link_info_t){
        .status = (uint8_t)status,
        .fs_hz = BOARD_FS_HZ,
        .arena_bytes = engine_arena_bytes(),
        .core_state_bytes = ecg_core_state_bytes(),
        .core_fingerprint = fingerprint,
        .rhythm_fingerprint = rhythm_fingerprint,
        .model_sha256 = model->sha256,
        .firmware_version = FIRMWARE_VERSION,
        .board = board_name(),
        .engine = engine_name(),
        .labels = model->labels,
        .morphology_sha256 = second != NULL ? second->sha256 : NULL,
        .strip_fingerprint = strip_fingerprint,
        .morphology_labels = second != NULL ? second->labels : NULL,
    };
}

static ecg_session_refusal_t refusal(ecg_link_error_t code, const char *text) {
    return (ecg_session_refusal_t){.code = code, .text = text};
}

static void stop_live(void) {
    board_live_stop();
    radio_end();
    buzzer_reset();
}

/* Reset everything that belongs to a session. */
static void begin(const ecg_core_config_t *config, bool is_live) {
    totals = (ecg_link_done_t){.tick_hz = board_tick_hz()};
    events_start(config->fs_hz, &sender);
    label_start(model->labels);
    app_morphology_start(config, &sender);
    wave.count = 0;
    signal_bad = 0;
    device_live_begins();
    radio_begin(is_live, config->fs_hz);
}

static ecg_session_refusal_t check(const ecg_link_start_t *request, const ecg_core_config_t *config) {
    if (status != ECG_LINK_READY) {
        return refusal(ECG_LINK_ERROR_SELF_TEST,
                       "the boot self-test failed (status in INFO): no beats are labelled");
    }
    if (ecg_core_init(&core, config) != ECG_CORE_OK) {
        return refusal(ECG_LINK_ERROR_START_FIELD,
                       "START: fs_hz is 250, 360 or 500, adu_per_mv 20 to 20000, mains_hz 0, 50 or 60");
    }
    if (request->mode == ECG_LINK_MODE_LIVE && request->fs_hz != BOARD_FS_HZ) {
        return refusal(ECG_LINK_ERROR_START_FIELD, "START: in live mode fs_hz is the board's, as in INFO");
    }
    if (request->mode == ECG_LINK_MODE_LIVE && !board_live_start()) {
        return refusal(ECG_LINK_ERROR_MODE, "START: this board has no analog front end, mode is 0 (replay)");
    }
    return refusal(ECG_LINK_NO_ERROR, "");
}

static ecg_session_refusal_t start(const ecg_link_start_t *request) {
    const ecg_core_config_t config = {
        .fs_hz = request->fs_hz,
        .adu_per_mv = request->adu_per_mv,
        .peaks = ECG_CORE_PEAKS_DETECTED,
        .mains_hz = request->mains_hz,
    };
    stop_live();
    is_alone = false;
    const ecg_session_refusal_t result = check(request, &config);
    if (result.code != ECG_LINK_NO_ERROR) {
        device_cause(MODE_SESSION_ENDS);
        return result;
    }
    begin(&config, request->mode == ECG_LINK_MODE_LIVE);
    device_cause(request->mode == ECG_LINK_MODE_LIVE ? MODE_LIVE_BEGINS : MODE_REPLAY_BEGINS);
    return result;
}

static void take(const ecg_link_samples_t *samples) {
    core_clock_start();
    device_counts()->replayed += samples->count;
    for (size_t i = 0; i < samples->count; i++) {
        push(samples->adu[i], samples->lead_flags);
    }
    core_clock_stop();
}

static void flush_wave(void) {
    if (wave.count > 0) {
        ecg_link_send_wave(&sender, totals.samples - wave.count, wave.lead_flags, wave.samples, wave.count);
        wave.count = 0;
    }
}

static void finish(ecg_link_done_t *done) {
    board_live_stop();
    flush_wave();
    core_clock_start();
    while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) {
        core_clock_stop();
        report_beat();
        core_clock_start();
    }
    core_clock_stop();
    app_morphology_finish();
    events_finish(&core, totals.samples);
    radio_end();
    buzzer_reset();
    *done = totals;
    device_cause(MODE_SESSION_ENDS);
}

static void take_live(int16_t sample_adu, uint8_t lead_flags) {
    if (wave.count == WAVE_SAMPLES || lead_flags != wave.lead_flags) {
        flush_wave();
    }
    wave.lead_flags = lead_flags;
    wave.samples[wave.count++] = sample_adu;
    radio_sample(sample_adu, lead_flags);
    core_clock_start();
    push(sample_adu, lead_flags);
    core_clock_stop();
    device_sample(sample_adu, lead_flags);
}

/* LIVE without a host. */
static void begin_alone(const ecg_core_config_t *config) {
    has_front_end = ecg_core_init(&core, config) == ECG_CORE_OK && board_live_start();
    is_alone = has_front_end;
    if (is_alone) {
        begin(config, true);
        device_cause(MODE_LIVE_BEGINS);
    }
}

/* A host begins the next session itself; without one it begins at once, with the same settings. */
static void end_long_session(void) {
    ecg_link_done_t done;
    if (totals.samples < APP_MOST_SAMPLES) {
        return;
    }
    if (!is_alone) {
        ecg_session_finish(&session);
        return;
    }
    finish(&done);
    begin_alone(&core.config);
}

static bool is_sampling(void) {
    return session.state == ECG_SESSION_LIVE || is_alone;
}

static void serve_live(void) {
    int16_t sample_adu = 0;
    uint8_t lead_flags = 0;
    sender.muted = is_alone;
    while (is_sampling() && board_sample(&sample_adu, &lead_flags)) {
        take_live(sample_adu, lead_flags);
    }
    if (is_sampling()) {
        end_long_session();
    }
    sender.muted = false;
}

/* LIVE by itself, when no host has asked for something else. */
static void start_alone(void) {
    const ecg_core_config_t config = {
        .fs_hz = BOARD_FS_HZ,
        .adu_per_mv = device_settings()->adu_per_mv,
        .peaks = ECG_CORE_PEAKS_DETECTED,
        .mains_hz = device_settings()->mains_hz,
    };
    begin_alone(&config);
}

static void stop_alone(void) {
    if (is_alone) {
        stop_live();
        is_alone = false;
        device_cause(MODE_SESSION_ENDS);
    }
}

static bool in_session(void) {
    return session.state == ECG_SESSION_LIVE || session.state == ECG_SESSION_REPLAY;
}

/* A host that has gone leaves its live session running, and its replay unfinished. */
static void follow_host(void) {
    if (in_session() && !device_has_host()) {
        is_alone = session.state == ECG_SESSION_LIVE;
        session.state = ECG_SESSION_IDLE;
    }
    const bool is_free = session.state == ECG_SESSION_IDLE || !device_has_host();
    if (device_mode() == MODE_IDLE && is_free && has_front_end && device_settings()->live_alone) {
        start_alone();
    }
}

/* Chips stand still while they erase the sector of the settings. */
static ecg_session_refusal_t answer(const ecg_link_frame_t *frame) {
    if (frame->type == ECG_LINK_SET_SETTINGS) {
        if (in_session()) {
            return refusal(ECG_LINK_ERROR_MODE, "SET_SETTINGS not during a session: FINISH it first");
        }
        stop_alone();
    }
    return device_answer(frame, &session);
}

static void serve_line(void) {
    static uint32_t lost_before;
    const uint32_t lost = board_lost_bytes();
    if (lost != lost_before) {
        lost_before = lost;
        ecg_session_overrun(&session, board_millis());
    }
    uint8_t bytes[READ_BYTES];
    const size_t size = board_read(bytes, sizeof bytes);
    ecg_session_receive(&session, bytes, size, board_millis());
    if (size == 0) {
        device_idle();
    }
}

/* Every model in the image is tested: they share the arena, and one that is damaged may have damaged another.
 * A beat model whose inputs the signal path does not make fails the self-test, too. Each fingerprint is
 * computed once: each takes a good part of a second on a board. */
static ecg_link_status_t boot_test(void) {
    static const ecg_model_t *const MODELS[] = ECG_MODELS;
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    ecg_link_status_t result = ECG_LINK_READY;
    fingerprint = ecg_core_fingerprint(&core);
    rhythm_fingerprint = label_fingerprint(events_fingerprint());
    strip_fingerprint = app_morphology_model() != NULL ? app_morphology_fingerprint() : 0;
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0] && result == ECG_LINK_READY; i++) {
        result = selftest_run(MODELS[i], app_morphology_takes(MODELS[i]) ? strip_fingerprint : fingerprint);
    }
    return result == ECG_LINK_READY && !bind_beat(inputs) ? ECG_LINK_SELF_TEST_FAILED : result;
}

void app_run(void) {
    static const ecg_session_ops_t OPS = {
        .describe = describe, .start = start, .take = take, .finish = finish, .other = answer};
    device_init();
    status = boot_test();
    device_cause(status == ECG_LINK_READY ? MODE_TEST_PASSED : MODE_TEST_FAILED);
    has_front_end = true;
    ecg_link_sender_init(&sender, board_write);
    ecg_session_init(&session, &OPS, &sender, WINDOW_SAMPLES);
    board_watchdog_start();
    for (;;) {
        board_watchdog_feed();
        serve_line();
        device_poll(&session);
        follow_host();
        serve_live();
        led_update(board_millis(), (uint8_t)status);
        buzzer_update(board_millis(), device_settings()->buzzer != 0);
        radio_poll(board_millis(), device_has_contact());
        board_trial(status == ECG_LINK_READY, board_millis());
    }
}
