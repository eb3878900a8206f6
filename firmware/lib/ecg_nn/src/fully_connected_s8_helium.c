#include "helium_private.h"

#ifdef ECG_NN_HELIUM

/* Two rows at a time; the last of an odd number is taken twice. */
static void weigh_rows(const ecg_nn_fully_connected_t *layer, ecg_nn_weighing_t *w, const int8_t *input,
                       int8_t *output) {
    const int32_t inputs = layer->inputs, outputs = layer->outputs, last = layer->rows - 1;
    ecg_nn_helium_weigh(w, (ecg_nn_inputs_t){input, input + inputs}, 2 * inputs, layer->rows / 2,
                        (ecg_nn_outputs_t){output, output + outputs}, 2 * outputs);
    if (layer->rows % 2 != 0) {
        input += last * inputs;
        output += last * outputs;
        ecg_nn_helium_weigh(w, (ecg_nn_inputs_t){input, input}, 0, 1, (ecg_nn_outputs_t){output, output}, 0);
    }
}

void ecg_nn_fully_connected_s8(const ecg_nn_fully_connected_t *layer, const int8_t *input, int8_t *output) {
    const int32_t inputs = layer->inputs, outputs = layer->outputs;
    int32_t sums[ECG_NN_SUMS][2];
    ecg_nn_weighing_t w;
    w.sums = sums;
    w.length = w.step = inputs;
    w.output = &layer->output;
    w.right = ecg_nn_helium_all_right(layer->channels, outputs);
    w.add = 0;
    w.finish = 1;
    for (int32_t c = 0; c < outputs; c += ECG_NN_SUMS) {
        w.weights = layer->weights + c * inputs;
        w.channels = &layer->channels[c];
        w.count = ecg_nn_min(outputs - c, ECG_NN_SUMS);
        weigh_rows(layer, &w, input, output + c);
    }
}

#endif
