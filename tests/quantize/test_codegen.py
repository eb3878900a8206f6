"""The generator: what it writes, what it refuses, and where it puts the tensors."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip(
    "tflite_micro", reason="the tests build networks with the schema in the tflite-micro wheel"
)

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.bench.measure import NETWORKS
from ecg_edge.quantize.bundle.compile import ecg_nn_sources
from ecg_edge.quantize.codegen.arena import largest_live_sum, plan_arena, tensor_lifetimes
from ecg_edge.quantize.codegen.emit import table_bytes
from ecg_edge.quantize.codegen.flatbuffer import c_name, parse_network, read_network
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.codegen.ir import UnsupportedError
from ecg_edge.quantize.codegen.lower import LOWERINGS
from tests.support.beat_network import beat_network
from tests.support.harness import INCLUDES, WARNINGS, Compiled
from tests.support.random_networks import Builder, T, options, random_network


def dense(b: Builder, source: T, outputs: int = 3, *, zero_point: int = 0, dtype: type = np.int8) -> T:
    """A fully connected layer of ones."""
    weights = np.ones((outputs, source.shape[-1]), dtype)
    kind = {np.int8: 9, np.int16: 7}[dtype]
    index = b.tensor(weights.shape, 0.01, zero_point, dtype=kind, data=weights)
    output = b.activation((1, outputs), 0.1, 0)
    return b.operator("FULLY_CONNECTED", [source.index, index], output, options("FullyConnectedOptions"))


def test_the_interface_is_named_by_the_tensors() -> None:
    header = generate(beat_network(rhythm_first=True)).header
    assert "/* Run the network. inputs: beat, rhythm; outputs: logits. */" in header
    assert "#define NETWORK_INPUT_BEAT_BYTES 256" in header
    assert "#define NETWORK_INPUT_RHYTHM_BYTES 27" in header
    assert "#define NETWORK_OUTPUT_BYTES 5" in header


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        ("serving_default_beat:0", "beat"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall"),
        ("model/dense_1/BiasAdd", "BiasAdd"),
        ("0-th", "t_0_th"),
        ("", "t_"),
    ],
)
def test_tensor_names_become_c_names(tensor: str, name: str) -> None:
    assert c_name(tensor) == name


def test_the_same_model_gives_the_same_text() -> None:
    first, second = generate(beat_network()), generate(beat_network())
    assert (first.header, first.source) == (second.header, second.source)


def test_a_signature_names_the_tensors_of_a_converted_model() -> None:
    network = read_network(NETWORKS / "conv.tflite")
    assert list(network.inputs) == ["input_1"]
    assert list(network.outputs) == ["dense_1"]
    assert network.operators[1].options["stride_width"] == 2


def test_an_unknown_operator_is_named_with_its_index_and_what_is_supported() -> None:
    b = Builder(0)
    source = b.input((1, 4), 0.1, 0)
    output = b.operator("TANH", [source.index], b.like(source))
    with pytest.raises(UnsupportedError, match=r"some\.tflite: operator 0 \(TANH\): no kernel") as caught:
        generate(b.finish([output]), "some.tflite")
    assert all(name in str(caught.value) for name in LOWERINGS)


def test_weights_with_a_zero_point_are_refused() -> None:
    b = Builder(0)
    output = dense(b, b.input((1, 4), 0.1, 0), zero_point=3)
    with pytest.raises(
        UnsupportedError, match=r"operator 0 \(FULLY_CONNECTED\): its weights have a zero point"
    ):
        generate(b.finish([output]))


def test_weights_of_another_type_are_refused() -> None:
    b = Builder(0)
    output = dense(b, b.input((1, 4), 0.1, 0), dtype=np.int16)
    with pytest.raises(UnsupportedError, match="its weights are int16, not int8"):
        generate(b.finish([output]))


def test_a_float_network_is_refused() -> None:
    b = Builder(0)
    source = b.input((1, 4), 0.1, 0)
    b.tensors[source.index].type = 0
    output = dense(b, source)
    with pytest.raises(UnsupportedError, match="is float32, not int8"):
        generate(b.finish([output]))


def test_a_float_model_tells_how_to_convert_it() -> None:
    b = Builder(0)
    source = b.input((1, 4), 0.1, 0)
    b.tensors[source.index].type = 0
    with pytest.raises(UnsupportedError, match=r"input .*float32.*inference_input_type = tf\.int8"):
        generate(b.finish([dense(b, source)]), "float.tflite")


def test_an_accumulator_that_could_overflow_is_refused() -> None:
    b = Builder(0)
    source = b.input((1, 400), 10.0, 0)
    weights = b.tensor((1, 400), 10.0, 0, data=np.full((1, 400), 127, np.int8))
    output = b.activation((1, 1), 1e-3, 0)
    b.operator("FULLY_CONNECTED", [source.index, weights], output, options("FullyConnectedOptions"))
    with pytest.raises(UnsupportedError, match="its accumulator can reach"):
        generate(b.finish([output]))


def test_broadcasting_is_refused() -> None:
    b = Builder(0)
    a, c = b.input((1, 2, 4), 0.1, 0), b.input((1, 1, 4), 0.1, 0)
    output = b.operator("ADD", [a.index, c.index], b.activation((1, 2, 4), 0.2, 0), options("AddOptions"))
    with pytest.raises(UnsupportedError, match="no broadcasting"):
        generate(b.finish([output]))


def test_an_output_size_that_contradicts_the_padding_is_refused() -> None:
    b = Builder(0)
    source = b.input((1, 1, 10, 2), 0.1, 0)
    settings = options("Pool2DOptions", strideH=1, strideW=2, filterHeight=1, filterWidth=2)
    output = b.operator("MAX_POOL_2D", [source.index], b.like(source, (1, 1, 6, 2)), settings)
    with pytest.raises(UnsupportedError, match="output width is 6, its padding and stride give 5"):
        generate(b.finish([output]))


def test_a_file_that_is_no_flatbuffer_is_an_error_that_names_it() -> None:
    with pytest.raises(BundleError, match=r"notes\.txt: not a TFLite file"):
        parse_network(b"hello world", "notes.txt")


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.tflite: not found"):
        read_network(tmp_path / "none.tflite")


def test_truncated_files_are_errors() -> None:
    model, damaged = beat_network(), 0
    for size in range(8, len(model), 97):
        try:
            parse_network(model[:size], "cut.tflite")
        except BundleError as error:
            assert "cut.tflite: damaged" in str(error)
            damaged += 1
    assert damaged > 10


@pytest.mark.slow
def test_tensors_alive_together_never_overlap_and_the_arena_is_near_its_bound() -> None:
    for seed in range(150):
        program = generate(random_network(seed, operators=8)).program
        lives, plan = tensor_lifetimes(program), plan_arena(program)
        spans = [(life, plan.offsets[life.tensor], plan.offsets[life.tensor] + life.size) for life in lives]
        for place, (life, start, end) in enumerate(spans):
            assert start % 4 == 0 and end <= plan.arena_bytes
            for other, other_start, other_end in spans[place + 1 :]:
                assert not life.overlaps(other) or end <= other_start or other_end <= start
        assert plan.arena_bytes <= largest_live_sum(lives) + 256


def test_two_names_for_one_output_are_both_written(tmp_path: Path) -> None:
    b = Builder(0)
    hidden = dense(b, b.input((1, 4), 0.1, 0))
    shape = b.ints([1, 1, 3])
    flat = b.operator("RESHAPE", [hidden.index, shape], b.like(hidden, (1, 1, 3)), options("ReshapeOptions"))
    compiled = Compiled([generate(b.finish([hidden, flat]))], tmp_path)
    layers = compiled.run(0, {"t0": np.array([1, 2, 3, 4], np.int8)})
    np.testing.assert_array_equal(layers[0], layers[1])


def test_the_checksum_is_that_of_the_tables(tmp_path: Path) -> None:
    generated = generate(beat_network())
    checksum = Compiled([generated], tmp_path).checksum(0)
    assert checksum == zlib.crc32(table_bytes(generated.program))


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiler", [("cc",), ("arm-none-eabi-gcc", "-mcpu=cortex-m4"), ("arm-none-eabi-gcc", "-mcpu=cortex-m0")]
)
def test_generated_c_and_kernels_compile_without_warnings(compiler: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    generate((NETWORKS / "sep.tflite").read_bytes()).write(tmp_path)
    for source in [tmp_path / "network.c", *ecg_nn_sources()]:
        command = [*compiler, *WARNINGS, "-O2", *INCLUDES, "-c", str(source), "-o", str(tmp_path / "out.o")]
        subprocess.run(command, check=True)


def test_kernels_need_only_memcpy_and_memset(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    generate((NETWORKS / "conv.tflite").read_bytes()).write(tmp_path)
    objects = []
    for source in [tmp_path / "network.c", *ecg_nn_sources()]:
        objects.append(str(tmp_path / f"{source.stem}.o"))
        command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O2", *INCLUDES, "-c", str(source)]
        subprocess.run([*command, "-o", objects[-1]], check=True)
    linked = str(tmp_path / "all.o")
    subprocess.run(["arm-none-eabi-gcc", "-r", "-nostdlib", *objects, "-o", linked], check=True)
    names = subprocess.run(["arm-none-eabi-nm", "-u", linked], check=True, capture_output=True, text=True)
    assert {line.split()[-1] for line in names.stdout.splitlines()} <= {"memcpy", "memset"}
