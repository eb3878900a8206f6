"""Write the report on the realism of synthetic ECG.

    python -m ecg_edge.training.realism --data DIR --out DIR [--part test]

Real: halves of mitdb, ludb and qtdb, for development (the generator was adjusted to them) or for test.
Synthetic: the class `normal` of the generator; for development the simple generator, and neurokit2's where
that package is installed, too. Writes `realism.md`, `realism.json` and pictures. Needs the extra `train`;
takes some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import make_folder, write_json, write_text
from ecg_edge.training.realism import measures, pictures, sources
from ecg_edge.training.realism.separation import Beats, Separation, normal_beats, separate
from ecg_edge.training.realism.sources import Strip

Table = Mapping[str, npt.NDArray[np.float64]]
Strips = dict[str, list[Strip]]


def main() -> None:
    """Measure, draw and write."""
    parser = argparse.ArgumentParser(description="Compare synthetic ECG with records.")
    parser.add_argument("--data", type=Path, required=True, help="folder of mitdb, ludb and qtdb")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    parser.add_argument(
        "--part", choices=sources.PARTS, default=sources.DEVELOPMENT, help="half of the records"
    )
    wanted = parser.parse_args()
    make_folder(wanted.out)
    strips = load(wanted.data, wanted.part)
    waves = {
        name: measures.table(map(measures.wave_measures, strips[name]))
        for name in ("ludb", "qtdb", "generator")
    }
    rates = {name: measures.table(map(measures.variability, strips[name])) for name in ("mitdb", "generator")}
    beats = {name: normal_beats(found) for name, found in strips.items() if name != "qtdb"}
    others = [name for name in beats if name != "mitdb"]
    separations = {name: separate(beats["mitdb"], beats[name]) for name in others}
    draw(wanted.out, strips, waves, rates, beats)
    text, figures = report(wanted.part, waves, rates, separations)
    write_text(wanted.out / "realism.md", text)
    write_json(wanted.out / "realism.json", figures)


def load(root: Path, part: str) -> Strips:
    """Load the strips; of other generators for development only, neurokit2's where it is installed."""
    strips = {
        "mitdb": list(sources.mitdb(root, part)),
        "ludb": list(sources.ludb(root, part)),
        "qtdb": list(sources.qtdb(root, part)),
        "generator": list(sources.generator(first_seed=0 if part == sources.DEVELOPMENT else 1000)),
    }
    if part == sources.TEST:
        return strips
    strips["simple"] = list(sources.simple())
    try:
        strips["neurokit2"] = list(sources.neurokit())
    except ModuleNotFoundError:
        print("neurokit2 is not installed: left out")
    return strips


def draw(
    out: Path,
    strips: Strips,
    waves: Mapping[str, Table],
    rates: Mapping[str, Table],
    beats: Mapping[str, Beats],
) -> None:
    """Draw strips side by side, distributions, and median beats."""
    chosen = [("mitdb", 0), ("generator", 3), ("mitdb", 5), ("generator", 8), ("ludb", 4), ("generator", 15)]
    chosen += [(name, 2) for name in ("simple", "neurokit2") if name in strips]
    pictures.draw_strips(
        out / "strips.png",
        [(f"{name}, patient {strips[name][at].patient}", strips[name][at], 2.0) for name, at in chosen],
    )
    names = (*measures.INTERVALS, *measures.HEIGHTS)
    pictures.draw_distributions(out / "waves.png", waves, names)
    pictures.draw_distributions(out / "rates.png", rates, measures.VARIABILITY)
    pictures.draw_beats(out / "beats.png", beats)


def report(
    part: str, waves: Mapping[str, Table], rates: Mapping[str, Table], separations: Mapping[str, Separation]
) -> tuple[str, dict[str, Any]]:
    """Markdown and figures of the report on one half of the records."""
    parts = [
        "# Realism of synthetic ECG",
        f"Written by `python -m ecg_edge.training.realism --part {part}`. Medians of patients.",
    ]
    parts += ["## A classifier tells beats from those of mitdb", _separation_table(separations)]
    parts += ["![Median beats](beats.png)", "## Waves", _wave_table(waves), "![Waves](waves.png)"]
    parts += ["## Heart rate", _rate_table(rates), "![Heart rate](rates.png)"]
    parts += ["## Strips", "![Strips](strips.png)"]
    figures = {
        "separation": {name: one._asdict() for name, one in separations.items()},
        "waves": {name: _summary(table) for name, table in waves.items()},
        "rates": {name: _summary(table) for name, table in rates.items()},
    }
    return "\n\n".join(parts) + "\n", figures


def _summary(table: Table) -> dict[str, list[float]]:
    return {
        name: np.percentile(values, (5, 50, 95)).tolist() for name, values in table.items() if len(values)
    }


def _separation_table(separations: Mapping[str, Separation]) -> str:
    regions = list(next(iter(separations.values())).regions)
    names = ["beat in mV", "beat of height 1", "noise above 35 Hz", *regions]
    rows = [
        [name, one.shape, one.normalized, one.noise, *(one.regions[region] for region in regions)]
        for name, one in separations.items()
    ]
    note = "AUC, patients apart: 0.5 is chance. The first row compares two real databases."
    return f"{note}\n\n{_markdown(['source', *names], rows, 2)}"


def _wave_table(waves: Mapping[str, Table]) -> str:
    rows: list[list[Any]] = []
    for name in waves["ludb"]:
        found = measures.distance(waves["ludb"][name], waves["generator"][name])
        other = measures.distance(waves["ludb"][name], waves["qtdb"][name])
        limits = measures.PUBLISHED.get(name)
        cells = [_range(waves[source][name]) for source in ("ludb", "qtdb", "generator")]
        shown = [*(found[:3] if found else ("", "", "")), *(other[:1] if other else ("",))]
        rows.append([name, f"{limits[0]} to {limits[1]}" if limits else "", *cells, *shown])
    heads = ["measure", "published", "ludb", "qtdb", "generator", "KS", "p", "shift in SD", "KS of qtdb"]
    note = (
        "5 %, median and 95 % of the patients. KS, p and shift: generator against ludb. qtdb has other leads."
    )
    return f"{note}\n\n{_markdown(heads, rows, 2)}"


def _rate_table(rates: Mapping[str, Table]) -> str:
    rows: list[list[Any]] = []
    for name in rates["mitdb"]:
        found = measures.distance(rates["mitdb"][name], rates["generator"][name])
        rows.append([name, *(_range(table[name]) for table in rates.values()), *(found[:3] if found else ())])
    note = "First 5 minutes of each record with 98 % N beats. KS, p and shift: generator against mitdb."
    return f"{note}\n\n{_markdown(['measure', *rates, 'KS', 'p', 'shift in SD'], rows, 2)}"


def _range(values: npt.NDArray[np.float64]) -> str:
    if not len(values):
        return ""
    low, middle, high = np.percentile(values, (5, 50, 95))
    return f"{low:.3g}, **{middle:.3g}**, {high:.3g}"


def _markdown(heads: list[str], rows: list[list[Any]], digits: int) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
