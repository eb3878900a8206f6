#define _XOPEN_SOURCE 600

#include "front_end.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "boards/board.h"

#define INSTANT_BYTES 4
#define BUFFER_BYTES 4096
#define TURN_SAMPLES 64u /* at most so many in a row */

static struct {
    int file;
    double interval_ns; /* 0: not paced */
    uint64_t start_ns;
    uint64_t taken;
    uint64_t ever;  /* instants taken in all sessions */
    uint64_t first; /* instants taken before a reset: they are not waited for again */
    uint64_t limit; /* instants after which nothing is repeated; 0: the file plays once */
    uint32_t turn;
    uint8_t bytes[BUFFER_BYTES];
    size_t size, next;
    bool is_open, is_ended, goes_on;
} script;

bool front_end_open(const char *path, double speed) {
    script.file = open(path, O_RDONLY | O_NONBLOCK);
    script.interval_ns = speed > 0 ? 1e9 / BOARD_FS_HZ / speed : 0;
    script.is_open = script.file >= 0;
    return script.is_open;
}

void front_end_repeat(uint64_t samples) {
    script.limit = samples;
}

int front_end_file(void) {
    return script.file;
}

uint64_t front_end_taken(void) {
    return script.taken;
}

uint64_t front_end_clock(void) {
    return script.ever;
}

/* What was read ahead and not taken is read again; a pipe loses it. */
void front_end_go_on(int file, uint64_t taken) {
    script.file = file;
    script.is_open = true;
    script.taken = taken;
    script.goes_on = true;
    const off_t bytes = lseek(file, 0, SEEK_END);
    if (bytes > 0) {
        lseek(file, (off_t)(taken * INSTANT_BYTES) % bytes, SEEK_SET);
    }
}

bool front_end_start(uint64_t now_ns) {
    if (!script.is_open) {
        return false;
    }
    if (script.goes_on) {
        script.first = script.taken;
    } else if (lseek(script.file, 0, SEEK_SET) == 0) { /* a pipe goes on where it is */
        script.size = script.next = 0;
        script.taken = script.first = 0;
    }
    script.goes_on = false;
    script.start_ns = now_ns;
    script.is_ended = false;
    return true;
}

static uint64_t due_ns(void) {
    return script.start_ns + (uint64_t)((double)(script.taken - script.first) * script.interval_ns);
}

static bool is_repeated(void) {
    return script.limit > 0 && script.taken < script.limit && lseek(script.file, 0, SEEK_SET) == 0;
}

/* Have a whole instant in the buffer. */
static bool fill(void) {
    if (script.size - script.next >= INSTANT_BYTES) {
        return true;
    }
    const size_t rest = script.size - script.next;
    memmove(script.bytes, script.bytes + script.next, rest);
    ssize_t count = read(script.file, script.bytes + rest, BUFFER_BYTES - rest);
    if (count == 0 && is_repeated()) {
        count = read(script.file, script.bytes + rest, BUFFER_BYTES - rest);
    }
    script.next = 0;
    script.size = rest + (count > 0 ? (size_t)count : 0);
    script.is_ended = script.size < INSTANT_BYTES;
    return !script.is_ended;
}

bool front_end_read(uint64_t now_ns, int16_t *sample_adu, uint8_t *lead_flags, uint8_t *event) {
    const bool is_over = script.limit > 0 && script.taken == script.limit;
    if (script.turn == TURN_SAMPLES || is_over || now_ns < due_ns() || !fill()) {
        script.turn = 0;
        return false;
    }
    const uint8_t *instant = script.bytes + script.next;
    *sample_adu = (int16_t)(instant[0] | instant[1] << 8);
    *lead_flags = instant[2];
    *event = instant[3];
    script.next += INSTANT_BYTES;
    script.taken++;
    script.ever++;
    script.turn++;
    return true;
}

int front_end_wait_ms(uint64_t now_ns, int limit_ms) {
    const uint64_t limit_ns = (uint64_t)limit_ms * 1000000u;
    const uint64_t due = due_ns();
    if (script.is_ended || due >= now_ns + limit_ns) {
        return limit_ms;
    }
    return due <= now_ns ? 0 : (int)((due - now_ns) / 1000000u) + 1;
}
