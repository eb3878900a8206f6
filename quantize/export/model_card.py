"""MODEL_CARD.md: what a bundle's model is, what it was trained on, its figures and its limits."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_text
from ecg_edge.ecg.scoring.classifier import latest
from ecg_edge.quantize.bundle.manifest import Bundle, Manifest, Spread, Tensor
from ecg_edge.quantize.codegen.emit import table_bytes
from ecg_edge.quantize.codegen.generate import generate

CARD_NAME: Final = "MODEL_CARD.md"
CHOICE: Final = ("gross veb_f1", "gross sveb_f1")  # their mean ranks the seeds
CHOSEN_BY: Final = " of the development part"  # the patients by whom recipes and seeds are compared

_LIMITS = """\
## Limits

- This is not a medical device. It must not be used for diagnosis, monitoring or treatment.
"""

_LIMITS_OF_BEATS = """\
- It labels one beat of one lead at a time, as the signal path of this project cuts it; it says nothing of
  rhythm, ischaemia or anything that is not in its list of labels.
- Figures hold for the recordings and the protocol that they are given with. A split by beats has the same
  patient on both sides and says little about new patients; only a split by patients does.
- Some classes come from very few patients: in the MIT-BIH Arrhythmia Database left bundle branch block occurs
  in four, right bundle branch block in six, and most atrial premature beats of the usual test set are those
  of one patient.
"""

_LIMITS_OF_STRIPS = """\
- It labels 10 s of one lead. It was trained on synthetic ECG alone: figures on synthetic ECG are no evidence
  about patients.
"""

_EVERY_PATIENT = """\
## What its records can tell

It trained on every patient of mitdb, the paced ones left out, and on every one of svdb that was at hand. Its
figures on these records, and on nstdb's, which are made of two of them, say nothing about a person that it
has never met. Those of networks of the same recipe on folds by patient do, as far as any can: each labelled
patients that it did not train on.
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


def write_card(bundle: Bundle, evaluation: Mapping[str, Any]) -> Path:
    """Write a bundle's model card with the figures of `ecg-edge evaluate classifier`."""
    program = generate(bundle.model_path.read_bytes(), str(bundle.model_path)).program
    text = model_card(bundle.manifest, program.macs, len(table_bytes(program)), evaluation)
    write_text(bundle.path / CARD_NAME, text)
    return bundle.path / CARD_NAME


def model_card(
    manifest: Manifest, macs: int, constant_bytes: int, evaluation: Mapping[str, Any] | None = None
) -> str:
    """Text of MODEL_CARD.md.

    Parameters
    ----------
    manifest : Manifest
        The bundle's.
    macs, constant_bytes : int
        Multiply-accumulates of one run, and bytes of constants.
    evaluation : mapping, optional
        Figures of `ecg-edge evaluate classifier`, for a beat classifier.
    """
    strips = manifest.takes_strips
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"An int8 network that labels {'strips of 10 s' if strips else 'heart beats'} as "
            f"{', '.join(manifest.labels)}, {macs:,} multiply-accumulates and {constant_bytes:,} bytes of "
            "constants.",
            f"SHA-256 of `model.tflite`: `{manifest.model_sha256}`.",
            "",
            _tensors(manifest),
            *(_evaluation(evaluation) if evaluation else ()),
            *(() if strips else (_seeds(manifest),)),
            *((_EVERY_PATIENT,) if manifest.training.get("split") == "all" else ()),
            _section("Training", _short(manifest.training)),
            *(_figures(protocol, engines, strips) for protocol, engines in manifest.metrics.items()),
            _section("Memory for tensors, in bytes", manifest.arena_bytes),
            _LIMITS + (_LIMITS_OF_STRIPS if strips else _LIMITS_OF_BEATS),
            *(() if strips else (_DATA,)),
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


def _figures(protocol: str, engines: Mapping[str, Mapping[str, Any]], strips: bool) -> str:
    """One table a protocol: a row a figure, a column an engine."""
    names = list(dict.fromkeys(name for figures in engines.values() for name in figures))
    alone = "The network's labels alone; a device's labels depend on the patient's other beats, too.\n\n"
    title = f"## Figures: {protocol}\n\n{'' if strips else alone}"
    head = f"{title}| | {' | '.join(engines)} |\n|---|{'---|' * len(engines)}\n"
    rows = [
        f"| {name.replace('_', ' ')} | {' | '.join(_text(f.get(name)) for f in engines.values())} |"
        for name in names
    ]
    return head + "\n".join(rows) + "\n"


# ---- evaluation --------------------------------------------------------------------------------------


def _evaluation(figures: Mapping[str, Any]) -> list[str]:
    """Sections of `ecg-edge evaluate classifier`: EC57, confusion matrices, kinds never learned."""
    rows = [row for row in figures["rows"] if row["network"] == "int8"]
    first_s = min((row["start_s"] for row in rows), default=0)
    matrices = [row for row in rows if row["classes"] and row["start_s"] == first_s]
    return [
        _ec57(latest(rows), figures["part"]),
        *(_matrix(row) for row in matrices),
        *((_kinds(figures["never_learned"]["kinds"]),) if "never_learned" in figures else ()),
        "`ecg-edge evaluate classifier BUNDLE --html FILE` writes a page with precision-recall curves, the "
        "figures of each record and the worst mistakes.\n",
    ]


def _ec57(rows: Sequence[Mapping[str, Any]], part: str) -> str:
    start_s = max((row["start_s"] for row in rows), default=0)
    header = (
        "test set",
        "R peaks",
        "patients",
        "VEB Se / +P",
        "95 %",
        "SVEB Se / +P",
        "95 %",
        "jk",
        "unclassified",
    )
    cells = []
    for row in rows:
        seen = " *" if row["seen_in_training"] else ""
        other = "" if row["start_s"] == start_s else f", from {row['start_s']:g} s"
        cells.append([f"{row['group']}{other}{seen}", row["peaks"], str(row["patients"])])
        for kind in ("veb", "sveb"):
            names = (f"{kind}_se", f"{kind}_ppv")
            cells[-1].append(" / ".join(percent(row["gross"][name], 1) for name in names))
            cells[-1].append(", ".join(_interval(row["intervals"]["gross"].get(name)) for name in names))
        cells[-1] += [_text(row["jk"]["jk"]), percent(row["unclassified"], 1)]
    seen_text = " \\* The network was trained on some of these patients." if "*" in str(cells) else ""
    return (
        f"## Evaluation: EC57, gross, from {start_s:g} s, int8, part `{part}` of the databases\n\n"
        f"{_table(header, cells)}\n\nIn per cent; 95 %: over patients drawn with replacement.{seen_text}\n"
    )


def _interval(ends: Sequence[float | None] | None) -> str:
    low, high = ends or (None, None)
    return "-" if low is None or high is None or low != low else f"{100 * low:.0f} to {100 * high:.0f}"


def _matrix(row: Mapping[str, Any]) -> str:
    classes = row["classes"]
    lines = zip(classes["rows"], classes["confusion"], strict=True)
    cells = [[name, *map(str, counts)] for name, counts in lines]
    title = f"## Confusion matrix: {row['group']}, {row['peaks']} peaks, from {row['start_s']:g} s"
    return f"{title}\n\n{_table(('annotated', *classes['columns']), cells)}\n"


def _kinds(kinds: Mapping[str, Any]) -> str:
    labels = list(next(iter(kinds.values()))["answers"])
    cells = [
        [
            kind,
            str(one["beats"]),
            *(percent(one[name], 1) for name in ("unclassified", "mislabelled")),
            *map(str, one["answers"].values()),
        ]
        for kind, one in kinds.items()
    ]
    header = ("kind", "beats", "unclassified %", "mislabelled %", *labels)
    return f"## Beats of kinds that were never learned\n\n{_table(header, cells)}\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ---- another training --------------------------------------------------------------------------------


def _seeds(manifest: Manifest) -> str:
    """What a retraining gives: the spread over the seeds, and where this network's seed stands."""
    spread = manifest.training.get("spread")
    text = (
        "Another seed gives another network, and so does the same seed on another processor, which rounds "
        "sums differently. The figures of this card describe this file. They do not predict a retraining."
    )
    if spread is None:
        command = f"ecg-edge train {manifest.training.get('recipe', 'RECIPE')} --folds patients5 --seeds 5"
        return (
            f"## Another training\n\n{text}\nThe spread over seeds was not measured for these settings. "
            f"Measure it with `{command}`, then export again.\n"
        )
    header = (
        "figure",
        "mean",
        "standard deviation",
        "lowest",
        "highest",
        *(f"seed {n}" for n in spread["seeds"]),
    )
    cells = [[name.replace("_", " "), *_statistics(values)] for name, values in spread["figures"].items()]
    alone = "" if "rhythm_fingerprint" in spread else " A beat in suspected fibrillation may be A in them."
    machines = "The spread over machines was not measured: take that over seeds for it."
    if elsewhere := spread.get("elsewhere"):
        header = (*header, "mean difference elsewhere", "largest difference of a seed")
        pairs = zip(cells, spread["figures"].items(), strict=True)
        cells = [[*cell, *_differences(values, elsewhere.get(name, []))] for cell, (name, values) in pairs]
        machines = (
            f"The last columns compare them with {_seeds_of(spread, elsewhere)} of the same recipe, trained "
            "where sums are rounded otherwise: on another machine, or by TensorFlow's other kernels "
            "(`TF_ENABLE_ONEDNN_OPTS=1`). A positive difference means that the figure is higher there."
        )
    return (
        f"## Another training\n\n{text}\n\nNetworks of the same recipe on folds by patient "
        f"({spread['division']}, {spread['patients']} patients, each labelled by a network that did not "
        f"train on them); int8, detector in the loop, from 300 s.{alone} {machines}\n\n"
        f"{_table(header, cells)}\n\n{_choice(manifest, spread)}\n"
    )


def _statistics(values: Sequence[float | None]) -> list[str]:
    known = [value for value in values if value is not None]
    if not known:
        return ["-"] * (4 + len(values))
    deviation = statistics.stdev(known) if len(known) > 1 else None
    return [_text(one) for one in (statistics.fmean(known), deviation, min(known), max(known), *values)]


def _differences(here: Sequence[float | None], there: Sequence[float | None]) -> list[str]:
    """By how much the same seeds are higher there, on average, and how far apart they are at most."""
    found = [b - a for a, b in zip(here, there, strict=False) if a is not None and b is not None]
    return [_text(statistics.fmean(found)), _text(max(map(abs, found)))] if found else ["-", "-"]


def _seeds_of(spread: Spread, figures: Mapping[str, Sequence[float | None]]) -> str:
    """Name the seeds for which there is a figure."""
    pairs = zip(spread["seeds"], zip(*figures.values(), strict=True), strict=True)
    known = [str(seed) for seed, values in pairs if any(value is not None for value in values)]
    return f"seed{'s' if len(known) > 1 else ''} {', '.join(known)}"


def _choice(manifest: Manifest, spread: Spread) -> str:
    """Where the seed stands among the others, by the development part where it is known."""
    figures = spread["figures"]
    part = CHOSEN_BY if f"{CHOICE[0]}{CHOSEN_BY}" in figures else ""
    pairs = zip(*(figures[f"{name}{part}"] for name in CHOICE), strict=True)
    mean = {seed: ((v or 0) + (s or 0)) / 2 for seed, (v, s) in zip(spread["seeds"], pairs, strict=True)}
    seed = manifest.training.get("seed")
    if seed not in mean:
        return f"This network's seed, {seed}, is none of these."
    if len(mean) == 1:
        return f"This network's seed, {seed}, is the only one that was tried: no spread is known."
    rank = sorted(mean, key=lambda one: -mean[one]).index(seed) + 1
    place = "the best" if rank == 1 else f"number {rank}"
    of = f"{len(mean)} by the mean F1 of VEB and SVEB{part} in these folds"
    compared = " The development part holds the patients by whom recipes are compared." if part else ""
    return f"This network's seed, {seed}, is {place} of {of}.{compared}"


def _short(training: Mapping[str, Any]) -> dict[str, Any]:
    """Count the records of each database in place of their names, which the manifest has."""
    shown = {key: value for key, value in training.items() if key != "spread"}
    if "records" in shown:
        own = str(training.get("database", ""))
        counts = Counter(name.rpartition("/")[0] or own for name in map(str, shown["records"]))
        shown["records"] = [f"{count} of {database}" for database, count in counts.items()]
    return shown


# ---- tables ------------------------------------------------------------------------------------------


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
    if value is None or value != value:  # nan: undefined
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)
