/* Pins of the Raspberry Pi Pico. Another board with this chip sets them in build_flags
 * (docs/how-to/port-a-board.md). */
#ifndef ECG_EDGE_RP2040_PINS_H
#define ECG_EDGE_RP2040_PINS_H

/* UART0: TX and RX, a pair of 0 and 1, 12 and 13, 16 and 17, or 28 and 29. */
#ifndef BOARD_TX_PIN
#define BOARD_TX_PIN 0u
#endif
#ifndef BOARD_RX_PIN
#define BOARD_RX_PIN 1u
#endif

#ifndef BOARD_BAUD
#define BOARD_BAUD 921600u
#endif

/* USB: the numbers that pid.codes gives to tests. They are not unique; what is sold needs its own. */
#ifndef BOARD_USB_VENDOR
#define BOARD_USB_VENDOR 0x1209u
#endif
#ifndef BOARD_USB_PRODUCT
#define BOARD_USB_PRODUCT 0x0001u
#endif

#ifndef BOARD_LED_PIN
#define BOARD_LED_PIN 25u
#endif

/* A piezo buzzer, on any pin. */
#ifndef BOARD_BUZZER_PIN
#define BOARD_BUZZER_PIN 22u
#endif

/* AD8232: OUTPUT on GP26 to GP29 (ADC channels 0 to 3); LO+ and LO- on any pins. */
#ifndef BOARD_ECG_PIN
#define BOARD_ECG_PIN 26u
#endif
#ifndef BOARD_LO_PLUS_PIN
#define BOARD_LO_PLUS_PIN 20u
#endif
#ifndef BOARD_LO_MINUS_PIN
#define BOARD_LO_MINUS_PIN 21u
#endif

#endif
