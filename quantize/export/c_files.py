"""The C files of a bundle besides the generated engine: what the firmware knows of its model."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.bundle.golden import Golden
from ecg_edge.quantize.codegen.emit import banner, wrapped
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
    """What model_info.h states.

    Attributes
    ----------
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

    model: bytes
    generated: Generated
    labels: Sequence[str]
    logits_scale: float
    core_fingerprint: int
    tflm_arena_bytes: int
    golden: Golden
    sha256: str


def model_info_header(facts: ModelFacts) -> str:
    """Text of model_info.h."""
    golden = facts.golden
    arrays = "\n".join(
        f"extern const int8_t ecg_model_golden_{name}[ECG_MODEL_GOLDEN_COUNT][{values[0].size}];"
        for name, values in _golden_arrays(golden).items()
    )
    return f"""{banner(facts.sha256)}#ifndef MODEL_INFO_H
#define MODEL_INFO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define ECG_MODEL_LABEL_COUNT {len(facts.labels)}
#define ECG_MODEL_LABELS "{",".join(facts.labels)}"
#define ECG_MODEL_LOGITS_SCALE_Q16 {round(facts.logits_scale * 65536)} /* one step of a logit, times 65536 */

/* What ecg_core_fingerprint gives for the signal path that made the training beats. */
#define ECG_MODEL_CORE_FINGERPRINT 0x{facts.core_fingerprint:08X}u

/* CRC-32/ISO-HDLC of ecg_model_data, and the arena that TFLM needs for it. */
#define ECG_MODEL_DATA_CRC32 0x{zlib.crc32(facts.model):08X}u
#define ECG_MODEL_TFLM_ARENA_BYTES {facts.tflm_arena_bytes}

/* Inputs and TFLM's logits for the self-test at boot. */
#define ECG_MODEL_GOLDEN_COUNT {len(golden.logits)}

extern const uint8_t ecg_model_sha256[32];
{arrays}

#ifdef __cplusplus
}}
#endif

#endif
"""


def model_info_source(facts: ModelFacts) -> str:
    """Text of model_info.c."""
    sha256 = wrapped((f"0x{byte:02X}" for byte in bytes.fromhex(facts.sha256)), 4)
    tables = "\n".join(_golden_table(name, values) for name, values in _golden_arrays(facts.golden).items())
    return (
        f'{banner(facts.sha256)}\n#include "model_info.h"\n\n'
        f"const uint8_t ecg_model_sha256[32] = {{\n{sha256}\n}};\n\n{tables}"
    )


def _golden_arrays(golden: Golden) -> dict[str, npt.NDArray[np.int8]]:
    return {**golden.inputs, "logits": golden.logits}


def _golden_table(name: str, values: npt.NDArray[np.int8]) -> str:
    rows = values.reshape(len(values), -1)
    text = "\n".join(f"    {{\n{wrapped(map(str, row), 8)}\n    }}," for row in rows)
    return (
        f"const int8_t ecg_model_golden_{name}[ECG_MODEL_GOLDEN_COUNT][{rows.shape[1]}] = {{\n{text}\n}};\n"
    )


def model_data_header(model: bytes, sha256: str) -> str:
    """Text of model_data.h."""
    return f"""{banner(sha256)}#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define ECG_MODEL_DATA_BYTES {len(model)}

/* The flatbuffer for TFLM, aligned to 16 bytes as it asks. */
extern const uint8_t ecg_model_data[ECG_MODEL_DATA_BYTES];

#ifdef __cplusplus
}}
#endif

#endif
"""


def model_data_source(model: bytes, sha256: str) -> str:
    """Text of model_data.c."""
    return (
        f'{banner(sha256)}\n#include "model_data.h"\n\n'
        "const uint8_t ecg_model_data[ECG_MODEL_DATA_BYTES] __attribute__((aligned(16))) = {\n"
        f"{wrapped((f'0x{byte:02X}' for byte in model), 4)}\n}};\n"
    )


def op_resolver_header(operators: Iterable[str], sha256: str) -> str:
    """Text of op_resolver.h, for C++."""
    names = sorted(set(operators))
    calls = " &&\n           ".join(f"resolver.{RESOLVER_NAMES[name]}() == kTfLiteOk" for name in names)
    return f"""{banner(sha256)}#ifndef OP_RESOLVER_H
#define OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using EcgOpResolver = tflite::MicroMutableOpResolver<{len(names)}>;

/* Give the resolver the operators of this model, and no others; false when one does not fit. */
inline bool ecg_add_operators(EcgOpResolver &resolver) {{
    return {calls};
}}

#endif
"""
