/* Endpoint 0 of USB: the host's requests. All of it runs in the interrupt. */
#ifndef ECG_EDGE_RP2040_USB_CONTROL_H
#define ECG_EDGE_RP2040_USB_CONTROL_H

#include <stdint.h>

/* The bus was reset: the device has no address. */
void usb_control_reset(void);

typedef struct {
    void (*configured)(void);           /* the host has chosen the configuration */
    void (*restarted)(uint8_t address); /* an endpoint's data toggle begins anew; bit 7: to the host */
} usb_control_ops_t;

/* A SETUP packet has come. */
void usb_control_setup(const usb_control_ops_t *ops);

/* Buffers are done; `done` as in BUFF_STATUS. */
void usb_control_buffers(uint32_t done);

#endif
