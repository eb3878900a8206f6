"""Golden vectors of a bundle: inputs, and TFLM's logits for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import read_json
from ecg_edge.quantize.bundle.engines import Int8Array
from ecg_edge.quantize.bundle.manifest import GOLDEN_NAME, Bundle


@dataclass(frozen=True)
class Golden:
    """Inputs and expected outputs.

    Attributes
    ----------
    inputs : dict of str to int8 array, (n, ...)
        Arrays by the names of the network's inputs.
    logits : int8 array, (n, labels)
        TFLM's output.
    engine : str
        Name and version of the engine that computed the logits.
    """

    inputs: dict[str, Int8Array]
    logits: Int8Array
    engine: str

    def first(self, count: int) -> Golden:
        """Select the first `count` vectors."""
        inputs = {name: values[:count] for name, values in self.inputs.items()}
        return Golden(inputs, self.logits[:count], self.engine)

    def rows(self) -> Iterator[dict[str, Int8Array]]:
        """Iterate over the inputs of each vector, by name."""
        for number in range(len(self.logits)):
            yield {name: values[number] for name, values in self.inputs.items()}

    def to_json(self) -> str:
        """Format the vectors as JSON text, one per line."""
        rows = [
            json.dumps(
                {
                    "inputs": {name: values.tolist() for name, values in row.items()},
                    "logits": logits.tolist(),
                }
            )
            for row, logits in zip(self.rows(), self.logits, strict=True)
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
    except (OSError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise BundleError(
            f"{path}: damaged ({error}). Make the bundle again with `ecg-edge export`."
        ) from error


def _parse(path: Path) -> Golden:
    raw = read_json(path)
    vectors = raw["vectors"]
    inputs = {
        name: np.array([vector["inputs"][name] for vector in vectors], np.int8)
        for name in vectors[0]["inputs"]
    }
    return Golden(inputs, np.array([vector["logits"] for vector in vectors], np.int8), str(raw["engine"]))
