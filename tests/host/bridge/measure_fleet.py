"""Measure one broker with many simulated devices.

python -m tests.host.bridge.measure_fleet 200 60

Each device is a bridge with its own outbox and connection, and sends what a device at 75 beats a minute
sends: a second of samples, the beats, a heart rate every five seconds, and its state. Two processes hold all
of them. One subscriber takes everything. After the steady part the broker is stopped for ten seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from ecg_edge.firmware.binding.rhythm import HEART_RATE
from ecg_edge.host.bridge.bridge import Bridge
from ecg_edge.host.bridge.broker import Broker
from ecg_edge.host.bridge.messages import Topics
from ecg_edge.host.bridge.outbox import Outbox
from ecg_edge.host.bridge.publisher import Publisher
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import BeatMark, Item, LinkChange, Origin, Wave
from ecg_edge.host.live.timeline import Losses
from tests.support.mosquitto import Mosquitto, Subscriber

FS_HZ = 360
BLOCK = FS_HZ // 10
RR = 288
PROCESSES = 2
AWAY_S = 10.0


class SteadySource:
    """A device in real time."""

    def __init__(self, phase_s: float) -> None:
        self._phase_s = phase_s
        self.origin = Origin("simulated", "fleet", FS_HZ, 200.0, "ECG", ("N", "V"), "ab" * 32)
        self.losses = Losses()

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver ten blocks a second until `stop` is set."""
        signal = np.random.default_rng(1).integers(-150, 300, 3600).astype(np.int16)
        began, end, events = time.monotonic() + self._phase_s, 0, 0
        yield [LinkChange(0, True, "connected")]
        while not stop.is_set():
            stop.wait(max(began + end / FS_HZ - time.monotonic(), 0.0))
            items: list[Item] = [Wave(end, np.take(signal, range(end, end + BLOCK), mode="wrap"))]
            items += [BeatMark(k, "N", RR, 1, 99, 200) for k in range(end, end + BLOCK) if k % RR == 0]
            if end % (5 * FS_HZ) == 0:
                items.append(RhythmEvent(events, HEART_RATE, 1, 0, end, end, 5, 750, RR, RR, RR, 0, 0))
                events += 1
            end += BLOCK
            yield items


def run_devices(names: list[str], port: int, folder: Path, stop: object) -> None:
    """Run devices in this process until `stop` is set."""
    ended = threading.Event()
    threads = [threading.Thread(target=run_device, args=(n, port, folder, ended)) for n in names]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    stop.wait()  # type: ignore[attr-defined]
    ended.set()
    for thread in threads:
        thread.join()


def run_device(name: str, port: int, folder: Path, ended: threading.Event) -> None:
    """Run one bridge."""
    topics, outbox = Topics(name), Outbox(folder / f"{name}.sqlite", survives_power_cut=False)
    with Publisher(Broker("127.0.0.1", port), topics, outbox) as publisher:
        publisher.connect()
        phase_s = int(name.rpartition("-")[2]) % 100 / 100
        Bridge(SteadySource(phase_s), topics, outbox, publisher).run(ended)
    outbox.close()


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def main(count: int, seconds: float) -> None:
    """Measure and print."""
    context = multiprocessing.get_context("spawn")
    names = [f"dev-{k}" for k in range(count)]
    with tempfile.TemporaryDirectory() as scratch, Mosquitto(Path(scratch), autosave=False) as broker:
        subscriber = Subscriber(broker.port, keep=False)
        stop = context.Event()
        workers = [
            context.Process(target=run_devices, args=(names[k::PROCESSES], broker.port, Path(scratch), stop))
            for k in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        online = [f"ecg-edge/{name}/status" for name in names]
        subscriber.wait(lambda: all(subscriber.plain.get(topic) == b"online" for topic in online), 120)
        time.sleep(5)
        steady(subscriber, broker, [worker.pid or 0 for worker in workers], seconds)
        outage(subscriber, broker)
        stop.set()
        for worker in workers:
            worker.join()
        time.sleep(2)
        subscriber.client.disconnect()
        subscriber.client.loop_stop()
        print(f"in all: {subscriber.count} messages, {subscriber.lost} lost, {subscriber.doubles} doubles")


def steady(subscriber: Subscriber, broker: Mosquitto, workers: list[int], seconds: float) -> None:
    """Measure a time without faults."""
    pids = [broker.pid, *workers]
    subscriber.delays_s.clear()
    before, counted, began = [cpu_s(pid) for pid in pids], subscriber.count, time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    used = [100 * (cpu_s(pid) - start) / elapsed for pid, start in zip(pids, before, strict=True)]
    delays = np.percentile(subscriber.delays_s, [50, 95, 99, 100])
    print(f"{(subscriber.count - counted) / elapsed:.0f} messages a second, {subscriber.lost} lost")
    print(f"delay in s, median, 95 %, 99 %, longest: {', '.join(f'{one:.2f}' for one in delays)}")
    print(f"broker: {used[0]:.0f} % of a core, {memory_mb(broker.pid):.0f} MB")
    print(f"all bridges: {sum(used[1:]):.0f} % of a core; load of the computer {os.getloadavg()[0]:.1f}")


def outage(subscriber: Subscriber, broker: Mosquitto) -> None:
    """Stop the broker for a while and measure how long the messages that wait take."""
    broker.stop()
    time.sleep(AWAY_S)
    broker.start()
    began = time.monotonic()
    subscriber.delays_s.clear()
    subscriber.wait(lambda: len(subscriber.delays_s) > 500 and max(subscriber.delays_s[-500:]) < 1.0, 120)
    print(f"after {AWAY_S:.0f} s without a broker: all had arrived after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
