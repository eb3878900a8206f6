/* USART1: received bytes by interrupt into a ring buffer, sent bytes by polling. */
#ifndef ECG_EDGE_STM32F405_UART_H
#define ECG_EDGE_STM32F405_UART_H

#include <stdbool.h>
#include <stdint.h>

/* A whole window of encoded SAMPLES frames (16 of 495 bytes), a power of two. */
#define UART_RX_BYTES 8192u

void uart_init(uint32_t usart_hz, uint32_t baud);
bool uart_read(uint8_t *byte);
bool uart_is_empty(void);
uint32_t uart_lost_bytes(void);
void uart_write(uint8_t byte);

#endif
