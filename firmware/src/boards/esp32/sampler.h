/* Samples at BOARD_FS_HZ: a timer's interrupt wakes a task, which converts and fills a ring. */
#ifndef ECG_EDGE_ESP32_SAMPLER_H
#define ECG_EDGE_ESP32_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

void sampler_init(void);

bool sampler_start(void);
void sampler_stop(void);
bool sampler_is_running(void);

bool sampler_is_empty(void);
bool sampler_read(int16_t *sample_adu, uint8_t *lead_flags);

/* Instants that were filled in since sampler_init. */
uint32_t sampler_missed(void);

/* Longest minus shortest delay from an instant to its conversion, in us. */
uint32_t sampler_jitter_us(void);

/* In 1/1000 Hz, by esp_timer; 0: not known yet. */
uint32_t sampler_rate_mhz(void);

/* As the sampler task read it last; 0: never. */
uint16_t sampler_battery_mv(void);

#endif
