"""`ecg-edge evaluate morphology`: the morphology network on virtual patients that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.morphology_steps import class_table
from ecg_edge.quantize.bundle.engines import GeneratedEngine
from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY, STRIP_INPUT, load_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecg_edge.host.cli.tables import ResultTable
    from ecg_edge.training.morphology.evaluation import LevelRow

EXAMPLES: Final = (
    "ecg-edge evaluate morphology",
    "ecg-edge evaluate morphology --patients 1000 --json morphology.json",
)


def evaluate(
    model: Annotated[
        Path, options.model_option("Bundle of the morphology network.", options.MORPHOLOGY_DEFAULT)
    ] = SHIPPED_MORPHOLOGY,
    patients: Annotated[
        int, typer.Option(metavar="N", min=10, max=100_000, help="Virtual patients of each test.")
    ] = 300,
    json: options.JsonOption = None,
) -> None:
    """Score the int8 morphology network on synthetic ECG: each class against noise, ST level and T wave.

    Figures on synthetic ECG are no evidence about patients.
    """
    bundle = load_bundle(model)
    if not bundle.manifest.takes_strips:
        raise BundleError(f"{model}: a beat classifier. Name the bundle of a morphology network.")
    from ecg_edge.training.morphology.evaluation import evaluate as score

    engine = GeneratedEngine(bundle.c_path)  # the bytes of TFLM, but faster
    with console.step("Generating and scoring strips"):
        figures = score(lambda strips: engine.run({STRIP_INPUT: strips}), "int8", patients)
    console.out.print(class_table(f"{patients} virtual patients a test", figures["noise"], by="test"))
    console.out.print(_levels("ST deviation at J + 60 ms, 20 dB", figures["st"]))
    console.out.print(_levels("Height of the T wave, 20 dB", figures["t"]))
    if json:
        write_json(json, {"model_sha256": bundle.manifest.model_sha256, **figures})


def _levels(title: str, rows: Sequence[LevelRow]) -> ResultTable:
    table = console.table(title, "mV", *(f"{name} %" for name in rows[0]["answers"]), "AUC")
    for row in rows:
        shares = [percent(share, 1) for share in row["answers"].values()]
        table.add_row(f"{row['level_mv']:+.3f}", *shares, f"{row['auc']:.3f}")
    return table
