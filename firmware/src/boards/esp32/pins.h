/* Pins of the common DevKits of each chip. Another board sets them in build_flags
 * (docs/how-to/port-a-board.md). */
#ifndef ECG_EDGE_ESP32_PINS_H
#define ECG_EDGE_ESP32_PINS_H

#include "sdkconfig.h"

/* AD8232: OUTPUT on a channel of ADC1 (ADC2 is not available beside the radio); LO+ and LO- on any pins. The
 * buzzer's pin is one that no boot mode depends on. */
#if CONFIG_IDF_TARGET_ESP32
#define PINS_NAME "esp32"
#define PINS_ECG_CHANNEL ADC_CHANNEL_6 /* GPIO34 */
#define PINS_LO_PLUS GPIO_NUM_32
#define PINS_LO_MINUS GPIO_NUM_33
#define PINS_LED GPIO_NUM_2
#define PINS_BUZZER GPIO_NUM_25
#define PINS_HAS_USB 0
#elif CONFIG_IDF_TARGET_ESP32S3
#define PINS_NAME "esp32s3"
#define PINS_ECG_CHANNEL ADC_CHANNEL_0 /* GPIO1 */
#define PINS_LO_PLUS GPIO_NUM_4
#define PINS_LO_MINUS GPIO_NUM_5
#define PINS_LED GPIO_NUM_2 /* an LED of your own: the DevKit's is addressed by a protocol */
#define PINS_BUZZER GPIO_NUM_6
#define PINS_HAS_USB 1
#elif CONFIG_IDF_TARGET_ESP32C3
#define PINS_NAME "esp32c3"
#define PINS_ECG_CHANNEL ADC_CHANNEL_0 /* GPIO0 */
#define PINS_LO_PLUS GPIO_NUM_4
#define PINS_LO_MINUS GPIO_NUM_5
#define PINS_LED GPIO_NUM_3 /* an LED of your own: the DevKit's is addressed by a protocol */
#define PINS_BUZZER GPIO_NUM_6
#define PINS_HAS_USB 1
#else
#error "boards/esp32 has pins for ESP32, ESP32-S3 and ESP32-C3"
#endif

#ifndef BOARD_ECG_CHANNEL
#define BOARD_ECG_CHANNEL PINS_ECG_CHANNEL
#endif
#ifndef BOARD_LO_PLUS_PIN
#define BOARD_LO_PLUS_PIN PINS_LO_PLUS
#endif
#ifndef BOARD_LO_MINUS_PIN
#define BOARD_LO_MINUS_PIN PINS_LO_MINUS
#endif
#ifndef BOARD_LED_PIN
#define BOARD_LED_PIN PINS_LED
#endif
#ifndef BOARD_BUZZER_PIN
#define BOARD_BUZZER_PIN PINS_BUZZER
#endif

/* The battery behind a divider of two equal resistors, on a channel of ADC1, such as ADC_CHANNEL_3. Not
 * defined: the board has no divider, and the battery service is left out. */
#ifdef BOARD_BATTERY_CHANNEL
#define BOARD_HAS_BATTERY 1
#else
#define BOARD_HAS_BATTERY 0
#endif

/* The line: the chip's own USB (USB-Serial-JTAG), or UART0, behind the USB bridge of many boards. */
#ifndef BOARD_LINE_USB
#define BOARD_LINE_USB PINS_HAS_USB
#endif
#ifndef BOARD_BAUD
#define BOARD_BAUD 921600
#endif

/* 0: without Bluetooth. */
#ifndef BOARD_HAS_BLUETOOTH
#define BOARD_HAS_BLUETOOTH 1
#endif

#endif
