/* The serial line: a task reads it into a ring, for the chip's drivers hold less than a window of samples. */
#ifndef ECG_EDGE_ESP32_LINE_H
#define ECG_EDGE_ESP32_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void line_init(void);

size_t line_read(uint8_t *bytes, size_t size);
bool line_is_empty(void);
uint32_t line_lost_bytes(void);
void line_write(const uint8_t *bytes, size_t size);

#endif
