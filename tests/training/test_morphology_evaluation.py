"""Scores of a morphology network: by class, against levels, and on records of patients."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.ecg.records import Record
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_POINTS, STRIP_STEPS_PER_MV
from ecg_edge.host.cli.main import main
from ecg_edge.host.pipeline.morphology import transfer
from ecg_edge.training.morphology.dataset import StripSet
from ecg_edge.training.morphology.evaluation import Conditions, score, st_curve, t_curve

Strips = npt.NDArray[np.int8]


def numbered(labels: list[int]) -> StripSet:
    """Strips whose first point is their number."""
    strips = np.zeros((len(labels), STRIP_POINTS), np.int8)
    strips[:, 0] = np.arange(len(labels))
    return StripSet(strips, np.array(labels), np.arange(len(labels)))


def test_scores_by_class() -> None:
    test, answers = numbered([0, 0, 1, 2, 3, 4]), np.array([0, 1, 1, 2, 3, 3])
    row = score(test, lambda strips: np.eye(5)[answers[strips[:, 0]]], "trial", Conditions(10.0))
    assert row["protocol"] == "held-out virtual patients, mit-bih, 10 dB"
    assert row["accuracy"] == pytest.approx(4 / 6)
    assert row["confusion"][0] == [1, 1, 0, 0, 0]
    normal, elevation = row["per_class"]["normal"], row["per_class"]["st-elevation"]
    assert (normal["n"], normal["se"], normal["ppv"], normal["f1"]) == (2, 0.5, 1, pytest.approx(2 / 3))
    assert (elevation["se"], elevation["ppv"]) == (1, 0.5)
    assert row["per_class"]["t-inversion"]["f1"] == 0


def lowest_and_highest(strips: Strips) -> npt.NDArray[np.float64]:
    """A network's place: logits from the lower and upper quantiles of a strip."""
    low, high = (np.quantile(strips, q, axis=1) / STRIP_STEPS_PER_MV for q in (0.1, 0.85))
    zero = np.zeros(len(strips))
    return np.stack([zero + 0.15, zero, -low - 0.02, high, -low - 0.05], axis=1)


def test_the_curve_rises_with_the_deviation_and_is_chance_without() -> None:
    rows = st_curve(lowest_and_highest, 12, levels=(-0.3, 0.0, 0.3))
    assert [row["n"] for row in rows] == [12, 12, 12]
    assert rows[0]["auc"] > 0.9 and rows[2]["auc"] > 0.8
    rows = t_curve(lowest_and_highest, 8, levels=(-0.3, 0.0))
    assert rows[0]["auc"] > 0.8
    assert rows[1]["auc"] == pytest.approx(0.5)


def test_the_known_class_follows_the_measured_levels() -> None:
    known = [
        transfer._known({"ST 60 mV": st, "T mV": t})
        for st, t in ((0.0, 0.3), (-0.12, 0.3), (0.15, -0.3), (0.05, -0.2), (np.nan, 0.1))
    ]
    assert known == ["normal", "st-depression", "st-elevation", "t-inversion", None]


def record_with(symbols: str, notes: dict[int, str]) -> Record:
    """A record with a beat each second, and rhythm annotations at the given ones."""
    rows = [(360 * (i + 1), symbol, "") for i, symbol in enumerate(symbols)]
    rows += [(360 * at + 1, "+", note) for at, note in notes.items()]
    rows.sort()
    samples, kinds, aux = zip(*rows, strict=True)
    signal = np.zeros(360 * (len(symbols) + 2), np.int16)
    return Record(
        *("x", "mitdb", 360, 200, "MLII", signal, np.array(samples), np.array(kinds), tuple(aux)),
    )


@pytest.mark.parametrize(
    ("symbols", "notes", "expected"),
    [
        ("NNNNNNNNNNNN", {0: "(N"}, False),
        ("NNNNNVNNNNNN", {0: "(N"}, True),
        ("NLLRNNNNNNNN", {0: "(SBR"}, False),
        ("NNNNNNNNNNNN", {0: "(AFIB"}, True),
        ("NNNNNNNNNNNN", {0: "(N", 11: "(AFIB"}, False),
    ],
)
def test_an_arrhythmia_in_mitdb(symbols: str, notes: dict[int, str], expected: bool) -> None:
    assert transfer._is_arrhythmia(record_with(symbols, notes), 360, 360 + 3600) is expected


def test_answers_are_summed_by_database_and_record() -> None:
    def answer(record: str, known: str | None, given: int, ischemia: bool) -> transfer.Answer:
        logits = (20 * np.eye(5)[given]).astype(np.int8)
        return transfer.Answer("ludb", record, "ii", logits, known, ischemia=ischemia)

    found = transfer.summarize(
        [
            answer("1", "normal", 0, False),
            answer("1", None, 2, False),
            answer("2", "st-elevation", 3, True),
            answer("3", "normal", 3, False),
        ]
    )
    assert (found["strips"], found["records"]) == (4, 3)
    assert found["answers"]["st-elevation"] == 0.5
    assert found["confusion"][0] == [1, 0, 0, 1, 0]
    assert found["auc"]["st-elevation"] == 0.75
    assert found["auc"]["arrhythmia"] is None
    assert found["by_record"]["1"] == {"normal": 1, "st-depression": 1}


@pytest.mark.slow
def test_the_command_scores_the_shipped_network(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "morphology", "--patients", "10", "--json", str(target)])
    assert ended.value.code == 0
    figures = json.loads(target.read_text())
    clean = figures["noise"][0]
    assert clean["snr_db"] == 60 and clean["accuracy"] > 0.9
    assert list(clean["per_class"]) == list(MORPHOLOGY)
    flat = next(row for row in figures["t"] if row["level_mv"] == 0)
    assert flat["auc"] == pytest.approx(0.5)


def test_a_beat_classifier_is_refused() -> None:
    from ecg_edge.host.cli.commands.evaluate.morphology import evaluate

    with pytest.raises(EcgEdgeError, match="a beat classifier"):
        evaluate(model=PROJECT_ROOT / "models" / "nlrav")


@pytest.mark.tensorflow
class TestSaliency:
    """Integrated gradients of the shipped network."""

    def test_parts_lie_where_the_truth_has_them(self) -> None:
        pytest.importorskip("tf_keras")
        from ecg_edge.ecg.synthetic.generator import Settings, generate
        from ecg_edge.firmware import strips
        from ecg_edge.host.pipeline.morphology.saliency import PARTS, parts_of

        record = generate(Settings("st-elevation", seed=5, st_mv=0.4), 15.2)
        parts = parts_of(record)
        points = strips(record.samples[:, 0], adu_per_mv=record.adu_per_mv)["points"][-1].astype(int)
        level = {name: points[parts == i].mean() for i, name in enumerate(PARTS)}
        assert level["ST"] > level["other"] + 10
        steep = np.abs(np.diff(points))
        assert parts[:-1][steep.argmax()] == PARTS.index("QRS")

    def test_attributions_add_up_to_the_difference_of_the_logits(self) -> None:
        pytest.importorskip("tf_keras")
        from ecg_edge.host.pipeline.morphology.saliency import integrated_gradients
        from ecg_edge.training.morphology.patients import example
        from ecg_edge.training.morphology.train import predict
        from ecg_edge.training.train import load

        network = load(PROJECT_ROOT / "models" / "morphology" / "float.keras")
        strip, _ = example(2, 31_000_000, Conditions().ranges)
        logits = predict(network, np.stack([strip, np.zeros_like(strip)]))
        margin = logits[:, 2] - (logits.sum(1) - logits[:, 2]) / 4
        weights = np.full(5, -0.25, np.float32)
        weights[2] = 1
        total = integrated_gradients(network, np.zeros_like(strip), strip, weights).sum()
        assert total == pytest.approx(margin[0] - margin[1], rel=0.1)

    def test_the_patient_without_the_change_has_the_same_beats(self) -> None:
        pytest.importorskip("tf_keras")
        from ecg_edge.ecg.synthetic.generator import Settings, generate
        from ecg_edge.firmware import strips
        from ecg_edge.host.pipeline.morphology.saliency import PARTS, parts_of, without_change

        record = generate(Settings("t-inversion", seed=5, t_mv=-0.4, snr_db=20.0), 15.2)
        points = strips(record.samples[:, 0], adu_per_mv=record.adu_per_mv)["points"][-1].astype(int)
        difference, parts = points - without_change(record), parts_of(record)
        size = [np.abs(difference[parts == i]).mean() for i in range(len(PARTS))]
        assert PARTS[int(np.argmax(size))] == "T"
        assert size[PARTS.index("QRS")] < size[PARTS.index("T")] / 3
