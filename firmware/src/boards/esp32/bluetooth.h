/* Bluetooth LE by NimBLE: heart rate, battery, and this project's own service. docs/reference/ble.md. */
#ifndef ECG_EDGE_ESP32_BLUETOOTH_H
#define ECG_EDGE_ESP32_BLUETOOTH_H

void bluetooth_init(void);

#endif
