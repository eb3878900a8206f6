"""The Helium forms on an emulated Cortex-M55: shapes at the edges of their vectors, and their arithmetic."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

from ecg_edge.quantize.bench.cores import M55, OPTIMIZE, RUNTIME
from ecg_edge.quantize.bench.image import Case, run_on
from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.bundle.compile import ECG_NN
from ecg_edge.quantize.codegen.generate import generate
from tests.support.harness import WARNINGS, random_inputs
from tests.support.random_networks import (
    SAME,
    VALID,
    Builder,
    T,
    conv_of,
    depthwise_of,
    fully_connected_of,
    window_of,
)

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(bool(M55.missing()), reason=f"{' and '.join(M55.missing())} not installed"),
]

ARITHMETIC = Path(__file__).parent / "helium_arithmetic.c"
Layer = Callable[[Builder], T]


def conv(
    width: int,
    depth: int,
    taps: int,
    channels: int,
    stride: int = 1,
    padding: int = SAME,
    *,
    height: int = 1,
    dilation: int = 1,
) -> Layer:
    """A convolution; more than one row has a kernel of as many rows, up to three."""

    def make(b: Builder) -> T:
        source = b.input((1, height, width, depth))
        rows = min(height, 3)
        window = window_of(source, (rows, taps), (1, stride), (1, dilation), padding)
        assert window is not None
        return conv_of(b, source, window, channels)

    return make


def depthwise(
    width: int,
    depth: int,
    taps: int,
    stride: int = 1,
    padding: int = SAME,
    *,
    multiplier: int = 1,
    dilation: int = 1,
) -> Layer:
    """A depthwise convolution along the width."""

    def make(b: Builder) -> T:
        source = b.input((1, 1, width, depth))
        window = window_of(source, (1, taps), (1, stride), (1, dilation), padding)
        assert window is not None
        return depthwise_of(b, source, window, multiplier)

    return make


def fully_connected(rows: int, inputs: int, outputs: int) -> Layer:
    """A fully connected layer."""
    return lambda b: fully_connected_of(b, b.input((rows, inputs)), inputs, outputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder, so that the kernels are compiled once."""
    return tmp_path_factory.mktemp("helium")


def differing_bytes(layers: list[Layer], folder: Path) -> int:
    """Bytes that are not TFLM's, over all layers; each with two inputs."""
    networks, cases = [], []
    for place, layer in enumerate(layers):
        b = Builder(place)
        model = b.finish([layer(b)])
        generated = generate(model, name=f"n{place}")
        rng = np.random.default_rng(place)
        for _ in range(2):
            inputs = random_inputs(generated, rng)
            cases.append(Case(len(networks), list(inputs.values()), tflm_layers(model, generated, inputs)))
        networks.append(generated)
    return run_on(M55, networks, cases, folder, extra=WARNINGS).differing


def test_right_padding_of_two_columns_with_a_stride(folder: Path) -> None:
    """Five taps, stride 2, an even width: other engines give a wrong last position there."""
    layers = [conv(width, depth, 5, 16, 2) for width in (6, 64) for depth in (1, 3, 8, 16)]
    layers += [conv(9, 4, 9, 8, 4), conv(20, 16, 8, 8, 5), conv(3, 8, 11, 8, 3)]
    assert differing_bytes(layers, folder) == 0


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_windows_around_whole_vectors(padding: int, folder: Path) -> None:
    lengths = [(1, 15), (1, 16), (1, 17), (2, 8), (4, 8), (11, 3), (47, 1), (16, 3), (7, 7), (9, 7), (13, 5)]
    lengths += [(16, 5), (27, 3), (16, 6), (97, 1), (28, 4), (128, 1), (43, 3)]
    layers = [
        conv(taps + 5, depth, taps, channels, stride, padding)
        for depth, taps in lengths
        for channels, stride in ((4, 1), (7, 2))
    ]
    assert differing_bytes(layers, folder) == 0


def test_any_number_of_channels(folder: Path) -> None:
    counts = (1, 2, 3, 4, 5, 6, 63, 64, 65, 66, 68, 131)
    layers = [conv(6, depth, 3, count) for depth in (2, 7) for count in counts]
    layers += [fully_connected(1, 20, count) for count in counts]
    assert differing_bytes(layers, folder) == 0


def test_fully_connected_rows(folder: Path) -> None:
    layers = [fully_connected(rows, inputs, 5) for rows in (1, 2, 3) for inputs in (1, 16, 31, 48, 65, 200)]
    assert differing_bytes(layers, folder) == 0


def test_kernels_of_several_rows_and_dilated_ones(folder: Path) -> None:
    layers = [conv(7, depth, 3, 5, 2, height=rows) for depth in (1, 6, 20) for rows in (2, 5)]
    layers += [conv(12, depth, 3, 6, 1, dilation=3) for depth in (1, 5, 40)]
    assert differing_bytes(layers, folder) == 0


def test_depthwise_kernels_around_a_vector_and_a_tile(folder: Path) -> None:
    layers = [
        depthwise(width, 4, 9, stride) for width in (1, 7, 71, 72, 73, 80, 81, 150) for stride in (1, 2)
    ]
    layers += [depthwise(20, depth, 5) for depth in (1, 3, 5, 6, 7, 33)]
    layers += [depthwise(40, 5, taps, stride) for taps in (1, 8, 15, 16, 17) for stride in (1, 3, 19)]
    layers += [depthwise(30, 3, 4, 2, VALID, multiplier=3), depthwise(30, 4, 6, 1, dilation=3)]
    layers += [depthwise(30, 4, 7, 1, dilation=3), depthwise(100, 4, 16, 100)]
    assert differing_bytes(layers, folder) == 0


LINKER_SCRIPT = """
ENTRY(reset)
SECTIONS {{
    . = {flash:#x};
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }}
    . = {ram:#x};
    .bss (NOLOAD) : {{ *(.bss*) *(COMMON) }}
    stack_top = {ram:#x} + {ram_bytes:#x};
    stack_bottom = .;
}}
"""


def test_requantization_by_vectors_is_the_definitions(tmp_path: Path) -> None:
    """Millions of sums, with all multipliers, shifts, limits, and numbers of channels."""
    script, image = tmp_path / "link.ld", tmp_path / "image.elf"
    script.write_text(LINKER_SCRIPT.format(flash=M55.flash[0], ram=M55.ram[0], ram_bytes=M55.ram[1]))
    sources = [ARITHMETIC, RUNTIME / "arm.c", ECG_NN / "src" / "weigh_s8_helium.c"]
    includes = [f"-I{folder}" for folder in (ECG_NN / "include", ECG_NN / "src", RUNTIME)]
    command = [M55.compiler, *M55.flags, *OPTIMIZE, *WARNINGS, *includes, *map(str, sources), "-nostartfiles"]
    subprocess.run(
        [*command, "-Wl,--gc-sections", f"-T{script}", *M55.link_flags, "-o", str(image)], check=True
    )
    qemu = [*M55.qemu, "-display", "none", "-monitor", "none", "-serial", "none", "-kernel", str(image)]
    done = subprocess.run(qemu, capture_output=True, text=True, timeout=200, check=True)
    compared, unlimited, differing = map(int, (done.stdout + done.stderr).split())
    assert compared > 2_000_000
    assert unlimited > 500_000
    assert differing == 0
