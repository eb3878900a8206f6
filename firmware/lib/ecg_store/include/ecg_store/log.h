/* A log in flash: records of what happened, the newest in the place of the oldest. The power may fail at any
 * time: the record being written is lost, all others are intact.
 *
 * A sector begins with a header, written after it was erased: without a valid one it was not erased to the
 * end. Headers count upwards, so the order of sectors is known, and every sector is erased equally often.
 * Chips stand still while they erase. So ecg_log_prepare erases ahead while no samples are taken, and
 * ecg_log_append only programs. */
#ifndef ECG_STORE_LOG_H
#define ECG_STORE_LOG_H

#include "ecg_store/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_LOG_DATA_BYTES 16u
#define ECG_LOG_SECTORS_MAX 256u

typedef struct {
    uint16_t boot; /* number of the start in which it was written */
    uint8_t kind;  /* meaning is the application's */
    uint8_t detail;
    uint32_t seconds; /* since that start */
    uint32_t sample;
    uint8_t data[ECG_LOG_DATA_BYTES];
} ecg_log_record_t;

/* The caller's memory for the state; the functions below alone change it. */
typedef struct {
    const ecg_flash_t *flash;
    uint32_t first_sector, sectors; /* of the flash */
    uint32_t newest;                /* sector with the highest sequence number, counted from first_sector */
    uint32_t sequence;              /* its number; 0: there is none */
    uint32_t current;               /* sequence number of the sector that is written */
    uint32_t slot;                  /* next record in it */
    uint32_t lost;                  /* records that found no room, or failed to be written */
    bool failed;                    /* the memory did not keep what was written: nothing more is tried */
} ecg_log_t;

/** Find what is there; writes nothing.
 *
 *  @param[out] log           state
 *  @param[in]  flash         memory; kept
 *  @param[in]  first_sector  first sector of the log
 *  @param[in]  sectors       number of sectors, 2 to ECG_LOG_SECTORS_MAX
 */
void ecg_log_open(ecg_log_t *log, const ecg_flash_t *flash, uint32_t first_sector, uint32_t sectors);

/** Erase ahead, until half of the sectors have room; the oldest records in them are gone.
 *
 *  @param[in,out] log  state
 *  @return             false when the memory failed
 */
bool ecg_log_prepare(ecg_log_t *log);

/** Write a record behind the newest.
 *
 *  @param[in,out] log     state
 *  @param[in]     record  what happened
 *  @return                false, and counted in `lost`, when there is no room or the memory failed
 */
bool ecg_log_append(ecg_log_t *log, const ecg_log_record_t *record);

/** Records for which there is room before ecg_log_prepare is needed.
 *
 *  @param[in] log  state
 *  @return         number of records
 */
uint32_t ecg_log_room(const ecg_log_t *log);

/** Number of the oldest record that may be there.
 *
 *  @param[in] log  state
 *  @return         number for ecg_log_read
 */
uint32_t ecg_log_first(const ecg_log_t *log);

/** Number of the record that will be written next.
 *
 *  @param[in] log  state
 *  @return         number, after those of all records
 */
uint32_t ecg_log_end(const ecg_log_t *log);

/** Read a record.
 *
 *  @param[in]  log     state
 *  @param[in]  number  ecg_log_first to before ecg_log_end
 *  @param[out] record  what happened
 *  @return             false when its writing was interrupted, or when there is none of this number
 */
bool ecg_log_read(const ecg_log_t *log, uint32_t number, ecg_log_record_t *record);

#ifdef __cplusplus
}
#endif

#endif
