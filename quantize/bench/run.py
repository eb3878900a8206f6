"""The matrix: every network on every core that this computer can run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ecg_edge.ecg.errors import ComparisonError, ToolError
from ecg_edge.quantize.bench.cores import CORES, Core
from ecg_edge.quantize.bench.measure import Figures, Subject, load_subject, measure, tool_versions
from ecg_edge.quantize.bench.projection import Projection, load_boards, project


@dataclass(frozen=True)
class Report:
    """Result of `ecg-edge bench`.

    Attributes
    ----------
    figures : tuple of Figures
        Network by network, on each core.
    projections : tuple of Projection
        Time and energy on boards, from published figures.
    left_out : dict of str to str
        Cores that could not run, and why.
    references : dict of str to str
        What each network's layers were compared with.
    inputs : dict of str to int
        How many inputs each network was run on.
    tools : dict of str to str
        Versions of the compilers and emulators.
    """

    figures: tuple[Figures, ...]
    projections: tuple[Projection, ...]
    left_out: dict[str, str]
    references: dict[str, str]
    inputs: dict[str, int]
    tools: dict[str, str]


def choose_cores(names: Sequence[str]) -> list[Core]:
    """The cores of these names; all of them when there are none.

    Raises
    ------
    ToolError
        A name is not known.
    """
    unknown = [name for name in names if name not in CORES]
    if unknown:
        raise ToolError(f"{', '.join(unknown)}: no such core. There are: {', '.join(CORES)}.")
    return [CORES[name] for name in names] or list(CORES.values())


def run(
    models: Sequence[Path], cores: Sequence[Core], done: Callable[[str], None] = lambda what: None
) -> Report:
    """Measure every network on every core.

    Parameters
    ----------
    models : sequence of Path
        Bundles or `.tflite` files.
    cores : sequence of Core
        Those whose compiler or emulator is missing are left out.
    done : callable
        Called with a line of text after each measurement.

    Raises
    ------
    ToolError
        None of the cores can run here, or a compiler or emulator fails.
    """
    if not models:
        raise ToolError("no network to measure. Name a bundle or a .tflite file with --models.")
    left_out = {core.name: core.what_to_install() for core in cores if core.missing()}
    present = [core for core in cores if core.name not in left_out]
    if not present:
        raise ToolError(f"no core can run here. {' '.join(left_out.values())}")
    subjects = [load_subject(path) for path in models]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        by_core = list(pool.map(lambda core: _measure_all(core, subjects, done), present))
    figures = tuple(row[place] for place in range(len(subjects)) for row in by_core)
    return Report(
        figures=figures,
        projections=project(figures, load_boards()),
        left_out=left_out,
        references={subject.name: subject.reference for subject in subjects},
        inputs={subject.name: len(subject.cases) for subject in subjects},
        tools=tool_versions(present),
    )


def require_same_bits(report: Report) -> None:
    """Check that every core gave the reference's bytes.

    Raises
    ------
    ComparisonError
        Names networks, cores and layers that did not.
    """
    if not report.figures:
        raise ComparisonError("nothing was measured, so nothing was compared. Name a network and a core.")
    wrong = [_where(figures) for figures in report.figures if not figures.same_bits]
    if wrong:
        raise ComparisonError(
            f"other bytes than the reference's: {'; '.join(wrong)}. The kernels of these cores must not be "
            "used; please report the model."
        )


def _where(figures: Figures) -> str:
    layers = [f"{layer.index} ({layer.operator})" for layer in figures.layers if not layer.same_bits]
    return f"{figures.model} on {figures.core}, layers {', '.join(layers) or 'none'}"


def _measure_all(core: Core, subjects: Sequence[Subject], done: Callable[[str], None]) -> list[Figures]:
    """All networks on one core, in a folder of its own: the kernels are compiled once."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="ecg-edge-bench-") as folder:
        for subject in subjects:
            rows.append(measure(subject, core, Path(folder)))
            done(f"{subject.name} on {core.title}")
    return rows
