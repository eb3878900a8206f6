"""Draws what a good trace looks like, and bad ones: five seconds of synthetic ECG behind an AD8232 each.

python docs/images/draw_traces.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.front_end import front_end
from ecg_edge.ecg.synthetic.generator import Settings, generate
from ecg_edge.ecg.synthetic.noise import QUIET, Noise

FOLDER = Path(__file__).resolve().parent

_SECONDS, _STEP = 5, 2  # every second sample of 360 Hz is drawn
_MM = 5  # units of the drawing: 25 mm a second, 10 mm a mV
_HEIGHT_MM = 34
_FS_HZ = 360
_ADU_PER_MV = front_end("ad8232").adu_per_mv

_SMALL = Noise(wander_mv=0.02, mains_mv=0.0, muscle_mv=0.006, white_mv=0.003, movements_per_minute=0.0)

# Name: text for who does not see it, noise, electrode offset at the first sample in mV, first second shown.
TRACES: dict[str, tuple[str, Noise, float, int]] = {
    "good": ("regular narrow complexes on a quiet line", _SMALL, 0.0, 10),
    "mains": ("a thick, even band along the whole trace", replace(_SMALL, mains_mv=0.35), 0.0, 10),
    "loose": (
        "sudden large jumps between the complexes",
        replace(_SMALL, movements_per_minute=50.0, movement_mv=1.0),
        0.0,
        10,
    ),
    "muscle": (
        "irregular fine ripples that hide the small waves",
        replace(_SMALL, muscle_mv=0.10),
        0.0,
        10,
    ),
    "saturated": ("a flat line at the edge, then complexes again", QUIET, 100.0, 0),
    "wander": (
        "complexes on a line that rises and falls slowly",
        replace(_SMALL, wander_mv=4.0),
        0.0,
        10,
    ),
}


def trace(name: str) -> npt.NDArray[np.float64]:
    """Return the drawn points of a trace, shape (n, 2), in units of the drawing."""
    _, noise, offset_mv, first_s = TRACES[name]
    settings = Settings(
        "normal",
        seed=11,
        fs_hz=_FS_HZ,
        noise=noise,
        front_end="ad8232",
        offset_mv=offset_mv,
        rate_bpm=(70, 74),
    )
    samples = generate(settings, seconds=first_s + _SECONDS).samples[first_s * _FS_HZ :: _STEP, 0]
    x = np.arange(len(samples)) * _STEP / _FS_HZ * 25 * _MM
    y = (_HEIGHT_MM / 2 - samples / _ADU_PER_MV * 10) * _MM
    return np.column_stack([x, y])


def image(name: str) -> str:
    """Return the drawing of a trace on the usual grid, on paper of its own."""
    width, height = 25 * _SECONDS * _MM, _HEIGHT_MM * _MM
    points = " ".join(f"{x:.1f},{y:.0f}" for x, y in trace(name))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="ECG of {_SECONDS} s: {TRACES[name][0]}">\n'
        '<defs><pattern id="grid" width="25" height="25" patternUnits="userSpaceOnUse"><path fill="none" '
        'stroke="#f0b8b8" d="M0,0 H25 M0,0 V25"/></pattern></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#fffafa"/><rect width="{width}" height="{height}" '
        'fill="url(#grid)"/>\n'
        f'<polyline fill="none" stroke="#111" stroke-width="1.8" stroke-linejoin="round" '
        f'points="{points}"/>\n</svg>\n'
    )


if __name__ == "__main__":
    for each in TRACES:
        (FOLDER / f"trace-{each}.svg").write_text(image(each), encoding="utf-8")
