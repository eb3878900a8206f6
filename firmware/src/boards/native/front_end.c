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
    uint32_t turn;
    uint8_t bytes[BUFFER_BYTES];
    size_t size, next;
    bool is_open, is_ended;
} script;

bool front_end_open(const char *path, double speed) {
    script.file = open(path, O_RDONLY | O_NONBLOCK);
    script.interval_ns = speed > 0 ? 1e9 / BOARD_FS_HZ / speed : 0;
    script.is_open = script.file >= 0;
    return script.is_open;
}

bool front_end_start(uint64_t now_ns) {
    if (!script.is_open) {
        return false;
    }
    if (lseek(script.file, 0, SEEK_SET) == 0) { /* a pipe goes on where it is */
        script.size = script.next = 0;
    }
    script.start_ns = now_ns;
    script.taken = 0;
    script.is_ended = false;
    return true;
}

static uint64_t due_ns(void) {
    return script.start_ns + (uint64_t)((double)script.taken * script.interval_ns);
}

/* Have a whole instant in the buffer. */
static bool fill(void) {
    if (script.size - script.next >= INSTANT_BYTES) {
        return true;
    }
    const size_t rest = script.size - script.next;
    memmove(script.bytes, script.bytes + script.next, rest);
    const ssize_t count = read(script.file, script.bytes + rest, BUFFER_BYTES - rest);
    script.next = 0;
    script.size = rest + (count > 0 ? (size_t)count : 0);
    script.is_ended = script.size < INSTANT_BYTES;
    return !script.is_ended;
}

bool front_end_read(uint64_t now_ns, int16_t *sample_adu, uint8_t *lead_flags) {
    if (script.turn == TURN_SAMPLES || now_ns < due_ns() || !fill()) {
        script.turn = 0;
        return false;
    }
    const uint8_t *instant = script.bytes + script.next;
    *sample_adu = (int16_t)(instant[0] | instant[1] << 8);
    *lead_flags = instant[2];
    script.next += INSTANT_BYTES;
    script.taken++;
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
