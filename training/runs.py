"""Run folders: the files that the steps of one recipe make, and the lock on them.

Imports nothing of TensorFlow, so that a command checks its inputs before the slow import.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ecg_edge.ecg.databases import require_data_root
from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import check_writable_folder, locked_folder
from ecg_edge.ecg.synthetic import textbook
from ecg_edge.ecg.synthetic.textbook import synthetic_root
from ecg_edge.training.recipes import Recipe, find_recipe, load_recipe

DEFAULT_RUNS: Final = Path("runs")


@dataclass(frozen=True)
class RunFolder:
    """Paths in the run folder of one recipe.

    Attributes
    ----------
    path : Path
        <runs>/<name of the recipe>.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe of the trained network."""
        return self.path / "recipe.toml"

    @property
    def trained(self) -> Path:
        """The float network as trained."""
        return self.path / "train" / "model.keras"

    @property
    def history(self) -> Path:
        """Loss and accuracy of each epoch, records and beats of the training set."""
        return self.path / "train" / "history.json"

    @property
    def pruned(self) -> Path:
        """The pruned float network."""
        return self.path / "prune" / "model.keras"

    @property
    def sparsity(self) -> Path:
        """Share of zero weights in each layer of the pruned network."""
        return self.path / "prune" / "sparsity.json"

    @property
    def int8(self) -> Path:
        """The int8 network."""
        return self.path / "quantize" / "model.tflite"

    @property
    def evaluation(self) -> Path:
        """Scores of the three networks: a list of `EvaluationRow`."""
        return self.path / "evaluation.json"

    @property
    def bundle(self) -> Path:
        """Folder of the exported bundle."""
        return self.path / "bundle"

    @property
    def verify(self) -> Path:
        """Comparison of the engines on the test set."""
        return self.path / "verify.json"

    @property
    def sweep(self) -> Path:
        """Folder of the networks of a pruning sweep."""
        return self.path / "sweep"

    @property
    def firmware(self) -> Path:
        """Folder of the firmware built with the bundle."""
        return self.path / "firmware"

    @property
    def session(self) -> Path:
        """Folder of the replay on the emulated device, with its report."""
        return self.path / "session"

    def require(self, made_by: str, recipe: str) -> Path:
        """Return the network that the step `made_by` ("train", "prune" or "quantize") of a recipe has made.

        Raises
        ------
        EcgEdgeError
            When it is missing.
        """
        path = {"train": self.trained, "prune": self.pruned, "quantize": self.int8}[made_by]
        if not path.is_file():
            raise EcgEdgeError(f"{path}: not found. Make it with `ecg-edge {made_by} {recipe}`.")
        return path

    def check(self) -> None:
        """Check that the folder can be written, and that no other command uses it.

        Raises
        ------
        OutputError
            When it is or lies below a file, cannot be written, or is in use.
        """
        with locked_folder(self.path):
            check_writable_folder(self.path)


@dataclass(frozen=True)
class Run:
    """A recipe with its records and its run folder.

    Attributes
    ----------
    recipe : Recipe
    data_root : Path
        Folder of the databases.
    folder : RunFolder
    """

    recipe: Recipe
    data_root: Path
    folder: RunFolder

    def require(self, made_by: str) -> Path:
        """Return the network that the step `made_by` ("train", "prune" or "quantize") has made.

        Raises
        ------
        EcgEdgeError
            When it is missing.
        """
        return self.folder.require(made_by, self.recipe.name)


def open_run(recipe: str, data: Path | None = None, runs: Path = DEFAULT_RUNS) -> Run:
    """Open the run of a recipe, and check that its folder can be written.

    Parameters
    ----------
    recipe : str
        Path of a recipe, or name of a shipped one.
    data : Path, optional
        Folder of the databases.
    runs : Path
        Folder of all runs.

    Raises
    ------
    RecipeError, RecordError, OutputError
        When the recipe is not valid, there are no records for it, or the folder cannot be written or is in
        use.
    """
    loaded = load_recipe(find_recipe(recipe))
    folder = RunFolder(runs / loaded.name)
    folder.check()
    root = synthetic_root(data) if loaded.data.database == textbook.DATABASE else require_data_root(data)
    return Run(loaded, root, folder)
