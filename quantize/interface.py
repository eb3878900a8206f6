"""The inputs that the device's C makes for a network: of beats, or of strips; with their quantization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from ecg_edge import firmware
from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.codegen.flatbuffer import Network

SCALE_TOLERANCE: Final = 1e-6  # relative: half a step of float32
BEAT_INPUTS: Final = {
    "beat": (firmware.BEAT_POINTS * firmware.BEAT_CHANNELS, firmware.BEAT_SCALE),
    "rhythm": (firmware.RHYTHM_FEATURES, firmware.RHYTHM_SCALE),
}
STRIP_INPUTS: Final = {"strip": (firmware.STRIP_POINTS, 1 / firmware.STRIP_STEPS_PER_MV)}
"""Number of elements and scale of each input; all zero points are 0."""


def signal_fingerprint(input_names: Iterable[str]) -> int:
    """Compute the fingerprint of the C that makes a network's inputs, as compiled for this computer."""
    is_strip = set(input_names) == STRIP_INPUTS.keys()
    return firmware.strip_fingerprint() if is_strip else firmware.fingerprint()


def check_inputs(network: Network, where: str) -> None:
    """Check names, sizes, scales and zero points of a network's inputs.

    Parameters
    ----------
    network : Network
    where : str
        Its name in error messages.

    Raises
    ------
    BundleError
        Names the input that differs and the remedy.
    """
    inputs = STRIP_INPUTS if network.inputs.keys() == STRIP_INPUTS.keys() else BEAT_INPUTS
    if network.inputs.keys() != inputs.keys():
        raise BundleError(
            f"{where}: inputs are {', '.join(network.inputs)}; the signal path gives beat and rhythm, or "
            "strip. Name the Keras inputs so."
        )
    for name, (elements, scale) in inputs.items():
        _check_input(network, name, elements, scale, where)


def _check_input(network: Network, name: str, elements: int, wanted: float, where: str) -> None:
    tensor = network.tensors[network.inputs[name]]
    if tensor.elements != elements:
        raise BundleError(
            f"{where}: input {name} has {tensor.elements} elements, the signal path gives {elements}. "
            "Change the model's input."
        )
    if tensor.quantization is None:
        raise BundleError(f"{where}: input {name} is not quantized. Quantize the model with int8 inputs.")
    scale, zero_point = float(tensor.quantization.scales[0]), int(tensor.quantization.zero_points[0])
    if zero_point != 0 or not np.isclose(scale, wanted, rtol=SCALE_TOLERANCE, atol=0):
        raise BundleError(
            f"{where}: input {name} is quantized with scale {scale:.9g} and zero point {zero_point}, but the "
            f"signal path gives scale {wanted:.9g} (1/{round(1 / wanted)}) and zero point 0. Quantize again "
            f"with a representative set that holds the extremes {-128 * wanted:g} and {127 * wanted:g} of "
            "this input."
        )
