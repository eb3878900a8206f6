"""Measure random layers on emulated cores and fit the cost model of the generator to them.

`python tests/quantize/fit_cost.py` prints the factors for `quantize/codegen/cost.py`.
"""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.bench.cores import M3, M4, Core
from ecg_edge.quantize.bench.image import Case, run_on
from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.codegen.cost import MODELS, Shape, shape_of
from ecg_edge.quantize.codegen.generate import Generated, generate
from ecg_edge.quantize.codegen.ir import KernelVariant
from tests.support.harness import random_inputs
from tests.support.random_networks import SAME, Builder, T, options, window_of, zero_blocks

LAYERS = 6  # a network
LARGEST = 1500  # elements of a tensor
CORES = {KernelVariant.ARM_DSP: M4, KernelVariant.PORTABLE: M3}


@dataclass(frozen=True)
class Sample:
    """A layer and what it took."""

    kernel: str
    shape: Shape
    instructions: float


def layers_network(seed: int, density: float) -> bytes:
    """Layers beside each other: convolutions along the width, and fully connected ones."""
    b, outputs = Builder(seed), []
    while len(outputs) < LAYERS:
        made = _conv(b, density) if b.rng.random() < 0.7 else _fully_connected(b, density)
        outputs += [made] if made else []
    return b.finish(outputs)


def _conv(b: Builder, density: float) -> T | None:
    width, depth = int(b.rng.integers(4, 70)), int(b.rng.choice([1, 2, 4, 8, 12, 16, 24, 32]))
    kernel, stride = int(b.rng.choice([1, 3, 5, 7])), int(b.rng.choice([1, 2]))
    channels = int(b.rng.choice([4, 8, 16, 24, 32]))
    if max(kernel * depth, 8) > 160 or width * max(depth, channels) > LARGEST:
        return None
    source = b.input((1, 1, width, depth), 0.05, int(b.rng.integers(-128, 128)))
    window = window_of(source, (1, kernel), (1, stride), (1, 1), SAME)
    assert window is not None
    settings = options(
        "Conv2DOptions", padding=SAME, strideH=1, strideW=stride, dilationHFactor=1, dilationWFactor=1
    )
    inputs = [source.index, *_weights(b, (channels, 1, kernel, depth), density)]
    return b.operator("CONV_2D", inputs, b.activation((1, *window[-1], channels), 0.3, 5), settings)


def _fully_connected(b: Builder, density: float) -> T:
    depth, outputs = int(b.rng.choice([8, 16, 32, 40, 64, 100])), int(b.rng.choice([4, 5, 8, 16, 24, 32]))
    source = b.input((1, depth), 0.05, 3)
    inputs = [source.index, *_weights(b, (outputs, depth), density)]
    return b.operator(
        "FULLY_CONNECTED", inputs, b.activation((1, outputs), 0.3, 5), options("FullyConnectedOptions")
    )


def _weights(b: Builder, shape: tuple[int, ...], density: float) -> list[int]:
    values = zero_blocks(b.rng, b.rng.integers(-127, 128, shape).astype(np.int8), density)
    return [b.tensor(shape, [0.01] * shape[0], [0] * shape[0], data=values)]


def measure(form: KernelVariant, seeds: range, folder: Path) -> list[Sample]:
    """Layers of random networks, dense and sparse, on the core of a form."""
    samples: list[Sample] = []
    for seed in seeds:
        model = layers_network(seed, [0.05, 0.2, 0.4, 0.7, 1.0][seed % 5])
        for policy in ("never", "always"):
            samples += _samples(CORES[form], form, model, generate(model, policy=policy), folder)
    return samples


def _samples(
    core: Core, form: KernelVariant, model: bytes, generated: Generated, folder: Path
) -> list[Sample]:
    inputs = random_inputs(generated, np.random.default_rng(0))
    ordered = [inputs[name] for name in generated.program.network.inputs]
    outcome = run_on(core, [generated], [Case(0, ordered, tflm_layers(model, generated, inputs))], folder)
    assert outcome.differing == 0
    program = generated.programs[form]
    return [
        Sample(step.calls[0].kernel, shape_of(program, step), float(count))
        for step, count in zip(program.steps, outcome.layers, strict=True)
    ]


def _terms(sample: Sample, group: int) -> list[float]:
    shape = sample.shape
    positions = math.ceil(shape.positions / group) * group
    return [
        1,
        shape.window_blocks,
        *(positions * n for n in (1, shape.window_blocks, shape.channels, shape.blocks)),
    ]


def fit(samples: list[Sample], group: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Factors with the least relative errors, none negative, and these errors."""
    from scipy.optimize import nnls

    counts = np.array([sample.instructions for sample in samples])
    terms = np.array([_terms(sample, group) for sample in samples])
    factors, _ = nnls(terms / counts[:, None], np.ones(len(samples)))
    return factors, terms @ factors / counts - 1


def main() -> None:
    """Print the factors, and how well they fit."""
    for form in CORES:
        by_kernel = defaultdict(list)
        with tempfile.TemporaryDirectory() as folder:
            for sample in measure(form, range(18), Path(folder)):
                by_kernel[sample.kernel].append(sample)
        for kernel, samples in by_kernel.items():
            factors, errors = fit(samples, MODELS[form][kernel].group)
            text = ", ".join(f"{factor:.1f}" for factor in factors)
            worst, rms = np.abs(errors).max(), math.sqrt(np.mean(errors**2))
            print(f"{form.name} {kernel}: {text}  ({len(samples)} layers, rms {rms:.1%}, worst {worst:.1%})")


if __name__ == "__main__":
    main()
