/* This computer as a board: the serial line is a pseudo-terminal, whose path is printed at the start.
 *
 *   firmware [-p FRONT_END [-s SPEED] [-n SAMPLES]] [-f FLASH] [-o FILE] [-a] [-c]
 *
 * FRONT_END is a file that live mode samples (front_end.h); SPEED is in times real time, 1 when left out;
 * SAMPLES: begin the file again until so many were taken. FLASH keeps settings and log. FILE gets a line for
 * what leaves a board beside its line: time in ms and "buzzer" 0 or 1, or "notify", board_value_t and
 * payload. -a: LIVE without a host; -c: the clock is that of the samples. A reset in the script runs the
 * program anew; the environment then has ECG_EDGE_RESET=LINE,FILE,TAKEN,CAUSE. */
#define _XOPEN_SOURCE 600

#include "boards/board.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "flash.h"
#include "front_end.h"
#include "sample_gaps.h"

#define IDLE_MS 100
#define LIVE_IDLE_MS 10
#define NOTIFY_BYTES 244
#define BATTERY_MV 3800
#define WRITE_PATIENCE_MS 200 /* nobody reads: drop the rest, as a UART would */

unsigned char native_live_alone;

static int line; /* the pseudo-terminal's own end */
static struct timespec start_time;
static bool is_live, is_sample_clock, is_resumed;
static uint8_t reset_cause = RESET_POWER_ON;
static FILE *outputs;    /* NULL: not kept */
static char **arguments; /* of this program */
static uint32_t missed_samples, lost_bytes;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* No echo, no line editing, bytes as they come. */
static void make_raw(int terminal) {
    struct termios settings;
    if (tcgetattr(terminal, &settings) != 0) {
        fail("cannot read the pseudo-terminal's settings");
    }
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    if (tcsetattr(terminal, TCSANOW, &settings) != 0) {
        fail("cannot set the pseudo-terminal to raw");
    }
}

void board_init(void) {
    clock_gettime(CLOCK_MONOTONIC, &start_time);
    if (is_resumed) {
        return;
    }
    line = posix_openpt(O_RDWR | O_NOCTTY);
    if (line < 0 || grantpt(line) != 0 || unlockpt(line) != 0) {
        fail("cannot open a pseudo-terminal");
    }
    /* This program keeps the other end open too: the line outlives a host that closes it. */
    const int far_end = open(ptsname(line), O_RDWR | O_NOCTTY);
    if (far_end < 0) {
        fail("cannot open the pseudo-terminal's other end");
    }
    make_raw(far_end);
    fcntl(line, F_SETFL, O_NONBLOCK);
    printf("%s\n", ptsname(line));
    fflush(stdout);
}

const char *board_name(void) {
    return "native";
}

size_t board_read(uint8_t *bytes, size_t size) {
    const ssize_t count = read(line, bytes, size);
    return count > 0 ? (size_t)count : 0;
}

uint32_t board_lost_bytes(void) {
    return lost_bytes; /* by the script alone: the pseudo-terminal makes the sender wait */
}

static bool wait_until(short event, int patience_ms) {
    struct pollfd wanted = {.fd = line, .events = event};
    return poll(&wanted, 1, patience_ms) > 0;
}

void board_write(const uint8_t *bytes, size_t size) {
    static bool nobody_reads; /* waited in vain: do not wait again before somebody has read */
    size_t sent = 0;
    while (sent < size && wait_until(POLLOUT, nobody_reads ? 0 : WRITE_PATIENCE_MS)) {
        const ssize_t count = write(line, bytes + sent, size - sent);
        if (count > 0) {
            sent += (size_t)count;
        } else if (errno != EAGAIN && errno != EINTR) {
            fail("cannot write to the pseudo-terminal");
        }
    }
    nobody_reads = sent < size;
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t seconds = now.tv_sec - start_time.tv_sec;
    return (uint64_t)(seconds * 1000000000 + (now.tv_nsec - start_time.tv_nsec));
}

uint32_t board_ticks(void) {
    return (uint32_t)nanoseconds();
}

uint32_t board_tick_hz(void) {
    return 1000000000u;
}

uint32_t board_millis(void) {
    const uint64_t sampled = front_end_clock() * 1000u / BOARD_FS_HZ;
    return (uint32_t)(is_sample_clock ? sampled : nanoseconds() / 1000000u);
}

void board_idle(void) {
    wait_until(POLLIN, is_live ? front_end_wait_ms(nanoseconds(), LIVE_IDLE_MS) : IDLE_MS);
}

void board_led(bool on) {
    (void)on; /* none */
}

void board_buzzer(bool on) {
    if (outputs != NULL) {
        fprintf(outputs, "%u buzzer %d\n", (unsigned)board_millis(), on);
        fflush(outputs);
    }
}

/* As a phone takes it: an MTU of 247. */
size_t board_notify_bytes(void) {
    return outputs != NULL ? NOTIFY_BYTES : 0;
}

void board_notify(board_value_t value, const uint8_t *bytes, size_t size) {
    if (outputs != NULL) {
        fprintf(outputs, "%u notify %d ", (unsigned)board_millis(), (int)value);
        for (size_t i = 0; i < size; i++) {
            fprintf(outputs, "%02x", bytes[i]);
        }
        fputc('\n', outputs);
        fflush(outputs);
    }
}

uint16_t board_battery_mv(void) {
    return BATTERY_MV;
}

bool board_live_start(void) {
    is_live = front_end_start(nanoseconds());
    return is_live;
}

void board_live_stop(void) {
    is_live = false;
}

/* Everything is as after a reset, but the line, the flash and the place in the script. */
static void reset(uint8_t cause) {
    char state[80];
    const unsigned long long taken = front_end_taken();
    snprintf(state, sizeof state, "%d,%d,%llu,%u", line, front_end_file(), taken, (unsigned)cause);
    setenv("ECG_EDGE_RESET", state, 1);
    execv("/proc/self/exe", arguments);
    fail("cannot run anew");
}

static void take_event(uint8_t event) {
    if (event == FRONT_END_LINE_FULL) {
        lost_bytes++;
    } else if (event == FRONT_END_FLASH_FAILS) {
        flash_fail();
    } else if (event != FRONT_END_NOTHING && event < FRONT_END_QUEUE_FULL) {
        reset(event);
    }
}

bool board_sample(int16_t *sample_adu, uint8_t *lead_flags) {
    uint8_t event = FRONT_END_NOTHING;
    if (!is_live || !front_end_read(nanoseconds(), sample_adu, lead_flags, &event)) {
        return false;
    }
    if (event == FRONT_END_QUEUE_FULL) {
        *lead_flags = SAMPLE_MISSING;
        missed_samples++;
    }
    take_event(event);
    return true;
}

uint32_t board_missed_samples(void) {
    return missed_samples;
}

uint8_t board_reset_cause(void) {
    return reset_cause;
}

const ecg_flash_t *board_flash(void) {
    return flash_memory();
}

static void resume(const char *state) {
    int file = 0;
    unsigned cause = 0;
    unsigned long long taken = 0;
    is_resumed = sscanf(state, "%d,%d,%llu,%u", &line, &file, &taken, &cause) == 4;
    reset_cause = (uint8_t)cause;
    front_end_go_on(file, taken);
}

static void usage(void) {
    fputs("usage: firmware [-p FRONT_END [-s SPEED] [-n SAMPLES]] [-f FLASH] [-o FILE] [-a] [-c]\n", stderr);
    exit(2);
}

typedef struct {
    const char *front_end;
    double speed;
} options_t;

static void take_option(int option, options_t *options) {
    switch (option) {
        case 'p':
            options->front_end = optarg;
            break;
        case 's':
            options->speed = atof(optarg);
            break;
        case 'n':
            front_end_repeat(strtoull(optarg, NULL, 10));
            break;
        case 'f':
            if (!flash_open(optarg)) {
                fail(optarg);
            }
            break;
        case 'o':
            outputs = fopen(optarg, "w");
            if (outputs == NULL) {
                fail(optarg);
            }
            break;
        case 'a':
            native_live_alone = 1;
            break;
        case 'c':
            is_sample_clock = true;
            break;
        default:
            usage();
    }
}

int main(int count, char *words[]) {
    options_t options = {.speed = 1.0};
    const char *const state = getenv("ECG_EDGE_RESET");
    int option;
    arguments = words;
    while ((option = getopt(count, words, "p:s:n:f:o:ac")) != -1) {
        take_option(option, &options);
    }
    if (options.front_end != NULL && !front_end_open(options.front_end, options.speed)) {
        fail(options.front_end);
    }
    if (state != NULL) {
        resume(state);
    }
    board_init();
    app_run();
    return EXIT_SUCCESS;
}
