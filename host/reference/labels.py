"""Labels of beats from the outputs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.firmware import Beats, fingerprint
from ecg_edge.quantize.bundle.engines import GeneratedEngine, beat_inputs
from ecg_edge.quantize.bundle.manifest import load_bundle

Symbols = npt.NDArray[np.str_]


class Labeller:
    """A bundle's network, its generated C, that labels detected beats.

    Raises
    ------
    BundleError
        When the bundle was trained with another signal path.
    ToolError
        When there is no C compiler.
    """

    def __init__(self, path: Path) -> None:
        bundle = load_bundle(path)
        if bundle.manifest.core_fingerprint != fingerprint():
            raise BundleError(
                f"{path} was trained with the signal path {bundle.manifest.core_fingerprint:08x}, but this "
                f"computer's is {fingerprint():08x}. Build it again with `pip install -e .`, or train again."
            )
        self.name = bundle.manifest.name
        self._engine = GeneratedEngine(bundle.c_path)
        self._labels = np.array(bundle.manifest.labels)
        self._training = bundle.manifest.training

    def trained_on(self, database: str, names: Sequence[str]) -> list[str]:
        """Those of the records whose beats the network was trained on; nstdb is mitdb's 118 and 119."""
        own = self._training.get("database")
        seen = {
            str(name) if "/" in str(name) else f"{own}/{name}" for name in self._training.get("records", ())
        }
        origin = {
            name: f"mitdb/{name[:3]}" if database == "nstdb" else f"{database}/{name}" for name in names
        }
        return [name for name in names if origin[name] in seen]

    def symbols(self, beats: Beats) -> Symbols:
        """A symbol for each beat, also for those in bad signal, shape (n,)."""
        logits = self._engine.run(beat_inputs(beats))
        symbols: Symbols = self._labels[logits.argmax(axis=1)]
        return symbols
