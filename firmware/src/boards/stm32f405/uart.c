#include "uart.h"

#include "registers.h"

static uint8_t ring[UART_RX_BYTES];
static volatile uint32_t ring_head; /* bytes received, written by the interrupt alone */
static volatile uint32_t ring_tail; /* bytes taken, written by the main loop alone */
static volatile uint32_t lost_bytes;

void USART1_IRQHandler(void);

void uart_init(uint32_t usart_hz, uint32_t baud) {
    RCC->APB2ENR |= RCC_APB2ENR_USART1;
    USART1->BRR = (usart_hz + baud / 2u) / baud;
    USART1->CR1 = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE | USART_CR1_RXNEIE;
    NVIC_ISER[IRQ_USART1 / 32u] = 1u << (IRQ_USART1 % 32u);
}

static void keep(uint8_t byte) {
    if (ring_head - ring_tail < UART_RX_BYTES) {
        ring[ring_head % UART_RX_BYTES] = byte;
        ring_head++;
    } else {
        lost_bytes++;
    }
}

void USART1_IRQHandler(void) {
    uint32_t status = USART1->SR;
    while (status & (USART_SR_RXNE | USART_SR_ORE)) {
        if (status & USART_SR_ORE) {
            lost_bytes++;
        }
        keep((uint8_t)USART1->DR); /* reading SR, then DR, clears both bits */
        status = USART1->SR;
    }
}

bool uart_read(uint8_t *byte) {
    if (uart_is_empty()) {
        return false;
    }
    *byte = ring[ring_tail % UART_RX_BYTES];
    ring_tail++;
    return true;
}

bool uart_is_empty(void) {
    return ring_head == ring_tail;
}

uint32_t uart_lost_bytes(void) {
    return lost_bytes;
}

void uart_write(uint8_t byte) {
    while ((USART1->SR & USART_SR_TXE) == 0) {
    }
    USART1->DR = byte;
}
