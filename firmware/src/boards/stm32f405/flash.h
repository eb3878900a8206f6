/* The upper 640 KiB of the chip's flash, 5 sectors of 128 KiB, for settings and log. */
#ifndef ECG_EDGE_STM32F405_FLASH_H
#define ECG_EDGE_STM32F405_FLASH_H

#include "ecg_store/flash.h"

const ecg_flash_t *chip_flash(void);

#endif
