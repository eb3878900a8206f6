/* The partition "ecg" (firmware/partitions.csv), for settings and log. The library ecg_store keeps versions,
 * defaults and what a loss of power leaves; NVS has only the bonds of Bluetooth. */
#include "boards/board.h"
#include "esp_partition.h"

#define SECTOR_BYTES 4096u
#define SUBTYPE ((esp_partition_subtype_t)0x40) /* the first that is an application's own */

static const esp_partition_t *partition;

static bool flash_read(uint32_t offset, void *bytes, size_t size) {
    return esp_partition_read(partition, offset, bytes, size) == ESP_OK;
}

static bool flash_program(uint32_t offset, const void *bytes, size_t size) {
    return esp_partition_write(partition, offset, bytes, size) == ESP_OK;
}

static bool flash_erase(uint32_t sector) {
    return esp_partition_erase_range(partition, sector * SECTOR_BYTES, SECTOR_BYTES) == ESP_OK;
}

const ecg_flash_t *board_flash(void) {
    static ecg_flash_t memory = {
        .sector_bytes = SECTOR_BYTES, .read = flash_read, .program = flash_program, .erase = flash_erase};
    if (partition == NULL) {
        partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, SUBTYPE, "ecg");
        memory.sectors = partition != NULL ? partition->size / SECTOR_BYTES : 0;
    }
    return partition != NULL ? &memory : NULL;
}
