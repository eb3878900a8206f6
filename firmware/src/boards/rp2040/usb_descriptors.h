/* What the board tells the USB host about itself: a serial port (CDC ACM) without a driver of its own. */
#ifndef ECG_EDGE_RP2040_USB_DESCRIPTORS_H
#define ECG_EDGE_RP2040_USB_DESCRIPTORS_H

#include <stdint.h>

/* Endpoints. A packet to the host has 32 bytes: erratum RP2040-E15 of the chip, where certain bus errors
 * during longer packets to the host hang its controller. */
#define USB_EP_NOTIFY 1u
#define USB_EP_DATA 2u
#define USB_CONTROL_BYTES 64u
#define USB_NOTIFY_BYTES 8u
#define USB_IN_BYTES 32u
#define USB_OUT_BYTES 64u

typedef struct {
    const uint8_t *bytes;
    uint16_t size;
} usb_descriptor_t;

/* The descriptor of GET_DESCRIPTOR's wValue; size 0: there is none. Strings are made in a buffer of their
 * own, which the next call overwrites. */
usb_descriptor_t usb_descriptor(uint16_t type_and_index);

#endif
