"""The page of results about the R peak detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ecg_edge.host.pipeline.page_parts import Results, number, per_cent, starts, table, two

_LEAD: Final = "lead "


def detector(results: Results, leads: Results | None = None) -> Iterable[str]:
    """Write the parts of the page.

    Parameters
    ----------
    results : mapping
        Content of detector.json.
    leads : mapping, optional
        Content of leads.json: every lead of ludb.
    """
    figures = results["figures"]
    yield "QRS sensitivity / positive predictivity in per cent; root mean square of the RR interval error."
    yield "## Every beat reported"
    yield _qrs_table(figures)
    yield "DS1 trained the classifier of QRS candidates. nstdb is made from records 118 and 119 of DS1."
    if any("restart" in group for _, group in _groups(figures)):
        yield "## Fresh streams"
        yield (
            "The detector is started afresh at every minute of each record, and scored from its own start. A "
            "start counts too many beats when it reports over 30 % more than are annotated."
        )
        yield _restart_table(figures)
        yield "Normal and supraventricular beats that `models/nlrav` called V, by number, in per cent:"
        yield _called_v_table(figures)
    if leads is not None:
        yield "## Every lead of strips of ten seconds"
        yield "ludb, scored from the first annotated beat of a strip to the last."
        yield _lead_table(leads["figures"]["ludb"])
    yield "## Beats in bad signal left out"
    yield "The same, with beats in bad signal left out and their time counted as shutdown."
    yield _gated_table(figures)
    yield "## Records with the most errors"
    yield _worst(figures)
    yield "## Ventricular beats"
    yield (
        "Labels as a device with `models/nlrav` gives them, in bad signal as the network alone does: "
        "sensitivity / positive predictivity in per cent. The network's page says which records it was "
        "trained on; only others are a test."
    )
    yield _veb_table(figures)


def _groups(figures: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for database, groups in figures.items():
        for name, group in groups.items():
            yield f"{database}, {name}".replace(" dB", "&nbsp;dB"), group


def _rows(figures: Results) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """List group, start and figures."""
    for name, group in _groups(figures):
        for start, one in starts(group):
            yield name, start, one


def _qrs(figures: Mapping[str, Any]) -> str:
    return two(figures, "qrs_se", "qrs_ppv")


def _qrs_table(figures: Results) -> str:
    header = ("group", "from", "records", "beats", "gross Se / +P", "gross RR error")
    rows = []
    for name, start, one in _rows(figures):
        cells = [
            cell
            for way in ("gross", "average")
            for cell in (_qrs(one[way]), f"{number(one[way]['rr_error_ms'])} ms")
        ]
        rows.append((name, start, str(one["n_records"]), f"{one['beats']:,}", *cells))
    return table((*header, "average Se / +P", "average RR error"), rows)


def _restart_table(figures: Results) -> str:
    rows = [
        (
            name,
            length.replace("_", " "),
            f"{one['starts']:,}",
            f"{one['beats']:,}",
            _qrs(one),
            str(one["too_many"]),
        )
        for name, group in _groups(figures)
        for length, one in group.get("restart", {}).get("first", {}).items()
    ]
    return table(("group", "first", "starts", "beats", "Se / +P", "starts with too many beats"), rows)


def _called_v_table(figures: Results) -> str:
    called = [(name, group["restart"]["called_v"]) for name, group in _groups(figures) if "restart" in group]
    numbers = list(called[0][1]) if called else []
    return table(
        ("group", *numbers),
        [(name, *(per_cent(one[place]["share"]) for place in numbers)) for name, one in called if one],
    )


def _lead_table(groups: Mapping[str, Any]) -> str:
    """Rows of the parts of the database, then of its leads."""
    rows = [
        (
            name.removeprefix(_LEAD),
            f"{one['n_records']:,}",
            f"{one['beats']:,}",
            _qrs(one["gross"]),
            _qrs(one["average"]),
        )
        for name, group in groups.items()
        for _, one in starts(group)
    ]
    return table(("group or lead", "strips", "beats", "gross Se / +P", "average Se / +P"), rows)


def _gated_table(figures: Results) -> str:
    rows = []
    for name, start, one in _rows(figures):
        quiet = one["silent_in_bad_signal"]
        gross = quiet["gross"]
        shutdown = f"{gross['shutdown_s']:,.0f} s ({per_cent(gross['shutdown_share'])} %)"
        rows.append((name, start, _qrs(gross), _qrs(quiet["average"]), shutdown))
    return table(("group", "from", "gross Se / +P", "average Se / +P", "shutdown"), rows)


def _worst(figures: Results, count: int = 5) -> str:
    rows = []
    for database in ("mitdb", "svdb", "qtdb"):
        for start, one in starts(figures.get(database, {}).get("all", {})):
            records = {name: record for name, record in one.get("records", {}).items() if record["qrs_f1"]}
            for name, record in sorted(records.items(), key=lambda item: item[1]["qrs_f1"])[:count]:
                rows.append(
                    (f"{database}/{name}", start, _qrs(record), f"{number(record['rr_error_ms'])} ms")
                )
    return table(("record", "from", "Se / +P", "RR error"), rows)


def _veb_table(figures: Results) -> str:
    rows = []
    for name, start, one in _rows(figures):
        if "veb_se" in one["gross"]:
            quiet = one["silent_in_bad_signal"]
            ways = (one["gross"], one["average"], quiet["gross"])
            rows.append((name, start, *(two(way, "veb_se", "veb_ppv", 1) for way in ways)))
    header = ("group", "from", "every beat, gross", "every beat, average", "bad signal left out, gross")
    return table(header, rows)
