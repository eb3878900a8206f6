/* One direction of one endpoint of the USB controller: a packet at a time, in a buffer of the controller's
 * own RAM. */
#ifndef ECG_EDGE_RP2040_USB_ENDPOINT_H
#define ECG_EDGE_RP2040_USB_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t number;         /* 0 to 15 */
    bool is_in;             /* to the host */
    uint16_t buffer;        /* offset in the controller's RAM, a multiple of 64 */
    bool is_data1;          /* data toggle of the next packet */
    volatile bool is_armed; /* waits for the host */
} usb_endpoint_t;

/* Let the host use an endpoint above 0. `type`: USB_ENDPOINT_BULK or USB_ENDPOINT_INTERRUPT. */
void usb_endpoint_open(usb_endpoint_t *endpoint, uint32_t type);

/* Offer a packet to the host. */
void usb_endpoint_send(usb_endpoint_t *endpoint, const uint8_t *bytes, uint32_t size);

/* Accept a packet of up to `size` bytes from the host. */
void usb_endpoint_accept(usb_endpoint_t *endpoint, uint32_t size);

/* Size of the packet that came, and its bytes from `from` on. */
uint32_t usb_endpoint_size(const usb_endpoint_t *endpoint);
void usb_endpoint_copy(const usb_endpoint_t *endpoint, uint32_t from, uint8_t *bytes, uint32_t size);

/* The host begins with DATA0 again: so does the endpoint, with the packet that waits. */
void usb_endpoint_restart(usb_endpoint_t *endpoint);

/* Answer the host with STALL until the next SETUP packet: the request is not supported. */
void usb_endpoint_stall(usb_endpoint_t *endpoint);

/* Bit of BUFF_STATUS. */
uint32_t usb_endpoint_bit(const usb_endpoint_t *endpoint);

#endif
