"""Training set and evaluation sets of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge import firmware
from ecg_edge.ecg import splits
from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.errors import RecipeError, RecordError
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.records import record_files
from ecg_edge.ecg.synthetic.population import patients_of, virtual_root
from ecg_edge.ecg.synthetic.textbook import synthetic_root
from ecg_edge.training.beats import ANY_CONDUCTION, Beats, concatenate, load_beats
from ecg_edge.training.made_up import made_up_beats
from ecg_edge.training.noisy_beats import noisy_beats
from ecg_edge.training.other_leads import mixed_lead_beats, second_lead_beats
from ecg_edge.training.own_databases import own_beats, title, training_parts
from ecg_edge.training.progress import OnRecord
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.strips import RHYTHMS as STRIPS
from ecg_edge.training.strips import strip_beats


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Beats of one evaluation protocol.

    Attributes
    ----------
    protocol : str
        E.g. "DS1->DS2, detector in the loop".
    split, peaks : str
        E.g. "DS1->DS2" and "detected".
    beats : Beats
        All beats of the test set, those outside the five classes included.
    """

    protocol: str
    split: str
    peaks: str
    beats: Beats


_PEAKS_TEXT = {"annotated": "annotated peaks", "detected": "detector in the loop"}
_GENERATED = ("synth", "virtual")  # databases that need no installation
_OF_TRAINING = {  # made of the training records of mitdb and svdb
    "made-up": made_up_beats,
    "second-lead": second_lead_beats,
    "mixed-lead": mixed_lead_beats,
}
_NOISE = ("nstdb", "nstdb-svdb")  # nstdb's noise on the training records of mitdb, and of svdb
_TWO_LEADS = ("mitdb", "svdb", "qtdb")  # those of which a recipe may choose one
_ALL_NORMAL = ("made-up", "cinc2017-fibrillation")  # few N beats, all of an irregular rhythm
_AVERAGE_WIDTH = 23  # feature: width of the average beat's QRS complex to 0.1 s, log2
_WITHOUT_CONDUCTION = ("svdb", "qtdb", "cinc2017")  # their N may have a bundle branch block


def split_of(recipe: Recipe, root: Path) -> splits.Split:
    """Divide the records into training set and test set, restricted to `data.records` where it names some.

    Raises
    ------
    RecipeError
        When the recipe names a record that the split does not have, or leaves nothing to train or test on.
    """
    split = _whole_split(recipe, root)
    split = _only(split, recipe.data.records) if recipe.data.records else split
    if not split.train or not (split.test or recipe.data.split == "all"):
        raise RecipeError(f"recipe {recipe.name}: no records to train or to test on; see data.records.")
    return split


def check_records(recipe: Recipe, root: Path) -> None:
    """Check that the files of every record of the recipe's split exist: faster than to find out in training.

    Raises
    ------
    RecordError
        Names the first file that is missing.
    """
    split, database = split_of(recipe, root), recipe.data.database
    for name in (*split.train, *split.test):
        annotations = root / database / f"{name}.atr"  # record_files leaves out annotations that are missing
        for path in (*record_files(root, database, name), annotations):
            if not path.is_file():
                raise RecordError(
                    f"{path}: not found. Get the records with `ecg-edge data get {database}`, or "
                    "name another folder with --data."
                )


def _whole_split(recipe: Recipe, root: Path) -> splits.Split:
    synthetic = records_in(root, "synth") if recipe.data.database == "synth" else ()
    if recipe.data.split == "random":
        return splits.random_beats(synthetic or splits.UNPACED)
    if recipe.data.split == "all":
        return splits.Split(splits.UNPACED, ())
    return splits.synthetic(synthetic) if synthetic else splits.ds1_ds2()


def _only(split: splits.Split, names: tuple[str, ...]) -> splits.Split:
    unknown = sorted(set(names) - set(split.train) - set(split.test))
    if unknown:
        raise RecipeError(f"data.records: {', '.join(unknown)} are in neither set of this split.")
    train, test = (tuple(name for name in part if name in names) for part in (split.train, split.test))
    return splits.Split(train, test, split.by_patient)


def training_beats(recipe: Recipe, root: Path, on_record: OnRecord | None = None) -> Beats:
    """Load the training set, of the five classes only."""
    split = split_of(recipe, root)
    beats = _beats_of(recipe, root, split.train, recipe.data.peaks, on_record).five_classes()
    if recipe.data.split == "random":
        beats = beats[~_is_test(beats, recipe)]
    every = {"svdb": records_in(root, "svdb")} if recipe.data.split == "all" else None
    beats = concatenate([beats, *extra_beats(recipe, root, split.train, on_record, every)])
    missing = set(range(len(LABELS))) - set(beats.labels.tolist())
    if missing:
        names = ", ".join(LABELS[label] for label in sorted(missing))
        raise RecordError(f"recipe {recipe.name}: no beats of class {names} to train on; add records.")
    return beats


def extra_beats(
    recipe: Recipe,
    root: Path,
    records: tuple[str, ...],
    on_record: OnRecord | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> list[Beats]:
    """Load the beats of the recipe's extra databases, of the five classes, N thinned out.

    They are in the training set only, and of each database only the records for development. svdb labels
    every supraventricular premature beat S: here that is A. nstdb means its noise added to `records`, the
    training records, and nstdb-svdb that noise added to those of svdb. `names` has the records of databases
    of which others than those for development train.
    """
    parts, chosen = [], names or {}
    for database in sorted(set(recipe.data.extra) - set(missing_extra(recipe, root))):
        if database in _NOISE:
            noisy = {"mitdb": records} if database == "nstdb" else {"svdb": _svdb_records(root, chosen)}
            beats = _detected(recipe, _noisy(recipe, root, noisy, on_record))
        elif database in STRIPS:
            beats = _detected(recipe, strip_beats(root, on_record, database))
        elif database in _OF_TRAINING:
            beats = _of_training(database, recipe, root, records, chosen, on_record).five_classes()
        else:
            own = chosen.get(database)
            beats = _beats_of_database(recipe, root, database, on_record, own).five_classes()
        every = 1 if database in _ALL_NORMAL else recipe.data.keep_every_nth_normal
        kept = (beats.symbols != "N") | (np.arange(len(beats)) % every == 0)
        beats = beats[kept]
        wide_ms = recipe.data.any_conduction_from_ms
        parts.append(_of_any_conduction(beats, wide_ms) if recipe.data.any_conduction else beats)
    own_parts = training_parts(recipe.databases, root, _wanted(recipe.data.peaks), on_record)
    return [*parts, *own_parts]


def _noisy(
    recipe: Recipe, root: Path, records: Mapping[str, Sequence[str]], on_record: OnRecord | None
) -> Beats:
    """Load beats of these records, by database, with noise; svdb's S is A."""
    peaks, lead = recipe.data.peaks, recipe.data.lead
    beats = concatenate(
        part
        for database, names in records.items()
        for part in noisy_beats(root, names, peaks, on_record, lead, database)
    )
    return Beats(beats.features, np.where(beats.symbols == "S", "A", beats.symbols), beats.records)


def _svdb_records(root: Path, chosen: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """List svdb's records that train: the chosen ones, else those for development."""
    own = splits.select_part("svdb", records_in(root, "svdb"), "development")
    return tuple(chosen.get("svdb", own))


def _detected(recipe: Recipe, beats: Beats) -> Beats:
    """Keep the five classes and, where the recipe wants it, detections without an annotated beat.

    These are N, L or R then; they are no beats of their record's N.
    """
    false = ANY_CONDUCTION if recipe.data.false_detections else ""
    symbols = np.where(beats.symbols == "", false, beats.symbols)
    return Beats(beats.features, symbols, beats.records).five_classes()


def _of_any_conduction(beats: Beats, wide_ms: float) -> Beats:
    """Make N, L or R of the N beats of databases that do not tell bundle branch block, where it may be one.

    It may where the QRS complex of the patient's average beat is `wide_ms` wide and more.
    """
    origins = np.array([name.rpartition("/")[0].rpartition(":")[2] for name in beats.records.tolist()])
    width_ms = 100 * 2 ** (beats.rhythm[:, _AVERAGE_WIDTH] * firmware.RHYTHM_SCALE)
    unknown = np.isin(origins, _WITHOUT_CONDUCTION) & (beats.symbols == "N") & (width_ms >= wide_ms)
    return Beats(beats.features, np.where(unknown, ANY_CONDUCTION, beats.symbols), beats.records)


def _of_training(
    database: str,
    recipe: Recipe,
    root: Path,
    records: tuple[str, ...],
    chosen: Mapping[str, Sequence[str]],
    on_record: OnRecord | None,
) -> Beats:
    """Load made-up patients, or other leads, of the training records of mitdb and, where it trains, svdb."""
    load = _OF_TRAINING[database]
    peaks, lead = recipe.data.peaks, recipe.data.lead
    parts = load(root, "mitdb", records, peaks, on_record, lead)
    if "svdb" in set(recipe.data.extra) - set(missing_extra(recipe, root)):
        parts += load(root, "svdb", _svdb_records(root, chosen), peaks, on_record, lead)
    return concatenate(parts)


def _beats_of_database(
    recipe: Recipe,
    root: Path,
    database: str,
    on_record: OnRecord | None,
    chosen: Sequence[str] | None = None,
) -> Beats:
    folder = {"synth": lambda: synthetic_root(root), "virtual": virtual_root}.get(database, lambda: root)()
    names = records_in(folder, database)
    names = names if database in _GENERATED else splits.select_part(database, names, "development")
    names = names if chosen is None else tuple(chosen)
    beats = _beats_of(recipe, folder, names, recipe.data.peaks, on_record, database)
    symbols = np.where(beats.symbols == "S", "A", beats.symbols)
    owners = patients_of(beats.records) if database == "virtual" else beats.records
    return Beats(beats.features, symbols, np.char.add(f"{database}/", owners))


def missing_extra(recipe: Recipe, root: Path) -> tuple[str, ...]:
    """List the recipe's extra databases that `root` does not have."""
    recorded = [name for name in recipe.data.extra if name not in (*_GENERATED, *_OF_TRAINING)]
    needed = {name: name.removesuffix("-fibrillation").split("-") for name in recorded}
    return tuple(name for name in recorded if not all(records_in(root, one) for one in needed[name]))


def evaluation_sets(recipe: Recipe, root: Path, on_record: OnRecord | None = None) -> list[EvaluationSet]:
    """Load the evaluation sets of the recipe.

    They share no beat (random split) or no patient (patient split) with the training set. A recipe that
    trains on every patient has those of your own databases only.
    """
    split, name = split_of(recipe, root), _split_name(recipe)
    if recipe.data.split == "random":
        beats = _beats_of(recipe, root, split.test, "annotated", on_record).five_classes()
        return [_evaluation_set(name, "annotated", beats[_is_test(beats, recipe)])]
    return [
        *(
            _evaluation_set(name, peaks, _beats_of(recipe, root, split.test, peaks, on_record))
            for peaks in _PEAKS_TEXT
            if split.test
        ),
        *(
            _evaluation_set(title(own, database), peaks, own_beats(own, database, root, peaks, test=True))
            for own, database in recipe.databases.items()
            if database.test
            for peaks in _PEAKS_TEXT
        ),
    ]


def _evaluation_set(split: str, peaks: str, beats: Beats) -> EvaluationSet:
    return EvaluationSet(f"{split}, {_PEAKS_TEXT[peaks]}", split, peaks, beats)


def _split_name(recipe: Recipe) -> str:
    names = {"random": "random split", "patient": "DS1->DS2", "all": "every patient"}
    synthetic = {"random": "synthetic ECG, random split", "patient": "synthetic ECG by patient"}
    name = (synthetic if recipe.data.database == "synth" else names)[recipe.data.split]
    return f"{name} ({len(recipe.data.records)} records only)" if recipe.data.records else name


def _beats_of(
    recipe: Recipe,
    root: Path,
    records: tuple[str, ...],
    peaks: str,
    on_record: OnRecord | None,
    database: str | None = None,
) -> Beats:
    source = database or recipe.data.database
    lead = recipe.data.lead if source in _TWO_LEADS else AUTO
    return concatenate(
        load_beats(root, source, records, each, on_record=on_record, lead=lead) for each in _wanted(peaks)
    )


def _wanted(peaks: str) -> tuple[str, ...]:
    return ("annotated", "detected") if peaks == "both" else (peaks,)


def _is_test(beats: Beats, recipe: Recipe) -> npt.NDArray[np.bool_]:
    """Draw the test set of a random split by the recipe's seed: the same share of every class."""
    random, chosen = np.random.default_rng(recipe.seed), np.zeros(len(beats), bool)
    for label in range(len(LABELS)):
        members: npt.NDArray[Any] = np.flatnonzero(beats.labels == label)
        random.shuffle(members)
        chosen[members[: round(recipe.data.test_fraction * len(members))]] = True
    return chosen
