/* A piezo buzzer without electronics of its own: a square wave, by the LED controller. */
#ifndef ECG_EDGE_ESP32_TONE_H
#define ECG_EDGE_ESP32_TONE_H

void tone_init(void);

#endif
