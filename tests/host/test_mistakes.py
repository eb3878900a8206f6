"""The worst mistakes: which are chosen, and what their labels depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_edge import firmware
from ecg_edge.ecg.scoring.labelling import Labelling
from ecg_edge.firmware import Beats
from ecg_edge.host.evaluation.mistakes import Mistake, describe, occlude, worst

LABELS = ("N", "L", "R", "A", "V")


def labelling(title: str, truth: str, answer: str, probability: list[float]) -> Labelling:
    """Beats, "." for none; the label has this probability."""
    probabilities = np.full((len(truth), 5), 0.01, np.float32)
    for row, label in enumerate(answer):
        probabilities[row, LABELS.index(label) if label in LABELS else 0] = probability[row]
    symbols = [np.array([s.replace(".", "") for s in text], "U8") for text in (truth, answer)]
    return Labelling(title, title, {}, np.arange(len(truth)) * 1.0, symbols[0], symbols[1], probabilities)


def test_the_most_certain_mistakes_of_different_records_are_chosen() -> None:
    one = labelling("100", "NNNAV", "VVVAV", [0.6, 0.9, 0.8, 0.9, 0.9])
    other = labelling("101", "NLA.V", "VNQAN", [0.7, 0.5, 0.9, 0.95, 0.4])
    chosen = worst({"mitdb": [one, other]}, LABELS, each=2)
    first = [(m.title, m.time_s, m.truth, m.answer, m.of_kind) for m in chosen[:2]]
    assert first == [("100", 1.0, "N", "V", 4), ("101", 0.0, "N", "V", 4)]
    kinds = {(m.truth, m.answer) for m in chosen}
    assert kinds == {("N", "V"), ("L", "N"), ("", "A"), ("V", "N")}, (
        "unclassified is no mistake of the network"
    )


def test_labels_that_a_database_does_not_tell_apart_are_no_mistakes() -> None:
    found = labelling("800", "NNS", "LRA", [0.9, 0.9, 0.9])
    assert worst({"svdb": [found]}, LABELS) == []


@dataclass(frozen=True)
class Looks:
    """A network that calls V what is high in the middle of the window, and early."""

    name: str = "int8"
    labels: tuple[str, ...] = LABELS

    def logits(self, beats: Beats) -> npt.NDArray[np.float32]:
        logits = np.zeros((len(beats), 5), np.float32)
        logits[:, 4] = beats["beat"][:, 40:48, 0].mean(1) / 10 - beats["rhythm"][:, 8] / 10
        return logits


def beat() -> Beats:
    """One high beat, early, before a flat average beat."""
    found = np.zeros(1, firmware.BEAT_DTYPE)
    found["beat"][0, 40:48, 0] = 50
    found["rhythm"][0, 8] = -32
    found["rhythm"][0, 22] = 32
    found["p_wave"] = 20
    return found


def test_occlusion_finds_the_piece_and_the_part() -> None:
    pieces, parts = occlude(beat()[0], np.zeros(27, np.int8), Looks(), "V")
    assert pieces.shape == (16,) and int(pieces.argmax()) == 5
    assert np.abs(np.delete(pieces, 5)).max() < 1e-6
    assert max(parts, key=lambda name: parts[name]) == "QRS complex"
    assert parts["intervals"] > 0 and abs(parts["P wave"]) < 1e-6


def test_a_line_says_what_was_seen() -> None:
    mistake = Mistake("mitdb", "100", 1.0, "N", "V", 0.98, 4)
    line = describe(beat()[0], mistake, {"QRS complex": 0.9, "intervals": 0.2, "P wave": 0.3, "noise": 0.0})
    assert "Probability 98 %; interval 0.71 of the sinus interval" in line
    assert "correlation 0.50; P wave unlikely" in line
    assert line.endswith("Depends most on QRS complex (8 % without) and P wave (68 % without).")
    learning = beat()
    learning["flags"] = firmware.FLAG_LEARNING
    assert "average beat not known yet" in describe(learning[0], mistake, {"noise": 0.0})
