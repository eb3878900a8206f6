/* The second network: a label for the last 10 s of the signal, every 5 s, where the image has a model with
 * the one input `strip`. Without one every function here does nothing. */
#ifndef ECG_EDGE_MORPHOLOGY_H
#define ECG_EDGE_MORPHOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "ecg_core/ecg_core.h"
#include "ecg_link/messages.h"
#include "ecg_nn/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is this a model of strips? */
bool app_morphology_takes(const ecg_model_t *model);

/* The image's first model of strips; NULL when there is none. */
const ecg_model_t *app_morphology_model(void);

/* ecg_strip_fingerprint of this build. Works in the memory of a session, so not during one. */
uint32_t app_morphology_fingerprint(void);

/* A new session; results go to `sender`. */
void app_morphology_start(const ecg_core_config_t *config, ecg_link_sender_t *sender);

/* Take one sample; true: a strip is due, call app_morphology_run before the next sample. */
bool app_morphology_push(int16_t sample_adu);

/* Run the network on the strip whose last sample is `sample`, and count it in *totals. */
void app_morphology_run(uint32_t sample, ecg_link_done_t *totals);

/* Send the result that waits, once the signal is decided for all of its strip. To be called with every change
 * of the signal between bad and good, and every 100 ms. */
void app_morphology_settle(const ecg_core_signal_t *signal);

/* The signal has ended: send the result that waits. */
void app_morphology_finish(void);

#ifdef __cplusplus
}
#endif

#endif
