"""Measure how fast synthetic ECG is made, in seconds of ECG per second of one core's time.

    python -m ecg_edge.training.realism.speed

One lead at 360 Hz and twelve; beside them, in the same run, the two methods of neurokit2's `ecg_simulate`
where that package is installed. The process's own time counts, so that other programs hardly matter; set
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.ecg.synthetic.generator import Settings, generate
from ecg_edge.ecg.synthetic.leads import TWELVE

SECONDS: Final = 600
REPEATS: Final = 5
KINDS: Final = (
    "normal",
    "st-depression",
    "atrial-fibrillation",
    "ventricular-fibrillation",
    "sinus-tachycardia",
)


def main() -> None:
    """Print the median and the range of five runs each."""
    for name, make in _makers():
        speeds = sorted(_speed(make) for _ in range(REPEATS))
        print(f"{name:40s} {median(speeds):8.0f} times real time ({speeds[0]:.0f} to {speeds[-1]:.0f})")


def _makers() -> Iterator[tuple[str, Callable[[], object]]]:
    for kind in KINDS:
        yield kind, lambda kind=kind: generate(Settings(kind), SECONDS)  # type: ignore[misc]
    yield "normal, 12 leads", lambda: generate(Settings(leads=TWELVE), SECONDS)
    try:
        import neurokit2  # not among the project's packages
    except ModuleNotFoundError:
        print("neurokit2 is not installed: left out")
        return
    for method in ("ecgsyn", "simple"):
        yield (
            f"neurokit2 {neurokit2.__version__}, {method}",
            lambda method=method: neurokit2.ecg_simulate(  # type: ignore[misc]
                duration=SECONDS, sampling_rate=FS_HZ, method=method, random_state=1
            ),
        )


def _speed(make: Callable[[], object]) -> float:
    start = time.process_time()
    make()
    return SECONDS / (time.process_time() - start)


if __name__ == "__main__":
    main()
