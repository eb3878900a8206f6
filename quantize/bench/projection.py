"""Time and energy on named boards, projected from published figures (boards.toml). Nothing is measured here.

Two times for each board. The first is this engine's, which the board cannot beat: the measured instructions
at the fewest cycles that an instruction can take. The second is another engine's: as many cycles for a
multiply-accumulate as were published for that board, or for its core, with another network.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_edge.quantize.bench.measure import Figures

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOARDS_FILE = Path(__file__).resolve().parent / "boards.toml"


@dataclass(frozen=True)
class Rate:
    """A published run of another network by another engine.

    Attributes
    ----------
    macs : int
        Multiply-accumulates of that network.
    runs_per_s, clock_mhz : float
        How often it ran in a second, and at which clock.
    engine, source : str
        What ran it; where that was published.
    """

    macs: int
    runs_per_s: float
    clock_mhz: float
    engine: str
    source: str

    @property
    def cycles_per_mac(self) -> float:
        """Cycles of one multiply-accumulate, everything included."""
        return self.clock_mhz * 1e6 / (self.runs_per_s * self.macs)


@dataclass(frozen=True)
class Power:
    """Published power of the chip while it computes."""

    milliwatts: float
    source: str


@dataclass(frozen=True)
class Board:
    """A board, as boards.toml has it; `least_cycles` is what an instruction takes at least."""

    name: str
    core: str
    clock_mhz: float
    least_cycles: float
    rate: Rate
    power: Power | None = None


@dataclass(frozen=True)
class Projection:
    """Projected time and energy of a board for one run of a network.

    Attributes
    ----------
    board, model, core : str
    label : str
        "projected", always.
    least_ms : float
        Measured instructions at the fewest cycles an instruction can take: the board cannot be faster.
    published_ms : float
        At the published cycles per multiply-accumulate of another engine.
    least_uj, published_uj : float or None
        Energy in these times; None where no power is published.
    cycles_per_mac : float
        The published one.
    sources : tuple of str
        Where the figures come from.
    """

    board: str
    model: str
    core: str
    label: str
    least_ms: float
    published_ms: float
    least_uj: float | None
    published_uj: float | None
    cycles_per_mac: float
    sources: tuple[str, ...]


def load_boards() -> tuple[Board, ...]:
    """The boards of boards.toml."""
    raw = tomllib.loads(BOARDS_FILE.read_text(encoding="utf-8"))
    return tuple(_board(entry) for entry in raw["board"])


def project(figures: Sequence[Figures], boards: Sequence[Board]) -> tuple[Projection, ...]:
    """Projections for every board whose core was measured."""
    return tuple(_projection(one, board) for board in boards for one in figures if one.core == board.core)


def _projection(figures: Figures, board: Board) -> Projection:
    least_ms = figures.instructions * board.least_cycles / (board.clock_mhz * 1e3)
    published_ms = figures.macs * board.rate.cycles_per_mac / (board.clock_mhz * 1e3)
    power = None if board.power is None else board.power.milliwatts
    return Projection(
        board=board.name,
        model=figures.model,
        core=figures.core,
        label="projected",
        least_ms=least_ms,
        published_ms=published_ms,
        least_uj=None if power is None else least_ms * power,
        published_uj=None if power is None else published_ms * power,
        cycles_per_mac=board.rate.cycles_per_mac,
        sources=(f"{board.rate.engine}: {board.rate.source}", *([board.power.source] if board.power else [])),
    )


def _board(entry: dict[str, Any]) -> Board:
    power = entry.get("power")
    parts = {"rate": Rate(**entry["rate"]), "power": None if power is None else Power(**power)}
    return Board(**{**entry, **parts})
