/* Runs the cases on a core: counts the ticks of each layer and of each run, compares bytes, measures the
 * stack, and prints the figures as lines of a name and numbers. */
#include "harness.h"

#include "board.h"

#define LAYERS 128
#define PAINT 0xC5u
#define CALIBRATION 10000u /* iterations of two instructions */
#define TICK_MASK (0xFFFFFFFFu >> (32 - TICK_BITS))

void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes);

extern uint8_t stack_bottom[]; /* from the linker script */

static const int8_t *expected;
static uint32_t runs, layers, run_ticks, stack_used, before;
static uint32_t overhead, trace_overhead; /* ticks of the measurement itself */
static uint32_t output_differing, layer_ticks[LAYERS], layer_differing[LAYERS];
static uintptr_t stack_before;

static uint32_t ticks_since_before(void) {
    return (board_ticks() - before) & TICK_MASK;
}

static uint32_t less(uint32_t ticks, uint32_t what) {
    return ticks < what ? 0 : ticks - what;
}

__attribute__((noinline)) static void paint_stack(void) {
    const uintptr_t end = board_stack_pointer();
    for (volatile uint8_t *byte = stack_bottom; (uintptr_t)byte < end; ++byte) {
        *byte = PAINT;
    }
}

static uint32_t stack_touched(void) {
    const uint8_t *byte = stack_bottom;
    while ((uintptr_t)byte < stack_before && *byte == PAINT) {
        ++byte;
    }
    return (uint32_t)(stack_before - (uintptr_t)byte);
}

static uint32_t differing_bytes(const int8_t *a, const int8_t *b, size_t bytes) {
    uint32_t differing = 0;
    for (size_t i = 0; i < bytes; ++i) {
        differing += a[i] != b[i];
    }
    return differing;
}

void harness_begin(const int8_t *layers_expected, uintptr_t stack_pointer) {
    stack_before = stack_pointer;
    paint_stack();
    expected = layers_expected;
    before = board_ticks();
}

void harness_end(void) {
    run_ticks += less(ticks_since_before(), overhead);
    ++runs;
    const uint32_t touched = stack_touched();
    stack_used = touched > stack_used ? touched : stack_used;
}

void harness_check(const int8_t *actual, const int8_t *wanted, size_t bytes) {
    output_differing += differing_bytes(actual, wanted, bytes);
}

/* noipa: called from here (calibrate) just as from the network. */
__attribute__((noipa)) void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes) {
    const uint32_t ticks = less(ticks_since_before(), trace_overhead);
    run_ticks += ticks;
    if (op_index < LAYERS) {
        layer_ticks[op_index] += ticks;
        layer_differing[op_index] += differing_bytes(data, expected, bytes);
        layers = (uint32_t)op_index + 1 > layers ? (uint32_t)op_index + 1 : layers;
    }
    expected += bytes;
    before = board_ticks();
}

static void print_number(uint32_t value) {
    char digits[12];
    char *place = digits + sizeof digits - 1;
    *place = 0;
    do {
        *--place = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    board_print(place);
}

static void print(const char *name, uint32_t first, uint32_t second) {
    board_print(name);
    print_number(first);
    board_print(" ");
    print_number(second);
    board_print("\n");
}

/* What an empty run and an empty layer take, and a loop of known length. */
static void calibrate(void) {
    before = board_ticks();
    overhead = ticks_since_before();
    ecg_nn_trace(LAYERS, NULL, 0);
    run_ticks = 0;
    ecg_nn_trace(LAYERS, NULL, 0);
    trace_overhead = run_ticks;
    run_ticks = 0;
    before = board_ticks();
    board_spin(CALIBRATION);
    print("calibration ", 2 * CALIBRATION, less(ticks_since_before(), overhead));
}

void harness_main(void) {
    board_start_timer();
    calibrate();
    harness_run_cases();
    print("run ", runs, run_ticks);
    print("output ", output_differing, stack_used);
    for (uint32_t i = 0; i < layers; ++i) {
        print("layer ", layer_differing[i], layer_ticks[i]);
    }
    board_print("end\n");
    board_exit();
}
