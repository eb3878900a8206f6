"""Golden vectors of a bundle: inputs, and the logits that TFLM gives for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.bundle.manifest import GOLDEN_NAME, Bundle


@dataclass(frozen=True)
class Golden:
    """Inputs and expected outputs.

    Attributes
    ----------
    beat : int8 array, (n, points, channels)
    rhythm : int8 array, (n, features)
    logits : int8 array, (n, labels)
        TFLM's output.
    engine : str
        What made the logits, with its version.
    """

    beat: npt.NDArray[np.int8]
    rhythm: npt.NDArray[np.int8]
    logits: npt.NDArray[np.int8]
    engine: str

    def to_json(self) -> str:
        """The vectors as JSON text, one a line."""
        rows = [
            json.dumps({"beat": beat.tolist(), "rhythm": rhythm.tolist(), "logits": logits.tolist()})
            for beat, rhythm, logits in zip(self.beat, self.rhythm, self.logits, strict=True)
        ]
        return '{"engine": ' + json.dumps(self.engine) + ', "vectors": [\n' + ",\n".join(rows) + "\n]}\n"


def load_golden(bundle: Bundle) -> Golden:
    """Read the golden vectors of a bundle.

    Raises
    ------
    BundleError
        When golden.json is missing or damaged.
    """
    path = bundle.path / GOLDEN_NAME
    try:
        return _parse(path)
    except FileNotFoundError:
        raise BundleError(f"{path}: not found. Make the bundle again with `ecg-edge export`.") from None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise BundleError(
            f"{path}: damaged ({error}). Make the bundle again with `ecg-edge export`."
        ) from error


def _parse(path: Path) -> Golden:
    raw = json.loads(path.read_text(encoding="utf-8"))
    beat, rhythm, logits = (
        np.array([vector[key] for vector in raw["vectors"]], np.int8) for key in ("beat", "rhythm", "logits")
    )
    return Golden(beat, rhythm, logits, raw["engine"])
