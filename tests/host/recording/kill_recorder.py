"""Kill `ecg-edge record` at random moments while it records the firmware, and check what is left.

python -m tests.host.recording.kill_recorder 50 build/kills [PROGRAM]

The device is the native program of the last `ecg-edge build --env native`, in real time. Every record must
open with wfdb, hold the samples that the front end played, and lack at most two seconds before the kill.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.recording.recording import Recording
from tests.support.simulated import make_ecg

FS_HZ = 360
ALLOWED_S = 2.0


def kill_once(port: str, out: Path, after_s: float, expected: np.ndarray) -> tuple[float, float]:
    """Record for `after_s` seconds. Returns the seconds that are missing in the signal and in the beats."""
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", "record", port, str(out), "--gain", "200"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    dat = out.with_name(f"{out.name}.dat")
    while not dat.is_file():
        time.sleep(0.005)
    began = time.monotonic()
    time.sleep(after_s)
    process.kill()
    elapsed = time.monotonic() - began
    process.wait()
    record = wfdb.rdrecord(str(out), physical=False)
    found = Recording(out).samples
    wfdb.rdann(str(out), "rhy")
    beats = wfdb.rdann(str(out), "dev").sample
    assert record.sig_len <= len(found)
    assert np.array_equal(record.d_signal[:, 0], expected[: record.sig_len])
    assert np.array_equal(found, expected[: len(found)])
    last = beats[-1] / FS_HZ if len(beats) else 0.0
    return elapsed - record.sig_len / FS_HZ, elapsed - last


def main(count: int, folder: Path, program: Path | None) -> None:
    """Kill `count` times and print what was lost."""
    signal, _ = make_ecg(120)
    chosen = random.Random(1)
    missing: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "script"
        write_front_end(script, signal)
        with native_device(program, script) as port:
            for k in range(count):
                out = folder / f"kill_{k:03d}"
                missing.append(kill_once(port, out, chosen.uniform(0.5, 6.0), signal))
                print(f"{k:3d}: {missing[-1][0]:5.2f} s of signal missing", flush=True)
    worst, worst_beat = (max(column) for column in zip(*missing, strict=True))
    print(f"{count} kills: at most {worst:.2f} s of signal missing, {worst_beat:.2f} s after the last beat")
    sys.exit(worst > ALLOWED_S)


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    main(int(sys.argv[1]), folder, Path(sys.argv[3]) if len(sys.argv) > 3 else None)
