/* A generated network and the model around it, as data: an application that holds several models runs each
 * through the same code. `ecg-edge export` writes <name>_network (network.c) and <name>_model (model_info.c).
 */
#ifndef ECG_NN_MODEL_H
#define ECG_NN_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An int8 input or output: real = scale * (q - zero_point). */
typedef struct {
    const char *name;
    uint32_t bytes;
    float scale;
    int16_t zero_point;
    uint8_t file_index; /* place among the inputs (outputs) of the .tflite file, by which TFLM numbers them */
} ecg_nn_tensor_t;

/* Run a network. arena: memory of the caller, `arena_bytes` of it, whose content does not outlive the call;
 * networks that do not run at the same time may share it. inputs, outputs: one pointer for each tensor, in
 * the order of the network's tables. Reentrant with an arena of its own. */
typedef void ecg_nn_run_t(int32_t *arena, const int8_t *const inputs[], int8_t *const outputs[]);

/* A generated network. Inputs and outputs are sorted by name. */
typedef struct {
    const char *name;
    const ecg_nn_tensor_t *inputs;
    const ecg_nn_tensor_t *outputs;
    uint8_t input_count;
    uint8_t output_count;
    uint32_t arena_bytes; /* a multiple of 4, may be 0 */
    uint32_t expected_checksum;
    ecg_nn_run_t *run;
    uint32_t (*checksum)(
        void); /* CRC-32/ISO-HDLC of the constants in memory: expected_checksum when intact */
} ecg_nn_network_t;

/* The same network as a flatbuffer, for TensorFlow Lite Micro. */
typedef struct {
    const uint8_t *data; /* aligned to 16 bytes */
    uint32_t bytes;
    uint32_t expected_crc32; /* CRC-32/ISO-HDLC of the data */
    uint32_t arena_bytes;
} ecg_nn_flatbuffer_t;

/* A classifier with one output. golden_*: inputs and TFLM's logits for the self-test, vector after vector. */
typedef struct {
    const char *name;
    const uint8_t *sha256;     /* of the .tflite file, 32 bytes */
    const char *labels;        /* of the logits, with commas between: "N,L,R,A,V" */
    uint32_t core_fingerprint; /* of the C that made the training beats, or strips */
    uint32_t logits_scale_q16; /* scale of the logits times 65536 */
    uint8_t label_count;
    uint8_t input_count;
    uint8_t golden_count;
    const ecg_nn_tensor_t *inputs;
    const int8_t *const *golden_inputs; /* one table for each input */
    const int8_t *golden_logits;
    const ecg_nn_network_t *network;       /* NULL in a build for TFLM */
    const ecg_nn_flatbuffer_t *flatbuffer; /* NULL in a build for the generated engine */
} ecg_model_t;

#ifdef ECG_NN_TRACE
/* Supplied by the program that is compiled with ECG_NN_TRACE: called after every operator with its output. */
void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes);
#endif

#ifdef __cplusplus
}
#endif

#endif
