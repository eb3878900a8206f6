"""Options and arguments shared by several commands: one name for one thing."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.cli import console

if TYPE_CHECKING:
    from ecg_edge.host.evaluation.restarts import Plan
    from ecg_edge.host.evaluation.sources import Conditions


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=console.set_json,
        help="Write the figures to FILE as JSON ('-': standard output; text then goes to standard error).",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the databases, with mitdb/100.dat and so on. Else ECG_EDGE_DATA.",
    ),
]


TEST_DEFAULT: Final = "models/nlrav"
BOARD_DEFAULT: Final = "models/nlrav-all"
DEVICE_DEFAULT: Final = "the shipped one that the device names"
MORPHOLOGY_DEFAULT: Final = "models/morphology"
"""Defaults of --model as the help shows them."""


def model_option(text: str, default: str = TEST_DEFAULT) -> Any:
    """Make the option --model of a command.

    Parameters
    ----------
    text : str
        Line of help, without the default.
    default : str
        The default: one of those above.
    """
    return typer.Option("--model", metavar="DIR", show_default=default, help=text)


MorphologyOption = Annotated[
    Path | None,
    typer.Option(
        "--morphology",
        metavar="DIR",
        show_default="models/morphology, where it exists",
        help="Bundle of the second network, of ST segment and T wave; none: without one.",
    ),
]


def own_update_key() -> Path:
    """Return the place of the user's own key of updates."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "ecg-edge" / "update-key.pem"


def morphology_path(named: Path | None) -> Path | None:
    """Return the bundle that --morphology names; None for none."""
    # For start-up time: the manifest's module reads JSON and hashes.
    from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY

    if named is None:
        return SHIPPED_MORPHOLOGY if SHIPPED_MORPHOLOGY.is_dir() else None
    return None if str(named) == "none" else named


def _complete_records(incomplete: str) -> list[str]:
    """List databases and records of this computer whose names begin with `incomplete`."""
    # For start-up time: only a shell that completes asks for it.
    from ecg_edge.ecg.databases import databases_in, find_data_root, records_in

    try:
        root = find_data_root(None)
    except EcgEdgeError:  # a completion has no place for errors
        root = None
    databases = databases_in(root) if root else []
    names = ["all", *databases]
    if root:
        names += [f"{database}/{name}" for database in databases for name in records_in(root, database)]
    return [name for name in names if name.startswith(incomplete)]


def records_argument(default: str = "") -> Any:
    """Make the argument RECORDS of a command.

    Parameters
    ----------
    default : str
        Records that the command takes when none is named; empty when one must be named.
    """
    text = "Records (100, mitdb/100), databases (mitdb), all, or paths of .hea and .edf files."
    return typer.Argument(
        metavar="RECORDS",
        autocompletion=_complete_records,
        help=f"{text} Else {default}." if default else text,
    )


OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace a session in the folder of --out. Else it is refused.")
]
RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of the recipes' runs.")]
PerRecordOption = Annotated[bool, typer.Option("--per-record", help="Print the figures of every record too.")]


JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=0,
        max=1024,
        metavar="N",
        show_default="one per core",
        help="Processes that share the work.",
    ),
]
DaskOption = Annotated[
    str,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        show_default=False,
        help="Scheduler of a Dask cluster, such as tcp://10.0.0.5:8786, whose workers do the work.",
    ),
]


def _mains_rate(mains_hz: int) -> int:
    if mains_hz not in (50, 60):
        raise typer.BadParameter(f"{mains_hz}; the mains frequency is 50 or 60 Hz")
    return mains_hz


LeadOption = Annotated[
    str,
    typer.Option("--lead", metavar="NAME", help="Lead, by its name in the header; auto chooses an ECG lead."),
]
MainsOption = Annotated[
    int,
    typer.Option(
        "--mains", metavar="HZ", callback=_mains_rate, help="Mains frequency to suppress, 50 or 60 Hz."
    ),
]


# ---- evaluations ------------------------------------------------------------------------------------

NATIVE: Final = "native"
STARTS_S: Final = (0.0, 300.0)
FIRST_S: Final = (10.0, 20.0)
LONGEST_START_S: Final = 604_800.0  # a week


class Part(str, Enum):
    """Part of a database, as `ecg.splits` divides it."""

    development = "development"
    test = "test"
    unused = "unused"
    all = "all"


def _board_rate(text: str) -> str:
    # For start-up time: firmware imports numpy.
    from ecg_edge.firmware import BOARD_RATES_HZ

    rates = [str(rate_hz) for rate_hz in BOARD_RATES_HZ]
    if text not in (*rates, NATIVE):
        raise typer.BadParameter(f"{text}; a board samples at {', '.join(rates)} Hz; or {NATIVE}")
    return text


LeadsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lead",
        metavar="NAMES",
        show_default="auto",
        help="Leads by their names in the header, as `ii,v1`; auto chooses an ECG lead, all takes every one.",
    ),
]
BoardRateOption = Annotated[
    str,
    typer.Option(
        "--fs",
        metavar="HZ",
        callback=_board_rate,
        help="Rate of the board, 250, 360 or 500 Hz, to which records are resampled on this computer; "
        "native: the nearest to the record's own.",
    ),
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(
        metavar="ANNOTATOR",
        help="Annotator to score against. Else atr, or the annotation file named after the lead.",
    ),
]
ScaleOption = Annotated[
    float, typer.Option(min=0.01, max=100, metavar="FACTOR", help="Multiply the amplitude, 0.01 to 100.")
]
InvertOption = Annotated[bool, typer.Option("--invert", help="Turn the lead upside down.")]
PartOption = Annotated[
    Part,
    typer.Option(
        metavar="PART", help="Part of each database: development, test, unused (neither of these), or all."
    ),
]
StartOption = Annotated[
    list[float] | None,
    typer.Option(
        min=0,
        max=LONGEST_START_S,
        metavar="S",
        show_default="0 and 300",
        help="Time at the start of a record that is not scored, in s (repeatable).",
    ),
]
RestartOption = Annotated[
    float | None,
    typer.Option(
        min=1,
        max=LONGEST_START_S,
        metavar="S",
        help="Also start a fresh stream every S seconds, and score its start.",
    ),
]
FirstOption = Annotated[
    list[float] | None,
    typer.Option(
        min=1,
        max=LONGEST_START_S,
        metavar="S",
        show_default="10 and 20",
        help="With --restart: length of the start that is scored, in s (repeatable).",
    ),
]
AnySignalPathOption = Annotated[
    bool,
    typer.Option(
        "--any-signal-path",
        help="Accept a model that was trained with another signal path: to compare before a training.",
    ),
]


def conditions(
    lead: list[str] | None, fs: str, mains_hz: int, reference: str | None, scale: float, invert: bool
) -> Conditions:
    """Collect the options of an evaluation."""
    from ecg_edge.host.evaluation.sources import Conditions

    leads = tuple(name.strip() for names in lead or ["auto"] for name in names.split(",") if name.strip())
    if not leads:
        raise typer.BadParameter("no lead is named", param_hint="--lead")
    rate = None if fs == NATIVE else int(fs)
    return Conditions(rate, leads, mains_hz, reference, scale, invert)


def starts(start_s: list[float] | None) -> list[float]:
    """Return the starts of the comparison in seconds, each once."""
    return sorted(set(start_s or STARTS_S))


def plan(restart: float | None, first: list[float] | None) -> Plan | None:
    """Collect the options of fresh streams; None when there are none."""
    from ecg_edge.host.evaluation.restarts import Plan

    return None if restart is None else Plan(restart, tuple(sorted(set(first or FIRST_S))))


def _existing_run(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise typer.BadParameter(
            f"{folder} is no folder; name the run folder of a recipe, such as runs/nlrav"
        )
    return folder


RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        callback=_existing_run,
        help="Run folder of a recipe, whose scores the report shows.",
    ),
]
