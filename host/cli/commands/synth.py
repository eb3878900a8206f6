"""`ecg-edge synth`: synthetic ECG with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.synthetic.classes import CLASSES
from ecg_edge.ecg.synthetic.files import write_edf, write_wfdb
from ecg_edge.ecg.synthetic.front_end import FRONT_ENDS
from ecg_edge.ecg.synthetic.generator import Settings, check_length
from ecg_edge.ecg.synthetic.leads import TWELVE
from ecg_edge.ecg.synthetic.noise import Noise
from ecg_edge.ecg.synthetic.st_changes import SHAPES
from ecg_edge.ecg.synthetic.truth import Truth
from ecg_edge.host.cli import console, options

EXAMPLES: Final = (
    "ecg-edge synth --list",
    "ecg-edge synth --class st-depression --minutes 5 out",
    "ecg-edge synth --class ventricular-fibrillation --patients 10 --snr 12 --leads all out",
)
_WRITERS: Final = {"wfdb": write_wfdb, "edf": write_edf}


def synth(
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder of the records.")] = None,
    kind: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Class; --list shows them.")
    ] = "normal",
    show: Annotated[bool, typer.Option("--list", help="List the classes, and write nothing.")] = False,
    minutes: Annotated[float, typer.Option(metavar="M", help="Length of each record in minutes.")] = 5.0,
    patients: Annotated[int, typer.Option(metavar="N", help="Number of patients, one record each.")] = 1,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Seed of the first patient; the next one has S + 1.")
    ] = 1,
    fs: Annotated[int, typer.Option(metavar="HZ", help="Sampling rate in Hz, 100 to 1000.")] = 360,
    leads: Annotated[
        str, typer.Option(metavar="NAMES", help="Leads with commas, or all; ST and T hold in the first.")
    ] = "II",
    st_mv: Annotated[
        float | None, typer.Option("--st", metavar="MV", help="ST deviation in mV, -0.5 to 1. Else drawn.")
    ] = None,
    st_shape: Annotated[
        str | None, typer.Option(metavar="SHAPE", help=f"Course of the ST segment: {', '.join(SHAPES)}.")
    ] = None,
    st_point: Annotated[
        int, typer.Option(metavar="MS", help="Place of the ST deviation after the J point in ms, 60 or 80.")
    ] = 60,
    t_mv: Annotated[
        float | None,
        typer.Option("--t", metavar="MV", help="Height of the T wave in mV, -1 to 1. Else drawn."),
    ] = None,
    snr: Annotated[
        float | None,
        typer.Option(metavar="DB", help="Signal-to-noise ratio in dB, -20 to 60. Else typical noise."),
    ] = None,
    hum: Annotated[int, typer.Option(metavar="HZ", help="Mains frequency of the hum, 50 or 60 Hz.")] = 50,
    front_end: Annotated[
        str, typer.Option(metavar="NAME", help=f"Amplifier and ADC: {', '.join(FRONT_ENDS)}.")
    ] = "mit-bih",
    offset: Annotated[
        float, typer.Option(metavar="MV", help="Electrode offset in mV: a transient at the start.")
    ] = 0.0,
    file_format: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="Files: wfdb, or edf (EDF+; needs the package edfio)."),
    ] = "wfdb",
    json: options.JsonOption = None,
) -> None:
    """Generate synthetic ECG of virtual patients, with annotations of beats, rhythms and waves.

    Synthetic ECG is for tests, teaching and training; it is no evidence about patients.
    """
    if show:
        _list_classes(json)
        return
    if out is None:
        raise typer.BadParameter("name a folder for the records, or give --list", param_hint="OUT")
    if file_format not in _WRITERS:
        raise typer.BadParameter(f"{file_format}; it is {' or '.join(_WRITERS)}", param_hint="--format")
    if patients < 1:
        raise SynthesisError(f"{patients} patients: name 1 or more.")
    settings = Settings(
        kind=kind,
        seed=seed,
        fs_hz=fs,
        leads=TWELVE if leads == "all" else tuple(leads.split(",")),
        noise=Noise(mains_hz=hum),
        snr_db=snr,
        front_end=front_end,
        offset_mv=offset,
        st_mv=st_mv,
        t_mv=t_mv,
        st_shape=st_shape,
        st_point_ms=st_point,
    )
    check_length(60 * minutes)
    rows = []
    for number in console.track(range(seed, seed + patients), "Generating"):
        path, truth = _WRITERS[file_format](out, replace(settings, seed=number), 60 * minutes)
        rows.append(_row(path, kind, number, truth))
    _print_records(rows)
    if json:
        write_json(json, {"records": rows})


def _list_classes(json: Path | None) -> None:
    table = console.table("Classes of synthetic ECG", "class", "what it is", prose=True)
    for one in CLASSES.values():
        table.add_row(one.name, one.text)
    console.out.print(table)
    if json:
        write_json(json, {"classes": {one.name: one.text for one in CLASSES.values()}})


def _row(path: Path, kind: str, seed: int, truth: Truth) -> dict[str, Any]:
    return {
        "record": path,
        "class": kind,
        "seed": seed,
        "beats": len(truth.beats),
        "rhythms": sorted({change.rhythm.lstrip("(") for change in truth.changes}),
    }


def _print_records(rows: Sequence[dict[str, Any]]) -> None:
    table = console.table("Synthetic records", "record", "beats", "rhythms")
    for row in rows:
        table.add_row(str(row["record"]), str(row["beats"]), " ".join(row["rhythms"]))
    console.out.print(table)
