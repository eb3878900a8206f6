#include "usb_cdc.h"

#include "boards/board.h"
#include "clock.h"
#include "registers.h"
#include "usb_control.h"
#include "usb_descriptors.h"
#include "usb_endpoint.h"

#define USB_PATIENCE_MS 100u
#define NOTIFY_BUFFER 0x180u
#define IN_BUFFER 0x1C0u
#define OUT_BUFFER 0x200u

static usb_endpoint_t notify = {.number = USB_EP_NOTIFY, .is_in = true, .buffer = NOTIFY_BUFFER};
static usb_endpoint_t in = {.number = USB_EP_DATA, .is_in = true, .buffer = IN_BUFFER};
static usb_endpoint_t out = {.number = USB_EP_DATA, .is_in = false, .buffer = OUT_BUFFER};
static volatile bool is_open;    /* the host has configured the device */
static volatile bool has_packet; /* `out` holds one; the interrupt sets it, the main loop clears it */
static uint32_t taken;           /* bytes of that packet */

void USBCTRL_IRQHandler(void);

static void close_port(void) {
    is_open = false;
    has_packet = false;
    in.is_armed = false;
}

static void open_port(void) {
    usb_endpoint_open(&notify, USB_ENDPOINT_INTERRUPT);
    usb_endpoint_open(&in, USB_ENDPOINT_BULK);
    usb_endpoint_open(&out, USB_ENDPOINT_BULK);
    usb_endpoint_accept(&out, USB_OUT_BYTES);
    has_packet = false;
    is_open = true;
}

static void restart_endpoint(uint8_t address) {
    if (is_open && (address & 0xFu) == USB_EP_DATA) {
        usb_endpoint_restart(address & 0x80u ? &in : &out);
    }
}

void usb_cdc_init(void) {
    clock_start_peripherals(RESET_USBCTRL);
    for (uint32_t i = 0; i < USB_RAM_WORDS; i++) {
        ((reg_t *)USB_RAM)[i] = 0;
    }
    USB->USB_MUXING = USB_MUXING_TO_PHY | USB_MUXING_SOFTCON;
    USB->USB_PWR = USB_PWR_VBUS_DETECT | USB_PWR_VBUS_DETECT_OVERRIDE; /* the bus supplies the board */
    USB->SIE_CTRL = USB_SIE_CTRL_EP0_INTERRUPT;
    USB->INTE = USB_INT_BUFFER | USB_INT_BUS_RESET | USB_INT_SETUP;
    NVIC_IPR[IRQ_USBCTRL / 4u] |= PRIORITY_LOWEST << (8u * (IRQ_USBCTRL % 4u));
    NVIC_ISER = 1u << IRQ_USBCTRL;
    USB->MAIN_CTRL = USB_MAIN_CTRL_ENABLE;
    USB->SIE_CTRL = USB_SIE_CTRL_EP0_INTERRUPT | USB_SIE_CTRL_PULL_UP;
}

static void take_buffers(void) {
    const uint32_t done = USB->BUFF_STATUS;
    USB->BUFF_STATUS = done;
    usb_control_buffers(done);
    if (done & usb_endpoint_bit(&in)) {
        in.is_armed = false;
    }
    if (done & usb_endpoint_bit(&out)) {
        out.is_armed = false;
        taken = 0;
        has_packet = true;
    }
}

/* Buffers first: the last one of a request may be done when the next request is there. */
void USBCTRL_IRQHandler(void) {
    static const usb_control_ops_t OPS = {.configured = open_port, .restarted = restart_endpoint};
    const uint32_t causes = USB->INTS;
    if (causes & USB_INT_BUFFER) {
        take_buffers();
    }
    if (causes & USB_INT_BUS_RESET) {
        USB->SIE_STATUS = USB_SIE_STATUS_BUS_RESET;
        close_port();
        usb_control_reset();
    }
    if (causes & USB_INT_SETUP) {
        USB->SIE_STATUS = USB_SIE_STATUS_SETUP;
        usb_control_setup(&OPS);
    }
}

bool usb_cdc_is_empty(void) {
    return !has_packet;
}

/* With interrupts masked: a reset of the bus closes the port. */
static size_t take_packet(uint8_t *bytes, size_t size) {
    if (!has_packet) {
        return 0;
    }
    const uint32_t left = usb_endpoint_size(&out) - taken;
    const uint32_t count = left < size ? left : (uint32_t)size;
    usb_endpoint_copy(&out, taken, bytes, count);
    taken += count;
    if (count == left) {
        has_packet = false;
        usb_endpoint_accept(&out, USB_OUT_BYTES);
    }
    return count;
}

size_t usb_cdc_read(uint8_t *bytes, size_t size) {
    __asm volatile("cpsid i" ::: "memory");
    const size_t count = take_packet(bytes, size);
    __asm volatile("cpsie i" ::: "memory");
    return count;
}

static bool wait_for_host(void) {
    static bool reads = true; /* a host that did not read is not waited for again before it does */
    const uint32_t start_ms = board_millis();
    while (is_open && in.is_armed && reads && board_millis() - start_ms < USB_PATIENCE_MS) {
    }
    reads = !in.is_armed;
    return is_open && reads;
}

static bool write_packet(const uint8_t *bytes, uint32_t size) {
    if (!wait_for_host()) {
        return false;
    }
    __asm volatile("cpsid i" ::: "memory");
    if (is_open) {
        usb_endpoint_send(&in, bytes, size);
    }
    __asm volatile("cpsie i" ::: "memory");
    return true;
}

/* The last packet is shorter than the others, if need be empty: then the host passes on what it has. */
void usb_cdc_write(const uint8_t *bytes, size_t size) {
    size_t sent = 0;
    uint32_t count = 0;
    do {
        count = size - sent < USB_IN_BYTES ? (uint32_t)(size - sent) : USB_IN_BYTES;
        if (!write_packet(bytes + sent, count)) {
            return;
        }
        sent += count;
    } while (count == USB_IN_BYTES);
}
