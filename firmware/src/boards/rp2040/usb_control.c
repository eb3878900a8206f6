#include "usb_control.h"

#include <stdbool.h>
#include <stddef.h>

#include "registers.h"
#include "usb_descriptors.h"
#include "usb_endpoint.h"

#define CONTROL_BUFFER 0x100u

/* Type and number of a request in one word, bmRequestType | bRequest << 8 (USB 2.0, 9.3 and 9.4; CDC
 * PSTN 1.2, 6.3). */
#define GET_STATUS_DEVICE 0x0080u
#define GET_STATUS_INTERFACE 0x0081u
#define GET_STATUS_ENDPOINT 0x0082u
#define CLEAR_FEATURE_ENDPOINT 0x0102u
#define SET_ADDRESS 0x0500u
#define GET_DESCRIPTOR 0x0680u
#define GET_CONFIGURATION 0x0880u
#define SET_CONFIGURATION 0x0900u
#define GET_INTERFACE 0x0A81u
#define SET_INTERFACE 0x0B01u
#define SET_LINE_CODING 0x2021u
#define GET_LINE_CODING 0x21A1u
#define SET_CONTROL_LINE_STATE 0x2221u

#define LINE_CODING_BYTES 7u

static usb_endpoint_t in = {.number = 0, .is_in = true, .buffer = CONTROL_BUFFER};
static usb_endpoint_t out = {.number = 0, .is_in = false, .buffer = CONTROL_BUFFER};

static usb_descriptor_t reply; /* what is still to be sent */
static bool ends_short;     /* the reply is shorter than the host asked: a packet that is not full ends it */
static uint8_t new_address; /* takes effect after the request that sets it */
static bool takes_line_coding; /* the next packet of the host is one */
static uint8_t configuration;  /* 0 or 1 */
static uint8_t line_coding[LINE_CODING_BYTES] = {0x00, 0x10, 0x0E, 0x00,
                                                 0,    0,    8}; /* 921600 8N1; kept, not used */

void usb_control_reset(void) {
    USB->ADDR_ENDP = 0;
    new_address = 0;
    configuration = 0;
    takes_line_coding = false;
    reply = (usb_descriptor_t){NULL, 0};
    ends_short = false;
}

static void acknowledge(void) {
    in.is_data1 = true;
    usb_endpoint_send(&in, NULL, 0);
}

static void send_next(void) {
    const uint16_t size = reply.size < USB_CONTROL_BYTES ? reply.size : USB_CONTROL_BYTES;
    usb_endpoint_send(&in, reply.bytes, size);
    reply.bytes += size;
    reply.size = (uint16_t)(reply.size - size);
    ends_short = ends_short && size == USB_CONTROL_BYTES;
}

static void answer(usb_descriptor_t what, uint16_t wanted) {
    ends_short = what.size < wanted;
    reply = (usb_descriptor_t){what.bytes, what.size < wanted ? what.size : wanted};
    send_next();
}

static void refuse(void) {
    usb_endpoint_stall(&in);
    usb_endpoint_stall(&out);
}

/* What the host asks for; size 0: not supported. */
static usb_descriptor_t find_reply(uint32_t request, uint16_t value) {
    static const uint8_t ZEROS[2] = {0, 0};
    switch (request) {
        case GET_DESCRIPTOR:
            return usb_descriptor(value);
        case GET_CONFIGURATION:
            return (usb_descriptor_t){&configuration, 1};
        case GET_INTERFACE:
            return (usb_descriptor_t){ZEROS, 1};
        case GET_STATUS_DEVICE:
        case GET_STATUS_INTERFACE:
        case GET_STATUS_ENDPOINT:
            return (usb_descriptor_t){ZEROS, 2};
        case GET_LINE_CODING:
            return (usb_descriptor_t){line_coding, LINE_CODING_BYTES};
        default:
            return (usb_descriptor_t){NULL, 0};
    }
}

static bool configure(uint16_t value, const usb_control_ops_t *ops) {
    configuration = value == 1;
    if (configuration == 1) {
        ops->configured();
    }
    return value <= 1;
}

/* Do what the host asks; false: not supported. */
static bool obey(uint32_t request, uint16_t value, uint8_t index, const usb_control_ops_t *ops) {
    switch (request) {
        case SET_ADDRESS:
            new_address = (uint8_t)value;
            return true;
        case SET_CONFIGURATION:
            return configure(value, ops);
        case CLEAR_FEATURE_ENDPOINT:
            ops->restarted(index);
            return true;
        case SET_CONTROL_LINE_STATE:
        case SET_INTERFACE:
            return true;
        default:
            return false;
    }
}

void usb_control_setup(const usb_control_ops_t *ops) {
    const uint32_t head = USB_RAM->setup[0], tail = USB_RAM->setup[1];
    const uint32_t request = head & 0xFFFFu;
    const uint16_t value = (uint16_t)(head >> 16), wanted = (uint16_t)(tail >> 16);
    const usb_descriptor_t found = find_reply(request, value);
    in.is_data1 = true;
    out.is_data1 = true;
    reply = (usb_descriptor_t){NULL, 0};
    takes_line_coding = request == SET_LINE_CODING;
    if (takes_line_coding) {
        usb_endpoint_accept(&out, USB_CONTROL_BYTES);
    } else if (found.size > 0) {
        answer(found, wanted);
    } else if (obey(request, value, (uint8_t)tail, ops)) {
        acknowledge();
    } else {
        refuse();
    }
}

/* A packet went to the host: the rest of the reply, or the host's acknowledgement, or the new address. */
static void sent(void) {
    if (reply.size > 0 || ends_short) {
        send_next();
    } else if (reply.bytes != NULL) {
        reply.bytes = NULL;
        usb_endpoint_accept(&out, USB_CONTROL_BYTES);
    } else if (new_address != 0) {
        USB->ADDR_ENDP = new_address;
        new_address = 0;
    }
}

static void received(void) {
    if (takes_line_coding) {
        takes_line_coding = false;
        usb_endpoint_copy(&out, 0, line_coding, LINE_CODING_BYTES);
        acknowledge();
    }
}

void usb_control_buffers(uint32_t done) {
    if (done & usb_endpoint_bit(&in)) {
        sent();
    }
    if (done & usb_endpoint_bit(&out)) {
        received();
    }
}
