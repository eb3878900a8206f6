"""Replay of the firmware itself over a bad line: whole, or stated what is missing; never a wrong verdict."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ecg_edge.host.conformance.replay import Update, replay
from ecg_edge.host.devices.emulator import native_device
from tests.support.line_proxy import Fault, Reorder, burst, cut, double, drop, flip, proxy, stall

pytestmark = [pytest.mark.device, pytest.mark.slow]


@pytest.fixture(scope="module")
def program(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("native")


def test_a_restart_in_mid_record_loses_and_doubles_nothing(
    program: Path, synthetic_root: Path, shipped_bundle: Path, tmp_path: Path
) -> None:
    link, devices = tmp_path / "port", ExitStack()

    def plug_in() -> None:
        devices.close()
        link.unlink(missing_ok=True)
        link.symlink_to(devices.enter_context(native_device(program)))

    def restart(now: Update) -> None:
        if now.taken > 10_000 and not restarts:
            restarts.append(now.taken)
            plug_in()

    restarts: list[int] = []
    plug_in()
    with devices:
        outcome = replay(
            ["synth/s09"],
            port=str(link),
            bundle_path=shipped_bundle,
            data=synthetic_root,
            out=tmp_path / "session",
            on_update=restart,
        )
    assert outcome.passed and restarts
    assert outcome.results["link"]["passes"] == 2


class Counted:
    """A fault that counts how often it changed something."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self.hits = fault, 0

    def __call__(self, data: bytes, chosen: random.Random) -> list[bytes]:
        """Pass data on, as the fault does."""
        pieces = self._fault(data, chosen)
        self.hits += pieces != [data]
        return pieces


FAULTS = (flip, drop, double, burst, stall, cut, Reorder())


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_a_bad_line_loses_and_doubles_nothing(
    program: Path, synthetic_root: Path, shipped_bundle: Path, tmp_path: Path, fault: Fault
) -> None:
    seconds = 5.0 if fault is flip else 60.0  # each lost NAK costs a second
    there, back = Counted(fault), Counted(Reorder() if isinstance(fault, Reorder) else fault)
    with native_device(program) as port, proxy(port, tmp_path, there, to_device=back) as address:
        outcome = replay(
            ["synth/s09"],
            port=address,
            bundle_path=shipped_bundle,
            data=synthetic_root,
            out=tmp_path / "session",
            seconds=seconds,
            block=20,
        )
    if outcome.error:
        raise outcome.error
    (record,) = outcome.results["records"]
    assert record["verdict"] == "pass"
    assert record["beats"] == record["agreeing_beats"] > seconds / 2 and record["lost_samples"] == 0
    passes = record["link"]["passes"]
    if fault in (stall, cut):
        assert (passes > 1) == (fault is cut)
    else:
        assert there.hits + back.hits > 0  # which way is chance
