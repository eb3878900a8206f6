/* Why the device started. */
#ifndef ECG_EDGE_RESET_CAUSE_H
#define ECG_EDGE_RESET_CAUSE_H

/* Name, number, text. */
#define RESET_CAUSES(X)                                                \
    X(RESET_UNKNOWN, 0, "unknown")                                     \
    X(RESET_POWER_ON, 1, "power on")                                   \
    X(RESET_PIN, 2, "reset button or debugger")                        \
    X(RESET_BROWN_OUT, 3, "brown-out: the supply voltage was too low") \
    X(RESET_WATCHDOG, 4, "watchdog: the program had stopped")          \
    X(RESET_SOFTWARE, 5, "software")

typedef enum {
#define RESET_CAUSE(name, number, text) name = (number),
    RESET_CAUSES(RESET_CAUSE)
#undef RESET_CAUSE
} reset_cause_t;

#endif
