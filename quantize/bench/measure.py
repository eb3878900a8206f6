"""Measure one network on one emulated core."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError, ComparisonError, ToolError
from ecg_edge.quantize.bench.cores import OPTIMIZE, Core
from ecg_edge.quantize.bench.image import Case, boot, build, require_tools
from ecg_edge.quantize.bench.reference import Reference
from ecg_edge.quantize.bundle.compile import ECG_NN
from ecg_edge.quantize.bundle.golden import Golden, load_golden
from ecg_edge.quantize.bundle.manifest import (
    MODEL_NAME,
    SHIPPED_BUNDLE,
    SHIPPED_MORPHOLOGY,
    load_bundle,
)
from ecg_edge.quantize.codegen.generate import Generated, generate

Int8Array = npt.NDArray[np.int8]

RUNS = 8  # inputs a network is run on
_MOST_PER_MAC: Final = 12  # instructions on cores with a short counter; the portable kernels take up to 10
SEED = 20261122  # of the inputs of a network without golden vectors

# The two shapes that other engines were measured on.
NETWORKS: Final = Path(__file__).resolve().parent / "networks"


@dataclass(frozen=True)
class LayerFigures:
    """One layer on one core.

    Attributes
    ----------
    index : int
        The operator's, in the `.tflite` file.
    operator : str
        Its name there.
    instructions : int
        Of one run, mean over the inputs.
    macs : int
        Multiply-accumulates of one run.
    same_bits : bool
        Whether every output byte was the reference's.
    """

    index: int
    operator: str
    instructions: int
    macs: int
    same_bits: bool


@dataclass(frozen=True)
class Figures:
    """One network on one core.

    Attributes
    ----------
    model, core, form, flags : str
        What was measured: `form` is that of the kernels, `flags` the compiler's.
    instructions : int
        Of one run, from call to return, mean over the inputs.
    macs : int
        Multiply-accumulates of one run.
    code_bytes : int
        Code of the network's schedule, the kernels it calls, and what those take of the C library.
    weight_bytes : int
        The network's constants: weights, biases, requantization, sizes of layers.
    ram_bytes : int
        The arena and all other static memory of the engine.
    stack_bytes : int
        The most stack of a run, measured.
    same_bits : bool
        Whether every byte of every layer was the reference's, on all inputs.
    layers : tuple of LayerFigures
    """

    model: str
    core: str
    form: str
    flags: str
    instructions: int
    macs: int
    code_bytes: int
    weight_bytes: int
    ram_bytes: int
    stack_bytes: int
    same_bits: bool
    layers: tuple[LayerFigures, ...]


@dataclass(frozen=True)
class Subject:
    """A network to measure, its inputs, and what its layers must give."""

    name: str
    generated: Generated
    cases: tuple[Case, ...]
    reference: str


def default_models() -> list[Path]:
    """Return the paths of `conv`, `sep` and the shipped bundles."""
    shipped = [path for path in (SHIPPED_MORPHOLOGY, SHIPPED_BUNDLE) if path.is_dir()]
    return [NETWORKS / "conv.tflite", NETWORKS / "sep.tflite", *shipped]


def load_subject(path: Path) -> Subject:
    """Read a bundle or a `.tflite` file, and run it in the reference.

    A bundle is run on its golden vectors, whose outputs the reference must give; a bare file on random bytes.

    Raises
    ------
    BundleError
        The file is missing or damaged, or has an operator without a kernel.
    ComparisonError
        The reference does not give a bundle's golden outputs.
    """
    golden = load_golden(load_bundle(path)) if path.is_dir() else None
    model = read_model(path / MODEL_NAME if golden else path)
    generated = generate(model, str(path))
    inputs = _random_inputs(generated) if golden is None else list(golden.first(RUNS).rows())
    reference = Reference(model, generated)
    cases = tuple(
        Case(0, [values[name] for name in generated.program.network.inputs], reference.layers(values))
        for values in inputs
    )
    if golden is not None:
        _check_golden(path, golden, generated, cases, reference.name)
    return Subject(path.name.removesuffix(".tflite"), generated, cases, reference.name)


def measure(subject: Subject, core: Core, folder: Path) -> Figures:
    """Measure a network on a core.

    Parameters
    ----------
    subject : Subject
        The network.
    core : Core
        The core.
    folder : Path
        For the files of the build. The kernels' objects in it are used again: one folder a core.

    Raises
    ------
    ToolError
        A compiler or emulator is missing or fails, or the network does not fit the core's counter or memory.
    """
    require_tools(core)
    networks, count = [subject.generated], len(subject.cases)
    plain_image = build(core, networks, subject.cases, folder, traced=False)
    plain = boot(core, plain_image, count)
    traced = boot(core, build(core, networks, subject.cases, folder), count)
    instructions = _unwrapped(subject, core, plain.instructions, traced.instructions)
    _require_fit(subject, core, instructions, traced.instructions)
    sizes = section_sizes(core, plain_image)
    layers = _layer_figures(subject.generated, traced.layers, traced.layers_differing)
    return Figures(
        model=subject.name,
        core=core.name,
        form=kernels_form(core),
        flags=" ".join([*core.target, *OPTIMIZE]),
        instructions=round(instructions),
        macs=subject.generated.program.macs,
        code_bytes=sizes[".engine"],
        weight_bytes=sizes[".model"],
        ram_bytes=sizes[".engine_ram"],
        stack_bytes=plain.stack_bytes,
        same_bits=plain.differing == 0 and traced.differing == 0,
        layers=layers,
    )


def section_sizes(core: Core, image: Path) -> dict[str, int]:
    """Bytes of each section of an image; see runtime/link.ld."""
    lines = _output(f"{core.prefix}size", "-A", "-d", str(image)).splitlines()
    words = [line.split() for line in lines if line.startswith(".")]
    return {name: int(size) for name, size, *_ in words}


def kernels_form(core: Core) -> str:
    """The form of the kernels that the core's compiler chooses: "portable", "arm-dsp", ..."""
    header = ECG_NN / "include" / "ecg_nn" / "form.h"
    macros = _output(core.compiler, *core.flags, "-dM", "-E", str(header))
    names = [line.split()[1] for line in macros.splitlines() if line.startswith("#define ECG_NN_")]
    shared = ("ECG_NN_FORM_H", "ECG_NN_UNSIGNED")
    forms = [name.removeprefix("ECG_NN_") for name in names if name not in shared]
    return forms[0].lower().replace("_", "-") if forms else "portable"


def tool_versions(cores: Sequence[Core]) -> dict[str, str]:
    """First line of what each compiler and emulator says of its version."""
    tools = dict.fromkeys(tool for core in cores for tool in (core.compiler, core.qemu[0]))
    return {tool: _output(tool, "--version").splitlines()[0] for tool in tools}


def read_model(path: Path) -> bytes:
    """The bytes of a model file.

    Raises
    ------
    BundleError
        When it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}). Give a bundle or a .tflite file."
        ) from None


def _random_inputs(generated: Generated) -> list[dict[str, Int8Array]]:
    rng = np.random.default_rng(SEED)
    network = generated.program.network
    return [
        {
            name: rng.integers(-128, 128, network.tensors[index].elements).astype(np.int8)
            for name, index in network.inputs.items()
        }
        for _ in range(RUNS)
    ]


def _check_golden(
    path: Path, golden: Golden, generated: Generated, cases: Sequence[Case], reference: str
) -> None:
    network = generated.program.network
    last = next(o.index for o in network.operators if o.outputs[0] == network.output_order[0])
    for number, case in enumerate(cases):
        if not np.array_equal(case.layers[last], golden.logits[number]):
            raise ComparisonError(
                f"{path}: {reference} does not give the outputs of golden vector {number}. "
                "Export the bundle again."
            )


def _unwrapped(subject: Subject, core: Core, plain: float, traced: float) -> float:
    """Add what the counter lost in a run that is longer than it holds, where every single layer fits."""
    longest = _MOST_PER_MAC * max(step.macs for step in subject.generated.program.steps)
    turns = round((traced - plain) / core.most_instructions) if longest < core.most_instructions else 0
    return plain + turns * core.instructions(1 << core.tick_bits)


def _require_fit(subject: Subject, core: Core, plain: float, traced: float) -> None:
    """A counter that ran over shows as two runs that differ by much more than what tracing costs."""
    if abs(traced - plain) > 0.02 * plain + 100 * len(subject.generated.program.steps):
        raise ToolError(
            f"{subject.name} on {core.title}: {plain:.0f} instructions in one run, {traced:.0f} layer by "
            f"layer. The core's counter holds {core.most_instructions}: measure a smaller network, or use "
            "another core."
        )


def _layer_figures(
    generated: Generated, instructions: npt.NDArray[np.float64], differing: npt.NDArray[np.int64]
) -> tuple[LayerFigures, ...]:
    return tuple(
        LayerFigures(step.operator.index, step.operator.name, round(count), step.macs, bool(bytes_off == 0))
        for step, count, bytes_off in zip(generated.program.steps, instructions, differing, strict=True)
    )


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{command[0]} failed: {done.stderr.strip()[:500]}")
    return done.stdout
