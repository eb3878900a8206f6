#include "usb_endpoint.h"

#include "registers.h"

/* The control register of a buffer is read with another clock: AVAILABLE is set later than the rest, by at
 * least one period of 48 MHz (data sheet 4.1.2.5.1). */
#define SETTLE() __asm volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop")

static reg_t *control_of(const usb_endpoint_t *endpoint) {
    return &USB_RAM->buffer_control[2u * endpoint->number + (endpoint->is_in ? 0u : 1u)];
}

static volatile uint8_t *buffer_of(const usb_endpoint_t *endpoint) {
    return (volatile uint8_t *)USB_RAM + endpoint->buffer;
}

static void arm(usb_endpoint_t *endpoint, uint32_t control) {
    reg_t *const reg = control_of(endpoint);
    control |= endpoint->is_data1 ? USB_BUFFER_DATA1 : 0u;
    endpoint->is_data1 = !endpoint->is_data1;
    endpoint->is_armed = true;
    *reg = control;
    SETTLE();
    *reg = control | USB_BUFFER_AVAILABLE;
}

void usb_endpoint_open(usb_endpoint_t *endpoint, uint32_t type) {
    endpoint->is_data1 = false;
    endpoint->is_armed = false;
    *control_of(endpoint) = 0;
    const uint32_t place = 2u * (endpoint->number - 1u) + (endpoint->is_in ? 0u : 1u);
    USB_RAM->endpoint_control[place] =
        USB_ENDPOINT_ENABLE | USB_ENDPOINT_INTERRUPT_EACH | type | endpoint->buffer;
}

void usb_endpoint_send(usb_endpoint_t *endpoint, const uint8_t *bytes, uint32_t size) {
    volatile uint8_t *const buffer = buffer_of(endpoint);
    for (uint32_t i = 0; i < size; i++) {
        buffer[i] = bytes[i];
    }
    arm(endpoint, size | USB_BUFFER_FULL);
}

void usb_endpoint_accept(usb_endpoint_t *endpoint, uint32_t size) {
    arm(endpoint, size);
}

uint32_t usb_endpoint_size(const usb_endpoint_t *endpoint) {
    return *control_of(endpoint) & USB_BUFFER_SIZE;
}

void usb_endpoint_copy(const usb_endpoint_t *endpoint, uint32_t from, uint8_t *bytes, uint32_t size) {
    const volatile uint8_t *const buffer = buffer_of(endpoint);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = buffer[from + i];
    }
}

void usb_endpoint_restart(usb_endpoint_t *endpoint) {
    endpoint->is_data1 = false;
    if (endpoint->is_armed) {
        arm(endpoint, *control_of(endpoint) & (USB_BUFFER_FULL | USB_BUFFER_SIZE));
    }
}

void usb_endpoint_stall(usb_endpoint_t *endpoint) {
    if (endpoint->number == 0) {
        USB->EP_STALL_ARM = endpoint->is_in ? 1u : 2u;
    }
    *control_of(endpoint) = USB_BUFFER_STALL;
}

uint32_t usb_endpoint_bit(const usb_endpoint_t *endpoint) {
    return 1u << (2u * endpoint->number + (endpoint->is_in ? 0u : 1u));
}
