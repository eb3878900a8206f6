/* A file as the flash memory of settings and log. */
#ifndef ECG_EDGE_NATIVE_FLASH_H
#define ECG_EDGE_NATIVE_FLASH_H

#include <stdbool.h>

#include "ecg_store/flash.h"

/* Open the file; its size is that of the memory, and a new one gets 64 KiB. false: it cannot be used. */
bool flash_open(const char *path);

/* The memory; without a file in RAM alone. */
const ecg_flash_t *flash_memory(void);

/* From now on nothing can be written. */
void flash_fail(void);

#endif
