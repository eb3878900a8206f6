"""MODEL_CARD.md: what a bundle's model is, what it was trained on, its figures and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecg_edge.quantize.bundle.manifest import Manifest, Tensor

_LIMITS = """\
## Limits

- This is not a medical device. It must not be used for diagnosis, monitoring or treatment.
- It labels one beat of one lead at a time, as the signal path of this project cuts it; it says nothing of
  rhythm, ischaemia or anything that is not in its list of labels.
- Figures hold for the recordings and the protocol that they are given with. A split by beats has the same
  patient on both sides and says little about new patients; a split by patients is the one to judge by.
- Some classes come from very few patients: in the MIT-BIH Arrhythmia Database left bundle branch block occurs
  in four, right bundle branch block in six, and most atrial premature beats of the usual test set are those
  of one patient.
"""

_DATA = """\
## Data

The MIT-BIH databases are from PhysioNet under the Open Data Commons Attribution License 1.0 (ODC-By). Cite:

- Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50, 2001.
  doi:10.13026/C2F305
- Greenwald SD. Improved detection and classification of arrhythmias in noise-corrupted electrocardiograms
  using contextual information. PhD thesis, Harvard-MIT HST, 1990. doi:10.13026/C2V30W
- Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220, 2000.
"""


def model_card(manifest: Manifest, macs: int, constant_bytes: int) -> str:
    """Text of MODEL_CARD.md."""
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"An int8 network that labels heart beats as {', '.join(manifest.labels)}, "
            f"{macs:,} multiply-accumulates and {constant_bytes:,} bytes of constants.",
            f"SHA-256 of `model.tflite`: `{manifest.model_sha256}`.",
            "",
            _tensors(manifest),
            _section("Training", manifest.training),
            *(_figures(protocol, engines) for protocol, engines in manifest.metrics.items()),
            _section("Memory for tensors, in bytes", manifest.arena_bytes),
            _LIMITS,
            _DATA,
            _section("Made with", manifest.tools),
        ]
    )


def _tensors(manifest: Manifest) -> str:
    rows = [
        f"| {tensor.name} | {kind} | {_shape(tensor)} | {tensor.scale:g} | {tensor.zero_point} |"
        for kind, tensors in (("input", manifest.inputs), ("output", manifest.outputs))
        for tensor in tensors
    ]
    head = "## Tensors\n\n| name | kind | shape | scale | zero point |\n|---|---|---|---|---|\n"
    return head + "\n".join(rows) + f"\n\nOperators: {', '.join(manifest.operators)}.\n"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))


def _figures(protocol: str, engines: Mapping[str, Mapping[str, Any]]) -> str:
    """One table a protocol: a row a figure, a column an engine."""
    names = list(dict.fromkeys(name for figures in engines.values() for name in figures))
    head = f"## Figures: {protocol}\n\n| | {' | '.join(engines)} |\n|---|{'---|' * len(engines)}\n"
    rows = [
        f"| {name.replace('_', ' ')} | {' | '.join(_text(f.get(name)) for f in engines.values())} |"
        for name in names
    ]
    return head + "\n".join(rows) + "\n"


def _section(title: str, values: Any) -> str:
    rows = _rows(values if isinstance(values, Mapping) else {title: values})
    return (
        f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(f"| {key} | {value} |" for key, value in rows) + "\n"
    )


def _rows(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _rows(value, f"{name}, ")
        else:
            rows.append((name, _text(value)))
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)
