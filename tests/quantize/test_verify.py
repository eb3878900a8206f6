"""Verification across engines, and its exit code when the generated C is wrong."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the reference is TFLM's wheel")

from ecg_edge import firmware
from ecg_edge.ecg.errors import BundleError, ComparisonError
from ecg_edge.host.cli import main as cli
from ecg_edge.quantize import verify as engines
from ecg_edge.quantize.bundle.engines import TflmEngine, reference_engine
from ecg_edge.quantize.bundle.manifest import MANIFEST_NAME, Bundle, load_bundle
from ecg_edge.quantize.export.bundle import export_bundle, random_inputs
from tests.support.beat_network import LABELS, beat_network

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with random weights."""
    folder = tmp_path_factory.mktemp("verify")
    (folder / "m.tflite").write_bytes(beat_network())
    return export_bundle(
        folder / "m.tflite",
        folder / "bundle",
        name="small",
        labels=LABELS,
        golden_inputs=random_inputs(60),
        training={},
        metrics={},
        tools={},
    )


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a computer without TensorFlow."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find(name)
    )


@pytest.fixture
def wrong_bundle(bundle: Bundle, tmp_path: Path) -> Bundle:
    """A bundle whose network.c is that of other weights."""
    copy = shutil.copytree(bundle.path, tmp_path / "wrong")
    source = (copy / "c" / "network.c").read_text()
    changed = source.replace(".zero_point = 3,", ".zero_point = 4,")
    assert changed != source
    (copy / "c" / "network.c").write_text(changed)
    return load_bundle(copy)


def test_generated_c_and_tflm_agree_on_the_golden_vectors(bundle: Bundle, no_tensorflow: None) -> None:
    report = engines.verify(bundle)
    assert [figures.engine for figures in report.engines] == ["TFLM", "generated C"]
    assert set(report.skipped) == {"float Keras", "LiteRT reference"}
    generated = report.figures("generated C")
    assert generated is not None
    assert generated.differing_bytes == 0
    engines.require_same_bytes(report)


def test_accuracy_counts_only_the_models_labels(bundle: Bundle, no_tensorflow: None) -> None:
    inputs = random_inputs(40)
    labels = engines.verify(bundle, engines.LabelledInputs(inputs, None, "random")).figures("TFLM")
    assert labels is not None and labels.accuracy is None
    predicted = TflmEngine(bundle.model_path, ["beat", "rhythm"]).run(inputs).argmax(axis=1)
    annotated = predicted.astype(np.int64)
    annotated[:10] = -1
    annotated[10:20] = (annotated[10:20] + 1) % 5
    figures = engines.verify(bundle, engines.LabelledInputs(inputs, annotated, "random")).figures("TFLM")
    assert figures is not None
    assert figures.accuracy == pytest.approx(20 / 30)


def test_a_differing_byte_is_a_comparison_error(wrong_bundle: Bundle, no_tensorflow: None) -> None:
    report = engines.verify(wrong_bundle)
    with pytest.raises(ComparisonError, match=r"generated C and TFLM differ in \d+ bytes of 32 beats"):
        engines.require_same_bytes(report)


@pytest.mark.parametrize("run", [reference_engine, engines.verify])
def test_inputs_in_another_order_than_the_models_are_refused(
    run: Callable[[Bundle], object], bundle: Bundle, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "swapped")
    manifest = json.loads((copy / MANIFEST_NAME).read_text())
    manifest["inputs"].reverse()
    (copy / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"manifest\.json: inputs: \w+ has the shape .* but the input of"):
        run(load_bundle(copy))


def test_a_float_network_that_is_not_there_is_an_error(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(bundle.path), "--golden", "--float", "nope"])
    assert left.value.code == 2
    assert "'nope' does not exist" in capsys.readouterr().err


def test_the_command_passes_and_writes_its_figures(
    bundle: Bundle, no_tensorflow: None, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(bundle.path), "--golden", "--json", str(tmp_path / "v.json")])
    assert left.value.code in (None, 0)
    figures = json.loads((tmp_path / "v.json").read_text())
    assert figures["beats"] == 32
    assert {row["engine"]: row["differing_bytes"] for row in figures["engines"]} == {
        "TFLM": 0,
        "generated C": 0,
    }


def test_the_command_leaves_with_1_on_a_differing_byte(
    wrong_bundle: Bundle, no_tensorflow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(wrong_bundle.path), "--golden"])
    assert left.value.code == 1
    assert "generated C and TFLM differ" in capsys.readouterr().err


@pytest.mark.records
def test_the_shipped_model_gives_the_same_bytes_on_records(
    data_dir: Path, shipped_bundle: Path, no_tensorflow: None
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(shipped_bundle), "100", "232", "--data", str(data_dir)])
    assert left.value.code in (None, 0)


@pytest.mark.records
def test_a_record_of_another_database_is_named_as_in_every_command(
    data_dir: Path, shipped_bundle: Path, no_tensorflow: None, tmp_path: Path
) -> None:
    figures = tmp_path / "v.json"
    words = ["verify", str(shipped_bundle), "svdb/800", "--data", str(data_dir), "--json", str(figures)]
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code in (None, 0)
    report = engines.read_report(figures)
    assert report.source == "svdb/800, detected peaks"
    assert report.beats > 1000
    generated = report.figures("generated C")
    assert generated is not None and generated.differing_bytes == 0


@pytest.mark.parametrize("name", ["mitdb/999", "nonesuch/100", "999"])
def test_an_unknown_record_is_an_error(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.hea").touch()
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(bundle.path), name, "--data", str(tmp_path)])
    assert left.value.code == 2
    assert name in capsys.readouterr().err


@pytest.mark.tensorflow
@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")
def test_litert_and_the_float_network_stay_near_tflm(bundle: Bundle, tmp_path: Path) -> None:
    import tf_keras as keras

    beat, rhythm = (
        keras.Input((1, 128, 2), name="beat"),
        keras.Input((firmware.RHYTHM_FEATURES,), name="rhythm"),
    )
    logits = keras.layers.Dense(5)(keras.layers.Concatenate()([keras.layers.Flatten()(beat), rhythm]))
    keras.Model([beat, rhythm], logits).save(tmp_path / "float.keras")
    report = engines.verify(bundle, float_model=tmp_path / "float.keras")
    assert [figures.engine for figures in report.engines] == [
        "float Keras",
        "LiteRT reference",
        "TFLM",
        "generated C",
    ]
    litert = report.figures("LiteRT reference")
    assert litert is not None
    assert litert.largest_difference_lsb <= 1
