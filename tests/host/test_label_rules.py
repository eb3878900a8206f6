"""The label of a beat by the patient's other beats: shapes, votes, and what takes no part in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.firmware import FLAG_LEARNING, FLAG_UNCLASSIFIABLE
from ecg_edge.firmware.binding.labels import LabelVotes
from ecg_edge.firmware.binding.signal_path import BEAT_DTYPE
from ecg_edge.host.reference.labels import LabelRules, labels_of

NAMES = tuple("NLRAV")
N, L, R, A, V = range(5)
BAD = 254


def window(width: float, sign: int = 1, at: float = 48) -> npt.NDArray[np.float64]:
    """A QRS complex of this half width in points, and a T wave."""
    points = np.arange(128)
    qrs = 110 * sign * np.exp(-(((points - at) / width) ** 2))
    return qrs + 25 * np.exp(-(((points - at - 45) / 12) ** 2))


NARROW, WIDE, OTHER = window(3), window(9, -1), window(6, -1) + np.roll(window(3), 12)


def beats_of(shapes: list[npt.NDArray[np.float64]], flags: int = 0, seed: int = 1) -> npt.NDArray[np.void]:
    """Beats of these shapes in a little noise, each moved by up to a point."""
    random = np.random.default_rng(seed)
    beats = np.zeros(len(shapes), BEAT_DTYPE)
    for beat, shape in zip(beats, shapes, strict=True):
        moved = np.roll(shape, int(random.integers(-1, 2))) + random.normal(0, 3, 128)
        beat["beat"][:, 0] = np.clip(np.round(moved), -128, 127)
    beats["flags"] = flags
    return beats


def outputs_of(labels: list[int]) -> npt.NDArray[np.int8]:
    """Outputs whose largest is the label's; then N, L, R in this order."""
    outputs = np.tile(np.array([-20, -30, -40, -60, -60], np.int8), (len(labels), 1))
    outputs[np.arange(len(labels)), labels] = 40
    return outputs


def label(shapes: list[npt.NDArray[np.float64]], own: list[int], flags: int = 0) -> list[int]:
    return LabelRules(NAMES).take(beats_of(shapes, flags), outputs_of(own)).labels.tolist()


def test_the_first_beats_of_shapes_have_the_networks_labels() -> None:
    shapes = [NARROW, WIDE, OTHER, window(14)]
    assert label(shapes, [R, V, A, L]) == [R, V, A, L]


def test_a_shape_is_ventricular_when_more_than_a_third_of_its_beats_are_called_so() -> None:
    own = [V, V, V, N, V, N, N, V, N, N]
    assert label([WIDE] * 10, own) == [V] * 10
    assert label([WIDE] * 8, [N, N, N, N, V, N, V, V])[-4:] == [N, N, V, V]


def test_one_false_ventricular_label_among_normal_beats_of_its_shape_is_overruled() -> None:
    assert label([NARROW] * 20, [N] * 12 + [V] + [N] * 7) == [N] * 20
    # The same label on a beat of another shape stays.
    assert label([NARROW] * 12 + [WIDE], [N] * 12 + [V]) == [N] * 12 + [V]


def test_a_premature_label_is_the_beats_own() -> None:
    own = [N] * 10 + [A, A, N, A]
    assert label([NARROW] * 14, own) == own
    # Not where the shape is ventricular.
    assert label([WIDE] * 6 + [WIDE], [V] * 6 + [A]) == [V] * 7


def test_what_is_normal_is_decided_by_the_patient() -> None:
    own = [R] * 20 + [N, L, R, N]
    assert label([NARROW] * 24, own) == [R] * 24
    # Two shapes that the network tells apart stay apart.
    found = label([NARROW, WIDE] * 30, [N, L] * 30)
    assert found[20:] == [N, L] * 20


def test_an_overruled_beat_in_fibrillation_is_what_is_normal_for_the_patient() -> None:
    rules = LabelRules(NAMES)
    rules.take(beats_of([NARROW] * 20), outputs_of([R] * 20))
    chosen = rules.take(beats_of([NARROW] * 2), outputs_of([A, V]))
    assert chosen.labels.tolist() == [A, R] and chosen.in_fibrillation.tolist() == [R, R]
    assert chosen.settle(np.array([True, False])).tolist() == [R, R]
    assert chosen.settle(np.array([False, True])).tolist() == [A, R]


def test_bad_beats_have_no_label_and_no_vote() -> None:
    rules = LabelRules(NAMES)
    assert (
        rules.take(beats_of([WIDE] * 30, FLAG_UNCLASSIFIABLE), outputs_of([N] * 30)).labels.tolist()
        == [BAD] * 30
    )
    assert rules.take(beats_of([WIDE]), outputs_of([V])).labels.tolist() == [V]


def test_before_the_average_beat_is_known_normal_beats_alone_have_labels_and_votes() -> None:
    rules = LabelRules(NAMES)
    own = [V, A, N, L, V, V]
    first = rules.take(beats_of([WIDE] * 6, FLAG_LEARNING), outputs_of(own))
    assert first.labels.tolist() == [BAD, BAD, N, L, BAD, BAD]
    assert first.in_fibrillation.tolist() == [BAD, N, N, L, BAD, BAD]
    # Two votes for normal labels, and the beat's own, which counts as two.
    assert rules.take(beats_of([WIDE]), outputs_of([V])).labels.tolist() == [V]
    assert rules.take(beats_of([WIDE]), outputs_of([N])).labels.tolist() == [N]


def test_without_votes_the_rules_are_those_of_the_network_alone() -> None:
    random = np.random.default_rng(5)
    for names in (NAMES, ("A", "V"), ("V", "N", "F"), ("N", "Q"), ("S", "B", "e", "r")):
        for flags in (0, FLAG_LEARNING, FLAG_UNCLASSIFIABLE):
            outputs = random.integers(-128, 128, (40, len(names))).astype(np.int8)
            one = beats_of([NARROW], flags)
            for row in outputs:
                found = LabelRules(names).take(one, row[np.newaxis])
                for suspected in (np.zeros(1, bool), np.ones(1, bool)):
                    wanted = labels_of(row[np.newaxis], names, one["flags"], suspected)
                    assert found.settle(suspected).tolist() == wanted.tolist(), (names, flags, row)


def a_day(count: int = 3000) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int8]]:
    """More shapes than are kept, most of them once; votes enough to be halved."""
    random = np.random.default_rng(7)
    shapes = [NARROW, WIDE, OTHER]
    chosen = [
        shapes[k] if k < 3 else window(random.uniform(2, 20), random.choice([-1, 1]), random.uniform(40, 56))
        for k in random.choice(4, count, p=[0.7, 0.1, 0.1, 0.1])
    ]
    return beats_of(chosen), random.integers(-60, 60, (count, 5)).astype(np.int8)


def test_blocks_of_beats_and_real_outputs_give_the_same_labels() -> None:
    beats, outputs = a_day()
    whole = LabelRules(NAMES).take(beats, outputs)
    rules = LabelRules(NAMES)
    ends = [0, 1, 2, 5, 100, 101, 1777, len(beats)]
    parts = [rules.take(beats[a:b], outputs[a:b]) for a, b in pairwise(ends)]
    assert np.concatenate([part.labels for part in parts]).tolist() == whole.labels.tolist()
    in_fibrillation = np.concatenate([part.in_fibrillation for part in parts])
    assert in_fibrillation.tolist() == whole.in_fibrillation.tolist()
    real = LabelRules(NAMES).take(beats, (outputs * np.float32(0.079) + 3).astype(np.float32))
    assert real.labels.tolist() == whole.labels.tolist()


@pytest.mark.parametrize(
    ("later", "own", "late"),
    [(WIDE, L, (0, 0)), (NARROW, L, (450, 550)), (WIDE, V, (0, 0)), (NARROW, V, (200, 300))],
)
def test_another_conduction_prevails_in_the_end(
    later: npt.NDArray[np.float64], own: int, late: tuple[int, int]
) -> None:
    """At once in another shape; in the shape of before when enough of its votes say so."""
    beats = beats_of([NARROW] * 1500 + [later] * 1500)
    found = LabelRules(NAMES).take(beats, outputs_of([N] * 1500 + [own] * 1500)).labels
    changed = int(np.argmax(found[1500:] == own))
    assert np.all(found[: 1500 + changed] == N) and np.all(found[1500 + changed :] == own)
    assert late[0] <= changed <= late[1]


def test_beats_without_outputs_are_not_labelled() -> None:
    found = LabelRules(()).take(beats_of([NARROW] * 2), np.zeros((2, 0), np.int8))
    assert found.labels.tolist() == [255, 255]


def test_arrays_of_other_shapes_are_refused() -> None:
    votes, nothing = LabelVotes(NAMES), np.zeros(3, bool)
    with pytest.raises(ValueError, match=r"\(3, 4\).*expected \[\(3, 128, 2\), \(3, 5\), \(3,\), \(3,\)\]"):
        votes.beats(np.zeros((3, 128, 2), np.int8), np.zeros((3, 4), np.int8), nothing, nothing)
    with pytest.raises(ValueError, match="expected"):
        votes.beats(np.zeros((3, 64, 2), np.int8), np.zeros((3, 5), np.int8), nothing, nothing)
    for flags in ((nothing[:2], nothing), (nothing, nothing[:0])):
        with pytest.raises(ValueError, match="expected"):
            votes.beats(np.zeros((3, 128, 2), np.int8), np.zeros((3, 5), np.int8), *flags)
    with pytest.raises(ValueError, match="33 labels"):
        LabelVotes([f"label{k}" for k in range(33)])
