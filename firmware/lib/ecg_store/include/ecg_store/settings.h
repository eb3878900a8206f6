/* The device's settings, in the first two sectors of its flash: one copy in each, written in turns, so that
 * the power may fail at any time and the copy before is still there. */
#ifndef ECG_STORE_SETTINGS_H
#define ECG_STORE_SETTINGS_H

#include "ecg_store/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_SETTINGS_VERSION 1u
#define ECG_SETTINGS_SECTORS 2u

/* Name, type, lowest value, highest value, default. A later version adds lines at the end, and changes none:
 * what an older firmware wrote gets their defaults. ECG_SETTINGS_FIELD_BYTES is the sum of the sizes. */
#define ECG_SETTINGS_FIELDS(X)                                                                 \
    X(adu_per_mv, uint16_t, 20u, 20000u, 1365u) /* gain: an AD8232 module, 12 bits at 3.3 V */ \
    X(mains_hz, uint8_t, 0u, 60u, 50u)          /* mains frequency to suppress: 0, 50 or 60 */ \
    X(live_alone, uint8_t, 0u, 1u, 1u)          /* 1: begin LIVE without a host */             \
    X(buzzer, uint8_t, 0u, 1u, 1u)              /* 1: sound alarms */                          \
    X(log_events, uint8_t, 0u, 1u, 1u)          /* 1: keep rhythm events in the log */         \
    X(host_timeout_s, uint8_t, 0u, 255u, 30u)   /* silence after which the host is away; 0: never */
#define ECG_SETTINGS_FIELD_BYTES 7u

typedef struct {
#define ECG_SETTINGS_MEMBER(name, type, low, high, initial) type name;
    ECG_SETTINGS_FIELDS(ECG_SETTINGS_MEMBER)
#undef ECG_SETTINGS_MEMBER
} ecg_settings_t;

/* Where the settings are from. */
#define ECG_SETTINGS_SOURCES(X)                                                        \
    X(ECG_SETTINGS_STORED, 0, "stored")                                                \
    X(ECG_SETTINGS_FIRST_START, 1, "defaults: none were stored yet")                   \
    X(ECG_SETTINGS_EARLIER, 2, "stored, but the last change was interrupted and lost") \
    X(ECG_SETTINGS_DAMAGED, 3, "defaults: both copies are damaged")                    \
    X(ECG_SETTINGS_NO_FLASH, 4, "defaults: the flash memory does not work")

typedef enum {
#define ECG_SETTINGS_SOURCE(name, number, text) name = (number),
    ECG_SETTINGS_SOURCES(ECG_SETTINGS_SOURCE)
#undef ECG_SETTINGS_SOURCE
} ecg_settings_source_t;

/** Set every field to its default.
 *
 *  @param[out] settings  fields
 */
void ecg_settings_defaults(ecg_settings_t *settings);

/** Are all fields within their limits?
 *
 *  @param settings  fields
 *  @return          false when one is not
 */
bool ecg_settings_are_valid(const ecg_settings_t *settings);

/** Read the newest intact copy, or set the defaults.
 *
 *  @param[in]  flash     memory
 *  @param[out] settings  fields, within their limits
 *  @return               where they are from
 */
ecg_settings_source_t ecg_settings_load(const ecg_flash_t *flash, ecg_settings_t *settings);

/** Write the copy that is not the newest.
 *
 *  Erases a sector first, during which some chips stand still: not while samples are taken.
 *
 *  @param flash     memory
 *  @param settings  fields
 *  @return          false when they are not valid, or when the memory failed; the copy before is intact
 */
bool ecg_settings_save(const ecg_flash_t *flash, const ecg_settings_t *settings);

#ifdef __cplusplus
}
#endif

#endif
