"""Tables of `ecg-edge evaluate rhythm`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ecg_edge.ecg.figures import of_these_records, percent
from ecg_edge.host.cli import console
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.evaluation import ventricular
from ecg_edge.host.evaluation.rhythm import RhythmScores, episode_rows
from ecg_edge.host.evaluation.strips import CLASSES
from ecg_edge.quantize.bundle.manifest import Manifest

Groups = Mapping[str, Mapping[str, Any]]

_EPISODES: Final = ("episode_se", "episode_ppv", "duration_se", "duration_ppv")
_RUNS: Final = ("couplet_se", "couplet_ppv", "short_se", "short_ppv", "long_se", "long_ppv")
_FROM: Final = "from_"


def record_tables(
    database: str, manifest: Manifest, found: Sequence[RhythmScores], groups: Groups
) -> Iterator[ResultTable]:
    """Make the tables of one database that have rows."""
    has_beats, judged = any(one.has_beats for one in found), any(one.ventricular for one in found)
    tables = [_episode_table(database, manifest, groups)]
    if has_beats:
        tables.append(_run_table(database, manifest, groups))
    if judged:
        tables += [_time_table(database, groups), _delay_table(database, groups)]
        tables += [_asystole_table(database, groups), _segment_table(database, groups)]
        tables += [
            _burden_table(database, groups, "burden", "apart from ventricular rhythms, asystole, noise")
        ]
        tables += [_burden_table(database, groups, "noise_burden", "in annotated noise")]
    tables += [_restart_table(database, groups), _count_table(database, groups)]
    yield from (table for table in tables if table.row_count)


def missing(database: str, found: Sequence[RhythmScores]) -> Iterator[str]:
    """Explain figures that are not there."""
    if without := [one.source.title for one in found if one.ventricular is None]:
        yield f"{database}: no reference for {of_these_records(len(without), len(found))}: counts only."
    if any(one.ventricular for one in found):
        if not any(one.has_beats for one in found):
            yield f"{database}: no annotated beats, so runs are not scored and rates are not judged."
        if not any(one.has_rhythms for one in found):
            yield f"{database}: no annotated rhythms, so episodes are not scored."
        yield "-: nothing to take a share of, or not judged."


def shown(groups: Groups) -> list[str]:
    """Leave out all records where another group has all of them."""
    names = list(groups)
    sizes = [groups[name].get("records", sum(groups[name].get("strips", {}).values())) for name in names]
    return names[:-1] if len(names) > 1 and sizes[-1] in sizes[:-1] else names


def _starts(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """List the starts, as texts in seconds, that have figures."""
    return [
        (name.removeprefix(_FROM).removesuffix("_s"), one)
        for name, one in figures.items()
        if name.startswith(_FROM) and one is not None
    ]


def _episode_table(database: str, manifest: Manifest, groups: Groups) -> ResultTable:
    table = console.table(
        f"{database}: rhythm by episode and by duration, as epicmp; model {manifest.name}",
        *("rhythm", "records", "from s", "n", "episodes", "episode Se %", "episode +P %"),
        *("duration Se %", "duration +P %", "annotated s", "found s"),
        keys=3,
    )
    for row in episode_rows():
        cells = [
            ((row, group, start, str(groups[group]["records"])), figures[row])
            for group in shown(groups)
            for start, figures in _starts(groups[group])
        ]
        if any(one["reference_s"] for _, one in cells):
            for head, one in cells:
                # Predictivity in flutter says nothing: events in fibrillation, the row before, would count.
                rates = [
                    "-" if name.endswith("ppv") and row.endswith("in flutter") else percent(one[name], 1)
                    for name in _EPISODES
                ]
                seconds = (f"{one['reference_s']:.0f}", f"{one['test_s']:.0f}")
                table.add_row(*head, str(one["counts"]["episode_se"][1]), *rates, *seconds)
            table.add_section()
    return table


def _run_table(database: str, manifest: Manifest, groups: Groups) -> ResultTable:
    """Sensitivity, positive predictivity and number of annotated runs by length."""
    table = console.table(
        f"{database}: couplets and runs, as rxr, Se / +P in per cent (number annotated)",
        *("beats", "records", "from s", "couplets", "3 to 5 beats", "6 and more"),
        keys=3,
    )
    trained = manifest.training.get("database") == database
    for kind, name in (("veb_runs", "V"), ("sveb_runs", "S")):
        for group in shown(groups):
            note = " (trained on)" if trained and group == "DS1" else ""
            for start, figures in _starts(groups[group]):
                one = figures[kind]
                cells = [
                    f"{percent(one[se], 0)} / {percent(one[ppv], 0)} ({one['counts'][se][1]})"
                    for se, ppv in zip(_RUNS[::2], _RUNS[1::2], strict=True)
                ]
                table.add_row(name, group + note, start, *cells)
        table.add_section()
    return table


def _time_table(database: str, groups: Groups) -> ResultTable:
    table = console.table(
        f"{database}: share of annotated time that alarms name, %",
        *("rhythm", "records", "annotated s", "any alarm", "ventricular alarm", "bad signal", "beats/min"),
        keys=2,
    )
    for rhythm in ventricular.RHYTHMS:
        for group in shown(groups):
            one = groups[group]["alarms"]["time"][rhythm]
            if one["annotated_s"]:
                shares = [percent(one[name], 1) for name in ("any_alarm", "ventricular_alarm", "bad_signal")]
                table.add_row(
                    rhythm, group, f"{one['annotated_s']:.0f}", *shares, f"{one['beats_per_min']:.0f}"
                )
        table.add_section()
    return table


def _delay_table(database: str, groups: Groups) -> ResultTable:
    table = console.table(
        f"{database}: first alarm in VF, flutter and VT of {ventricular.LONG_S:.0f} s and more; gaps",
        *("records", "episodes", "without any", "median s", "95 % s", "without ventricular"),
        *("median s", "95 % s", "longest gap s", f"gaps of {ventricular.GAP_S:.0f} s"),
    )
    for group in shown(groups):
        one = groups[group]["alarms"]
        delays, own = one["first_alarm"], one["first_ventricular_alarm"]
        if delays["episodes"]:
            cells = (*_delay_cells(delays), *_delay_cells(own))
            table.add_row(
                group,
                str(delays["episodes"]),
                *cells,
                f"{one['longest_gap_s']:.1f}",
                str(one["gaps_of_10_s"]),
            )
    return table


def _asystole_table(database: str, groups: Groups) -> ResultTable:
    longest, delay = ventricular.ASYSTOLE_S, ventricular.ASYSTOLE_DELAY_S
    table = console.table(
        f"{database}: asystole of {longest:.0f} s and more told within {delay:.0f} s",
        *("records", "episodes", "told %", "told, or bad signal %"),
    )
    for group in shown(groups):
        one = groups[group]["alarms"]["asystole"]
        if one["episodes"]:
            shares = [percent(one[name], 0) for name in ("told", "told_or_bad_signal")]
            table.add_row(group, str(one["episodes"]), *shares)
    return table


def _delay_cells(delays: Mapping[str, Any]) -> tuple[str, ...]:
    """Episodes without an alarm, median and 95th percentile of the delay; "none" among those without."""
    times = ("none" if delays[name] is None else f"{delays[name]:.1f}" for name in ("median_s", "p95_s"))
    return (str(delays["without"]), *(times if delays["episodes"] else ("-", "-")))


def _segment_table(database: str, groups: Groups) -> ResultTable:
    """Decisions by segment, beside the goals for automated defibrillators."""
    table = console.table(
        f"{database}: segments of {ventricular.SEGMENT_S:.0f} s called shockable (VF or VT alarm) or not",
        *("rhythm", "records", "segments", "right %", "goal %"),
        keys=2,
    )
    for name, (goal, shockable) in ventricular.SEGMENT_CLASSES.items():
        for group in shown(groups):
            one = groups[group]["alarms"]["segments"][name]
            if one["segments"] and _has_malignant(groups[group]):
                figure = f"{name} ({'sensitivity' if shockable else 'specificity'})"
                target = "-" if goal is None else f"over {goal}"
                table.add_row(figure, group, str(one["segments"]), percent(one["right"], 1), target)
        table.add_section()
    return table


def _has_malignant(figures: Mapping[str, Any]) -> bool:
    return any(one["annotated_s"] for one in figures["alarms"]["time"].values())


def _burden_table(database: str, groups: Groups, key: str, where: str) -> ResultTable:
    """Alarms an hour, and those that the annotations do not confirm."""
    chosen = {group: groups[group]["alarms"][key] for group in shown(groups)}
    chosen = {group: one for group, one in chosen.items() if one["hours"]}
    table = console.table(
        f"{database}: alarms an hour (not confirmed) {where}",
        "event",
        *(f"{group}, {one['hours']:.2f} h" for group, one in chosen.items()),
    )
    for kind in dict.fromkeys(kind for one in chosen.values() for kind in one["kinds"]):
        table.add_row(kind, *(_burden_cell(one["kinds"].get(kind)) for one in chosen.values()))
    return table


def _burden_cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "0 (-)"
    false = "-" if one["false_per_hour"] is None else f"{one['false_per_hour']:.2f}"
    return f"{one['told_per_hour'] or 0:.2f} ({false})"


def _restart_table(database: str, groups: Groups) -> ResultTable:
    """Alarms an hour that begin in the first seconds of fresh streams."""
    columns = [
        (group, length, one)
        for group in shown(groups)
        for length, one in groups[group].get("restart", {}).items()
        if one["hours"]
    ]
    table = console.table(
        f"{database}: fresh streams, alarms an hour (not confirmed) that begin in the first seconds",
        "event",
        *(f"{group} {length.replace('_', ' ')}" for group, length, _ in columns),
    )
    for kind in dict.fromkeys(kind for _, _, one in columns for kind in one["kinds"]):
        table.add_row(kind, *(_burden_cell(one["kinds"].get(kind)) for _, _, one in columns))
    return table


def _count_table(database: str, groups: Groups) -> ResultTable:
    names = shown(groups)
    kinds = list(dict.fromkeys(kind for group in names for kind in groups[group]["episodes"]))
    table = console.table(f"{database}: episodes found", "event", *names)
    for kind in kinds:
        table.add_row(kind, *(str(groups[group]["episodes"].get(kind, 0)) for group in names))
    return table


# ---- strips -----------------------------------------------------------------------------------------


def strip_tables(database: str, groups: Groups) -> Iterator[ResultTable]:
    """Make the tables of strips with one label each."""
    for group in shown(groups):
        yield _event_table(database, group, groups[group])
    yield _fibrillation_table(database, groups)
    yield _decision_table(database, groups)
    yield _normal_table(database, groups)


def _event_table(database: str, group: str, figures: Mapping[str, Any]) -> ResultTable:
    columns = [f"{name} ({figures['strips'][label]})" for label, name in CLASSES.items()]
    table = console.table(f"{database}, {group}: strips with an event, %", "event", *columns)
    for kind, shares in figures["with_event"].items():
        if any(shares.values()):
            table.add_row(kind, *(percent(shares[label], 1) for label in CLASSES))
    return table


def _fibrillation_table(database: str, groups: Groups) -> ResultTable:
    table = console.table(
        f"{database}: atrial fibrillation (class A) against the rest, by strip",
        *(
            "event",
            "records",
            "length",
            "strips",
            "of class A",
            "Se %",
            "+P %",
            "F1 %",
            "Sp on N %",
            "Sp on O %",
        ),
        keys=3,
    )
    names = ("se", "ppv", "f1", "specificity_n", "specificity_o")
    for group in shown(groups):
        for kind, lengths in groups[group]["fibrillation"].items():
            for length, one in lengths.items():
                counts = (str(one["strips"]), str(one["of_class_a"]))
                table.add_row(kind, group, length, *counts, *(percent(one[name], 1) for name in names))
            table.add_section()
    return table


def _decision_table(database: str, groups: Groups) -> ResultTable:
    table = console.table(
        f"{database}: beats when fibrillation was told, in strips of class A",
        *("event", "records", "strips told", "least", "median", "95 %"),
        keys=2,
    )
    for group in shown(groups):
        for kind, one in groups[group]["decision_beats"].items():
            cells = ("-" if one[name] is None else f"{one[name]:.0f}" for name in ("least", "median", "p95"))
            table.add_row(kind, group, str(one["strips"]), *cells)
    return table


def _normal_table(database: str, groups: Groups) -> ResultTable:
    numbers = list(next(iter(groups.values()))["v_beats_in_normal"])
    table = console.table(
        f"{database}: strips of normal rhythm: beats called V, %, by number; V runs an hour by onset",
        *("records", *(f"beat {name}" if name.isdecimal() else name for name in numbers)),
        *("first 5 s", "later s"),
    )
    for group in shown(groups):
        one = groups[group]
        shares = [percent(one["v_beats_in_normal"][name]["v"], 2) for name in numbers]
        rates = ["-" if rate is None else f"{rate:.1f}" for rate in one["v_runs_per_hour_in_normal"].values()]
        table.add_row(group, *shares, *rates)
    return table
