"""C files of a bundle besides the generated engine: the model's labels, hashes and golden vectors."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.bundle.golden import Golden
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT, c_string
from ecg_edge.quantize.codegen.emit import banner, tensor_entry, wrapped
from ecg_edge.quantize.codegen.flatbuffer import Network
from ecg_edge.quantize.codegen.generate import Generated

# The operators of the generated engine under the names of TFLM's MicroMutableOpResolver.
RESOLVER_NAMES = {
    "ADD": "AddAdd",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "EXPAND_DIMS": "AddExpandDims",
    "FULLY_CONNECTED": "AddFullyConnected",
    "LOGISTIC": "AddLogistic",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "PAD": "AddPad",
    "QUANTIZE": "AddQuantize",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "SOFTMAX": "AddSoftmax",
    "SQUEEZE": "AddSqueeze",
}


@dataclass(frozen=True)
class ModelFacts:
    """Content of model_info.h and model_info.c.

    Attributes
    ----------
    name : str
        The model's name.
    model : bytes
        The `.tflite` file.
    generated : Generated
        The engine generated from it.
    labels : sequence of str
        The class of each output.
    logits_scale : float
        Real value of one step of the output.
    core_fingerprint : int
        `ecg_core_fingerprint` of the signal path.
    tflm_arena_bytes : int
        Arena for TFLM, margin included.
    golden : Golden
        The vectors that the device checks at boot.
    sha256 : str
        SHA-256 of the model, in hexadecimal.
    """

    name: str
    model: bytes
    generated: Generated
    labels: Sequence[str]
    logits_scale: float
    core_fingerprint: int
    tflm_arena_bytes: int
    golden: Golden
    sha256: str

    @property
    def prefix(self) -> str:
        """Prefix of the macros; in lower case that of the other symbols."""
        return self.generated.name.upper()


def model_header(facts: ModelFacts) -> str:
    """Format model.h: the model under the names that a firmware with one model uses."""
    return f"""{banner(facts.sha256)}#ifndef ECG_MODEL_H
#define ECG_MODEL_H

/* The model of a firmware that has one. A firmware with several has a model.h of its own, which includes the
 * headers of each and gives the size of the largest arena. */
#include "model_info.h"

#define ECG_MODEL {facts.generated.name}_model
#define ECG_MODELS {{&{facts.generated.name}_model}}
#define ECG_MODEL_LABELS {facts.prefix}_LABELS

#ifdef ECG_ENGINE_TFLM
#define ECG_MODEL_ARENA_BYTES {facts.prefix}_TFLM_ARENA_BYTES
#define ECG_MODEL_OPERATOR_KINDS {facts.prefix}_OPERATOR_KINDS
#define ECG_MODEL_ADD_OPERATORS {facts.generated.name}_add_operators
#else
#include "network.h"
#define ECG_MODEL_ARENA_BYTES {facts.prefix}_ARENA_BYTES
#endif

#endif
"""


def model_info_header(facts: ModelFacts) -> str:
    """Format model_info.h."""
    name, prefix = facts.generated.name, facts.prefix
    labels = ",".join(map(c_string, facts.labels))
    fingerprint = "ecg_core_fingerprint of the signal path that made the training beats"
    if STRIP_INPUT in facts.golden.inputs:
        fingerprint = "ecg_strip_fingerprint of the C that made the training strips"
    return f"""{banner(facts.sha256)}#ifndef {prefix}_MODEL_INFO_H
#define {prefix}_MODEL_INFO_H

#include <ecg_nn/model.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {prefix}_LABEL_COUNT {len(facts.labels)}
#define {prefix}_LABELS "{labels}"
#define {prefix}_LOGITS_SCALE_Q16 {round(facts.logits_scale * 65536)} /* one step of a logit, times 65536 */

/* {fingerprint}. */
#define {prefix}_CORE_FINGERPRINT 0x{facts.core_fingerprint:08X}u

/* Arena for TensorFlow Lite Micro. */
#define {prefix}_TFLM_ARENA_BYTES {facts.tflm_arena_bytes}

/* Inputs and TFLM's logits for the self-test at boot. */
#define {prefix}_GOLDEN_COUNT {len(facts.golden.logits)}

extern const ecg_model_t {name}_model;

#ifdef __cplusplus
}}
#endif

#endif
"""


def model_info_source(facts: ModelFacts) -> str:
    """Format model_info.c."""
    name, prefix, golden = facts.generated.name, facts.prefix, facts.golden
    sha256 = wrapped((f"0x{byte:02X}" for byte in bytes.fromhex(facts.sha256)), 4)
    inputs = facts.generated.program.network.inputs
    arrays = {**{key: golden.inputs[key] for key in inputs}, "logits": golden.logits}
    tables = "\n".join(_golden_table(key, prefix, values) for key, values in arrays.items())
    pointers = ", ".join(f"&golden_{key}[0][0]" for key in inputs)
    return f"""{banner(facts.sha256)}
#include "model_info.h"

#ifdef ECG_ENGINE_TFLM
#include "model_data.h"

static const ecg_nn_tensor_t {name}_inputs[] = {{
{_input_table(facts.generated.program.network)}
}};
#else
#include "network.h"
#endif

static const uint8_t sha256[32] = {{
{sha256}
}};

{tables}
static const int8_t *const golden_inputs[] = {{{pointers}}};

const ecg_model_t {name}_model = {{
    .name = "{c_string(facts.name)}",
    .sha256 = sha256,
    .labels = {prefix}_LABELS,
    .core_fingerprint = {prefix}_CORE_FINGERPRINT,
    .logits_scale_q16 = {prefix}_LOGITS_SCALE_Q16,
    .label_count = {prefix}_LABEL_COUNT,
    .input_count = {len(inputs)},
    .golden_count = {prefix}_GOLDEN_COUNT,
    .inputs = {name}_inputs,
    .golden_inputs = golden_inputs,
    .golden_logits = &golden_logits[0][0],
#ifdef ECG_ENGINE_TFLM
    .flatbuffer = &{name}_flatbuffer,
#else
    .network = &{name}_network,
#endif
}};
"""


def _input_table(network: Network) -> str:
    return "\n".join(
        f"    {tensor_entry(key, network.tensors[index], network.input_order.index(index))}"
        for key, index in network.inputs.items()
    )


def _golden_table(name: str, prefix: str, values: npt.NDArray[np.int8]) -> str:
    rows = values.reshape(len(values), -1)
    text = "\n".join(f"    {{\n{wrapped(map(str, row), 8)}\n    }}," for row in rows)
    return f"static const int8_t golden_{name}[{prefix}_GOLDEN_COUNT][{rows.shape[1]}] = {{\n{text}\n}};\n"


def model_data_header(facts: ModelFacts) -> str:
    """Format model_data.h."""
    name, prefix = facts.generated.name, facts.prefix
    return f"""{banner(facts.sha256)}#ifndef {prefix}_MODEL_DATA_H
#define {prefix}_MODEL_DATA_H

#include <ecg_nn/model.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {prefix}_DATA_BYTES {len(facts.model)}

extern const ecg_nn_flatbuffer_t {name}_flatbuffer;

#ifdef __cplusplus
}}
#endif

#endif
"""


def model_data_source(facts: ModelFacts) -> str:
    """Format model_data.c."""
    name, prefix = facts.generated.name, facts.prefix
    return f"""{banner(facts.sha256)}
#include "model_data.h"

#include "model_info.h"

/* TFLM reads the flatbuffer in place and expects it at a multiple of 16 bytes. */
static const uint8_t data[{prefix}_DATA_BYTES] __attribute__((aligned(16))) = {{
{wrapped((f"0x{byte:02X}" for byte in facts.model), 4)}
}};

const ecg_nn_flatbuffer_t {name}_flatbuffer = {{
    .data = data,
    .bytes = sizeof data,
    .expected_crc32 = 0x{zlib.crc32(facts.model):08X}u,
    .arena_bytes = {prefix}_TFLM_ARENA_BYTES,
}};
"""


def op_resolver_header(facts: ModelFacts, operators: Iterable[str]) -> str:
    """Format op_resolver.h, for C++."""
    name, prefix = facts.generated.name, facts.prefix
    kinds = sorted(set(operators))
    calls = " &&\n           ".join(f"resolver.{RESOLVER_NAMES[kind]}() == kTfLiteOk" for kind in kinds)
    return f"""{banner(facts.sha256)}#ifndef {prefix}_OP_RESOLVER_H
#define {prefix}_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

#define {prefix}_OPERATOR_KINDS {len(kinds)}

/* Give a resolver the operators of this model, and no others; false when one does not fit. */
template <typename Resolver>
bool {name}_add_operators(Resolver &resolver) {{
    return {calls};
}}

#endif
"""
