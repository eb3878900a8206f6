/* Pins of the Adafruit Feather STM32F405. Another board with this chip, or with one of its relatives F411 and
 * F446, sets them in build_flags: platformio.ini has two, docs/how-to/port-a-board.md the lines for the
 * Olimex STM32-H405. */
#ifndef ECG_EDGE_STM32F405_PINS_H
#define ECG_EDGE_STM32F405_PINS_H

#ifndef BOARD_NAME
#define BOARD_NAME stm32f405
#endif

/* 168 MHz, or 84 MHz: what the F411 takes without another setting of its supply. */
#ifndef BOARD_CPU_HZ
#define BOARD_CPU_HZ 168000000u
#endif

/* 1 MiB of flash, whose upper part flash.c has; 0: less, and no memory for settings and log. */
#ifndef BOARD_HAS_FLASH
#define BOARD_HAS_FLASH 1
#endif

/* Crystal in Hz, a multiple of 1 MHz; 0: the internal oscillator (16 MHz, 1 %), which every board has. */
#ifndef BOARD_HSE_HZ
#define BOARD_HSE_HZ 0u
#endif

/* USART1: TX PB6 and RX PB7 (1), or TX PA9 and RX PA10 (0). */
#ifndef BOARD_USART1_ON_PORT_B
#define BOARD_USART1_ON_PORT_B 1
#endif

#ifndef BOARD_BAUD
#define BOARD_BAUD 921600u
#endif

#ifndef BOARD_LED_PORT
#define BOARD_LED_PORT GPIOC
#endif
#ifndef BOARD_LED_PIN
#define BOARD_LED_PIN 1u
#endif
#ifndef BOARD_LED_ACTIVE_LOW
#define BOARD_LED_ACTIVE_LOW 0
#endif

/* AD8232: OUTPUT on PA4 (ADC1 channel 4, "A0"); LO+ on PC2 ("D12"), LO- on PC3 ("D11"), both of one port. */
#define BOARD_ECG_PIN 4u
#define BOARD_ECG_ADC_CHANNEL 4u
#ifndef BOARD_LO_PORT
#define BOARD_LO_PORT GPIOC
#endif
#ifndef BOARD_LO_PLUS_PIN
#define BOARD_LO_PLUS_PIN 2u
#endif
#ifndef BOARD_LO_MINUS_PIN
#define BOARD_LO_MINUS_PIN 3u
#endif

#endif
