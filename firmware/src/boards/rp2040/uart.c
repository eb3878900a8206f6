#include "uart.h"

#include "boards/byte_ring.h"
#include "clock.h"
#include "registers.h"

static byte_ring_t ring;

void UART0_IRQHandler(void);

/* The divider has 6 fractional bits. It takes effect with the write of LCR_H. */
static void set_baud(uint32_t uart_hz, uint32_t baud) {
    const uint32_t divider = (uart_hz * 4u + baud / 2u) / baud; /* x 64 / 16 */
    UART0->IBRD = divider / 64u;
    UART0->FBRD = divider % 64u;
    UART0->LCR_H = UART_LCR_FIFOS | UART_LCR_8_BITS;
}

void uart_init(uint32_t uart_hz, uint32_t baud) {
    clock_start_peripherals(RESET_UART0);
    set_baud(uart_hz, baud);
    UART0->CR = UART_CR_ENABLE | UART_CR_TX | UART_CR_RX;
    UART0->IMSC = UART_INT_RX | UART_INT_RX_TIMEOUT; /* the second: fewer bytes than the FIFO's threshold */
    NVIC_IPR[IRQ_UART0 / 4u] |= PRIORITY_LOWEST << (8u * (IRQ_UART0 % 4u));
    NVIC_ISER = 1u << IRQ_UART0;
}

/* Cleared before the FIFO is read: a byte that comes meanwhile interrupts again. */
void UART0_IRQHandler(void) {
    UART0->ICR = UART_INT_RX | UART_INT_RX_TIMEOUT;
    while ((UART0->FR & UART_FR_RX_EMPTY) == 0) {
        const uint32_t received = UART0->DR;
        if (received & UART_DR_OVERRUN) {
            byte_ring_lose(&ring, 1);
        }
        byte_ring_keep(&ring, (uint8_t)received);
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
    while (UART0->FR & UART_FR_TX_FULL) {
    }
    UART0->DR = byte;
}
