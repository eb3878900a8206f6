"""Adaptation to one patient, on embeddings and beats worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge import firmware
from ecg_edge.training.beats import Beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow")

from ecg_edge.host.pipeline import adaptation  # noqa: E402
from ecg_edge.host.pipeline.adaptation import Patient  # noqa: E402

FS_HZ = 360


def made(symbols: str, step_s: float = 100.0) -> Beats:
    """A beat every `step_s` seconds, the first at 0 s."""
    features = np.zeros(len(symbols), firmware.BEAT_DTYPE)
    features["r_sample"] = np.rint(np.arange(len(symbols)) * step_s * FS_HZ)
    features["rr_samples"] = 300
    return Beats(
        features, np.array([s.replace(".", "") for s in symbols], "U1"), np.full(len(symbols), "100")
    )


def patient(symbols: str, v_bias: float, step_s: float = 100.0) -> Patient:
    """Beats whose first two embeddings tell N and V; the network favours V by its bias."""
    beats = made(symbols, step_s)
    embedding = np.stack([beats.symbols == "N", beats.symbols == "V"], axis=1) * 2.0
    weights = np.zeros((2, 5))
    weights[0, 0] = weights[1, 4] = 1.0
    biases = np.array([0, -9, -9, -9, v_bias])
    return Patient(beats, embedding, weights, biases, np.array([2.0, 0]), np.full(5, 0.2))


@pytest.mark.parametrize("biases_only", [True, False])
def test_marks_of_the_first_five_minutes_change_the_answers_after_them(biases_only: bool) -> None:
    one = patient("NVNNVN", 2.5)
    assert one.logits().argmax(1).tolist() == [4] * 6, "every beat is called V"
    assert adaptation.marked(one, 1).tolist() == [0, 1], "beat 3 is at 300 s"
    adapted = adaptation.by_marks(one, 3, 0.01, biases_only)
    assert adapted.argmax(1).tolist() == [0, 4, 0, 0, 4, 0]


def test_one_marked_class_changes_nothing() -> None:
    one = patient("NNNVNV", 2.5)
    assert np.array_equal(adaptation.by_marks(one, 3, 0.01, False), one.logits())


def test_rare_classes_become_rarer() -> None:
    one = patient("N" * 290 + "V" * 10, 1.0, step_s=1.0)
    moved = adaptation.by_shares(one) - one.logits()
    assert (moved[:, 4] < -0.3).all() and (moved[:, 0] > 0.3).all()


def test_the_ordinary_beat_moves_to_that_of_the_training() -> None:
    one = patient("N" * 299 + "V", -3.0, step_s=1.0)
    one.embedding[:, 0] += 1.0
    moved = adaptation.by_place(one, 1.0)
    assert moved[0, 0] == pytest.approx(2.0) and one.logits()[0, 0] == pytest.approx(3.0)


def test_the_interval_after_a_beat() -> None:
    beats = made("NNN", step_s=300 / FS_HZ)
    beats.features["rr_samples"] = [150, 300, 300]
    beats.features["rhythm"][:, 8] = 10
    changed = adaptation.with_interval_after(beats).features["rhythm"]
    assert changed[:, 26].tolist() == [64, 0, 0], "twice as long as the one before it; unknown after the last"
    assert changed[:, 19].tolist() == [74, 10, 10]
    assert not adaptation.without_interval_after(beats).features["rhythm"][:, [19, 26]].any()
    assert beats.features["rhythm"][0, 26] == 0, "in a copy"


def test_figures_begin_after_five_minutes() -> None:
    beats = made("VNNVN.FS")
    logits = np.zeros((8, 5))
    logits[np.arange(8), [0, 0, 0, 4, 4, 4, 4, 0]] = 1
    found = adaptation.score([(beats, logits)])
    assert (found["V Se"], found["V +P"]) == (1, pytest.approx(1 / 3)), "F called V is no false V"
    assert found["S Se"] == 0 and found["S +P"] is None
