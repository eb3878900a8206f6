/* Limits of a configuration, for all that take one. */
#ifndef ECG_CORE_CONFIG_H
#define ECG_CORE_CONFIG_H

#include <stdbool.h>

#include "ecg_core/ecg_core.h"

bool ecg_core_config_valid(const ecg_core_config_t *config);

#endif
