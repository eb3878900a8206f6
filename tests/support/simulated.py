"""What the replay tests share: a bundle, an engine, records, and a simulated device on a socket."""

from __future__ import annotations

import hashlib
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.firmware import STRIP_POINTS, STRIP_STEPS_PER_MV, fingerprint, strip_fingerprint
from ecg_edge.host.devices.simulator import Faults, Simulator, simulator_info, with_morphology
from ecg_edge.host.reference.morphology import MorphologyModel
from ecg_edge.quantize.bundle.engines import Inputs
from ecg_edge.quantize.bundle.manifest import MANIFEST_NAME, MODEL_NAME, Bundle, Manifest, Tensor, load_bundle

FS_HZ = 360
LABELS = ("N", "L", "R", "A", "V")
MODEL = b"not a network, but as good as one for its SHA-256"
MORPHOLOGY = b"another one"
MORPHOLOGY_LABELS = ("normal", "arrhythmia", "st-depression", "st-elevation", "t-inversion")
BEAT_INPUTS = (Tensor("beat", (1, 1, 128, 2), 0.05, 0), Tensor("rhythm", (1, 27), 1 / 64, 0))
STRIP_INPUTS = (Tensor("strip", (1, 1, STRIP_POINTS, 1), 1 / STRIP_STEPS_PER_MV, 0),)


class HashEngine:
    """Outputs that are some fixed function of every input byte."""

    name = "hash"

    def run(self, inputs: Inputs) -> NDArray[np.int8]:
        """Compute outputs, shape (n, 5)."""
        rows = [
            values.reshape(len(values), math.prod(values.shape[1:])) for _, values in sorted(inputs.items())
        ]
        flat = np.concatenate(rows, axis=1).astype(np.int64)
        weights = np.random.default_rng(5).integers(-1000, 1000, (flat.shape[1], len(LABELS)))
        return (flat @ weights).astype(np.int8)


def make_bundle(folder: Path, *, strips: bool = False) -> Bundle:
    """A bundle whose model is only ever hashed: a beat classifier, or a morphology network."""
    folder.mkdir(parents=True)
    model, labels = (MORPHOLOGY, MORPHOLOGY_LABELS) if strips else (MODEL, LABELS)
    (folder / MODEL_NAME).write_bytes(model)
    manifest = Manifest(
        name="fixture",
        model_sha256=hashlib.sha256(model).hexdigest(),
        core_fingerprint=strip_fingerprint() if strips else fingerprint(),
        inputs=STRIP_INPUTS if strips else BEAT_INPUTS,
        outputs=(Tensor("logits", (1, 5), 0.1, 0),),
        labels=labels,
        arena_bytes={"generated": 0},
        operators=(),
        training={},
        metrics={},
        tools={},
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    (folder / "c").mkdir()
    (folder / "c" / "model_info.h").write_text(
        f'/* {manifest.model_sha256} */\n#define FIXTURE_LABELS "{",".join(labels)}"\n'
    )
    return load_bundle(folder)


def make_ecg(seconds: float, seed: int = 1) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """A plain ECG at about 75 beats a minute, in ADC units (200 a mV), and its R peaks."""
    rng = np.random.default_rng(seed)
    peaks = np.cumsum(rng.normal(0.8, 0.03, int(seconds / 0.8) - 2)) + 0.3
    t = np.arange(round(seconds * FS_HZ)) / FS_HZ
    signal = 0.02 * rng.standard_normal(len(t)) + 0.1 * np.sin(2 * np.pi * 0.3 * t)
    for at, height, width in ((-0.17, 0.12, 0.025), (-0.03, -0.12, 0.01), (0, 1.2, 0.012), (0.28, 0.3, 0.05)):
        for peak in peaks:
            near = np.abs(t - peak - at) < 0.3
            signal[near] += height * np.exp(-0.5 * ((t[near] - peak - at) / width) ** 2)
    return np.round(200 * signal).astype(np.int16), np.round(peaks * FS_HZ).astype(np.int64)


def write_record(folder: Path, name: str, samples: NDArray[np.int16]) -> None:
    """Write one lead, 200 ADC units per mV, without annotations."""
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=FS_HZ,
        units=["mV"],
        sig_name=["MLII"],
        d_signal=samples.astype(np.int64).reshape(-1, 1),
        fmt=["16"],
        adc_gain=[200],
        baseline=[0],
        write_dir=str(folder),
    )


def make_database(root: Path, names: tuple[str, ...] = ("100", "101"), seconds: float = 60.0) -> Path:
    """Make a folder with mitdb/<name> records of a made-up ECG."""
    folder = root / "mitdb"
    for seed, name in enumerate(names):
        samples, peaks = make_ecg(seconds, seed)
        write_record(folder, name, samples)
        symbols = ["V" if k % 10 == 9 else "N" for k in range(len(peaks))]
        write_annotations(folder, name, "atr", Annotations.of(peaks, symbols), FS_HZ)
    return root


@contextmanager
def device_on_a_socket(
    bundle: Bundle, faults: Faults | None = None, morphology: Bundle | None = None, **info: Any
) -> Iterator[str]:
    """A simulated device behind a TCP port; gives the port's URL. `info` changes its handshake."""
    manifest = bundle.manifest
    handshake = simulator_info(manifest.model_sha256, manifest.core_fingerprint, manifest.labels, "hash")
    second = MorphologyModel(HashEngine(), morphology.manifest.labels) if morphology else None
    if morphology:
        handshake = with_morphology(handshake, morphology.manifest)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            server.close()  # a second connection is refused
            Simulator(replace(handshake, **info), HashEngine(), faults or Faults(), second).serve(line)

        threading.Thread(target=serve, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
