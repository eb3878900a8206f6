"""The page of results about rhythm events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ecg_edge.host.pipeline.page_parts import SLASH, Results, number, per_cent, starts, table, two

_FIBRILLATION: Final = ("atrial fibrillation suspected", "irregularly irregular")
_CLASSES: Final = {"N": "normal", "A": "fibrillation", "O": "other", "~": "noisy"}
_RUNS: Final = ("couplet", "short", "long")


def fibrillation_row(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures of the most specific event that stands for atrial fibrillation."""
    row: Mapping[str, Any] = next(figures[name] for name in _FIBRILLATION if name in figures)
    return row


def rhythm(
    results: Results, ventricular: Results | None = None, strips: Results | None = None
) -> Iterable[str]:
    """Write the parts of the page.

    Parameters
    ----------
    results : mapping
        Content of rhythm.json.
    ventricular : mapping, optional
        Content of ventricular.json: vfdb.
    strips : mapping, optional
        Content of strips.json: cinc2017.
    """
    figures = results["figures"]
    yield (
        "Sensitivity / positive predictivity in per cent. Network and rules were made with DS1 and the "
        "development parts of other databases; only DS2 is a test. *All* includes the four paced records."
    )
    yield "## Episodes"
    yield _episode_table(figures["mitdb"])
    yield "## Runs"
    yield "The number of annotated runs is in parentheses. In atrial fibrillation rxr counts N beats as S."
    yield _run_table(figures["mitdb"])
    yield from _alarms(figures)
    if ventricular is not None:
        yield from _ventricular(ventricular["figures"]["vfdb"])
    if strips is not None:
        yield from _strips(strips["figures"]["cinc2017"])


def _episode_table(groups: Mapping[str, Any]) -> str:
    kinds = [kind for kind, one in next(starts(groups["all"]))[1].items() if "episode_se" in one]
    rows = []
    for kind in kinds:
        for name, group in groups.items():
            for start, figures in starts(group):
                one = figures[kind]
                # Events in flutter are scored as fibrillation in the row before.
                only_se = kind.endswith("in flutter")
                rates = [
                    per_cent(one[f"{what}_se"], 1) if only_se else two(one, f"{what}_se", f"{what}_ppv", 1)
                    for what in ("episode", "duration")
                ]
                rows.append((kind, name, start, str(one["counts"]["episode_se"][1]), *rates))
    return table(
        ("event", "group", "from", "annotated episodes", "episodes Se / +P", "duration Se / +P"), rows
    )


def _run_table(groups: Mapping[str, Any]) -> str:
    rows = [
        (f"{letter}, {name}", start, *_run_cells(figures[key]))
        for letter, key in (("V", "veb_runs"), ("S", "sveb_runs"))
        for name, group in groups.items()
        for start, figures in starts(group)
    ]
    return table(("beats", "from", "couplets", "three to five beats", "six beats and more"), rows)


def _run_cells(runs: Mapping[str, Any]) -> Iterator[str]:
    for kind in _RUNS:
        yield f"{two(runs, f'{kind}_se', f'{kind}_ppv', 0)} ({runs['counts'][f'{kind}_se'][1]})"


# ---- alarms an hour ----------------------------------------------------------------------------------


def _alarms(figures: Results) -> Iterable[str]:
    if any("alarms" in group for groups in figures.values() for group in groups.values()):
        yield "## Alarms an hour"
        yield (
            "All alarms an hour, and in parentheses those that the annotations do not confirm; - where they "
            "do not say. Time in ventricular fibrillation, flutter, ventricular tachycardia, asystole and "
            "noise is left out."
        )
    for database, groups in figures.items():
        if all("alarms" in group for group in groups.values()):
            yield _burden_table(database, {name: group["alarms"]["burden"] for name, group in groups.items()})
        if all("restart" in group for group in groups.values()):
            yield f"{database}, alarms that begin in the first 20 s of fresh streams, one a minute:"
            yield _burden_table(database, {name: group["restart"]["20_s"] for name, group in groups.items()})


def _burden_table(database: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    shown = {name: one for name, one in groups.items() if one["hours"]}
    kinds = dict.fromkeys(kind for one in shown.values() for kind in one["kinds"])
    header = (database, *(f"{name}, {one['hours']:,.1f} h" for name, one in shown.items()))
    return table(
        header, [(kind, *(_burden_cell(one["kinds"].get(kind)) for one in shown.values())) for kind in kinds]
    )


def _burden_cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "0"
    return f"{number(one['told_per_hour'], 2)} ({number(one['false_per_hour'], 2)})"


# ---- vfdb --------------------------------------------------------------------------------------------


def _ventricular(groups: Mapping[str, Any]) -> Iterable[str]:
    yield "## Ventricular rhythms and asystole"
    yield (
        "vfdb. Share of the annotated time that alarms name, in per cent: any ventricular, tachycardia or "
        "asystole event; ventricular events alone. **Not a test:** the shipped weights of the ventricular "
        "detector were trained on both parts of this database; only its other records are new to them. "
        "`python -m ecg_edge.training.ventricular.report` has the figures of records left out."
    )
    yield _time_table(groups)
    yield (
        "Delay from the onset of ventricular fibrillation, flutter or tachycardia of 5 s and more to the "
        "first alarm, and the longest time in these rhythms without an alarm in force; asystole of 4 s and "
        "more that was told within 5 s."
    )
    yield _delay_table(groups)
    yield "### Segments, as for automated defibrillators"
    yield (
        "Segments of 10 s of one rhythm. A segment is called shockable when an alarm of ventricular "
        "fibrillation or tachycardia is in force at its end. Goals: Kerber RE et al. Circulation "
        "95:1677-1682, 1997. This is a measure of the detector; the device is no defibrillator."
    )
    yield _segment_table(groups)
    yield "### Alarms an hour in the other rhythms"
    yield (
        "Without beat annotations, rates are not judged, and every run outside of annotated ectopy counts as "
        "not confirmed."
    )
    yield _burden_table("vfdb", {name: group["alarms"]["burden"] for name, group in groups.items()})
    yield "In what is annotated as noise:"
    yield _burden_table("vfdb", {name: group["alarms"]["noise_burden"] for name, group in groups.items()})


def _time_table(groups: Mapping[str, Any]) -> str:
    rows = []
    for rhythm_name in next(iter(groups.values()))["alarms"]["time"]:
        for name, group in groups.items():
            one = group["alarms"]["time"][rhythm_name]
            if one["annotated_s"]:
                shares = [per_cent(one[key], 1) for key in ("any_alarm", "ventricular_alarm", "bad_signal")]
                rows.append((rhythm_name, name, number(one["annotated_s"]), *shares))
    return table(("rhythm", "group", "annotated s", "any alarm", "ventricular alarm", "bad signal"), rows)


def _delay_table(groups: Mapping[str, Any]) -> str:
    rows = []
    for name, group in groups.items():
        one = group["alarms"]
        delays, own, asystole = one["first_alarm"], one["first_ventricular_alarm"], one["asystole"]
        rows.append(
            (
                *(name, str(delays["episodes"]), str(delays["without"])),
                *(f"{_delay(each['median_s'])}{SLASH}{_delay(each['p95_s'])}" for each in (delays, own)),
                *(f"{one['longest_gap_s']:.1f}", str(one["gaps_of_10_s"]), str(asystole["episodes"])),
                *(per_cent(asystole[key], 0) for key in ("told", "told_or_bad_signal")),
            )
        )
    header = ("group", "episodes", "without alarm", "delay s, median / 95 %", "of a ventricular alarm")
    more = ("longest s without", "times of 10 s and more", "asystoles", "told, %", "or bad signal, %")
    return table((*header, *more), rows)


def _delay(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.1f}"


def _segment_table(groups: Mapping[str, Any]) -> str:
    rows = []
    for rhythm_name in next(iter(groups.values()))["alarms"]["segments"]:
        for name, group in groups.items():
            one = group["alarms"]["segments"][rhythm_name]
            if one["segments"]:
                goal = "-" if one["goal_percent"] is None else f"over {one['goal_percent']}"
                rows.append((rhythm_name, name, str(one["segments"]), per_cent(one["right"], 1), goal))
    return table(("rhythm", "group", "segments", "called rightly, %", "goal, %"), rows)


# ---- cinc2017 ----------------------------------------------------------------------------------------


def _strips(groups: Mapping[str, Any]) -> Iterable[str]:
    yield "## Strips that people recorded themselves"
    yield (
        "cinc2017. Share of the strips of each class with an event, in per cent. **Not a test for "
        "fibrillation:** the shipped weights of its search were trained on both parts. "
        "`python -m ecg_edge.host.pipeline.fibrillation.train` prints the figures of strips left out."
    )
    for name, group in groups.items():
        yield _event_table(name, group)
    yield "Atrial fibrillation (class A) against the rest, by strip:"
    yield _fibrillation_table(groups)
    yield "Beats that had come when fibrillation was told, in strips of class A:"
    yield _decision_table(groups)
    yield "Strips of normal rhythm: beats called V by number, in per cent; V runs an hour by their onset."
    yield _normal_table(groups)


def _event_table(name: str, group: Mapping[str, Any]) -> str:
    header = (name, *(f"{text} ({group['strips'][label]:,})" for label, text in _CLASSES.items()))
    rows = [
        (kind, *(per_cent(shares[label], 1) for label in _CLASSES))
        for kind, shares in group["with_event"].items()
        if any(shares.values())
    ]
    return table(header, rows)


def _fibrillation_table(groups: Mapping[str, Any]) -> str:
    names = ("f1", "specificity_n", "specificity_o")
    rows = [
        (
            *(kind, group_name, length, f"{one['strips']:,}", str(one["of_class_a"])),
            *(two(one, "se", "ppv", 1), *(per_cent(one[name], 1) for name in names)),
        )
        for group_name, group in groups.items()
        for kind, lengths in group["fibrillation"].items()
        for length, one in lengths.items()
    ]
    header = ("event", "group", "length", "strips", "of class A", "Se / +P", "F1")
    return table((*header, "specificity on N", "specificity on O"), rows)


def _decision_table(groups: Mapping[str, Any]) -> str:
    rows = [
        (kind, name, str(one["strips"]), *(number(one[key]) for key in ("least", "median", "p95")))
        for name, group in groups.items()
        for kind, one in group["decision_beats"].items()
    ]
    return table(("event", "group", "strips told", "least", "median", "95 %"), rows)


def _normal_table(groups: Mapping[str, Any]) -> str:
    numbers: Sequence[str] = list(next(iter(groups.values()))["v_beats_in_normal"])
    rows = [
        (
            name,
            *(per_cent(group["v_beats_in_normal"][place]["v"]) for place in numbers),
            *(number(rate, 1) for rate in group["v_runs_per_hour_in_normal"].values()),
        )
        for name, group in groups.items()
    ]
    heads = (f"beat {place}" if place.isdecimal() else place for place in numbers)
    return table(("group", *heads, "V runs an hour, first 5 s", "later"), rows)
