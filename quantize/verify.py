"""One network, four engines, the same beats: float Keras, LiteRT's reference kernels, TFLM, generated C.

TFLM is the reference. The generated C must give its bytes, every one; the others show what quantization
changes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import ComparisonError, ToolError
from ecg_edge.quantize.bundle.engines import (
    GeneratedEngine,
    Inputs,
    Int8Array,
    TflmEngine,
    tflm_available,
)
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import Bundle
from ecg_edge.quantize.export.bundle import FLOAT_MODEL_NAME

FLOAT, LITERT, TFLM, GENERATED = "float Keras", "LiteRT reference", "TFLM", "generated C"


@dataclass(frozen=True, eq=False)
class Beats:
    """What the engines are run on.

    Attributes
    ----------
    inputs : mapping of str to int8 array, (n, ...)
        Arrays by the names of the network's inputs.
    labels : int array, (n,), or None
        Index of the annotated label; negative outside the model's labels. None: not known.
    source : str
        Where they come from, for the report.
    tflm_logits : int8 array, (n, labels), or None
        What TFLM gave earlier, for computers without its wheel.
    """

    inputs: Inputs
    labels: npt.NDArray[np.int64] | None
    source: str
    tflm_logits: Int8Array | None = None


@dataclass(frozen=True)
class EngineFigures:
    """How one engine compares with TFLM, and with the annotations.

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
        Share of annotated beats labelled right; None when the labels are not known.
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
    """Figures of every engine that could run, and why the others could not."""

    model_sha256: str
    source: str
    beats: int
    engines: tuple[EngineFigures, ...]
    skipped: dict[str, str]

    def figures(self, engine: str) -> EngineFigures | None:
        """Figures of one engine, if it ran."""
        return next((figures for figures in self.engines if figures.engine == engine), None)


def golden_beats(bundle: Bundle) -> Beats:
    """The bundle's golden vectors."""
    golden = load_golden(bundle)
    return Beats(golden.inputs, None, "golden vectors", golden.logits)


def verify(bundle: Bundle, beats: Beats | None = None, *, float_model: Path | None = None) -> VerifyReport:
    """Run every engine that this computer has on the same beats.

    Parameters
    ----------
    bundle : Bundle
        The model.
    beats : Beats, optional
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


def _run_all(bundle: Bundle, beats: Beats, float_model: Path) -> tuple[dict[str, Any], dict[str, str]]:
    logits: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    if importlib.util.find_spec("tensorflow") is None:
        skipped[FLOAT] = skipped[LITERT] = "TensorFlow is not installed"
    else:
        from ecg_edge.quantize import reference

        if float_model.is_file():
            logits[FLOAT] = reference.run_float(float_model, beats.inputs)
        else:
            skipped[FLOAT] = f"{float_model.name} is not in the bundle"
        logits[LITERT] = reference.run_litert(bundle.model_path, beats.inputs)
    logits[TFLM] = _tflm_logits(bundle, beats)
    logits[GENERATED] = GeneratedEngine(bundle.c_path).run(beats.inputs)
    return logits, skipped


def _tflm_logits(bundle: Bundle, beats: Beats) -> Int8Array:
    if tflm_available():
        return TflmEngine(bundle.model_path, bundle.manifest.input_names).run(beats.inputs)
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
