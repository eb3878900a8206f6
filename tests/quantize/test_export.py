"""The bundle: complete, repeatable, compiling, and refused when it does not fit the signal path."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="golden vectors come from the tflite-micro wheel")

from ecg_edge import firmware
from ecg_edge.ecg.errors import BundleError, OutputError
from ecg_edge.quantize.bundle.compile import ecg_nn_sources, find_compiler
from ecg_edge.quantize.bundle.engines import TflmEngine
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, SHIPPED_BUNDLE, Bundle, load_bundle
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.export.bundle import (
    DEVICE_VECTORS,
    GOLDEN_VECTORS,
    c_files,
    export_bundle,
    narrow_arena,
    random_inputs,
    random_strips,
    tflm_arena_bytes,
)
from tests.support.beat_network import (
    LABELS,
    MORPHOLOGY_LABELS,
    beat_network,
    export_random,
    morphology_network,
)
from tests.support.harness import INCLUDES, WARNINGS

METRICS = {"DS1->DS2": {"float": {"accuracy": 0.9}, "int8": {"accuracy": 0.89, "V Se": None}}}


def export(folder: Path, model: bytes, **changes: object) -> Bundle:
    """Export a model with arguments that fit it."""
    path = folder / "given.tflite"
    path.write_bytes(model)
    arguments = {
        "name": "small",
        "labels": LABELS,
        "golden_inputs": random_inputs(60),
        "training": {"records": ["100", "101"], "beats": {"N": 5}},
        "metrics": METRICS,
        "tools": {"made by": "the tests"},
        **changes,
    }
    return export_bundle(path, folder / "bundle", **arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An exported bundle with random weights."""
    return export(tmp_path_factory.mktemp("export"), beat_network())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bundle_has_the_documented_files(bundle: Bundle) -> None:
    assert set(contents(bundle.path)) == {
        "MODEL_CARD.md",
        "golden.json",
        "manifest.json",
        "model.tflite",
        *(f"c/{stem}.{kind}" for stem in ("network", "model_data", "model_info") for kind in "ch"),
        "c/model.h",
        "c/op_resolver.h",
    }


def test_the_manifest_says_what_the_model_is(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert [(t.name, t.shape, t.zero_point) for t in manifest.inputs] == [
        ("beat", (1, 1, 128, 2), 0),
        ("rhythm", (1, 27), 0),
    ]
    assert [t.name for t in manifest.outputs] == ["logits"]
    assert manifest.core_fingerprint == firmware.fingerprint()
    assert manifest.operators == ("CONV_2D", "MEAN", "CONCATENATION", "FULLY_CONNECTED")
    assert manifest.labels == LABELS


def test_the_same_model_gives_the_same_bundle(bundle: Bundle, tmp_path: Path) -> None:
    assert contents(export(tmp_path, beat_network()).path) == contents(bundle.path)


def test_golden_vectors_are_tflms_and_of_every_label_in_turn(bundle: Bundle) -> None:
    golden = load_golden(bundle)
    assert len(golden.logits) == GOLDEN_VECTORS
    np.testing.assert_array_equal(
        TflmEngine(bundle.model_path, list(golden.inputs)).run(golden.inputs), golden.logits
    )
    labels = golden.logits.argmax(axis=1)
    found = len(set(labels))
    assert found > 1
    assert len(set(labels[:found])) == found


def test_the_c_compiles_and_gives_the_golden_logits(bundle: Bundle, tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text(SELF_TEST)
    program = tmp_path / "self_test"
    sources = [main, *(bundle.c_path / f"{stem}.c" for stem in ("network", "model_info", "model_data"))]
    command = [find_compiler(), *WARNINGS, *INCLUDES, f"-I{bundle.c_path}", *map(str, sources)]
    subprocess.run([*command, *map(str, ecg_nn_sources()), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "N,L,R,A,V", str(DEVICE_VECTORS), bundle.manifest.model_sha256]


SELF_TEST = r"""
#include <stdio.h>
#include <string.h>
#include <ecg_nn/ecg_nn.h>
#include "model_data.h"
#include "model.h"
static int32_t arena[ECG_MODEL_ARENA_BYTES / 4];
int main(void) {
    const ecg_model_t *model = &ECG_MODEL;
    int differ = small_checksum() != SMALL_CHECKSUM;
    const ecg_nn_flatbuffer_t *data = &small_flatbuffer;
    differ += ecg_nn_crc32(data->data, data->bytes) != data->expected_crc32;
    differ += (uintptr_t)data->data % 16 != 0;
    for (size_t i = 0; i < model->golden_count; ++i) {
        int8_t logits[SMALL_LABEL_COUNT];
        int8_t *outputs[] = {logits};
        const int8_t *inputs[SMALL_INPUTS];
        for (size_t k = 0; k < SMALL_INPUTS; ++k) {
            inputs[k] = model->golden_inputs[k] + i * model->inputs[k].bytes;
        }
        small_run(arena, inputs, outputs);
        differ += memcmp(logits, model->golden_logits + i * model->label_count, sizeof logits) != 0;
    }
    printf("%d %s %d ", differ, model->labels, model->golden_count);
    for (size_t i = 0; i < 32; ++i) printf("%02x", model->sha256[i]);
    return 0;
}
"""


def test_the_op_resolver_has_each_operator_once(bundle: Bundle) -> None:
    text = (bundle.c_path / "op_resolver.h").read_text()
    assert "#define SMALL_OPERATOR_KINDS 4" in text
    for name in ("AddConv2D", "AddMean", "AddConcatenation", "AddFullyConnected"):
        assert text.count(f"resolver.{name}()") == 1


def test_the_tflm_arena_is_enough_and_not_much_more(bundle: Bundle) -> None:
    from tflite_micro import runtime

    size = tflm_arena_bytes(bundle.model_path)
    runtime.Interpreter.from_file(str(bundle.model_path), arena_size=size).invoke()
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_file(str(bundle.model_path), arena_size=int(size / 1.2))


def test_an_arena_that_ends_tflms_process_is_too_small(bundle: Bundle) -> None:
    assert narrow_arena(bundle.model_path, 0, 512) == (256, 512)


def test_the_model_card_has_figures_limits_and_sources(bundle: Bundle) -> None:
    card = (bundle.path / "MODEL_CARD.md").read_text()
    for text in (
        "## Figures: DS1->DS2",
        "| accuracy | 0.9 | 0.89 |",
        "not a medical device",
        "ODC-By",
        "10.13026",
    ):
        assert text in card


def test_files_tell_from_what_they_were_generated(bundle: Bundle) -> None:
    for path in bundle.c_path.iterdir():
        first_lines = path.read_text()[:200]
        assert "Generated by `ecg-edge export`" in first_lines
        assert bundle.manifest.model_sha256 in first_lines


def test_a_float_network_is_kept_when_given(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"network")
    made = export(tmp_path, beat_network(), float_model=tmp_path / "model.keras")
    assert (made.path / "float.keras").read_bytes() == b"network"


def test_an_input_scale_that_is_not_the_signal_paths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"input beat is quantized with scale 0\.0500999\d* .* \(1/20\)"):
        export(tmp_path, beat_network(beat_scale=0.0501))


def test_inputs_of_other_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="inputs are a, b; the signal path gives beat and rhythm"):
        export(tmp_path, beat_network(names=("a", "b")))


def test_a_wrong_number_of_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"outputs have \[4\] elements, but there are 5 labels"):
        export(tmp_path, beat_network(labels=4))


def test_a_missing_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.tflite: not found"):
        export_bundle(
            tmp_path / "none.tflite",
            tmp_path / "out",
            name="x",
            labels=LABELS,
            golden_inputs=random_inputs(8),
            training={},
            metrics={},
            tools={},
        )


@pytest.mark.parametrize(
    "labels", [("N", "L", "R", "A", "V,"), ("N", "L", "R", "A", "A"), ("N", "L", "R", "A", "é")]
)
def test_labels_that_c_cannot_hold_are_refused(tmp_path: Path, labels: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match="label"):
        export(tmp_path, beat_network(), labels=labels)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("labels", [("a", "S", "Q", "x", "V"), ("normal", "left", "right", "early", "E")])
def test_a_ventricular_label_without_a_normal_one_is_refused(tmp_path: Path, labels: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match=f"{labels[4]}: a ventricular label needs one of normal beats"):
        export(tmp_path, beat_network(), labels=labels)


def test_labels_with_quotes_compile(tmp_path: Path) -> None:
    labels = ("N", 'a"', "b\\", "??/", "V")
    made = export(tmp_path, beat_network(), labels=labels)
    source = tmp_path / "main.c"
    source.write_text(
        '#include <stdio.h>\n#include "model_info.h"\nint main(void) { puts(SMALL_LABELS); return 0; }\n'
    )
    command = [find_compiler(), *WARNINGS, *INCLUDES, f"-I{made.c_path}", str(source)]
    subprocess.run([*command, "-o", str(tmp_path / "labels")], check=True)
    done = subprocess.run([str(tmp_path / "labels")], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip("\n").split(",") == list(labels)


def test_an_output_folder_that_is_a_file_is_named_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("a file")
    with pytest.raises(OutputError, match="bundle"):
        export(tmp_path, beat_network())


def test_no_beats_for_golden_vectors_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no beats to make golden vectors from"):
        export(tmp_path, beat_network(), golden_inputs=random_inputs(0))


def test_damaged_golden_vectors_are_an_error(bundle: Bundle, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "copy")
    golden = json.loads((copy / "golden.json").read_text())
    golden["vectors"][0]["inputs"]["beat"][0][0] = 1000
    for content in (json.dumps(golden), "[" * 100_000):
        (copy / "golden.json").write_text(content)
        with pytest.raises(BundleError, match=r"golden\.json: damaged"):
            load_golden(load_bundle(copy))


@pytest.mark.parametrize(("path", "prefix"), [(SHIPPED_BUNDLE, "nlrav"), (BOARD_BUNDLE, "nlrav_all")])
def test_the_shipped_c_is_what_the_generator_writes(path: Path, prefix: str) -> None:
    bundle = load_bundle(path)
    model = bundle.model_path.read_bytes()
    files = c_files(model, bundle.manifest, generate(model, name=prefix), load_golden(bundle))
    shipped = {path.name: path.read_text() for path in bundle.c_path.iterdir()}
    assert files == shipped


def test_a_morphology_network_carries_the_fingerprint_of_the_strips(tmp_path: Path) -> None:
    bundle = export_random(tmp_path, "shape", 3, strips=True)
    assert bundle.manifest.takes_strips and bundle.manifest.labels == MORPHOLOGY_LABELS
    assert bundle.manifest.core_fingerprint == firmware.strip_fingerprint() != firmware.fingerprint()
    assert len({tuple(row) for row in load_golden(bundle).logits.tolist()}) > 5


@pytest.mark.parametrize("changes", [{"points": 450}, {"strip_scale": 1 / 40}])
def test_a_strip_of_another_length_or_scale_is_refused(tmp_path: Path, changes: dict[str, float]) -> None:
    with pytest.raises(BundleError, match="input strip"):
        export(tmp_path, morphology_network(**changes), golden_inputs=random_strips(4))  # type: ignore[arg-type]
