"""A morphology network through all steps, small: train, prune, quantize, export, and load as a user would."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.generator import Settings, generate
from ecg_edge.firmware import STRIP_POINTS, STRIP_STEPS_PER_MV, strip_fingerprint, strips
from ecg_edge.quantize.bundle.engines import GeneratedEngine, TflmEngine
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import load_bundle
from ecg_edge.training.runs import RunFolder
from tests.training.test_morphology import TINY

if TYPE_CHECKING:
    from ecg_edge.training.morphology.train import MorphologyRun

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_model_optimization")
pytest.importorskip("tflite_micro", reason="golden vectors come from the tflite-micro wheel")


@pytest.fixture(scope="module")
def steps() -> Any:
    from ecg_edge.quantize import morphology

    return morphology


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> MorphologyRun:
    """A run whose steps are all done."""
    from ecg_edge.training.morphology.train import MorphologyRun, train

    run = MorphologyRun(TINY, RunFolder(tmp_path_factory.mktemp("runs") / "tiny"))
    train(run)
    steps.prune(run)
    steps.quantize(run)
    steps.evaluate(run)
    steps.export(run)
    return run


def test_steps_need_the_ones_before(tmp_path: Path, steps: Any) -> None:
    from ecg_edge.training.morphology.train import MorphologyRun

    empty = MorphologyRun(TINY, RunFolder(tmp_path / "tiny"))
    with pytest.raises(EcgEdgeError, match="ecg-edge train tiny"):
        steps.prune(empty)


def test_a_user_loads_the_h5(run: MorphologyRun) -> None:
    """Only Keras and numpy: the strip of a record in mV, 90 points a second, gives five logits."""
    import tf_keras

    network = tf_keras.models.load_model(run.folder.trained.with_suffix(".h5"), compile=False)
    record = generate(Settings("st-elevation", seed=5), 11)
    points = strips(record.samples[:, 0], adu_per_mv=record.adu_per_mv)["points"][0]
    logits = network.predict(points.reshape(1, 1, STRIP_POINTS, 1) / STRIP_STEPS_PER_MV, verbose=0)
    assert logits.shape == (1, len(MORPHOLOGY))
    kept = tf_keras.models.load_model(run.folder.trained, compile=False)
    np.testing.assert_array_equal(
        logits, kept.predict(points.reshape(1, 1, STRIP_POINTS, 1) / STRIP_STEPS_PER_MV, verbose=0)
    )


def test_the_learning_rate_falls_and_the_validation_loss_is_kept(run: MorphologyRun) -> None:
    epochs = json.loads(run.folder.history.read_text())["epochs"]
    assert epochs["lr"][0] == pytest.approx(TINY.training.learning_rate)
    assert np.all(np.diff(epochs["lr"]) < 0)
    assert len(epochs["val_loss"]) == TINY.training.epochs


def test_half_of_the_weights_are_zero(run: MorphologyRun) -> None:
    assert json.loads(run.folder.sparsity.read_text())["convolution_2"] == pytest.approx(0.5, abs=0.05)


def test_the_bundle_names_its_data_labels_and_strips(run: MorphologyRun) -> None:
    manifest = load_bundle(run.folder.bundle).manifest
    assert manifest.labels == MORPHOLOGY
    assert manifest.takes_strips
    assert manifest.core_fingerprint == strip_fingerprint()
    assert manifest.training["strips"] == dict.fromkeys(MORPHOLOGY, TINY.data.patients)
    assert set(manifest.metrics["held-out virtual patients, mit-bih, 20 dB"]) == {
        "float",
        "pruned float",
        "int8",
    }


def test_the_generated_c_gives_the_bytes_of_tflm(run: MorphologyRun) -> None:
    bundle = load_bundle(run.folder.bundle)
    random = np.random.default_rng(0).integers(-128, 128, (40, STRIP_POINTS)).astype(np.int8)
    inputs = {
        "strip": np.concatenate([random, load_golden(bundle).inputs["strip"].reshape(-1, STRIP_POINTS)])
    }
    np.testing.assert_array_equal(
        GeneratedEngine(bundle.c_path).run(inputs), TflmEngine(bundle.model_path, ["strip"]).run(inputs)
    )


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss(run: MorphologyRun) -> None:
    from ecg_edge.training.morphology.train import fit, millivolts

    patient = dataclasses.replace(TINY.training, epochs=6, patience=1, learning_rate=3.0)
    own, validation = run.training_set(), run.validation_set()
    network, epochs = fit(dataclasses.replace(TINY, training=patient), own, validation)
    losses = epochs["val_loss"]
    assert len(losses) < 6 or np.argmin(losses) >= 4
    kept, _ = network.evaluate(millivolts(validation.strips), validation.labels, verbose=0)
    assert kept == pytest.approx(min(losses), rel=1e-4)


def test_folds_divide_the_patients(run: MorphologyRun) -> None:
    from ecg_edge.training.morphology.train import cross_validate

    folds = cross_validate(run)
    assert [fold["strips"] for fold in folds] == [30, 30]


def test_all_engines_are_compared_on_strips(run: MorphologyRun) -> None:
    from ecg_edge.quantize.verify import GENERATED, synthetic_strips, verify

    report = verify(load_bundle(run.folder.bundle), synthetic_strips(10))
    assert report.beats == 10
    generated = report.figures(GENERATED)
    assert generated and generated.differing_bytes == 0
    assert set(report.engines[0].accuracy_by_label) == set(MORPHOLOGY)
