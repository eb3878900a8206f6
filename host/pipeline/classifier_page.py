"""The page of results of the beat classifier, from the JSON of `ecg-edge evaluate classifier`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ecg_edge.host.evaluation.classifier import repeats
from ecg_edge.host.pipeline.page_parts import Results, number, per_cent, table, two

Row = Mapping[str, Any]

_KINDS: Final = {"veb": "Ventricular beats", "sveb": "Supraventricular beats"}
_RESTS_ON: Final = ("test set", "from", "patients")
_WORST: Final = 5  # records of each kind in the table of the lowest figures
_FEWEST: Final = 20  # beats of the class that such a record has at least

_PEAKS: Final = {"detected": "detector in the loop", "annotated": "annotated R peaks"}

_TEXT: Final = """The [protocols](../explanation/scoring.md#a-classifier-of-beats) say what each row counts.
Se / +P in per cent, with the middle 95 % over patients drawn with replacement. A patient without beats of a
class but with a false one has +P 0 in the mean over patients."""


def selected(figures: dict[str, Any]) -> dict[str, Any]:
    """Keep what the page shows: single records once, without those of repeated groups."""
    rows = [{**row, "by_record": row["by_record"] if _has_records(row) else {}} for row in figures["rows"]]
    return {**{key: value for key, value in figures.items() if key != "name"}, "rows": rows}


def _has_records(row: Row) -> bool:
    return bool(row["peaks"] == "detected" and row["start_s"] == 300 and not repeats(row))


def classifier(results: Results | None) -> Iterable[str]:
    """Yield the parts of the page."""
    if results is None:
        yield "Not measured yet: `make results`."
        return
    figures = results["figures"]
    yield _TEXT
    yield from _seen(figures["rows"])
    by_peaks = {text: [row for row in figures["rows"] if row["peaks"] == p] for p, text in _PEAKS.items()}
    for kind, title in _KINDS.items():
        for text, rows in by_peaks.items():
            yield f"## {title}, {text}"
            yield _ectopic(rows, kind)
    for text, rows in by_peaks.items():
        yield f"## Labels and calibration, {text}"
        yield _overall(rows)
        if by_label := [row for row in rows if row["classes"]]:
            yield "Each label, annotated beats without any of these labels left out: Se / +P in per cent."
            yield _by_label(by_label)
    yield "## Lowest figures of single records"
    yield (
        f"Detector in the loop, from 300 s, records with at least {_FEWEST} beats of the class; lowest mean "
        "of Se and +P first."
    )
    yield table(("class", "record", "beats", "Se / +P %"), _worst(figures["rows"]))
    if "first_beats" in figures:
        yield "## First beats"
        yield "Labels in normal strips of cinc2017, each a fresh stream, by the number of the beat."
        yield _first_beats(figures["first_beats"])
    if "never_learned" in figures:
        yield "## Beats of kinds that were never learned"
        yield _never_learned(figures["never_learned"])


def _seen(rows: Sequence[Row]) -> Iterable[str]:
    """Name the test sets whose patients trained the network."""
    seen = {row["group"]: f"{len(row['seen_in_training'])} of {len(row['records'])}" for row in rows}
    named = [f"{group} ({count})" for group, count in seen.items() if not count.startswith("0 ")]
    if named:
        yield f"The network was trained on people of these records: {', '.join(named)}."


def _rests_on(row: Row) -> tuple[str, ...]:
    return row["group"], f"{row['start_s']:g} s", str(row["patients"])


def _ectopic(rows: Sequence[Row], kind: str) -> str:
    se, ppv = f"{kind}_se", f"{kind}_ppv"
    header = (*_RESTS_ON, "beats", "gross", "95 % of Se", "95 % of +P", "mean over patients")
    return table(
        header,
        [
            (
                *_rests_on(row),
                str(row["counts"][se][1]),
                two(row["gross"], se, ppv, 1),
                *(_interval(row["intervals"]["gross"][name]) for name in (se, ppv)),
                two(row["average"], se, ppv, 1),
            )
            for row in rows
        ],
    )


def _interval(low_high: Sequence[float | None]) -> str:
    low, high = low_high
    return "-" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"


def _overall(rows: Sequence[Row]) -> str:
    header = (*_RESTS_ON, "unclassified %", "macro-F1", "jk", "ECE %")
    return table(
        header,
        [
            (
                *_rests_on(row),
                per_cent(row["unclassified"], 1),
                number(row["classes"]["macro_f1"] if row["classes"] else None, 3),
                number(row["jk"]["jk"], 3),
                per_cent(row["calibration"]["ece"], 1),
            )
            for row in rows
        ],
    )


def _by_label(rows: Sequence[Row]) -> str:
    labels = list(rows[0]["classes"]["per_class"])
    return table(
        (*_RESTS_ON, *labels),
        [
            (*_rests_on(row), *(two(row["classes"]["per_class"][label], "se", "ppv", 1) for label in labels))
            for row in rows
        ],
    )


def _worst(rows: Sequence[Row]) -> Iterable[tuple[str, ...]]:
    for kind, title in _KINDS.items():
        se, ppv = f"{kind}_se", f"{kind}_ppv"
        found = [
            (row["database"], name, one)
            for row in rows
            for name, one in row["by_record"].items()
            if one["counts"][se][1] >= _FEWEST and row["database"] != "nstdb"
        ]
        found.sort(key=lambda one: (one[2][se] or 0) + (one[2][ppv] or 0))
        for database, name, one in found[:_WORST]:
            yield title, f"{database}/{name}", str(one["counts"][se][1]), two(one, se, ppv, 1)


def _first_beats(figures: Row) -> str:
    return table(
        ("beat", "beats", "V %", "A %", "unclassified %"),
        [
            (name, str(one["beats"]), *(per_cent(one[key]) for key in ("v", "a", "unclassified")))
            for name, one in figures["by_number"].items()
        ],
    )


def _never_learned(figures: Row) -> str:
    labels = list(next(iter(figures["kinds"].values()))["answers"])
    return table(
        ("kind", "beats", "unclassified %", "labelled %", *labels),
        [
            (
                kind,
                str(one["beats"]),
                per_cent(one["unclassified"], 1),
                per_cent(one["mislabelled"], 1),
                *map(str, one["answers"].values()),
            )
            for kind, one in figures["kinds"].items()
        ],
    )
