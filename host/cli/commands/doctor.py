"""`ecg-edge doctor`: check this computer."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.pipeline.doctor import FAIL, OK, WARN, Check, run_board_checks, run_checks

EXAMPLES: Final = ("ecg-edge doctor", "ecg-edge doctor --board esp32c3")
SIGNS = {OK: ("ok", "green"), WARN: ("warn", "yellow"), FAIL: ("FAIL", "red")}


def doctor(
    board: Annotated[
        str | None,
        typer.Option(metavar="ENV", help="Check one board instead: code, compiler, emulator, tools, port."),
    ] = None,
    data: options.DataOption = None,
    json: options.JsonOption = None,
) -> None:
    """Check prerequisites and suggest fixes: Python, TensorFlow, compilers, QEMU, PlatformIO, ports, records.

    Exits with 1 when something is missing that `ecg-edge run` needs, or that a build for --board needs.
    """
    checks = run_board_checks(board) if board else run_checks(data)
    failed = any(check.status == FAIL for check in checks)
    for check in checks:
        _show(check)
    console.out.print(_verdict({check.status for check in checks}))
    if json:
        write_json(json, {"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]})
    if failed:
        raise typer.Exit(1)


def _verdict(found: set[str]) -> str:
    if FAIL in found:
        return "Prerequisites are missing; see above."
    if WARN in found:
        return "Nothing that must be there is missing; see the warnings above."
    return "All prerequisites are here."


def _show(check: Check) -> None:
    sign, colour = SIGNS[check.status]
    console.out.print(f"{sign:4}", style=colour, end=" ")
    console.out.print(f"{check.name:18} {check.found}", markup=False)
    if check.fix:
        console.out.print(f"{'':23} -> {check.fix}", markup=False)
