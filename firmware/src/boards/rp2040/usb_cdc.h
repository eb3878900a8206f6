/* A serial port on the board's own USB connector (CDC ACM), beside UART0. Baud rate and control lines mean
 * nothing.
 *
 * Bytes from the host wait in the host until they are read, so none is lost. Bytes to a host that does not
 * read are dropped. */
#ifndef ECG_EDGE_RP2040_USB_CDC_H
#define ECG_EDGE_RP2040_USB_CDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void usb_cdc_init(void);
size_t usb_cdc_read(uint8_t *bytes, size_t size);
bool usb_cdc_is_empty(void);

/* Send one frame; waits USB_PATIENCE_MS at most for a host that does not read. */
void usb_cdc_write(const uint8_t *bytes, size_t size);

#endif
