"""Variation of training beats."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.training.recipes import Augment

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tf_keras")

RANDOM = np.random.default_rng(4)
BEAT = RANDOM.normal(size=(50, 1, 128, 2)).astype(np.float32)
RHYTHM = RANDOM.normal(size=(50, 8)).astype(np.float32)


def varied(settings: Augment, beat: np.ndarray = BEAT) -> tuple[np.ndarray, np.ndarray]:
    from ecg_edge.training.augment import vary

    return vary(beat, RHYTHM, settings, np.random.default_rng(1))


def test_nothing_asked_for_changes_nothing() -> None:
    beat, rhythm = varied(Augment())
    np.testing.assert_array_equal(beat, BEAT)
    np.testing.assert_array_equal(rhythm, RHYTHM)


def test_stretching_leaves_the_r_peak_where_it_is_and_moves_the_rest() -> None:
    ramp = np.broadcast_to(np.arange(128, dtype=np.float32)[:, None], (50, 1, 128, 2))
    beat, _ = varied(Augment(time_stretch=0.2), ramp)
    np.testing.assert_allclose(beat[:, 0, 48], 48, atol=1e-4)
    far = beat[:, 0, 98, 0] - 48
    assert 40 <= far.min() < 44 and 56 < far.max() <= 60
    np.testing.assert_array_equal(beat[..., 0], beat[..., 1])


def test_shift_and_height_stay_within_their_limits() -> None:
    ramp = np.broadcast_to(np.arange(128, dtype=np.float32)[:, None], (50, 1, 128, 2))
    moved = varied(Augment(shift=3.0), ramp)[0][:, 0, 64, 0] - 64
    assert -3 <= moved.min() < -2 and 2 < moved.max() <= 3
    ratio = varied(Augment(amplitude=0.2))[0] / BEAT
    assert 0.8 - 1e-4 <= ratio.min() < 0.84 and 1.16 < ratio.max() <= 1.2 + 1e-4


def test_a_flip_turns_both_channels_of_a_share_of_the_beats() -> None:
    signs = varied(Augment(flip=0.5))[0] / BEAT
    assert set(np.unique(signs).tolist()) == {-1.0, 1.0}
    assert np.ptp(signs, axis=(1, 2, 3)).max() == 0
    assert 10 < (signs[:, 0, 0, 0] < 0).sum() < 40


def test_noise_and_wander_disturb_the_inputs_they_name() -> None:
    noisy, rhythm = varied(Augment(noise=0.2))
    assert 0 < np.std(noisy - BEAT) < 0.2
    np.testing.assert_array_equal(rhythm, RHYTHM)
    slow = varied(Augment(wander=0.3))[0] - BEAT
    assert 0.2 < np.abs(slow).max() <= 0.3001
    assert np.abs(np.diff(slow, axis=2)).max() < 0.03
    beat, rhythm = varied(Augment(rhythm=0.1))
    np.testing.assert_array_equal(beat, BEAT)
    assert np.std(rhythm - RHYTHM) == pytest.approx(0.1, rel=0.2)


def test_an_epoch_s_batches_hold_every_beat_once_in_an_order_of_the_seed() -> None:
    from ecg_edge.training.augment import Batches

    targets, weights = np.eye(50, dtype=np.float32), np.arange(50, dtype=np.float32)

    def epochs(seed: int) -> list[list[float]]:
        batches, seen = Batches((BEAT, RHYTHM), targets, weights, 16, Augment(), seed), []
        for _ in range(2):
            seen.append([w for number in range(len(batches)) for w in batches[number][2].tolist()])
            batches.on_epoch_end()
        return seen

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == weights.tolist()
    assert first != second
    assert epochs(1) == [first, second] != epochs(2)
