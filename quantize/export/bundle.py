"""Write the model bundle: the flatbuffer, its manifest, golden vectors, the C and the model card."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge import firmware
from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.ecg.files import check_writable_folder, sha256_of, write_bytes, write_text
from ecg_edge.ecg.labels import RHYTHM_CLASSES
from ecg_edge.quantize.bundle import manifest as layout
from ecg_edge.quantize.bundle.engines import Inputs, Int8Array, TflmEngine
from ecg_edge.quantize.bundle.golden import Golden
from ecg_edge.quantize.codegen.emit import table_bytes
from ecg_edge.quantize.codegen.flatbuffer import Network
from ecg_edge.quantize.codegen.generate import Generated, generate
from ecg_edge.quantize.export import c_files as bundle_c
from ecg_edge.quantize.export.model_card import model_card
from ecg_edge.quantize.interface import check_inputs, signal_fingerprint

FLOAT_MODEL_NAME = "float.keras"
GOLDEN_VECTORS = 32  # in golden.json
DEVICE_VECTORS = 8  # of these, in model_info.c: what the device checks at boot
TFLM_MARGIN = 1.1  # on the wheel's measurement, for other targets' alignment and scratch buffers


def export_bundle(
    model_tflite: Path,
    out: Path,
    *,
    name: str,
    labels: Sequence[str],
    golden_inputs: Inputs,
    training: layout.Training,
    metrics: layout.Metrics,
    tools: dict[str, str],
    float_model: Path | None = None,
) -> layout.Bundle:
    """Write a bundle; the same arguments always give the same bytes.

    Parameters
    ----------
    model_tflite : Path
        The int8 network.
    out : Path
        The bundle's folder; its files are replaced.
    name : str
        The bundle's name.
    labels : sequence of str
        The class of each output.
    golden_inputs : mapping of str to int8 array, (n, ...)
        Inputs to choose golden vectors from, by name.
    training, metrics, tools : dict
        See `ecg_edge.quantize.bundle.manifest.Manifest`.
    float_model : Path, optional
        The float network, kept in the bundle for `ecg-edge verify`.

    Returns
    -------
    Bundle
        The bundle, read back and checked.

    Raises
    ------
    BundleError
        The model does not fit the signal path, the labels or the generated engine.
    ToolError
        TFLM's wheel, which the golden vectors come from, is not installed.
    """
    layout.check_labels(labels, f"{model_tflite}: labels")
    model = _read(model_tflite)
    float_content = None if float_model is None else _read(float_model)
    check_writable_folder(out)
    generated = generate(model, str(model_tflite), name=layout.c_prefix(name))
    network = generated.program.network
    check_interface(network, len(labels), str(model_tflite))
    if layout.STRIP_INPUT not in network.inputs:
        check_classes(labels, str(model_tflite))
    golden = golden_vectors(model_tflite, network.input_names, golden_inputs)
    manifest = layout.Manifest(
        name=name,
        model_sha256=sha256_of(model_tflite),
        core_fingerprint=signal_fingerprint(network.inputs),
        inputs=tuple(_tensor(network, key, network.inputs[key]) for key in network.input_names),
        outputs=tuple(_tensor(network, "logits", index) for index in network.outputs.values()),
        labels=tuple(labels),
        arena_bytes={"generated": generated.plan.arena_bytes, "tflm": tflm_arena_bytes(model_tflite)},
        operators=tuple(operator.name for operator in network.operators),
        training=training,
        metrics=metrics,
        tools=tools,
    )
    _write(out, model, manifest, generated, golden, float_content)
    return layout.load_bundle(out)


def check_interface(network: Network, label_count: int, where: str) -> None:
    """Check that a network takes the signal path's tensors and gives one logit a label.

    Raises
    ------
    BundleError
        Says which tensor differs and how.
    """
    check_inputs(network, where)
    sizes = [network.tensors[index].elements for index in network.outputs.values()]
    if sizes != [label_count]:
        raise BundleError(f"{where}: outputs have {sizes} elements, but there are {label_count} labels.")


def check_classes(labels: Sequence[str], where: str) -> None:
    """Check that a beat classifier with a ventricular label has a normal one, which votes against it.

    Raises
    ------
    BundleError
        Names the labels.
    """
    normal, ventricular = (set(RHYTHM_CLASSES[name]) for name in ("normal", "ventricular"))
    if ventricular.intersection(labels) and not normal.intersection(labels):
        raise BundleError(
            f"{where}: labels {', '.join(labels)}: a ventricular label needs one of normal beats beside it, "
            f"{', '.join(RHYTHM_CLASSES['normal'])}. Name that output so."
        )


def golden_vectors(
    model_tflite: Path, input_names: Sequence[str], inputs: Inputs, count: int = GOLDEN_VECTORS
) -> Golden:
    """Run TFLM and choose vectors of as many labels as there are, in turn.

    Parameters
    ----------
    model_tflite : Path
    input_names : sequence of str
        Names of the inputs in the file's order.
    inputs : mapping of str to int8 array, (n, ...)
        Inputs to choose from.
    count : int
        Number of vectors.
    """
    if not all(map(len, inputs.values())):
        raise BundleError(f"{model_tflite}: no beats to make golden vectors from. Give at least one.")
    from tflite_micro import __version__ as version

    logits = TflmEngine(model_tflite, input_names).run(inputs)
    chosen = _in_turn(logits.argmax(axis=1))[:count]
    return Golden(
        {name: values[chosen] for name, values in inputs.items()}, logits[chosen], f"tflite-micro {version}"
    )


def _in_turn(labels: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Indices so that each label occurs once before any occurs twice."""
    turn = np.zeros(len(labels), np.intp)
    for label in np.unique(labels):
        where = np.flatnonzero(labels == label)
        turn[where] = np.arange(len(where))
    order: npt.NDArray[np.intp] = np.lexsort((labels, turn))
    return order


def random_inputs(count: int = 200, seed: int = 0) -> dict[str, Int8Array]:
    """Make inputs of a beat classifier, smooth and extreme ones, for a model without beats at hand."""
    rng = np.random.default_rng(seed)
    shape = (count, firmware.BEAT_POINTS, firmware.BEAT_CHANNELS)
    amplitude = rng.uniform(0, 60, (count, 1, 1))
    walk = np.cumsum(rng.normal(0, 1, shape), axis=1)
    beats = np.clip(np.rint(amplitude * walk / (1 + np.abs(walk).max(axis=1, keepdims=True))), -128, 127)
    beats[:: max(count // 8, 1)] = rng.choice([-128, 127], beats[:: max(count // 8, 1)].shape)
    rhythm = rng.integers(-128, 128, (count, firmware.RHYTHM_FEATURES))
    return {"beat": beats.astype(np.int8), "rhythm": rhythm.astype(np.int8)}


def random_strips(count: int = 200, seed: int = 0) -> dict[str, Int8Array]:
    """Make inputs of a morphology network, smooth ones at rising amplitudes up to saturation."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1, (count, firmware.STRIP_POINTS)), axis=1)
    strips = np.linspace(0, 8, count)[:, np.newaxis] * (walk - walk.mean(axis=1, keepdims=True))
    return {layout.STRIP_INPUT: np.clip(np.rint(strips), -128, 127).astype(np.int8)}


# With some arenas that are too small, TFLM ends the process by a segmentation fault where it should raise.
_ARENA_SEARCH = """
import sys
from tflite_micro import runtime

low, high = int(sys.argv[2]), int(sys.argv[3])
while high - low > 16:
    middle = (low + high) // 2
    print(middle, flush=True)
    try:
        runtime.Interpreter.from_file(sys.argv[1], arena_size=middle)
        high = middle
    except RuntimeError:
        low = middle
    print(low, high, flush=True)
"""


def tflm_arena_bytes(model_tflite: Path) -> int:
    """Measure the arena for TFLM: the smallest that works in the wheel, plus a tenth, in whole 16 bytes.

    The wheel is a 64-bit program, whose structures are larger than those of a 32-bit board.

    Raises
    ------
    ToolError
        When the wheel cannot be run.
    """
    low, high = 0, 10 * model_tflite.stat().st_size  # TFLM's own guess for the arena
    while high - low > 16:
        low, high = narrow_arena(model_tflite, low, high)
    return -(-int(high * TFLM_MARGIN) // 16) * 16


def narrow_arena(model_tflite: Path, low: int, high: int) -> tuple[int, int]:
    """Narrow the bounds of TFLM's arena in a process of its own, whose end shows that a size is too small.

    Parameters
    ----------
    model_tflite : Path
        The model.
    low, high : int
        Bytes that are too few, and bytes that are enough.

    Returns
    -------
    tuple of int
        Narrower bounds; at most 16 bytes apart when no size ended the process.
    """
    command = [sys.executable, "-c", _ARENA_SEARCH, str(model_tflite), str(low), str(high)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [[int(number) for number in line.split()] for line in done.stdout.splitlines()]
    if not lines:
        raise ToolError(f"{model_tflite}: TFLM's wheel cannot be run: {done.stderr.strip()[-200:]}.")
    low, high = next((line[0], line[1]) for line in [*reversed(lines), [low, high]] if len(line) == 2)
    return (lines[-1][0], high) if done.returncode else (low, high)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: not found. Make a model with `ecg-edge quantize`.") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}). Name a readable file.") from None


def _tensor(network: Network, name: str, index: int) -> layout.Tensor:
    tensor = network.tensors[index]
    if tensor.dtype != "int8" or tensor.quantization is None:
        raise BundleError(
            f"tensor {name} is {tensor.dtype}, not quantized int8. Quantize the model with int8 in and out."
        )
    quantization = tensor.quantization
    return layout.Tensor(name, tensor.shape, float(quantization.scales[0]), int(quantization.zero_points[0]))


def _write(
    out: Path,
    model: bytes,
    manifest: layout.Manifest,
    generated: Generated,
    golden: Golden,
    float_content: bytes | None,
) -> None:
    c_folder = out / layout.C_FOLDER
    for name, text in c_files(model, manifest, generated, golden).items():
        write_text(c_folder / name, text)
    constant_bytes = len(table_bytes(generated.program))
    write_text(out / layout.GOLDEN_NAME, golden.to_json())
    write_text(out / "MODEL_CARD.md", model_card(manifest, generated.program.macs, constant_bytes))
    write_bytes(out / layout.MODEL_NAME, model)
    if float_content is None:
        (out / FLOAT_MODEL_NAME).unlink(missing_ok=True)
    else:
        write_bytes(out / FLOAT_MODEL_NAME, float_content)
    # Last: a bundle that was interrupted before has the hashes of another model and is refused when loaded.
    write_text(out / layout.MANIFEST_NAME, manifest.to_json())


def c_files(model: bytes, manifest: layout.Manifest, generated: Generated, golden: Golden) -> dict[str, str]:
    """The bundle's C files by name."""
    facts = bundle_c.ModelFacts(
        name=manifest.name,
        model=model,
        generated=generated,
        labels=manifest.labels,
        logits_scale=manifest.outputs[0].scale,
        core_fingerprint=manifest.core_fingerprint,
        tflm_arena_bytes=manifest.arena_bytes["tflm"],
        golden=golden.first(DEVICE_VECTORS),
        sha256=manifest.model_sha256,
    )
    return {
        "network.h": generated.header,
        "network.c": generated.source,
        "model_info.h": bundle_c.model_info_header(facts),
        "model_info.c": bundle_c.model_info_source(facts),
        "model.h": bundle_c.model_header(facts),
        "model_data.h": bundle_c.model_data_header(facts),
        "model_data.c": bundle_c.model_data_source(facts),
        "op_resolver.h": bundle_c.op_resolver_header(facts, manifest.operators),
    }
