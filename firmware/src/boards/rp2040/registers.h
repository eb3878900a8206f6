/* The few registers of the RP2040 that this firmware uses (RP2040 data sheet, ARMv6-M manual). */
#ifndef ECG_EDGE_RP2040_REGISTERS_H
#define ECG_EDGE_RP2040_REGISTERS_H

#include <stdint.h>

typedef volatile uint32_t reg_t;

/* Each register of a peripheral has an alias whose written ones clear bits. */
#define CLEAR_BITS(reg, bits) (*(reg_t *)((uintptr_t) & (reg) + 0x3000u) = (bits))

typedef struct {
    reg_t RESET, WDSEL, RESET_DONE;
} resets_t;

typedef struct {
    reg_t CTRL, STATUS, DORMANT, STARTUP;
} xosc_t;

typedef struct {
    reg_t CS, PWR, FBDIV_INT, PRIM;
} pll_t;

typedef struct {
    reg_t CTRL, DIV, SELECTED;
} clock_t;

typedef struct {
    reg_t CTRL, LOAD, REASON, SCRATCH[8], TICK;
} watchdog_t;

typedef struct {
    struct {
        reg_t STATUS, CTRL;
    } GPIO[30];
} io_bank0_t;

typedef struct {
    reg_t VOLTAGE_SELECT, GPIO[30];
} pads_bank0_t;

typedef struct {
    reg_t CPUID, GPIO_IN, GPIO_HI_IN, reserved, GPIO_OUT, GPIO_OUT_SET, GPIO_OUT_CLR, GPIO_OUT_XOR, GPIO_OE,
        GPIO_OE_SET;
} sio_t;

typedef struct {
    reg_t DR, RSR, reserved0[4], FR, reserved1, ILPR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, raw_status, status,
        ICR;
} uart_t;

typedef struct {
    reg_t CS, RESULT;
} adc_t;

typedef struct {
    reg_t ADDR_ENDP, reserved0[15], MAIN_CTRL, SOF_WR, SOF_RD, SIE_CTRL, SIE_STATUS, INT_EP_CTRL, BUFF_STATUS,
        BUFF_CPU_SHOULD_HANDLE, EP_ABORT, EP_ABORT_DONE, EP_STALL_ARM, NAK_POLL, EP_STATUS_STALL_NAK,
        USB_MUXING, USB_PWR, reserved1[4], INTR, INTE, INTF, INTS;
} usb_t;

/* The controller's RAM of 4 KiB; buffers follow. */
typedef struct {
    reg_t setup[2], endpoint_control[30], buffer_control[32];
} usb_ram_t;

typedef struct {
    reg_t CSR, DIV, CTR, CC, TOP;
} pwm_slice_t;

typedef struct {
    reg_t CTRL, LOAD, VAL, CALIB;
} systick_t;

#define RESETS ((resets_t *)0x4000C000u)
#define CLOCKS ((clock_t *)0x40008000u)
#define IO_BANK0 ((io_bank0_t *)0x40014000u)
#define PADS_BANK0 ((pads_bank0_t *)0x4001C000u)
#define XOSC ((xosc_t *)0x40024000u)
#define PLL_SYS ((pll_t *)0x40028000u)
#define PLL_USB ((pll_t *)0x4002C000u)
#define UART0 ((uart_t *)0x40034000u)
#define ADC ((adc_t *)0x4004C000u)
#define PWM ((pwm_slice_t *)0x40050000u)
#define PWM_SLICES 8u
#define WATCHDOG ((watchdog_t *)0x40058000u)
#define USB_RAM ((usb_ram_t *)0x50100000u)
#define USB_RAM_WORDS 1024u
#define USB ((usb_t *)0x50110000u)
#define PSM_WDSEL (*(reg_t *)0x40010008u)
#define CHIP_RESET (*(reg_t *)0x40064008u)
#define SIO ((sio_t *)0xD0000000u)
#define SYSTICK ((systick_t *)0xE000E010u)
#define NVIC_ISER (*(reg_t *)0xE000E100u)
#define NVIC_IPR ((reg_t *)0xE000E400u)
#define SCB_ICSR (*(reg_t *)0xE000ED04u)
#define SCB_VTOR (*(reg_t *)0xE000ED08u)

#define RESET_ADC (1u << 0)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_PLL_USB (1u << 13)
#define RESET_PWM (1u << 14)
#define RESET_UART0 (1u << 22)
#define RESET_USBCTRL (1u << 24)

/* Clock generators in the order of their registers. */
#define CLK_REF 4u
#define CLK_SYS 5u
#define CLK_PERI 6u
#define CLK_USB 7u
#define CLK_ADC 8u
#define CLK_ENABLE (1u << 11)
#define CLK_REF_SRC_XOSC 2u
#define CLK_SYS_SRC_AUX 1u /* the auxiliary source 0 of CLK_SYS is PLL_SYS */

#define XOSC_CTRL_1_TO_15_MHZ 0xAA0u
#define XOSC_CTRL_ENABLE (0xFABu << 12)
#define XOSC_STATUS_STABLE (1u << 31)

#define PLL_CS_LOCK (1u << 31)
#define PLL_PWR_PD (1u << 0)
#define PLL_PWR_POSTDIVPD (1u << 3)
#define PLL_PWR_VCOPD (1u << 5)

#define WATCHDOG_TICK_ENABLE (1u << 9)
#define WATCHDOG_ENABLE (1u << 30)
#define WATCHDOG_PAUSE_IN_DEBUGGER (7u << 24)
#define PSM_ALL_BUT_OSCILLATORS 0x1FFFCu

#define GPIO_FUNCTION_UART 2u
#define GPIO_FUNCTION_PWM 4u
#define GPIO_FUNCTION_SIO 5u
#define GPIO_FUNCTION_NONE 31u
#define PAD_OUTPUT_DISABLE (1u << 7)
#define PAD_INPUT_ENABLE (1u << 6)
#define PAD_DRIVE_4_MA (1u << 4)
#define PAD_PULL_UP (1u << 3)
#define PAD_PULL_DOWN (1u << 2)
#define PAD_SCHMITT (1u << 1)

#define UART_DR_OVERRUN (1u << 11)
#define UART_FR_RX_EMPTY (1u << 4)
#define UART_FR_TX_FULL (1u << 5)
#define UART_LCR_FIFOS (1u << 4)
#define UART_LCR_8_BITS (3u << 5)
#define UART_CR_ENABLE (1u << 0)
#define UART_CR_TX (1u << 8)
#define UART_CR_RX (1u << 9)
#define UART_INT_RX (1u << 4)
#define UART_INT_RX_TIMEOUT (1u << 6)

#define PWM_CSR_ENABLE (1u << 0)

#define ADC_CS_ENABLE (1u << 0)
#define ADC_CS_START_ONE (1u << 2)
#define ADC_CS_READY (1u << 8)
#define ADC_CS_ERROR (1u << 9)
#define ADC_CS_INPUT(channel) ((channel) << 12)

#define USB_MAIN_CTRL_ENABLE (1u << 0)
#define USB_SIE_CTRL_PULL_UP (1u << 16)
#define USB_SIE_CTRL_EP0_INTERRUPT (1u << 29)
#define USB_SIE_STATUS_SETUP (1u << 17)
#define USB_SIE_STATUS_BUS_RESET (1u << 19)
#define USB_MUXING_TO_PHY (1u << 0)
#define USB_MUXING_SOFTCON (1u << 3)
#define USB_PWR_VBUS_DETECT (1u << 2)
#define USB_PWR_VBUS_DETECT_OVERRIDE (1u << 3)
#define USB_INT_BUFFER (1u << 4)
#define USB_INT_BUS_RESET (1u << 12)
#define USB_INT_SETUP (1u << 16)
#define USB_ENDPOINT_ENABLE (1u << 31)
#define USB_ENDPOINT_INTERRUPT_EACH (1u << 29)
#define USB_ENDPOINT_BULK (2u << 26)
#define USB_ENDPOINT_INTERRUPT (3u << 26)
#define USB_BUFFER_FULL (1u << 15)
#define USB_BUFFER_DATA1 (1u << 13)
#define USB_BUFFER_STALL (1u << 11)
#define USB_BUFFER_AVAILABLE (1u << 10)
#define USB_BUFFER_SIZE 0x3FFu

#define SYSTICK_CTRL_ENABLE 1u
#define SYSTICK_CTRL_TICKINT 2u
#define SYSTICK_CTRL_CPU_CLOCK 4u

#define SCB_ICSR_PENDSTSET (1u << 26)

#define IRQ_USBCTRL 5u
#define IRQ_UART0 20u
#define IRQ_COUNT 26u
#define PRIORITY_LOWEST 0xC0u

#endif
