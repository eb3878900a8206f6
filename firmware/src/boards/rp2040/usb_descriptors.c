#include "usb_descriptors.h"

#include <stddef.h>

#include "pins.h"

/* USB 2.0, chapter 9; CDC 1.2 and its PSTN subclass. */
#define DEVICE 1u
#define CONFIGURATION 2u
#define STRING 3u
#define INTERFACE 4u
#define ENDPOINT 5u
#define ASSOCIATION 11u
#define CLASS_SPECIFIC 0x24u

#define COMMUNICATIONS_CLASS 2u
#define ABSTRACT_CONTROL 2u
#define DATA_CLASS 10u
#define MISCELLANEOUS_CLASS 0xEFu

#define BULK 2u
#define INTERRUPT 3u
#define IN 0x80u

#define LOW(word) ((uint8_t)((word)&0xFFu))
#define HIGH(word) ((uint8_t)((word) >> 8))
#define WORD(word) LOW(word), HIGH(word)
#define CONFIGURATION_BYTES 75u

static const uint8_t DEVICE_DESCRIPTOR[] = {
    18,
    DEVICE,
    WORD(0x0200), /* USB 2.0 */
    MISCELLANEOUS_CLASS,
    2,
    1, /* interfaces are grouped by an association */
    USB_CONTROL_BYTES,
    WORD(BOARD_USB_VENDOR),
    WORD(BOARD_USB_PRODUCT),
    WORD(0x0100), /* release of the device */
    1,
    2,
    0, /* strings: manufacturer, product, no serial number */
    1, /* configuration */
};

static const uint8_t CONFIGURATION_DESCRIPTOR[] = {
    9,
    CONFIGURATION,
    WORD(CONFIGURATION_BYTES),
    2,
    1,
    0,
    0x80,
    50, /* powered by the bus, 100 mA */
    8,
    ASSOCIATION,
    0,
    2,
    COMMUNICATIONS_CLASS,
    ABSTRACT_CONTROL,
    0,
    0,
    9,
    INTERFACE,
    0,
    0,
    1,
    COMMUNICATIONS_CLASS,
    ABSTRACT_CONTROL,
    0,
    0,
    5,
    CLASS_SPECIFIC,
    0,
    WORD(0x0120), /* header, CDC 1.2 */
    5,
    CLASS_SPECIFIC,
    1,
    0,
    1, /* call management: none; data on interface 1 */
    4,
    CLASS_SPECIFIC,
    2,
    2, /* abstract control: line coding and control lines */
    5,
    CLASS_SPECIFIC,
    6,
    0,
    1, /* union of interfaces 0 and 1 */
    7,
    ENDPOINT,
    IN | USB_EP_NOTIFY,
    INTERRUPT,
    WORD(USB_NOTIFY_BYTES),
    255,
    9,
    INTERFACE,
    1,
    0,
    2,
    DATA_CLASS,
    0,
    0,
    0,
    7,
    ENDPOINT,
    USB_EP_DATA,
    BULK,
    WORD(USB_OUT_BYTES),
    0,
    7,
    ENDPOINT,
    IN | USB_EP_DATA,
    BULK,
    WORD(USB_IN_BYTES),
    0,
};
typedef char configuration_has_its_size[sizeof CONFIGURATION_DESCRIPTOR == CONFIGURATION_BYTES ? 1 : -1];

static const uint8_t LANGUAGES[] = {4, STRING, WORD(0x0409)}; /* English, United States */
static const char *const STRINGS[] = {"ecg-edge", "ECG monitor"};
#define STRING_COUNT (sizeof STRINGS / sizeof STRINGS[0])
#define STRING_CHARACTERS 16u

/* UTF-16 of an ASCII string behind its two bytes of head. */
static usb_descriptor_t string(uint8_t number) {
    static uint8_t made[2u + 2u * STRING_CHARACTERS];
    const char *text = STRINGS[number - 1u];
    uint8_t size = 2;
    for (size_t i = 0; i < STRING_CHARACTERS && text[i] != '\0'; i++) {
        made[size++] = (uint8_t)text[i];
        made[size++] = 0;
    }
    made[0] = size;
    made[1] = STRING;
    return (usb_descriptor_t){made, size};
}

usb_descriptor_t usb_descriptor(uint16_t type_and_index) {
    const uint8_t type = HIGH(type_and_index), index = LOW(type_and_index);
    if (type == DEVICE) {
        return (usb_descriptor_t){DEVICE_DESCRIPTOR, sizeof DEVICE_DESCRIPTOR};
    }
    if (type == CONFIGURATION) {
        return (usb_descriptor_t){CONFIGURATION_DESCRIPTOR, sizeof CONFIGURATION_DESCRIPTOR};
    }
    if (type == STRING && index == 0) {
        return (usb_descriptor_t){LANGUAGES, sizeof LANGUAGES};
    }
    if (type == STRING && index <= STRING_COUNT) {
        return string(index);
    }
    return (usb_descriptor_t){NULL, 0};
}
