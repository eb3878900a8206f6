"""`ecg-edge doctor`: check this computer."""

from __future__ import annotations

import dataclasses

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console
from ecg_edge.host.pipeline.doctor import FAIL, OK, WARN, Check, run_checks

SIGNS = {OK: ("ok", "green"), WARN: ("warn", "yellow"), FAIL: ("FAIL", "red")}


def doctor(data: console.DataOption = None, json: console.JsonOption = None) -> None:
    """Check Python, TensorFlow, compilers, QEMU, PlatformIO, serial ports and records.

    Exit code 1 when something is missing that the main job needs.
    """
    checks = run_checks(data)
    failed = any(check.status == FAIL for check in checks)
    if str(json) != "-":
        for check in checks:
            _show(check)
        console.out.print(
            "Something is missing; see above." if failed else "All that the main job needs is here."
        )
    if json:
        write_json(json, {"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]})
    if failed:
        raise typer.Exit(1)


def _show(check: Check) -> None:
    sign, colour = SIGNS[check.status]
    console.out.print(f"{sign:4}", style=colour, end=" ")
    console.out.print(f"{check.name:18} {check.found}", markup=False)
    if check.mend:
        console.out.print(f"{'':23} -> {check.mend}", markup=False)
