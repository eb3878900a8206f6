/* This computer as a board: the serial line is a pseudo-terminal, whose path is printed at the start.
 *
 *   firmware [FRONT_END [SPEED]]
 *
 * FRONT_END is a file that live mode samples (front_end.h); SPEED is in times real time, 1 when left out. */
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
#include "front_end.h"

#define IDLE_MS 100
#define LIVE_IDLE_MS 10
#define WRITE_PATIENCE_MS 200 /* nobody reads: drop the rest, as a UART would */

static int line; /* the pseudo-terminal's own end */
static struct timespec start_time;
static bool is_live;

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
    return 0; /* the pseudo-terminal makes the sender wait */
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
    return (uint32_t)(nanoseconds() / 1000000u);
}

void board_idle(void) {
    wait_until(POLLIN, is_live ? front_end_wait_ms(nanoseconds(), LIVE_IDLE_MS) : IDLE_MS);
}

void board_led(bool on) {
    (void)on; /* none */
}

bool board_live_start(void) {
    is_live = front_end_start(nanoseconds());
    return is_live;
}

void board_live_stop(void) {
    is_live = false;
}

bool board_sample(int16_t *sample_adu, uint8_t *lead_flags) {
    return is_live && front_end_read(nanoseconds(), sample_adu, lead_flags);
}

int main(int count, char *arguments[]) {
    if (count > 1 && !front_end_open(arguments[1], count > 2 ? atof(arguments[2]) : 1.0)) {
        fail(arguments[1]);
    }
    board_init();
    app_run();
    return EXIT_SUCCESS;
}
