"""Compare four engines on the same beats: float Keras, LiteRT's reference kernels, TFLM, generated C.

TFLM is the reference: the generated C must give the same bytes. The differences of the others show the effect
of quantization.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import ComparisonError, ToolError
from ecg_edge.ecg.files import locked_folder, read_json, write_json
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.selection import RecordName
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import strips
from ecg_edge.quantize.bundle.engines import (
    GeneratedEngine,
    Inputs,
    Int8Array,
    beat_inputs,
    tflm_available,
    tflm_engine,
)
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT, Bundle, load_bundle
from ecg_edge.quantize.export.bundle import FLOAT_MODEL_NAME
from ecg_edge.training.beats import Beats, concatenate, load_beats
from ecg_edge.training.datasets import evaluation_sets
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.runs import Run

VERIFIED_BEATS: Final = 10_000  # of a test set; the engines take a few seconds for them
FLOAT, LITERT, TFLM, GENERATED = "float Keras", "LiteRT reference", "TFLM", "generated C"


@dataclass(frozen=True, eq=False)
class LabelledInputs:
    """Inputs of the engines, with the annotated labels.

    Attributes
    ----------
    inputs : mapping of str to int8 array, (n, ...)
        Arrays by the names of the network's inputs.
    labels : int array, (n,), or None
        Index of the annotated label; negative outside the model's labels. None: not annotated.
    source : str
        Origin of the beats, for the report.
    tflm_logits : int8 array, (n, labels), or None
        Stored outputs of TFLM, for computers without its wheel.
    """

    inputs: Inputs
    labels: npt.NDArray[np.int64] | None
    source: str
    tflm_logits: Int8Array | None = None


@dataclass(frozen=True)
class EngineFigures:
    """Agreement of one engine with TFLM and with the annotations.

    Attributes
    ----------
    engine : str
    label_agreement : float
        Share of beats with TFLM's label.
    largest_difference_lsb : float
        Largest difference of a logit from TFLM's, in steps of the int8 output.
    differing_bytes : int or None
        Bytes that are not TFLM's; None for the float network.
    accuracy : float or None
        Share of annotated beats labelled correctly; None when the labels are not known.
    accuracy_by_label : dict of str to float
        The same for each label that occurs.
    """

    engine: str
    label_agreement: float
    largest_difference_lsb: float
    differing_bytes: int | None
    accuracy: float | None
    accuracy_by_label: dict[str, float]


@dataclass(frozen=True)
class VerifyReport:
    """Figures of each engine that ran, and the reason for each that did not."""

    model_sha256: str
    source: str
    beats: int
    engines: tuple[EngineFigures, ...]
    skipped: dict[str, str]

    def figures(self, engine: str) -> EngineFigures | None:
        """Return the figures of one engine, if it ran."""
        return next((figures for figures in self.engines if figures.engine == engine), None)


def golden_beats(bundle: Bundle) -> LabelledInputs:
    """Load the bundle's golden vectors."""
    golden = load_golden(bundle)
    return LabelledInputs(golden.inputs, None, "golden vectors", golden.logits)


def verify(
    bundle: Bundle, beats: LabelledInputs | None = None, *, float_model: Path | None = None
) -> VerifyReport:
    """Run every engine that this computer has on the same beats.

    Parameters
    ----------
    bundle : Bundle
        The model.
    beats : LabelledInputs, optional
        By default the bundle's golden vectors.
    float_model : Path, optional
        The float network; by default the bundle's own, if it carries one.

    Raises
    ------
    ToolError
        TFLM cannot run here and its outputs for these beats are not known.
    """
    beats = golden_beats(bundle) if beats is None else beats
    logits, skipped = _run_all(bundle, beats, float_model or bundle.path / FLOAT_MODEL_NAME)
    output = bundle.manifest.outputs[0]
    exact = logits[TFLM]
    if FLOAT in logits:  # to steps of the int8 output, so that the two can be compared
        logits[FLOAT] = logits[FLOAT] / output.scale + output.zero_point
    figures = tuple(
        _figures(name, values, exact, beats.labels, bundle.manifest.labels) for name, values in logits.items()
    )
    return VerifyReport(bundle.manifest.model_sha256, beats.source, len(logits[TFLM]), figures, skipped)


def verify_run(run: Run, progress: Progress = SILENT) -> VerifyReport:
    """Compare the engines on detected beats of the test set, and write `verify.json` in the run folder.

    Parameters
    ----------
    run : Run
    progress : Progress, optional

    Raises
    ------
    ComparisonError
        When the generated C does not give TFLM's bytes; `verify.json` is written nevertheless.
    """
    with locked_folder(run.folder.path):
        test = evaluation_sets(run.recipe, run.data_root, progress.on_record)[-1]
        beats = _thin_out(test.beats, VERIFIED_BEATS)
        inputs = LabelledInputs(beat_inputs(beats.features), beats.labels, test.protocol)
        report = verify(load_bundle(run.folder.bundle), inputs)
        write_json(run.folder.verify, report)
    require_same_bytes(report)
    return report


def read_report(path: Path) -> VerifyReport:
    """Read a `verify.json`."""
    report = read_json(path)
    engines = tuple(EngineFigures(**figures) for figures in report.pop("engines"))
    return VerifyReport(engines=engines, **report)


def record_beats(
    records: Sequence[RecordName], labels: Sequence[str], limit: int, source: str
) -> LabelledInputs:
    """Load the detected beats of records, evenly thinned out.

    Parameters
    ----------
    records : sequence of RecordName
    labels : sequence of str
        Labels of the model.
    limit : int
        Largest number of beats, at least 1.
    source : str
        Origin of the beats, for the report.
    """
    parts = [load_beats(root, database, [name], "detected") for root, database, name in records]
    beats = _thin_out(concatenate(parts), limit)
    index = {name: number for number, name in enumerate(labels)}
    annotated = np.array([index.get(symbol, -1) for symbol in beats.symbols.tolist()], np.int64)
    return LabelledInputs(beat_inputs(beats.features), annotated, f"{source}, detected peaks")


def record_strips(records: Sequence[RecordName], source: str) -> LabelledInputs:
    """Load the strips of records, for a morphology network; their classes are not known."""
    found = [load_record(root, database, name) for root, database, name in records]
    points = [strips(one.samples, adu_per_mv=one.adu_per_mv)["points"] for one in found]
    return LabelledInputs({STRIP_INPUT: np.concatenate(points)}, None, source)


def synthetic_strips(limit: int) -> LabelledInputs:
    """Generate strips of held-out virtual patients with their classes, for a morphology network."""
    from ecg_edge.training.morphology.evaluation import Conditions, test_set

    conditions = Conditions()
    test = test_set(conditions, -(-limit // len(MORPHOLOGY)))
    return LabelledInputs({STRIP_INPUT: test.strips}, test.labels, conditions.protocol)


def _thin_out(beats: Beats, limit: int) -> Beats:
    return beats[np.linspace(0, len(beats) - 1, min(limit, len(beats))).astype(np.int64)]


def require_same_bytes(report: VerifyReport) -> None:
    """Check that the generated C gave TFLM's bytes.

    Raises
    ------
    ComparisonError
        Says how many bytes differ.
    """
    generated = report.figures(GENERATED)
    if generated is not None and generated.differing_bytes:
        raise ComparisonError(
            f"generated C and TFLM differ in {generated.differing_bytes} bytes of {report.beats} beats "
            f"({report.source}); the largest difference is {generated.largest_difference_lsb:g} steps. "
            "The bundle must not be used; please report the model."
        )


def _run_all(
    bundle: Bundle, beats: LabelledInputs, float_model: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    logits: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    if importlib.util.find_spec("tensorflow") is None:
        skipped[FLOAT] = skipped[LITERT] = "TensorFlow is not installed"
    else:
        from ecg_edge.quantize import reference  # late: imports TensorFlow

        if float_model.is_file():
            logits[FLOAT] = reference.run_float(float_model, beats.inputs)
        else:
            skipped[FLOAT] = f"{float_model.name} is not in the bundle"
        logits[LITERT] = reference.run_litert(bundle.model_path, beats.inputs)
    logits[TFLM] = _tflm_logits(bundle, beats)
    logits[GENERATED] = GeneratedEngine(bundle.c_path).run(beats.inputs)
    return logits, skipped


def _tflm_logits(bundle: Bundle, beats: LabelledInputs) -> Int8Array:
    if tflm_available():
        return tflm_engine(bundle).run(beats.inputs)
    if beats.tflm_logits is None:
        raise ToolError(
            "the tflite-micro wheel is not installed (it exists for Linux on x86-64 only), so only golden "
            "vectors can be compared. Use --golden."
        )
    return beats.tflm_logits


def _figures(
    engine: str,
    logits: npt.NDArray[Any],
    exact: Int8Array,
    labels: npt.NDArray[np.int64] | None,
    names: Sequence[str],
) -> EngineFigures:
    chosen = logits.argmax(axis=1)
    right = None if labels is None else chosen[labels >= 0] == labels[labels >= 0]
    by_label = {}
    if labels is not None:
        for index, name in enumerate(names):
            if np.any(labels == index):
                by_label[name] = float(np.mean(chosen[labels == index] == index))
    return EngineFigures(
        engine=engine,
        label_agreement=float(np.mean(chosen == exact.argmax(axis=1))),
        largest_difference_lsb=float(np.abs(logits.astype(np.float64) - exact).max(initial=0)),
        differing_bytes=int(np.count_nonzero(logits != exact)) if logits.dtype == np.int8 else None,
        accuracy=float(right.mean()) if right is not None and right.size else None,
        accuracy_by_label=by_label,
    )
