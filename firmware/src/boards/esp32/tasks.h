/* The tasks of the firmware. The main task runs the application, with the networks; the others only fill
 * rings. NimBLE and the radio have their own on core 0. */
#ifndef ECG_EDGE_ESP32_TASKS_H
#define ECG_EDGE_ESP32_TASKS_H

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define TASK_STACK_BYTES 3072u
#define SAMPLER_PRIORITY (configMAX_PRIORITIES - 2u)
#define LINE_PRIORITY (configMAX_PRIORITIES - 8u)

/* Away from the radio, where the chip has a second core. */
#if CONFIG_FREERTOS_UNICORE
#define APP_CORE 0
#else
#define APP_CORE 1
#endif

/* Wake the main task: a byte or a sample has come. */
void tasks_wake_main(void);

#endif
