"""Make the pages under docs/results, and the README's rows, from the measured JSON.

The pages hold no figure that is not in the JSON. A test makes them again and compares.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.files import read_json
from ecg_edge.host.pipeline.classifier_page import classifier
from ecg_edge.host.pipeline.detector_page import detector
from ecg_edge.host.pipeline.page_parts import HYPHEN, SLASH, Results, per_cent, table, two
from ecg_edge.host.pipeline.rhythm_page import fibrillation_row, rhythm

README_BEGIN: Final = "<!-- results: written by `make results` -->"
README_END: Final = "<!-- end of results -->"
_NETWORKS: Final = {"conv": "`conv`", "sep": "`sep`, depthwise separable", "nlrav": "`nlrav`, shipped"}
_REFERENCES: Final = {"tflm": "TensorFlow Lite Micro"}


def write_pages(folder: Path, readme: Path) -> list[Path]:
    """Write every page, and the README's rows between their markers; return the paths."""
    texts = {folder / name: text for name, text in pages(folder).items()}
    texts[readme] = with_rows(readme.read_text(encoding="utf-8"), readme_rows(load(folder)))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def load(folder: Path) -> dict[str, Results]:
    """Read every JSON file of the folder, by its stem."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def pages(folder: Path) -> dict[str, str]:
    """Return the text of each page by its file name."""
    measured = load(folder)
    made = {f"{name}.md": _page(measured, *of) for name, of in _PAGES.items()}
    return {"index.md": _index(measured), **made}


def with_rows(text: str, rows: str) -> str:
    """Return a README with the rows between the two markers."""
    before, _, rest = text.partition(README_BEGIN)
    _, _, after = rest.partition(README_END)
    return f"{before}{README_BEGIN}\n{rows}\n{README_END}{after}"


def readme_rows(measured: Mapping[str, Results]) -> str:
    """Return the README's five rows."""
    peaks = measured["detector"]["figures"]["mitdb"]["DS2"]["from_300_s"]["gross"]
    beats = _new_patients(measured["classifier"]["figures"]["rows"])
    labels = beats["classes"]["per_class"]
    fibrillation = fibrillation_row(measured["rhythm"]["figures"]["mitdb"]["DS2"]["from_300_s"])
    replay = measured["replay"]["figures"]
    both = "sensitivity {} %, positive predictivity {} %"
    return table(
        ("new patients (MIT-BIH test set), detector in the loop, after five minutes", "measured", "limit"),
        [
            (
                "R peaks",
                both.format(per_cent(peaks["qrs_se"]), per_cent(peaks["qrs_ppv"])),
                "clean signal; noise lowers it",
            ),
            (
                "ventricular beats",
                both.format(per_cent(beats["gross"]["veb_se"], 1), per_cent(beats["gross"]["veb_ppv"], 1)),
                "false alarms rise with noise first",
            ),
            (
                "bundle branch block",
                f"sensitivity {per_cent(labels['L']['se'], 0)} % (left), "
                f"{per_cent(labels['R']['se'], 0)} % (right)",
                "not usable: too few patients to learn from",
            ),
            (
                "time in atrial fibrillation",
                both.format(
                    per_cent(fibrillation["duration_se"], 1), per_cent(fibrillation["duration_ppv"], 1)
                ),
                "other irregular rhythms look alike",
            ),
            (
                "emulated board against the reference",
                f"{replay['differing_bytes']} differing bytes in {replay['beats']:,} beats",
                "an emulator, not a chip",
            ),
        ],
    )


def _new_patients(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the row of DS2 with labels as the device gives them, after the first five minutes."""
    wanted = ("DS2", "detected", 300.0)
    [row] = [row for row in rows if (row["group"], row["peaks"], row["start_s"]) == wanted]
    return row


# ---- parts of a page ---------------------------------------------------------------------------------


def _page(
    measured: Mapping[str, Results], title: str, sources: Sequence[str], body: Callable[..., Iterable[str]]
) -> str:
    here = [name for name in sources if name in measured]
    protocols = [f"*Protocol: {measured[name]['protocol']}*" for name in here]
    head = [f"# {title}", _generated(here), *protocols]
    parts = [*head, *body(*(measured.get(name) for name in sources)), "## How it was measured"]
    return "\n\n".join([*parts, *(_conditions(measured[name]) for name in here)]) + "\n"


def _generated(sources: Sequence[str]) -> str:
    files = ", ".join(f"{name}.json" for name in sources)
    return f"<!-- Written by `make results` from {files}. Do not edit. -->"


def _conditions(results: Results) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in results["tools"].items())
    return table(
        (f"`{results['measurement']}.json`", ""),
        [
            ("protocol", results["protocol"]),
            ("command", f"`{results['command']}`"),
            ("date, commit", f"{results['date']}, `{results['git_commit']}`"),
            ("model", f"`{results['model']}`, SHA-256 `{results['model_sha256'][:16]}...`"),
            ("signal path", f"fingerprint `{results['core_fingerprint']}`"),
            ("tools", tools),
        ],
    )


# ---- index -------------------------------------------------------------------------------------------


def _index(measured: Mapping[str, Results]) -> str:
    listed = table(
        ("page", "measured by", "date"),
        [
            (f"[{title}]({name}.md)", f"`{results['command']}`", results["date"].replace("-", HYPHEN))
            for name, (title, sources, _) in _PAGES.items()
            for results in (measured[source] for source in sources if source in measured)
        ],
    )
    return "\n\n".join(["# Results", _generated(sorted(measured)), _INDEX_TEXT, listed, _INDEX_LIMITS]) + "\n"


_INDEX_TEXT: Final = """\
Every figure names its protocol. Figures of different protocols cannot be compared. In particular, rows with
annotated R peaks and rows with the detector in the loop stand in separate tables. *Gross* gives every beat
the same weight, *average* every person, whose records and leads are taken together; an average shows what a
single patient may expect better than a gross figure does. *From 0 s* is the whole record; *from 300 s* leaves
out the five minutes that EC57 lets a detector learn from.

Where a database has a *development* and a *test* part, choices were made on the first, and only the second is
a test: [data](../reference/data.md) has the division.

`make results` measures every file and writes these pages; a test compares the pages with the files."""

_INDEX_LIMITS: Final = """\
## Limits of all figures

- **No figure comes from a chip.** "Device" on these pages is the firmware in QEMU. Instructions are counted
  there; times and energies of boards are projections.
- **The signal path has no independent oracle.** In a replay the reference is the same C, compiled for
  x86-64. Only the network is compared with an independent engine, TensorFlow Lite Micro. Whether the signal
  path is right is measured against annotations.
- **DS1 chose and trained; DS2 is the test set.** DS2 was opened several times during development: [between
  patients](../experiments/between-patients.md) and [detector](../experiments/detector.md) say how often.
- **A retraining gives other figures.** Weights depend on the machine. The network's rows describe the
  shipped file and no other; rare classes move by many percentage points between trainings ([between
  patients](../experiments/between-patients.md)).
- One lead, adults; mitdb is of the 1970s."""


# ---- network -----------------------------------------------------------------------------------------


def _network(network: Results, engines: Results) -> Iterable[str]:
    yield (
        "`models/nlrav` on the test set DS2: records of patients that are not in the training data. "
        "The five classes are N, L, R, A and V. `models/nlrav-all`, which boards get, trained on these "
        "patients: its figures stand apart."
    )
    for protocol, by_engine in network["figures"]["metrics"].items():
        yield f"## {protocol}"
        yield _protocol_table(by_engine)
    yield "## Limits of these rows"
    yield _network_limits(network["figures"]["metrics"])
    yield "## The classifier for boards"
    yield _board(network["figures"]["board"])
    yield "## Engines compared"
    yield _engine_table(engines["figures"])


def _protocol_table(by_engine: Mapping[str, Mapping[str, Any]]) -> str:
    labels = [name.removesuffix(" Se") for name in next(iter(by_engine.values())) if name.endswith(" Se")]
    rows = [
        (
            _ENGINE_NAMES.get(engine, engine),
            f"{one['beats']:,}",
            per_cent(one["accuracy"]),
            f"{one['macro_f1']:.3f}",
            *(two(one, f"{label} Se", f"{label} +P", 1) for label in labels),
        )
        for engine, one in by_engine.items()
    ]
    return table(
        ("network", "beats", "accuracy, %", "macro-F1", *(f"{label} Se / +P, %" for label in labels)), rows
    )


_ENGINE_NAMES: Final = {
    "float": "float, before pruning",
    "pruned float": "float, pruned",
    "int8": "int8, shipped",
}


def _network_limits(metrics: Mapping[str, Any]) -> str:
    rows = metrics["DS1->DS2, annotated peaks"]
    before, *_ = rows.values()
    after = rows["int8"]
    return (
        "- **int8 loses next to nothing.** With annotated peaks the macro-F1 is "
        f"{before['macro_f1']:.3f} in float and {after['macro_f1']:.3f} in the shipped int8 network.\n"
        "- **L and R are rarely found in new patients.** The database has them in very few patients.\n"
        "- Labels are the network's alone. A device gives none in bad signal, no A in suspected "
        "fibrillation, and lets the [patient's other beats](../explanation/labels.md) have a vote: "
        "[Classifier](classifier.md) has the labels of a device.\n"
        "- All figures are gross. A beat that the detector misses is in no row of the second table; "
        "the replay counts it."
    )


def _board(figures: Mapping[str, Any]) -> str:
    """Say what folds by patient tell of the network that trained on every patient."""
    values: Mapping[str, Sequence[float | None]] = figures["figures"]
    rows = [(_BOARD_NAMES[name], *_over_seeds(values[name])) for name in _BOARD_NAMES]
    text = (
        f"`{figures['model']}`, SHA-256 `{figures['model_sha256'][:16]}...`, trained on every patient of "
        "mitdb and svdb, so that no record of them can test it. These are figures of networks of the same "
        f"recipe, of {len(figures['seeds'])} seeds, on the folds `{figures['division']}`: "
        f"{figures['patients']} patients, each labelled by a network that did not train on them and that had "
        "a fifth fewer patients. int8, detector in the loop, from 300 s."
    )
    return f"{text}\n\n{table(('figure, %', 'mean', 'lowest', 'highest'), rows)}"


_BOARD_NAMES: Final = {
    "gross veb_se": "VEB, sensitivity, gross",
    "gross veb_ppv": "VEB, positive predictivity, gross",
    "average veb_se": "VEB, sensitivity, mean over patients",
    "average veb_ppv": "VEB, positive predictivity, mean over patients",
    "gross sveb_se": "SVEB, sensitivity, gross",
    "gross sveb_ppv": "SVEB, positive predictivity, gross",
    "average sveb_se": "SVEB, sensitivity, mean over patients",
    "average sveb_ppv": "SVEB, positive predictivity, mean over patients",
}


def _over_seeds(values: Sequence[float | None]) -> tuple[str, str, str]:
    known = [value for value in values if value is not None]
    found = (statistics.fmean(known), min(known), max(known)) if known else (None, None, None)
    mean, lowest, highest = (per_cent(value, 1) for value in found)
    return mean, lowest, highest


def _engine_table(figures: Results) -> str:
    rows = [
        (
            one["engine"],
            per_cent(one["label_agreement"]),
            f"{one['largest_difference_lsb']:.1f}",
            "-" if one["differing_bytes"] is None else f"{one['differing_bytes']:,}",
        )
        for one in figures["engines"]
    ]
    head = f"{figures['beats']:,} beats ({figures['source']}), compared with TensorFlow Lite Micro."
    header = ("engine", "same label, %", "largest difference, int8 steps", "differing bytes")
    return f"{head}\n\n{table(header, rows)}"


# ---- device and engine -------------------------------------------------------------------------------


def _device(replay: Results, firmware: Results) -> Iterable[str]:
    figures = replay["figures"]
    name = figures["reference_engine"]
    yield (
        f"The device is the firmware `{figures['device']['board']}` in QEMU, an emulated board. The "
        f"reference is {_REFERENCES.get(name, name)} behind the same signal path, compiled for this "
        f"computer. Verdict: **{figures['verdict']}**."
    )
    yield "## Compared with the reference"
    columns = _REPLAY_COLUMNS | (_STRIP_COLUMNS if figures.get("morphology") else {})
    header = ("record", *columns.values())
    yield table(header, [_replay_row(one, columns) for one in figures["records"]])
    yield "## Scored against the annotations"
    yield from _replay_scores(figures["scores"])
    yield "## Size of the image"
    sizes = firmware["figures"]["size"]
    yield table(
        ("flash", "RAM without stack"), [(f"{sizes['flash_bytes']:,} bytes", f"{sizes['ram_bytes']:,} bytes")]
    )


def _replay_scores(scores: Mapping[str, Any]) -> Iterable[str]:
    by_protocol: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for name, group in scores.items():
        for key, cells in _SCORES.items():
            for one in group[key] if isinstance(group[key], list) else [group[key]]:
                by_protocol.setdefault((key, one["protocol"]), []).append((name, *cells(one)))
    for (key, text), rows in by_protocol.items():
        yield f"*{text}.*"
        yield table(("group", *_SCORE_COLUMNS[key]), rows)


def _ec57_cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(two(one, f"{kind}_se", f"{kind}_ppv") for kind in ("qrs", "veb", "sveb"))


def _class_cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (per_cent(one["accuracy"]), "-" if one["macro_f1"] is None else f"{one['macro_f1']:.3f}")


_SCORES: Final[dict[str, Callable[[Mapping[str, Any]], tuple[str, ...]]]] = {
    "ec57": _ec57_cells,
    "classes": _class_cells,
}
_SCORE_COLUMNS: Final = {
    "ec57": ("QRS Se / +P, %", "VEB Se / +P, %", "SVEB Se / +P, %"),
    "classes": ("accuracy, %", "macro-F1"),
}


_REPLAY_COLUMNS: Final = {
    "beats": "beats",
    "differing_bytes": "differing bytes",
    "lost_samples": "lost samples",
    "events": "rhythm events",
    "differing_events": "differing events",
}
_STRIP_COLUMNS: Final = {"strips": "strips", "differing_strip_bytes": "differing bytes of strips"}


def _replay_row(one: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    return (f"{one['database']}/{one['record']}", *(f"{one[name]:,}" for name in names))


def _cores(results: Results) -> Iterable[str]:
    figures = results["figures"]["figures"]
    models = list(dict.fromkeys(one["model"] for one in figures))
    yield "## Instructions of one run"
    yield "The number in parentheses is instructions per multiply-accumulate."
    header = ("core", "kernels", *(_NETWORKS.get(model, f"`{model}`") for model in models))
    yield table(
        header, [_core_row(figures, core, models) for core in dict.fromkeys(one["core"] for one in figures)]
    )
    yield "## Bytes"
    yield "Code / constants / RAM / stack."
    yield table(("core", *(f"`{model}`" for model in models)), _size_rows(figures, models))
    same = all(one["same_bits"] for one in figures)
    yield (
        "Every layer has TensorFlow Lite Micro's bytes on every core." if same else "**Some layers differ.**"
    )
    yield "## Projections for boards"
    yield (
        "Projected, not measured; no board was at hand. *This engine*: counted instructions at the "
        "fewest cycles an instruction can take, so a lower bound. *Another engine*: published cycles "
        "per multiply-accumulate of another engine on that board. Sources are in `cores.json` and "
        "`quantize/bench/boards.toml`."
    )
    yield _projections(results["figures"]["projections"])


def _find(figures: Sequence[Mapping[str, Any]], core: str, model: str) -> Mapping[str, Any]:
    return next(one for one in figures if one["core"] == core and one["model"] == model)


def _core_row(figures: Sequence[Mapping[str, Any]], core: str, models: Sequence[str]) -> tuple[str, ...]:
    found = [_find(figures, core, model) for model in models]
    cells = (f"{one['instructions']:,} ({one['instructions'] / one['macs']:.2f})" for one in found)
    return (f"`{core}`", found[0]["form"], *cells)


def _size_rows(figures: Sequence[Mapping[str, Any]], models: Sequence[str]) -> Iterable[tuple[str, ...]]:
    names = ("code_bytes", "weight_bytes", "ram_bytes", "stack_bytes")
    for core in dict.fromkeys(one["core"] for one in figures):
        found = [_find(figures, core, model) for model in models]
        yield (f"`{core}`", *(SLASH.join(f"{one[name]:,}" for name in names) for one in found))


def _projections(projections: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (one["board"], *(f"{one[name]:.2f}" for name in ("least_ms", "published_ms")), *_energies(one))
        for one in projections
        if one["model"] == "nlrav"
    ]
    return table(
        ("board", "this engine, ms", "another engine, ms", "this engine, uJ", "another engine, uJ"), rows
    )


def _energies(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple("-" if one[name] is None else f"{one[name]:.0f}" for name in ("least_uj", "published_uj"))


_PAGES: Final[dict[str, tuple[str, tuple[str, ...], Callable[..., Iterable[str]]]]] = {
    "detector": ("Detector", ("detector", "leads"), detector),
    "network": ("Network", ("network", "engines"), _network),
    "classifier": ("Classifier", ("classifier",), classifier),
    "rhythm": ("Rhythm", ("rhythm", "ventricular", "strips"), rhythm),
    "device": ("Device against reference", ("replay", "firmware"), _device),
    "engine": ("Engine on emulated cores", ("cores",), _cores),
}
