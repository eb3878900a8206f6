"""Where the morphology network looks: integrated gradients over the beat, summed by the parts of the ECG.

    python -m ecg_edge.host.pipeline.morphology.saliency --model FILE.keras --json saliency.json

The gradient of the class's logit minus the mean of the others is integrated from an empty strip to the strip
(Sundararajan M, Taly A, Yan Q, Axiomatic attribution for deep networks, ICML 2017). Its size at each point is
counted for the part of the ECG that the generator's truth puts there. A share is compared with the part's
share of the time: a network that looks everywhere alike has a ratio of 1.

For a change of ST segment or T wave the path also begins at the same virtual patient's strip without the
change, with the same beats and noise. Those attributions add up to what the change adds to the class's logit
less that of normal, so that their sum in a part is the part's share of the answer.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.generator import SyntheticRecord, generate
from ecg_edge.firmware import STRIP_DELAY, STRIP_FS_HZ, STRIP_POINTS, strips
from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY
from ecg_edge.quantize.export.bundle import FLOAT_MODEL_NAME
from ecg_edge.training.morphology.evaluation import Conditions
from ecg_edge.training.morphology.patients import SEEDS, example
from ecg_edge.training.morphology.train import millivolts
from ecg_edge.training.train import load

PARTS: Final = ("other", "P", "QRS", "ST", "T")
STEPS: Final = 32
_QRS_MARGIN: Final = 2  # points: the low-pass widens the complex by 22 ms on either side
_ST_S: Final = 0.10  # after the end of the QRS complex; what follows up to the T wave's end counts as T


class Share(TypedDict):
    """Shares of saliency and of time by part, their ratio, and the shares of what the change adds."""

    strips: int
    saliency: dict[str, float]
    time: dict[str, float]
    ratio: dict[str, float]
    change: dict[str, float] | None


def parts_of(record: SyntheticRecord) -> npt.NDArray[np.int64]:
    """Return the part of the ECG at each point of the record's last strip: index in `PARTS`, shape (900,)."""
    last = int(strips(record.samples[:, 0], adu_per_mv=record.adu_per_mv)["sample"][-1]) - STRIP_DELAY
    step = record.settings.fs_hz // STRIP_FS_HZ
    parts = np.zeros(STRIP_POINTS, np.int64)

    def mark(first: int, end: int, part: str) -> None:
        places = [STRIP_POINTS - 1 - (last - at) // step for at in (first, end)]
        parts[max(0, places[0]) : max(0, min(STRIP_POINTS, places[1] + 1))] = PARTS.index(part)

    for wave in record.truth.p_waves:
        mark(wave.on, wave.off, "P")
    for beat in record.truth.beats:
        mark(beat.qrs_off, beat.t_off, "T")
        mark(beat.qrs_off, beat.qrs_off + round(_ST_S * record.settings.fs_hz), "ST")
    for beat in record.truth.beats:
        mark(beat.qrs_on - _QRS_MARGIN * step, beat.qrs_off + _QRS_MARGIN * step, "QRS")
    return parts


def integrated_gradients(
    network: Any, start: npt.NDArray[np.int8], strip: npt.NDArray[np.int8], weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Integrate the gradient of a weighted sum of the logits from one strip to another.

    Parameters
    ----------
    network : keras.Model
        The float network.
    start, strip : ndarray of int8, shape (900,)
        Where the path begins and ends.
    weights : ndarray of float32, shape (classes,)
        Weight of each logit.

    Returns
    -------
    ndarray of float64, shape (900,)
        Attribution of each point; they add up to the change of the sum, but for the finite number of steps.
    """
    first, last = millivolts(start[None]), millivolts(strip[None])
    places = ((np.arange(STEPS) + 0.5) / STEPS).astype(np.float32)[:, None, None, None]
    path = tf.constant(first + (last - first) * places)
    with tf.GradientTape() as tape:
        tape.watch(path)
        answer = tf.reduce_sum(network(path, training=False) * weights)
    gradient = tape.gradient(answer, path).numpy().mean(0)
    return np.asarray((gradient * (last - first)[0]).reshape(-1), np.float64)


def without_change(record: SyntheticRecord) -> npt.NDArray[np.int8]:
    """Return the last strip of the same patient's record with normal ST segment and T wave, shape (900,).

    Parameters
    ----------
    record : SyntheticRecord
        Record of sinus rhythm with a change of ST segment or T wave.
    """
    normal = replace(record.settings, kind="normal", st_mv=None, t_mv=None)
    other = generate(normal, len(record.samples) / record.settings.fs_hz)
    return np.asarray(strips(other.samples[:, 0], adu_per_mv=other.adu_per_mv)["points"][-1])


def measure(network: Any, patients: int) -> dict[str, Share]:
    """Sum the attributions by part, for each class that has such parts."""
    ranges = Conditions().ranges
    shares: dict[str, Share] = {}
    for label, name in enumerate(MORPHOLOGY):
        if name == "arrhythmia":
            continue  # its strip is not the record's last one, and many rhythms have no such parts
        saliency, time, change = np.zeros((3, len(PARTS)))
        for number in range(patients):
            strip, record = example(label, SEEDS["test"] + number, ranges)
            parts = parts_of(record)
            others = _weights(label, np.full(len(MORPHOLOGY), 1 / (len(MORPHOLOGY) - 1)))
            sizes = np.abs(integrated_gradients(network, np.zeros_like(strip), strip, others))
            saliency += np.bincount(parts, sizes, len(PARTS))
            time += np.bincount(parts, minlength=len(PARTS))
            if name != "normal":
                normal = _weights(label, np.eye(len(MORPHOLOGY))[0])
                added = integrated_gradients(network, without_change(record), strip, normal)
                change += np.bincount(parts, added, len(PARTS))
        shares[name] = _share(
            saliency / saliency.sum(),
            time / time.sum(),
            change / change.sum() if change.any() else None,
            patients,
        )
    return shares


def _weights(label: int, against: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Weight 1 for a class, minus `against` for the others."""
    weights = -against
    weights[label] = 1.0
    return weights.astype(np.float32)


def _share(
    saliency: npt.NDArray[np.float64],
    time: npt.NDArray[np.float64],
    change: npt.NDArray[np.float64] | None,
    count: int,
) -> Share:
    def by_part(values: npt.NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(PARTS, values.tolist(), strict=True))

    return {
        "strips": count,
        "saliency": by_part(saliency),
        "time": by_part(time),
        "ratio": by_part(saliency / np.maximum(time, 1e-9)),
        "change": None if change is None else by_part(change),
    }


def main() -> None:
    """Print a line a class."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--model", type=Path, default=SHIPPED_MORPHOLOGY / FLOAT_MODEL_NAME)
    options.add_argument("--patients", type=int, default=100)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    shares = measure(load(chosen.model), chosen.patients)
    for name, one in shares.items():
        cells = [f"{part} {one['saliency'][part]:.0%} (x {one['ratio'][part]:.1f})" for part in PARTS]
        print(f"{name:14} {'  '.join(cells)}")
        if one["change"] is not None:
            cells = [f"{part} {one['change'][part]:.0%}" for part in PARTS]
            print(f"{'':14} of what the change adds to the answer: {'  '.join(cells)}")
    if chosen.json:
        write_json(chosen.json, shares)


if __name__ == "__main__":
    main()
