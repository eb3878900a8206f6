/* The boot self-test: is this the model that was verified, on the signal path it was trained on, with an
 * engine that computes the verified bytes? */
#ifndef ECG_EDGE_SELFTEST_H
#define ECG_EDGE_SELFTEST_H

#include <stdint.h>

#include "ecg_link/messages.h"
#include "ecg_nn/model.h"

/* ECG_LINK_READY, or the first check that failed. `fingerprint` is that of the C in this build which makes
 * the model's inputs. */
ecg_link_status_t selftest_run(const ecg_model_t *model, uint32_t fingerprint);

#endif
