/* The boot self-test: is this the model that was verified, on the signal path it was trained on, with an
 * engine that computes the verified bytes? */
#ifndef ECG_EDGE_SELFTEST_H
#define ECG_EDGE_SELFTEST_H

#include <stdint.h>

#include "ecg_core/ecg_core.h"
#include "ecg_link/messages.h"
#include "ecg_nn/model.h"

/* ECG_LINK_READY, or the first check that failed. `core` is scratch; *fingerprint is this build's. */
ecg_link_status_t selftest_run(const ecg_model_t *model, ecg_core_t *core, uint32_t *fingerprint);

#endif
