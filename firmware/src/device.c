#include "device.h"

#include <string.h>

#include "boards/board.h"
#include "buzzer.h"
#include "ecg_store/log.h"
#include "electrodes.h"
#include "radio.h"

#define LOSS_EVERY_MS 10000u /* losses are in the log at most so often */

static const ecg_flash_t *flash;
static ecg_settings_t settings;
static ecg_settings_source_t source;
static ecg_log_t events; /* the log; its name in C's library is a function */
static bool has_log;
static modes_t mode;
static electrodes_t electrodes;
static device_counts_t counts;
static uint16_t boot;
static uint32_t transitions;

static struct { uint32_t last_ms, rest_ms, seconds; } uptime;

static struct {
    uint32_t last; /* ticks at the last measurement */
    uint64_t all, asleep;
} duty;

static struct {
    uint32_t all, off, saturated;
    uint32_t at; /* index in the present session */
} samples;

static struct { uint32_t missed, bytes, at_ms; } loss;

/* ---- log -------------------------------------------------------------------------------------------- */

static bool can_log(void) {
    return has_log && mode.log != MODE_LOG_FAILED;
}

static void changed(mode_state_t from, mode_cause_t cause, mode_state_t to);

static void note(log_kind_t kind, uint8_t detail, const void *data, size_t size) {
    ecg_log_record_t record = {.boot = boot,
                               .kind = (uint8_t)kind,
                               .detail = detail,
                               .seconds = uptime.seconds,
                               .sample = samples.at};
    if (!can_log()) {
        return;
    }
    memcpy(record.data, data, size < sizeof record.data ? size : sizeof record.data);
    if (!ecg_log_append(&events, &record)) {
        mode_take(&mode, events.failed ? MODE_FLASH_FAILS : MODE_LOG_FILLS, changed);
    }
}

/* The log's own transitions have no record of their own: there is no room when it fills. */
static void changed(mode_state_t from, mode_cause_t cause, mode_state_t to) {
    const uint8_t data[] = {(uint8_t)from, (uint8_t)cause};
    transitions++;
    if (to < MODE_LOG_OPEN || cause == MODE_LOG_IS_PREPARED) {
        note(LOG_MODE, (uint8_t)to, data, sizeof data);
    }
}

void device_cause(mode_cause_t cause) {
    mode_take(&mode, cause, changed);
}

static void prepare_log(void) {
    if (!can_log()) {
        return;
    }
    const uint32_t room = ecg_log_room(&events);
    if (!ecg_log_prepare(&events)) {
        device_cause(MODE_FLASH_FAILS);
    } else if (ecg_log_room(&events) > room) {
        device_cause(MODE_LOG_IS_PREPARED);
    }
}

/* The starts are counted in the log; the newest record has the last number. */
static uint16_t next_boot(void) {
    ecg_log_record_t record;
    for (uint32_t at = ecg_log_end(&events); at != ecg_log_first(&events); at--) {
        if (ecg_log_read(&events, at - 1u, &record)) {
            return (uint16_t)(record.boot + 1u);
        }
    }
    return 1;
}

static void open_flash(void) {
    flash = board_flash();
    ecg_settings_defaults(&settings);
    settings.live_alone = BOARD_LIVE_ALONE;
    source = ECG_SETTINGS_NO_FLASH;
    has_log = flash != NULL;
    if (!has_log) {
        device_cause(MODE_FLASH_FAILS);
        return;
    }
    ecg_log_open(&events, flash, ECG_SETTINGS_SECTORS, flash->sectors - ECG_SETTINGS_SECTORS);
    boot = next_boot();
    prepare_log();
}

static void load_settings(void) {
    ecg_settings_t stored;
    if (!can_log()) {
        return;
    }
    source = ecg_settings_load(flash, &stored);
    if (source == ECG_SETTINGS_STORED || source == ECG_SETTINGS_EARLIER) {
        settings = stored;
    }
}

void device_init(void) {
    mode_init(&mode);
    open_flash();
    load_settings();
    const uint8_t data[] = {(uint8_t)source};
    note(LOG_START, board_reset_cause(), data, sizeof data);
    duty.last = board_ticks();
}

const ecg_settings_t *device_settings(void) {
    return &settings;
}

device_counts_t *device_counts(void) {
    return &counts;
}

mode_state_t device_mode(void) {
    return (mode_state_t)mode.mode;
}

bool device_has_host(void) {
    return mode.host == MODE_HOST_HERE;
}

bool device_has_contact(void) {
    return mode.mode == MODE_LIVE || mode.mode == MODE_SATURATED;
}

/* ---- samples and events ----------------------------------------------------------------------------- */

void device_live_begins(void) {
    electrodes = (electrodes_t){0};
    samples.at = 0;
}

/* Only a state that has a row for it takes a cause. */
static void follow_signs(const electrodes_signs_t *signs) {
    if (signs->off) {
        device_cause(MODE_ELECTRODES_OFF);
    } else if (signs->on) {
        device_cause(MODE_ELECTRODES_ON);
    }
    if (signs->saturated) {
        device_cause(MODE_SIGNAL_SATURATES);
    } else if (signs->within) {
        device_cause(MODE_SIGNAL_RETURNS);
    }
}

void device_sample(int16_t sample_adu, uint8_t lead_flags) {
    const electrodes_signs_t signs = electrodes_take(&electrodes, sample_adu, lead_flags);
    samples.all++;
    samples.at++;
    follow_signs(&signs);
    samples.off += mode.mode == MODE_LEADS_OFF;
    samples.saturated += mode.mode == MODE_SATURATED;
}

static uint8_t *put(uint8_t *at, uint32_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8u * i));
    }
    return at + bytes;
}

/* A heart rate comes every few seconds: it would push all other events out of the log. */
static void note_event(const ecg_rhythm_event_t *event) {
    uint8_t data[ECG_LOG_DATA_BYTES] = {event->phase, event->flags};
    if (event->kind == ECG_RHYTHM_HEART_RATE || event->phase == ECG_RHYTHM_UPDATE || !settings.log_events) {
        return;
    }
    uint8_t *at = put(data + 2, event->onset, 4);
    at = put(put(at, event->end, 4), event->rate_x10, 2);
    put(at, event->confidence, 1);
    note(LOG_EVENT, event->kind, data, sizeof data);
}

/* A replayed event is no alarm. */
void device_event(const ecg_rhythm_event_t *event) {
    counts.events++;
    if (mode.mode != MODE_REPLAY) {
        note_event(event);
        radio_event(event);
        buzzer_event(event->kind, event->phase, board_millis());
    }
}

/* ---- time, host, losses ----------------------------------------------------------------------------- */

static void follow_time(uint32_t now_ms) {
    uptime.rest_ms += now_ms - uptime.last_ms;
    uptime.last_ms = now_ms;
    uptime.seconds += uptime.rest_ms / 1000u;
    uptime.rest_ms %= 1000u;
}

static void measure(bool was_asleep) {
    const uint32_t now = board_ticks();
    duty.all += now - duty.last;
    duty.asleep += was_asleep ? now - duty.last : 0;
    duty.last = now;
}

void device_idle(void) {
    measure(false);
    board_idle();
    measure(true);
}

static void follow_host(const ecg_session_t *session, uint32_t now_ms) {
    static uint32_t frames;
    if (session->frames != frames) {
        frames = session->frames;
        device_cause(MODE_HOST_SENDS);
    } else if (settings.host_timeout_s > 0 && now_ms - session->heard_ms >= settings.host_timeout_s * 1000u) {
        device_cause(MODE_HOST_IS_SILENT);
    }
}

static void follow_losses(uint32_t now_ms) {
    const uint32_t missed = board_missed_samples(), bytes = board_lost_bytes();
    uint8_t data[8];
    if ((missed == loss.missed && bytes == loss.bytes) ||
        (loss.at_ms != 0 && now_ms - loss.at_ms < LOSS_EVERY_MS)) {
        return;
    }
    loss.missed = missed;
    loss.bytes = bytes;
    loss.at_ms = now_ms | 1u;
    put(put(data, missed, 4), bytes, 4);
    note(LOG_LOSS, 0, data, sizeof data);
}

/* When it is known, and when it has changed by 100 ppm. */
static void follow_rate(void) {
    static uint32_t noted_mhz;
    const uint32_t rate_mhz = board_rate_mhz();
    const uint32_t change = rate_mhz > noted_mhz ? rate_mhz - noted_mhz : noted_mhz - rate_mhz;
    uint8_t data[4];
    if (rate_mhz != 0 && change > rate_mhz / 10000u) {
        noted_mhz = rate_mhz;
        put(data, rate_mhz, 4);
        note(LOG_RATE, 0, data, sizeof data);
    }
}

void device_poll(const ecg_session_t *session) {
    const uint32_t now_ms = board_millis();
    follow_time(now_ms);
    follow_host(session, now_ms);
    follow_losses(now_ms);
    follow_rate();
    if (mode.mode == MODE_IDLE || (mode.mode == MODE_LEADS_OFF && !device_has_host())) {
        prepare_log();
    }
}

/* ---- frames ----------------------------------------------------------------------------------------- */

static void send_status(const ecg_session_t *session) {
    measure(false);
    const ecg_link_device_status_t status = {
        .mode = mode.mode,
        .host = mode.host,
        .log = mode.log,
        .reset_cause = board_reset_cause(),
        .settings_source = (uint8_t)source,
        .boot = boot,
        .uptime_s = uptime.seconds,
        .tick_hz = board_tick_hz(),
        .stack_bytes = board_stack_bytes(),
        .stack_used = board_stack_used(),
        .jitter_ticks = board_jitter_ticks(),
        .awake_permille = (uint16_t)(duty.all > 0 ? (duty.all - duty.asleep) * 1000u / duty.all : 1000u),
        .samples = samples.all,
        .missed_samples = board_missed_samples(),
        .off_samples = samples.off,
        .saturated_samples = samples.saturated,
        .beats = counts.beats,
        .events = counts.events,
        .replayed = counts.replayed,
        .lost_bytes = board_lost_bytes(),
        .rejected_frames = session->receiver.rejected_frames,
        .transitions = transitions,
        .log_first = can_log() ? ecg_log_first(&events) : 0,
        .log_end = can_log() ? ecg_log_end(&events) : 0,
        .log_room = can_log() ? ecg_log_room(&events) : 0,
        .log_lost = events.lost,
    };
    ecg_link_send_status(session->sender, &status);
}

static void send_settings(const ecg_session_t *session) {
    const ecg_link_settings_t fields = {
        .adu_per_mv = settings.adu_per_mv,
        .mains_hz = settings.mains_hz,
        .live_alone = settings.live_alone,
        .buzzer = settings.buzzer,
        .log_events = settings.log_events,
        .host_timeout_s = settings.host_timeout_s,
    };
    ecg_link_send_settings(session->sender, (uint8_t)source, &fields);
}

static ecg_session_refusal_t accepted(void) {
    return (ecg_session_refusal_t){.code = ECG_LINK_NO_ERROR, .text = ""};
}

static ecg_session_refusal_t refused(ecg_link_error_t code, const char *text) {
    return (ecg_session_refusal_t){.code = code, .text = text};
}

static ecg_session_refusal_t save(const ecg_settings_t *wanted, const ecg_session_t *session) {
    if (!ecg_settings_are_valid(wanted)) {
        return refused(ECG_LINK_ERROR_SETTINGS, "SET_SETTINGS: a value is out of its range");
    }
    if (!can_log() || !ecg_settings_save(flash, wanted)) {
        return refused(ECG_LINK_ERROR_SETTINGS, "SET_SETTINGS: the flash memory did not keep the settings");
    }
    settings = *wanted;
    source = ECG_SETTINGS_STORED;
    note(LOG_SETTINGS, 0, "", 0);
    send_settings(session);
    return accepted();
}

static ecg_session_refusal_t take_settings(const ecg_link_frame_t *frame, const ecg_session_t *session) {
    ecg_link_settings_t fields;
    if (!ecg_link_parse_set_settings(frame, &fields)) {
        return refused(ECG_LINK_ERROR_LENGTH, "SET_SETTINGS has 7 bytes");
    }
    const ecg_settings_t wanted = {
        .adu_per_mv = fields.adu_per_mv,
        .mains_hz = fields.mains_hz,
        .live_alone = fields.live_alone,
        .buzzer = fields.buzzer,
        .log_events = fields.log_events,
        .host_timeout_s = fields.host_timeout_s,
    };
    return save(&wanted, session);
}

static void put_record(ecg_link_sender_t *sender, uint32_t number, const ecg_log_record_t *record) {
    const ecg_link_log_record_t fields = {
        .number = number,
        .boot = record->boot,
        .kind = record->kind,
        .detail = record->detail,
        .seconds = record->seconds,
        .sample = record->sample,
        .data = record->data,
    };
    ecg_link_put_log_record(sender, &fields);
}

/* `next` is known after the records were read: so they are read twice. */
static uint32_t log_next(uint32_t first, uint32_t end) {
    ecg_log_record_t record;
    uint32_t number = first, found = 0;
    while (number < end && found < ECG_LINK_LOG_MAX) {
        found += ecg_log_read(&events, number++, &record);
    }
    return number;
}

static ecg_session_refusal_t send_log(const ecg_link_frame_t *frame, const ecg_session_t *session) {
    uint32_t first = 0;
    if (!ecg_link_parse_get_log(frame, &first)) {
        return refused(ECG_LINK_ERROR_LENGTH, "GET_LOG has 4 bytes: first number");
    }
    const uint32_t begin = can_log() ? ecg_log_first(&events) : 0;
    const uint32_t end = can_log() ? ecg_log_end(&events) : 0;
    first = first < begin ? begin : first;
    const uint32_t next = log_next(first, end);
    ecg_link_begin_log(session->sender, next, end);
    for (uint32_t number = first; number < next; number++) {
        ecg_log_record_t record;
        if (ecg_log_read(&events, number, &record)) {
            put_record(session->sender, number, &record);
        }
    }
    ecg_link_send(session->sender);
    return accepted();
}

ecg_session_refusal_t device_answer(const ecg_link_frame_t *frame, const ecg_session_t *session) {
    switch (frame->type) {
        case ECG_LINK_SET_SETTINGS:
            return take_settings(frame, session);
        case ECG_LINK_GET_LOG:
            return send_log(frame, session);
        case ECG_LINK_GET_STATUS:
            send_status(session);
            return accepted();
        default:
            send_settings(session);
            return accepted();
    }
}
