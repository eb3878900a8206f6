"""`ecg-edge evaluate classifier`: the beat classifier under every protocol, as the device runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from ecg_edge.ecg.databases import records_in, require_data_root
from ecg_edge.ecg.errors import BundleError, RecordError
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import check_writable_folder, write_json
from ecg_edge.ecg.parallel import Workers
from ecg_edge.ecg.scoring.bootstrap import RESAMPLES
from ecg_edge.ecg.scoring.curves import Curve
from ecg_edge.ecg.scoring.labelling import Labelling
from ecg_edge.ecg.splits import Part, has_parts
from ecg_edge.host.cli import classifier_tables as tables
from ecg_edge.host.cli import console, options
from ecg_edge.host.evaluation import classifier
from ecg_edge.host.evaluation.classifier import DETECTED, INT8, Int8Network, Network, Task, TestSet
from ecg_edge.host.evaluation.mistakes import Explained, ExplainTask, explain, worst
from ecg_edge.host.evaluation.sources import Source
from ecg_edge.host.reference.labels import check_signal_path
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, Bundle, load_bundle
from ecg_edge.quantize.export.model_card import write_card

if TYPE_CHECKING:
    from ecg_edge.host.pipeline.float_network import FloatNetwork

SETS: Final = (*(one.database for one in classifier.TEST_SETS), classifier.FIRST_BEATS)
EXAMPLES: Final = (
    "ecg-edge evaluate classifier models/nlrav --json classifier.json",
    "ecg-edge evaluate classifier models/nlrav --html classifier.html",
    "ecg-edge evaluate classifier runs/my/bundle --float runs/my/prune/model.keras --database mitdb",
)

Result = TypeVar("Result")


def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", show_default="models/nlrav", help="Model bundle to score.")
    ] = SHIPPED_BUNDLE,
    data: options.DataOption = None,
    database: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default=", ".join(SETS),
            help="Test set: a database of the folder, also one of your own (repeatable).",
        ),
    ] = None,
    part: options.PartOption = options.Part.test,
    float_network: Annotated[
        Path | None,
        typer.Option(
            "--float", metavar="FILE", help="Keras network that became this bundle, to compare with."
        ),
    ] = None,
    start_s: options.StartOption = None,
    resamples: Annotated[
        int,
        typer.Option(
            min=0, max=100_000, metavar="N", help="Draws of the bootstrap over patients; 0 for none."
        ),
    ] = RESAMPLES,
    jobs: options.JobsOption = 0,
    dask: options.DaskOption = "",
    any_signal_path: options.AnySignalPathOption = False,
    per_record: options.PerRecordOption = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a page with curves, confusion matrices and the worst mistakes: one HTML file.",
        ),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Also write the main figures into the bundle's MODEL_CARD.md.")
    ] = False,
    json: options.JsonOption = None,
) -> None:
    """Score the beat classifier of a bundle: detector, network and label rule as on the device.

    Each row names its records, whose R peaks it used (annotated, or found by the detector), and from which
    second on it counts. Databases that are not here are left out. A database of your own has no parts: all
    of its records with annotated beats (.atr) are scored, each as one patient.
    """
    root, bundle = require_data_root(data), load_bundle(model)
    _check(bundle, any_signal_path)
    wanted = _test_sets(root, database)
    if html:
        check_writable_folder(html.parent)
    other = _float_network(float_network, bundle)
    run = _Run(root, part.value, bundle, options.starts(start_s), resamples, Workers(jobs, dask))
    figures = run.figures(wanted, classifier.FIRST_BEATS in (database or SETS))
    if other is not None:
        figures["int8_against_float"] = run.compare(wanted, figures["rows"], other)
    for table in tables.every_table(figures, per_record):
        console.out.print(table)
    for line in tables.notes(figures):
        console.out.print(line, markup=False)
    if json:
        write_json(json, figures)
    if card:
        console.out.print(f"Model card: {write_card(bundle, figures)}", markup=False)
    if html:
        from ecg_edge.host.report.classifier_report import write_classifier_report

        page = write_classifier_report(html, figures, run.curves, run.mistakes())
        console.out.print(f"Page:       {page}", markup=False)


def _check(bundle: Bundle, any_signal_path: bool) -> None:
    if bundle.manifest.takes_strips:
        raise BundleError(f"{bundle.path}: a morphology network. Name the bundle of a beat classifier.")
    if not any_signal_path:
        check_signal_path(bundle)


def _test_sets(root: Path, databases: Sequence[str] | None) -> list[TestSet]:
    """Find the test sets of the named databases; those of this project where none is named."""
    if not databases:
        return list(classifier.TEST_SETS)
    folders = sorted(folder.name for folder in root.iterdir() if records_in(root, folder.name))
    if unknown := sorted(set(databases) - set(SETS) - set(folders)):
        raise typer.BadParameter(
            f"{', '.join(unknown)}; test sets are {', '.join(SETS)}, and each folder of records in {root}, "
            f"which has {', '.join(folders)}",
            param_hint="--database",
        )
    named = [one for one in dict.fromkeys(databases) if one != classifier.FIRST_BEATS]
    return sorted(map(classifier.find_test_set, named), key=_place)


def _place(test_set: TestSet) -> int:
    """Order test sets as this project does, and those of your own behind them."""
    return SETS.index(test_set.database) if test_set.database in SETS else len(SETS)


def _float_network(path: Path | None, bundle: Bundle) -> FloatNetwork | None:
    """Load the network of --float before the work: the file, or TensorFlow, may be missing."""
    if path is None:
        return None
    from ecg_edge.host.pipeline.float_network import FloatNetwork

    network = FloatNetwork(path, bundle.manifest.labels)
    network.load()
    return network


def _some(names: Sequence[str]) -> str:
    """List records by name, the first ten of many."""
    more = len(names) - 10
    return ", ".join(names[:10]) + (f" and {counted(more, 'more record')}" if more > 0 else "")


class _Run:
    """One evaluation: its options, and the labels of each record."""

    def __init__(
        self,
        root: Path,
        part: Part,
        bundle: Bundle,
        starts_s: Sequence[float],
        resamples: int,
        workers: Workers,
    ) -> None:
        self._root, self._part, self._bundle = root, part, bundle
        self._starts_s, self._resamples, self._workers = tuple(starts_s), resamples, workers
        self.curves: dict[tuple[str, str], dict[str, Curve]] = {}
        self._detected: dict[str, list[Labelling]] = {}

    def figures(self, wanted: Sequence[TestSet], first_beats: bool) -> dict[str, Any]:
        """Score the int8 network."""
        network = Int8Network.of(self._bundle)
        rows: list[dict[str, Any]] = []
        for test_set in wanted:
            for peaks, found in self._label(test_set, network):
                own = classifier.telling_conduction(test_set, found)
                drawn = classifier.curves_of(own, self._part, found, network.labels)
                self.curves |= {(group, peaks): one for group, one in drawn.items()}
                rows += self._score(own, peaks, network, found)
                if peaks == DETECTED and not test_set.by_level:
                    self._detected[test_set.database] = found
        detected = [one for found in self._detected.values() for one in found]
        figures: dict[str, Any] = {
            "name": self._bundle.manifest.name,
            "model_sha256": self._bundle.manifest.model_sha256,
            "core_fingerprint": self._bundle.manifest.core_fingerprint,
            "part": self._part if any(has_parts(one.database) for one in wanted) or not wanted else "all",
            "resamples": self._resamples,
            "rows": rows,
        }
        if first_beats and (strips := classifier.list_strips(self._root, self._part)):
            labels = self._map(classifier.label_strip, strips, "cinc2017 strips", DETECTED, network)
            figures["first_beats"] = classifier.first_beats(labels)
        if any(one.database == "mitdb" for one in wanted):
            paced = classifier.list_paced(self._root)
            detected += self._map(classifier.label, paced, "paced records", DETECTED, network)
        if detected:
            figures["never_learned"] = classifier.never_learned(detected, network.labels)
        if not rows and "first_beats" not in figures:
            names = ", ".join(one.database for one in wanted) or classifier.FIRST_BEATS
            raise RecordError(
                f"{self._root}: no records with annotated beats (.atr) of the part `{self._part}` of "
                f"{names}. Name another database or part; --part all takes every record."
            )
        return figures

    def mistakes(self) -> list[Explained]:
        """Find the worst mistakes with detected peaks, and what the labels depend on."""
        network = Int8Network.of(self._bundle)
        chosen = worst(self._detected, network.labels)
        places = list(dict.fromkeys((one.database, one.title) for one in chosen))
        tasks = [
            ExplainTask(
                Source(self._root, database, title, title=title),
                network,
                tuple(one for one in chosen if (one.database, one.title) == (database, title)),
            )
            for database, title in places
        ]
        found = {one.mistake: one for some in self._workers.map(explain, tasks) for one in some}
        return [found[one] for one in chosen if one in found]

    def compare(
        self, wanted: Sequence[TestSet], rows: list[dict[str, Any]], other: Network
    ) -> list[dict[str, Any]]:
        """Score the float network on the sets whose labels are annotated, and compare; adds to `rows`."""
        compared = []
        told = {row["database"] for row in rows if row["classes"]}
        if not told:
            console.warn("--float: none of these annotations tells N, L and R apart: nothing to compare")
        for test_set in (one for one in wanted if one.database in told):
            for peaks, found in self._label(test_set, other, Workers(1)):
                own = classifier.telling_conduction(test_set, found)
                for row in self._score(own, peaks, other, found):
                    same = ("group", "peaks", "start_s")
                    pair = next(one for one in rows if all(one[key] == row[key] for key in same))
                    compared.append(classifier.against_float(pair, row))
                    rows.append(row)
        return compared

    def _label(
        self, test_set: TestSet, network: Network, workers: Workers | None = None
    ) -> list[tuple[str, list[Labelling]]]:
        database = test_set.database
        sources, others = classifier.list_records(self._root, database, self._part)
        if not sources:
            part = classifier.part_taken(database, self._part)
            console.note(f"{database}: no annotated records of the part `{part}` here; left out")
            return []
        if others:
            console.note(f"{database}: left out, without annotated beats (.atr): {_some(others)}")
        return [
            (
                peaks,
                self._map(classifier.label, sources, f"{database}, {peaks} peaks", peaks, network, workers),
            )
            for peaks in test_set.peaks
        ]

    def _map(
        self,
        function: Callable[[Task], Result],
        sources: Sequence[Source],
        title: str,
        peaks: str,
        network: Network,
        workers: Workers | None = None,
    ) -> list[Result]:
        tasks = [Task(source, peaks, network, self._starts_s) for source in sources]
        with console.progress_bar("records") as bar:
            task = bar.add_task(f"{title}, {network.name}", total=len(tasks), note="")
            found = []
            for result in (workers or self._workers).map(function, tasks):
                found.append(result)
                bar.advance(task)
        return found

    def _score(
        self, test_set: TestSet, peaks: str, network: Network, found: Sequence[Labelling]
    ) -> list[dict[str, Any]]:
        rows = classifier.score_set(
            test_set, self._part, peaks, network, found, self._starts_s, self._resamples
        )
        return [
            {
                **row,
                "seen_in_training": self._seen(test_set.database, row["records"]),
                "average_precision": self._average_precision(row) if network.name == INT8 else {},
            }
            for row in rows
        ]

    def _average_precision(self, row: dict[str, Any]) -> dict[str, float]:
        """Return the average precision of each class, from the first second."""
        drawn = self.curves[row["group"], row["peaks"]] if row["start_s"] == 0 else {}
        return {name: curve.average_precision for name, curve in drawn.items()}

    def _seen(self, database: str, names: Sequence[str]) -> list[str]:
        """List the records whose patients trained the network."""
        return self._bundle.manifest.trained_on(database, names)
