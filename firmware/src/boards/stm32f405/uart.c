#include "uart.h"

#include "boards/byte_ring.h"
#include "registers.h"

static byte_ring_t ring;

void USART1_IRQHandler(void);

void uart_init(uint32_t usart_hz, uint32_t baud) {
    rcc_start(&RCC->APB2ENR, RCC_APB2ENR_USART1);
    USART1->BRR = (usart_hz + baud / 2u) / baud;
    USART1->CR1 = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE | USART_CR1_RXNEIE;
    NVIC_ISER[IRQ_USART1 / 32u] = 1u << (IRQ_USART1 % 32u);
}

void USART1_IRQHandler(void) {
    uint32_t status = USART1->SR;
    while (status & (USART_SR_RXNE | USART_SR_ORE)) {
        if (status & USART_SR_ORE) {
            byte_ring_lose(&ring, 1);
        }
        byte_ring_keep(&ring, (uint8_t)USART1->DR); /* reading SR, then DR, clears both bits */
        status = USART1->SR;
    }
}

size_t uart_read(uint8_t *bytes, size_t size) {
    return byte_ring_take(&ring, bytes, size);
}

bool uart_is_empty(void) {
    return byte_ring_is_empty(&ring);
}

uint32_t uart_lost_bytes(void) {
    return byte_ring_lost(&ring);
}

void uart_write(uint8_t byte) {
    while ((USART1->SR & USART_SR_TXE) == 0) {
    }
    USART1->DR = byte;
}
