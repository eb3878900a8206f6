/* USART1: received bytes by interrupt into a ring buffer, sent bytes by polling. */
#ifndef ECG_EDGE_STM32F405_UART_H
#define ECG_EDGE_STM32F405_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void uart_init(uint32_t usart_hz, uint32_t baud);
size_t uart_read(uint8_t *bytes, size_t size);
bool uart_is_empty(void);
uint32_t uart_lost_bytes(void);
void uart_write(uint8_t byte);

#endif
