"""Recipes: the settings that determine a trained network, read from one TOML file.

An unknown key is an error that lists the valid ones; a value outside its range is an error that names both.
`base = "nlrav"` takes the settings of another recipe where this one has none. The resolved recipe, defaults
filled in, is saved with each run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ecg_edge import firmware
from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.labels import BEAT_SYMBOLS, LABELS
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.typed_json import Range
from ecg_edge.training.inputs import PARTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED: Final = Path(__file__).resolve().parent / "recipes"
MAX_PARAMETERS: Final = 20_000  # weights that fit the flash of the smallest board beside the firmware
MAX_STRIDE: Final = 128  # samples of a beat; a longer stride leaves a single output
MAX_SEED: Final = 2**32 - 1  # numpy's limit
BEATS: Final = "beats"
TRAINING_FORMAT: Final = 7
"""Raised when what trains, how networks are quantized, or what is kept of a fold changes."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OTHER_TABLES: Final = ("tune", "ablation")
"""Tables of a recipe's file that other commands read; they change no training."""
SCHEDULES: Final = ("cosine", "one-cycle", "constant")
CNN: Final = "cnn"
TREES: Final = "trees"
ARCHITECTURES: Final = (CNN, "cnn-lstm", "transformer", TREES)
"""Ways to read the beat; the device runs the first."""
_EXTRA: Final = (
    "svdb",
    "qtdb",
    "cinc2017",
    "cinc2017-fibrillation",
    "nstdb",
    "nstdb-svdb",
    "made-up",
    "second-lead",
    "mixed-lead",
    "synth",
    "virtual",
)


@dataclass(frozen=True)
class Data:
    """Training set and test set.

    Attributes
    ----------
    database : str
        "mitdb", or "synth" (the project's own synthetic ECG).
    split : str
        "patient": train on DS1, test on DS2 (synth: every third patient is in the test set). "random": divide
        the beats of all records that are not paced at random. "all": train on every record of mitdb that is
        not paced and, where svdb is an extra database, on every one of svdb; none is left to test on, so that
        folds by patient alone judge the recipe.
    peaks : str
        R peaks of the training beats: "annotated", "detected", or "both" (each beat twice). A random split
        uses annotated ones.
    records : tuple of str
        Use these records of the split only; empty for all.
    test_fraction : float
        Random split: share of the beats in the test set, between 0 and 1.
    extra : tuple of str
        Further databases in the training set: "svdb" and "qtdb", their records for development
        (`ecg_edge.ecg.splits.part_of`); "cinc2017", its strips for development of normal rhythm,
        and "cinc2017-fibrillation", those of atrial fibrillation, every beat as N; "nstdb", its noise added
        to the training records; "nstdb-svdb", that noise added to svdb's records; "made-up", beats of the
        training records of mitdb and svdb in other rhythms
        (`ecg_edge.training.made_up`); "second-lead", the lead of these records that the device does not
        read, as a further patient; "mixed-lead", their sum and difference, as another
        (`ecg_edge.training.other_leads`); "synth"; "virtual", patients of the generator
        (`ecg_edge.ecg.synthetic.population`). Those that are not installed are left out, and the run's
        history lists them.
    keep_every_nth_normal : int
        Keep every n-th normal beat of the extra databases, but for made-up patients and fibrillation; 1
        keeps all.
    any_conduction : bool
        N beats of svdb, qtdb and cinc2017 may be N, L or R: these databases do not tell bundle branch
        block. The loss then accepts each of the three.
    any_conduction_from_ms : float
        With any_conduction: only where the QRS complex of the patient's average beat is at least this wide.
        A narrower one is no bundle branch block, and stays N; 0 takes all.
    lead : str
        Name or number of the lead of mitdb, svdb and qtdb, in training and test; "auto": MLII, else II, else
        the first ECG lead. "1" is the second signal.
    false_detections : bool
        Keep what the detector took for beats in nstdb's noise, and early beats of another shape in strips of
        normal rhythm, and accept N, L and R for them: noise is neither A nor V. Without it, none of these.
    """

    database: str = "mitdb"
    split: str = "patient"
    peaks: str = "detected"
    records: tuple[str, ...] = ()
    test_fraction: float = 0.2
    extra: tuple[str, ...] = ()
    keep_every_nth_normal: int = 1
    any_conduction: bool = False
    any_conduction_from_ms: float = 0.0
    false_detections: bool = False
    lead: str = AUTO


@dataclass(frozen=True)
class OwnDatabase:
    """A database of your own: a table [databases.NAME] for each.

    A record's rate is that of its header; it is resampled to the device's.

    Attributes
    ----------
    folder : str
        Folder of the WFDB records, below the folder of the databases or absolute; "" for the table's name.
    lead : str
        Name of the lead; "auto": MLII, else II, else the first ECG lead.
    annotator : str
        Suffix of the annotation files.
    records : tuple of str
        Use these records only; empty for all that have annotations.
    test : tuple of str
        Records that only test; they have figures of their own.
    labels : dict of str to str
        For each label of the network the symbols of its annotations. Beats of other symbols train nothing.
    keep_every_nth_normal : int
        Keep every n-th normal beat; 1 keeps all.
    """

    folder: str = ""
    lead: str = "auto"
    annotator: str = "atr"
    records: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    labels: dict[str, str] = field(
        default_factory=lambda: {"N": "N", "L": "L", "R": "R", "A": "AS", "V": "V"}
    )
    keep_every_nth_normal: int = 1


@dataclass(frozen=True)
class Model:
    """Shape of the network: convolutions on the beat, a dense layer on the rhythm, a head on both.

    Attributes
    ----------
    filters, kernels, strides : tuple of int
        One entry per convolution: output channels, taps, step in samples.
    rhythm_units, head_units : int
        Width of the dense layer on the rhythm features and of the one before the logits.
    dropout : float
        Share of the head's inputs dropped in training.
    without : tuple of str
        Parts of the inputs that the network ignores, to learn what they are worth: names of
        `ecg_edge.training.inputs.PARTS`.
    architecture : str
        "cnn"; or, to compare with (`ecg-edge ablate` and `train --folds` only, float only): "cnn-lstm" and
        "transformer", which read the beat in place of the last convolution, "trees", boosted trees.
    """

    filters: tuple[int, ...] = (8, 16, 24, 24)
    kernels: tuple[int, ...] = (7, 5, 5, 3)
    strides: tuple[int, ...] = (2, 2, 2, 2)
    rhythm_units: int = 16
    head_units: int = 24
    dropout: float = 0.2
    without: tuple[str, ...] = ()
    architecture: str = CNN

    @property
    def parameters(self) -> int:
        """Number of weights of the convolutional network, those of the normalizations included."""
        channels = (2, *self.filters)  # two input channels: the filtered signal and the average beat
        convolutions = sum(
            kernel * before * after + 4 * after
            for kernel, before, after in zip(self.kernels, channels, self.filters, strict=False)
        )
        rhythm = (firmware.RHYTHM_FEATURES + 1) * self.rhythm_units
        head = (channels[-1] + self.rhythm_units + 1) * self.head_units
        return convolutions + rhythm + head + (self.head_units + 1) * len(LABELS)


@dataclass(frozen=True)
class Training:
    """Fitting of the network.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the training set; beats per optimizer step.
    learning_rate : float
        Highest learning rate of Adam.
    schedule : str
        "cosine": from the highest learning rate to zero along half a cosine. "one-cycle": up from a 25th of
        it during the first 30 %, then the cosine. "constant".
    weight_decay : float
        Share of each weight that a step of learning rate 1 takes off (AdamW); 0 for none.
    patience : int
        Stop after this many epochs without a lower loss on held-out patients, and keep the weights of the
        best epoch; 0 trains all epochs on all patients.
    validation_folds : int
        With patience: one of this many parts of the training patients is held out, stratified by class.
    focal_gamma : float
        Exponent of the focal loss, which gives beats that are already right less weight; 0 for cross-entropy.
    class_weight_power : float
        Weight of a class: (mean count / its count) ** power. 0: all beats alike, 1: all classes alike.
    class_weight_limit : float
        Upper limit of the weight of a class, at least 1.
    patient_weight_power : float
        Weight of a patient with n beats of a class: n ** (1 - power). 0: all beats alike, 1: all patients.
    strip_weight : float
        Factor on the weight of a beat of cinc2017: each strip counts as a patient, and there are hundreds.
    noise_weight : float
        Factor on the weight of a beat with nstdb's noise; more than 1 makes A and V rare in noise.
    label_weights : tuple of float
        Factor on the weight of the beats of each label; empty for 1. A label of a higher weight is given more
        readily: found more often, and more often wrong.
    label_offsets : tuple of float
        By how much the logit of each label is higher than the loss asks for; empty for 0. Where the network
        hesitates, a label with a positive offset wins. It lies in the last layer's bias and costs nothing.
    smote : float
        Oversample rare classes of the training set with synthetic beats (SMOTE) to this share of the most
        frequent class, 0 to 1; 0 for none.
    repeat : float
        Repeat beats of rare classes, drawn at random, to this share of the most frequent class, 0 to 1.
    label_smoothing : float
        Share of a beat's label that is spread over all classes, 0 to below 1.
    average : float
        Take a running mean of the weights, with this factor on the mean at each step, in place of the last
        weights; 0 for none.
    """

    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 0.003
    schedule: str = "cosine"
    weight_decay: float = 0.0
    patience: int = 0
    validation_folds: int = 5
    focal_gamma: float = 0.0
    class_weight_power: float = 0.5
    class_weight_limit: float = 10.0
    patient_weight_power: float = 0.0
    strip_weight: float = 1.0
    noise_weight: float = 1.0
    label_weights: tuple[float, ...] = ()
    label_offsets: tuple[float, ...] = ()
    smote: float = 0.0
    repeat: float = 0.0
    label_smoothing: float = 0.0
    average: float = 0.0


@dataclass(frozen=True)
class Augment:
    """Random variation of the training beats, drawn anew in each epoch; 0 for none.

    Attributes
    ----------
    time_stretch : float
        Largest share by which a beat is widened or narrowed around its R peak, below 1.
    shift : float
        Largest shift in time, in points of 5.6 ms, up to 128.
    amplitude : float
        Largest share by which the amplitude is raised or lowered, below 1.
    flip : float
        Share of the beats that are turned upside down, with their average beat: the lead may be reversed.
    wander : float
        Largest amplitude of the added slow wave, in standard deviations of the beat, up to 100.
    noise : float
        Largest standard deviation of the added white noise, in the same unit.
    rhythm : float
        Standard deviation of the white noise added to the rhythm features.
    """

    time_stretch: float = 0.0
    shift: float = 0.0
    amplitude: float = 0.0
    flip: float = 0.0
    wander: float = 0.0
    noise: float = 0.0
    rhythm: float = 0.0


@dataclass(frozen=True)
class Prune:
    """Magnitude pruning with fine-tuning.

    Pruning costs accuracy, and saves flash and time only where the generated C picks the sparse kernels: a
    network that runs dense gains nothing from it.

    Attributes
    ----------
    sparsity : float
        Share of zero weights in each layer but the last, 0 to below 1; 0 leaves the network as trained.
    epochs : int
        Epochs of fine-tuning; the sparsity rises during the first half of them.
    learning_rate : float
        Initial learning rate of Adam; it decays to zero along half a cosine.
    block : int
        Neighbouring weights of one output channel that become zero together. 1: each weight by itself. 4: the
        blocks that the sparse kernels of the generated C skip.
    """

    sparsity: float = 0.5
    epochs: int = 4
    learning_rate: float = 0.001
    block: int = 1


@dataclass(frozen=True)
class Quantize:
    """Full-integer quantization.

    Attributes
    ----------
    calibration_beats : int
        Number of training beats that calibrate the ranges of the layers' outputs.
    aware_epochs : int
        Epochs of training with the rounding of int8 in the network, after pruning; 0 for none.
    aware_learning_rate : float
        Their initial learning rate; it follows the schedule of the training.
    """

    calibration_beats: int = 1000
    aware_epochs: int = 0
    aware_learning_rate: float = 0.0005


@dataclass(frozen=True)
class Recipe:
    """Settings of one training. `name` is also the name of the run folder and of the bundle."""

    name: str
    description: str = ""
    seed: int = 1
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)
    prune: Prune = field(default_factory=Prune)
    quantize: Quantize = field(default_factory=Quantize)
    databases: dict[str, OwnDatabase] = field(default_factory=dict)

    def to_toml(self) -> str:
        """Return the recipe as TOML, defaults filled in."""
        return to_toml(self)


def folds_sha256(recipe: Recipe) -> str:
    """Hash of what a recipe's figures on folds by patient depend on, but for seed, records and rhythm rules.

    Name, description and `data.split` do not count: folds divide the records themselves.
    """
    data = dataclasses.replace(recipe.data, split="patient")
    plain = dataclasses.replace(recipe, name="", description="", seed=0, data=data)
    made_by = f"{TRAINING_FORMAT} {firmware.fingerprint():08x}"
    return hashlib.sha256(f"{plain.to_toml()} {made_by}".encode()).hexdigest()


def to_toml(recipe: Any) -> str:
    """Return any recipe, a dataclass with a dataclass for each table, as TOML."""
    items = dataclasses.asdict(recipe).items()
    tables = {key: value for key, value in items if isinstance(value, dict)}
    lines = [f"{key} = {toml_value(value)}" for key, value in items if key not in tables]
    databases = tables.pop("databases", {})
    tables |= {f"databases.{toml_value(name)}": values for name, values in databases.items()}
    for table, values in tables.items():
        lines += ["", f"[{table}]", *(f"{key} = {toml_value(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


_SECTIONS: Final[dict[str, type]] = {
    "data": Data,
    "model": Model,
    "training": Training,
    "augment": Augment,
    "prune": Prune,
    "quantize": Quantize,
}


def find_recipe(name_or_path: str) -> Path:
    """Find a recipe by its path or by the name of a shipped one, e.g. "nlrav".

    Raises
    ------
    RecipeError
        When it is neither; the message lists the shipped ones.
    """
    for path in (Path(name_or_path), SHIPPED / f"{name_or_path}.toml"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.toml")))
    raise RecipeError(f"{name_or_path}: neither a recipe file nor a shipped recipe ({shipped}).")


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        When the file is not TOML, has an unknown key, or a value of the wrong type or outside its range.
    """
    raw = _with_base(path, read_toml(path))
    if (kind := raw.pop("kind", BEATS)) != BEATS:
        raise RecipeError(f"{path}: kind {kind!r}: this command takes recipes of beat classifiers only.")
    for table in OTHER_TABLES:
        raw.pop(table, None)
    recipe: Recipe = build_recipe(path, raw, Recipe, _SECTIONS)
    _check_ranges(path, recipe)
    return recipe


def _with_base(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """Fill in the settings that a file has not from the recipe that `base` names: beside it, or shipped."""
    if (name := raw.pop("base", None)) is None:
        return raw
    if not isinstance(name, str):
        raise RecipeError(f"{path}: base must be the name of a recipe, not {name!r}.")
    beside = path.parent / f"{name}.toml"
    try:
        base = read_toml(beside if beside.is_file() else find_recipe(name))
    except RecipeError as error:
        raise RecipeError(f"{path}: base: {error}") from None
    if "base" in base:
        raise RecipeError(f"{path}: base {name} has a base itself. Name a recipe that stands alone.")
    for table in OTHER_TABLES:
        base.pop(table, None)
    merged: dict[str, Any] = {**base, "name": path.stem, "description": ""}
    for key, value in raw.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def changed(recipe: Recipe, values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Copy a recipe with other values of some keys, such as "training.learning_rate" or "seed".

    Raises
    ------
    RecipeError
        When a key or a value is not valid; the message begins with `where`.
    """
    raw: dict[str, Any] = _plain(dataclasses.asdict(recipe))
    for key, value in values.items():
        *tables, name = key.split(".")
        place = raw
        for table in tables:
            place = place.get(table) if isinstance(place.get(table), dict) else {}  # type: ignore[assignment]
        if name not in place or isinstance(place[name], dict):
            raise RecipeError(f"{where}: {key} is no key of a recipe.")
        place[name] = value
    other: Recipe = build_recipe(Path(where), raw, Recipe, _SECTIONS)
    _check_ranges(Path(where), other)
    return other


def _plain(value: Any) -> Any:
    """Convert tuples to lists, as TOML has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def build_recipe(path: Path, raw: dict[str, Any], cls: Any, sections: Mapping[str, type]) -> Any:
    """Make a recipe of the dataclass `cls` from its TOML; its name is the file's unless it has one."""
    raw.setdefault("name", path.stem)
    if isinstance(own := raw.get("databases"), dict) and cls is Recipe:
        tables = {
            name: build_table(path, f"[databases.{name}]", OwnDatabase, one) for name, one in own.items()
        }
        raw = {**raw, "databases": tables}
    fields = {
        key: build_table(path, f"[{key}]", sections[key], value) if key in sections else value
        for key, value in raw.items()
    }
    return build_table(path, "the top level", cls, fields)


def recipe_kind(name_or_path: str) -> str:
    """Return what a recipe trains: `BEATS` unless it names another kind."""
    return str(read_toml(find_recipe(name_or_path)).get("kind", BEATS))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; its errors are `RecipeError`."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: not found. Name a recipe file or a shipped recipe.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not TOML ({error}).") from None
    except OSError as error:
        raise RecipeError(
            f"{path}: cannot be read ({error.strerror}). Name a readable recipe file."
        ) from None
    return table


def build_table(path: Path, where: str, cls: Any, values: Any) -> Any:
    """An instance of the dataclass `cls` from a table of TOML."""
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: {where} must be a table, not {values!r}.")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(values.keys() - fields.keys())
    if unknown:
        raise RecipeError(f"{path}: unknown key {unknown[0]!r} in {where}; valid keys: {', '.join(fields)}.")
    typed = {key: _typed(path, where, key, str(fields[key].type), value) for key, value in values.items()}
    return cls(**typed)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "bool": lambda v: type(v) is bool,
    "int": lambda v: type(v) is int,
    "float": lambda v: type(v) in (int, float),
    "str": lambda v: type(v) is str,
    "tuple[int, ...]": lambda v: isinstance(v, list) and all(type(item) is int for item in v),
    "tuple[float, ...]": lambda v: isinstance(v, list) and all(type(item) in (int, float) for item in v),
    "dict[str, str]": lambda v: isinstance(v, dict) and all(type(item) is str for item in v.values()),
    "dict[str, OwnDatabase]": lambda v: isinstance(v, dict),
    "tuple[str, ...]": lambda v: isinstance(v, list) and all(type(item) is str for item in v),
}


def _typed(path: Path, where: str, key: str, type_name: str, value: Any) -> Any:
    """Convert `value` to the type of its field, or raise RecipeError."""
    if type_name in _TYPES and not _TYPES[type_name](value):
        wanted = type_name.replace("tuple", "list").replace(", ...", "")
        raise RecipeError(f"{path}: {key} in {where} must be of type {wanted}, not {value!r}.")
    if type_name == "float":
        return _finite(path, where, key, value)
    return tuple(value) if isinstance(value, list) else value


def _finite(path: Path, where: str, key: str, value: float) -> float:
    """Convert a number to float; TOML also knows inf, nan and integers of any length."""
    if abs(value) < sys.float_info.max:  # false for nan
        return float(value)
    raise RecipeError(f"{path}: {key} in {where} must be a finite number, not {value!r:.40}.")


_RANGES: Final = {
    "seed": Range(0, MAX_SEED),
    "data.test_fraction": Range(0, 1, low_open=True, high_open=True),
    "data.keep_every_nth_normal": Range(1),
    "data.any_conduction_from_ms": Range(0, 1000),
    "model.filters": Range(1),
    "model.kernels": Range(1),
    "model.strides": Range(1, MAX_STRIDE),
    "model.rhythm_units": Range(1),
    "model.head_units": Range(1),
    "model.dropout": Range(0, 1, high_open=True),
    "training.epochs": Range(1, 10_000),
    "training.batch_size": Range(1, 1_000_000),
    "training.learning_rate": Range(0, low_open=True),
    "training.weight_decay": Range(0, 1),
    "training.patience": Range(0, 10_000),
    "training.validation_folds": Range(2, 100),
    "training.focal_gamma": Range(0, 10),
    "training.class_weight_power": Range(0, 1),
    "training.class_weight_limit": Range(1),
    "training.patient_weight_power": Range(0, 1),
    "training.strip_weight": Range(0, 1, low_open=True),
    "training.noise_weight": Range(0, 100, low_open=True),
    "training.label_weights": Range(0, 100, low_open=True),
    "training.label_offsets": Range(-10, 10),
    "training.smote": Range(0, 1),
    "training.repeat": Range(0, 1),
    "training.label_smoothing": Range(0, 1, high_open=True),
    "training.average": Range(0, 1, high_open=True),
    "augment.time_stretch": Range(0, 1, high_open=True),
    "augment.shift": Range(0, 128),
    "augment.amplitude": Range(0, 1, high_open=True),
    "augment.flip": Range(0, 1),
    "augment.wander": Range(0, 100),
    "augment.noise": Range(0, 100),
    "augment.rhythm": Range(0, 100),
    "prune.sparsity": Range(0, 1, high_open=True),
    "prune.epochs": Range(1, 10_000),
    "prune.learning_rate": Range(0, low_open=True),
    "prune.block": Range(1),
    "quantize.calibration_beats": Range(1),
    "quantize.aware_epochs": Range(0, 10_000),
    "quantize.aware_learning_rate": Range(0, low_open=True),
}


def _check_ranges(path: Path, recipe: Recipe) -> None:
    problems = [*outside(recipe, _RANGES), *_contradictions(recipe)]
    if problems:
        raise RecipeError(f"{path}: {'; '.join(problems)}.")


def outside(recipe: object, ranges: Mapping[str, Range]) -> Iterator[str]:
    """Describe each number, also within a list, that is outside the range of its key."""
    for key, allowed in ranges.items():
        value = operator.attrgetter(key)(recipe)
        if any(item not in allowed for item in (value if isinstance(value, tuple) else (value,))):
            shown = list(value) if isinstance(value, tuple) else value
            yield f"{key} must be {allowed}, not {shown!r:.60}"


def _contradictions(recipe: Recipe) -> list[str]:
    """Describe names that are not valid, and settings that exclude each other."""
    data, model = recipe.data, recipe.model
    layers = (model.filters, model.kernels, model.strides)
    peaks = ("annotated",) if data.split == "random" else ("annotated", "detected", "both")
    checks = {
        # The name becomes a folder below the runs: with a separator it would lie elsewhere.
        "name must be of at most 64 letters, digits, '.', '_' and '-', the first a letter or digit, "
        f"not {recipe.name!r:.80}": bool(NAME.fullmatch(recipe.name)),
        'data.database must be "mitdb" or "synth"': data.database in ("mitdb", "synth"),
        'data.split must be "patient", "random" or "all"': data.split in ("patient", "random", "all"),
        'data.split "all" needs the database "mitdb"': data.split != "all" or data.database == "mitdb",
        f"data.peaks with this split must be one of {', '.join(peaks)}": data.peaks in peaks,
        f"data.extra may hold {', '.join(_EXTRA)}": set(data.extra) <= set(_EXTRA),
        'data.extra may hold "nstdb" with the database "mitdb" and peaks "detected" only': (
            not {"nstdb", "nstdb-svdb"} & set(data.extra)
            or (data.database, data.peaks) == ("mitdb", "detected")
        ),
        'data.extra may hold "cinc2017" with detected peaks only': (
            not {"cinc2017", "cinc2017-fibrillation"} & set(data.extra) or data.peaks != "annotated"
        ),
        '[databases] needs peaks of records, not the database "synth"': (
            not recipe.databases or data.database == "mitdb"
        ),
        "databases: a name must be of letters, digits, '.', '_' and '-', and no known database": all(
            NAME.fullmatch(name) and name not in (*_EXTRA, "mitdb") for name in recipe.databases
        ),
        f"databases: labels must be of {', '.join(LABELS)}, and each symbol of one label": all(
            set(own.labels) <= set(LABELS) and len(_symbols(own)) == len(set(_symbols(own)))
            for own in recipe.databases.values()
        ),
        f"databases: labels name symbols of beats ({' '.join(BEAT_SYMBOLS)})": all(
            set(_symbols(own)) <= set(BEAT_SYMBOLS) for own in recipe.databases.values()
        ),
        "databases: keep_every_nth_normal must be at least 1": all(
            own.keep_every_nth_normal >= 1 for own in recipe.databases.values()
        ),
        'data.extra may not hold "synth" beside the database "synth"': data.database not in data.extra,
        f"training.schedule must be one of {', '.join(SCHEDULES)}": recipe.training.schedule in SCHEDULES,
        "data.any_conduction and false_detections need training.label_smoothing and focal_gamma of 0": not (
            (data.any_conduction or data.false_detections)
            and (recipe.training.label_smoothing or recipe.training.focal_gamma)
        ),
        f"training.label_weights must be empty or of {len(LABELS)} numbers": (
            len(recipe.training.label_weights) in (0, len(LABELS))
        ),
        f"training.label_offsets must be empty or of {len(LABELS)} numbers": (
            len(recipe.training.label_offsets) in (0, len(LABELS))
        ),
        "training.smote and repeat exclude each other": not (
            recipe.training.smote and recipe.training.repeat
        ),
        "model.filters, kernels and strides must be lists of one length, at least 1": (
            len({len(layer) for layer in layers}) == 1 and len(model.filters) >= 1
        ),
        f"model.without may hold {', '.join(PARTS)}": set(model.without) <= set(PARTS),
        f"model.architecture must be one of {', '.join(ARCHITECTURES)}": model.architecture in ARCHITECTURES,
        # Checked here, not only where the network is built: reading the records takes half a minute.
        f"[model] has {model.parameters} parameters, at most {MAX_PARAMETERS} are allowed: lower filters, "
        "kernels, rhythm_units or head_units": model.parameters <= MAX_PARAMETERS,
    }
    return [text for text, holds in checks.items() if not holds]


def _symbols(own: OwnDatabase) -> str:
    return "".join(own.labels.values())


def toml_value(value: Any) -> str:
    """Format a string, number, list or flat table as TOML: as JSON, with DEL escaped as TOML demands."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_value(key)} = {toml_value(one)}" for key, one in value.items()) + " }"
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
