"""`ecg-edge evaluate`: score algorithms and annotation files by ANSI/AAMI EC57."""

from typing import Final

import typer

from ecg_edge.host.cli import lazy

COMMANDS: Final = {
    "detector": "Score the beat detector: sensitivity, predictivity, RR error.",
    "classifier": "Score the beat classifier under every protocol: VEB, SVEB, labels, calibration.",
    "rhythm": "Score rhythm events: atrial fibrillation, bigeminy, couplets, runs.",
    "morphology": "Score the morphology network on synthetic ECG, against noise and levels.",
    "annotations": "Score annotation files, as WFDB's bxb, rxr and sumstats do.",
}

app = typer.Typer(
    help="Score the beat detector, both networks, the rhythm rules, or annotation files.",
    no_args_is_help=True,
    add_completion=False,
    context_settings=lazy.CONTEXT,
    epilog="Example: ecg-edge evaluate detector mitdb/100",
)
lazy.register(app, COMMANDS, group="evaluate")


@app.callback()
def _group() -> None:
    """Keep the group a group however many commands it has."""
