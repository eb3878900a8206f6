"""Kill `ecg-edge bridge` at random moments, and the broker in one run of three; check what arrives.

python -m tests.host.bridge.kill_bridge 50

The source is synthetic ECG in real time. Every run uses the same outbox, so each sends what the one before
left. At the end no number may be missing, and the samples of each run must be without a gap from the first
one on.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.mosquitto import Mosquitto, Subscriber

FS_HZ = 360
ALLOWED_S = 2.0


def start(broker: Mosquitto, folder: Path, play: float) -> subprocess.Popen[bytes]:
    """Start the command."""
    words = ["bridge", "synth/s09", "--mqtt", broker.url, "--name", "bed3", "--state", str(folder)]
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", *words, "--play", str(play)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def samples_of(subscriber: Subscriber, session: int) -> int:
    """Number of samples of a session, which must be without a gap."""
    end = 0
    for wave in subscriber.messages["ecg-edge/bed3/wave"]:
        if wave["session"] == session:
            assert wave["start"] == end, (session, wave["start"], end)
            end += len(wave["samples"])
    return end


def kill_once(
    broker: Mosquitto, subscriber: Subscriber, folder: Path, session: int, chosen: random.Random
) -> float:
    """Run the bridge and kill it; return the seconds of signal that there were until then."""
    process = start(broker, folder, 1.0)
    subscriber.wait(lambda: samples_of(subscriber, session), 60)
    began = time.monotonic() - samples_of(subscriber, session) / FS_HZ
    is_broker_killed = session % 3 == 0
    if is_broker_killed:
        time.sleep(chosen.uniform(0.0, 1.0))
        broker.kill()
    time.sleep(chosen.uniform(0.2, 3.0))
    process.kill()
    lived_s = time.monotonic() - began
    process.wait()
    if is_broker_killed:
        broker.start()
    return lived_s


def main(count: int) -> None:
    """Kill `count` times and print what is missing."""
    chosen = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with Mosquitto(folder) as broker, Subscriber(broker.port) as subscriber:
            lived_s = []
            for session in range(1, count + 1):
                lived_s.append(kill_once(broker, subscriber, folder, session, chosen))
            start(broker, folder, 0.0).wait(120)
            subscriber.wait(lambda: samples_of(subscriber, count + 1) == 120 * FS_HZ, 60)
            missing = [
                lived - samples_of(subscriber, session) / FS_HZ
                for session, lived in enumerate(lived_s, start=1)
            ]
        print(f"{count} kills of the bridge, {count // 3} of the broker: {subscriber.count} messages,")
        print(f"{subscriber.lost} lost, {subscriber.doubles} doubles; samples missing before a kill:")
        print(f"at most {max(missing):.2f} s")
        sys.exit(subscriber.lost > 0 or max(missing) > ALLOWED_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
