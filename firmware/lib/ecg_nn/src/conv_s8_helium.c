#include "helium_private.h"

#ifdef ECG_NN_HELIUM

/* The stretch of `taps` neighbouring kernel taps of which the first stands at (y, x). */
static ecg_nn_stretch_t stretch_at(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y, int32_t x,
                                   int32_t taps) {
    const int inside = y >= 0 && y < layer->input_height;
    const int32_t depth = layer->input_channels;
    const int32_t begin = inside ? ecg_nn_clamp(-x, 0, taps) : 0;
    const int32_t end = inside ? ecg_nn_clamp(layer->input_width - x, 0, taps) : 0;
    return (ecg_nn_stretch_t){input + (y * layer->input_width + x) * depth, begin * depth, end * depth};
}

/* Two positions of a row, whose windows begin at columns `xa` and `xb`. */
static void weigh_window(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t xa, int32_t xb,
                         ecg_nn_weighing_t *w, ecg_nn_outputs_t outputs) {
    const int32_t taps = layer->dilation_width == 1 ? layer->kernel_width : 1;
    const int8_t *const first = w->weights, *const end = first + w->step;
    w->length = taps * layer->input_channels;
    for (int32_t ky = 0; ky < layer->kernel_height; ++ky) {
        const int32_t y = y0 + ky * layer->dilation_height;
        for (int32_t kx = 0; kx < layer->kernel_width; kx += taps, w->weights += w->length) {
            const int32_t dx = kx * layer->dilation_width;
            const ecg_nn_stretch_t a = stretch_at(layer, input, y, xa + dx, taps);
            const ecg_nn_stretch_t b = stretch_at(layer, input, y, xb + dx, taps);
            w->add = w->weights != first;
            w->finish = w->weights + w->length == end;
            ecg_nn_helium_weigh_padded(w, &a, &b, layer->input_zero_point, outputs);
        }
    }
}

/* Output columns `x` and, unless it is the last, `x` + 1. */
static void two_positions(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t x, int right,
                          int8_t *output) {
    const int32_t next = ecg_nn_min(x + 1, layer->output_width - 1), channels = layer->output_channels;
    int32_t sums[ECG_NN_SUMS][2];
    ecg_nn_weighing_t w;
    w.sums = sums;
    w.step = layer->kernel_height * layer->kernel_width * layer->input_channels;
    w.output = &layer->output;
    w.right = right;
    for (int32_t c = 0; c < channels; c += ECG_NN_SUMS) {
        w.weights = layer->weights + c * w.step;
        w.channels = &layer->channels[c];
        w.count = ecg_nn_min(channels - c, ECG_NN_SUMS);
        weigh_window(layer, input, y0, x * layer->stride_width - layer->pad_left,
                     next * layer->stride_width - layer->pad_left, &w,
                     (ecg_nn_outputs_t){output + x * channels + c, output + next * channels + c});
    }
}

void ecg_nn_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int right = ecg_nn_helium_all_right(layer->channels, layer->output_channels);
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; x += 2) {
            two_positions(layer, input, y * layer->stride_height - layer->pad_top, x, right, output);
        }
        output += layer->output_width * layer->output_channels;
    }
}

#endif
