"""Search for the settings of a recipe with optuna, by folds of patients.

A study is kept in a journal file, or in a database that several computers share. It goes on where it stopped;
processes that name the same storage work on the same study.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.storages.journal import JournalFileBackend

from ecg_edge import firmware
from ecg_edge.ecg.errors import RecipeError, ToolError
from ecg_edge.ecg.files import make_folder, write_text
from ecg_edge.ecg.parallel import Workers
from ecg_edge.host.evaluation.classifier import DETECTED, INT8
from ecg_edge.host.pipeline import patient_folds
from ecg_edge.training.recipes import CNN, Recipe, changed
from ecg_edge.training.runs import Run, RunFolder
from ecg_edge.training.search import Choices, Limits, Search

JOURNAL: Final = "journal.log"
BEST: Final = "best.toml"
_FINISHED: Final = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
_HEARTBEAT_S: Final = 60  # a worker of a database that is silent for longer has died; its trial runs again
_START_S: Final = 0.0
_ATTEMPTS: Final = 4
_PAUSE_S: Final = 0.5
_PASSWORD: Final = re.compile(r"(://[^:/@]*:)[^@]*@")
"""Password in the address of a database."""

Study = optuna.study.Study
Trial = optuna.trial.Trial


def check_search(run: Run, search: Search) -> None:
    """Check before the first training that the trials of a search can be scored.

    Raises
    ------
    RecipeError
        When there is no such division or figure, or a network that has no int8 form.
    """
    known = patient_folds.figure_names(search.folds, run.data_root)
    if unknown := [name for name in search.figures if name not in known]:
        raise RecipeError(f"tune.figures: no figure {unknown[0]!r}; there are {', '.join(known)}.")
    allowed = search.space.get("model.architecture")
    texts = allowed.texts if isinstance(allowed, Choices) else ()
    architectures = {run.recipe.model.architecture, *map(json.loads, texts)}
    if other := sorted(architectures - {CNN}):
        raise RecipeError(
            f"model.architecture {other[0]!r}: tune scores int8 networks, which only {CNN!r} has. Compare "
            "other architectures with `ecg-edge ablate`."
        )


def open_study(run: Run, search: Search, storage: str = "") -> Study:
    """Open the study of a recipe and a search, or begin it.

    Another recipe, search or signal path has another study in the same storage.

    Parameters
    ----------
    run : Run
        The recipe.
    search : Search
        What is searched.
    storage : str
        Address of a database, such as "postgresql://user@host/name"; "" for a file in the run folder.

    Raises
    ------
    ToolError
        When the database cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    searched = replace(search, trials=Search.trials)  # more trials belong to the same study
    key = hashlib.sha256(repr((run.recipe.to_toml(), searched, firmware.fingerprint())).encode()).hexdigest()
    study = _open(f"{run.recipe.name}-{key[:12]}", run, storage)
    # Each worker, and each run that goes on, draws other values.
    study.sampler = optuna.samplers.TPESampler(
        seed=(run.recipe.seed + len(study.trials)) % 2**32, constant_liar=True, multivariate=True
    )
    return study


def _open(name: str, run: Run, storage: str) -> Study:
    """Open a study; workers that begin together make the tables of a new database at once, and one fails."""
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            return optuna.create_study(
                study_name=name,
                storage=_storage(run, storage),
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
            )
        except ModuleNotFoundError:
            raise
        except Exception as reason:  # of SQLAlchemy, or of the database's own driver
            error = reason
            time.sleep(_PAUSE_S)
    place = _PASSWORD.sub(r"\1***@", storage) or JOURNAL
    raise ToolError(f"{place}: no study can be opened there ({_line(error)}).") from error


def _storage(run: Run, storage: str) -> Any:
    if not storage:
        folder = make_folder(run.folder.path / "tune")
        return optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    url = storage.replace("postgresql://", "postgresql+psycopg://", 1)
    return optuna.storages.RDBStorage(
        url,
        heartbeat_interval=_HEARTBEAT_S,
        failed_trial_callback=optuna.storages.RetryFailedTrialCallback(max_retry=3),
    )


def _line(error: Exception | None) -> str:
    return " ".join(str(error).split())[:300]


def tune(
    run: Run,
    search: Search,
    study: Study,
    workers: Workers,
    on_trial: Callable[[optuna.trial.FrozenTrial], None] = lambda trial: None,
) -> None:
    """Try recipes until the study has as many finished trials as the search wants.

    Parameters
    ----------
    run : Run
        The recipe to begin with: its own settings are the first trial.
    search : Search
        What is searched.
    study : Study
        Where the trials are kept.
    workers : Workers
        Where the folds of a trial run.
    on_trial : callable
        Called after each trial.
    """
    if not study.trials:
        study.enqueue_trial(own_values(run.recipe, search), skip_if_exists=True)
    while finished(study) < search.trials:
        study.optimize(
            lambda trial: _value(trial, run, search, workers),
            n_trials=1,
            callbacks=[lambda study, trial: on_trial(trial)],
        )


def finished(study: Study) -> int:
    """Count the trials that are complete, or were stopped early for a low figure."""
    return len(study.get_trials(deepcopy=False, states=_FINISHED))


def own_values(recipe: Recipe, search: Search) -> dict[str, Any]:
    """Return the recipe's own values within the search; those outside its limits are left to chance."""
    values = {}
    for key, allowed in search.space.items():
        table, _, name = key.rpartition(".")
        value = getattr(getattr(recipe, table) if table else recipe, name)
        if isinstance(allowed, Choices):
            text = json.dumps(list(value) if isinstance(value, tuple) else value)
            if text in allowed.texts:
                values[key] = text
        elif allowed.low <= value <= allowed.high:
            values[key] = value
    return values


def _value(trial: Trial, run: Run, search: Search, workers: Workers) -> float:
    """Score one recipe, fold after fold; give up early where the others were better."""
    folder = RunFolder(run.folder.path / "tune" / f"trial-{trial.number}")
    try:
        recipe = changed(run.recipe, {key: suggest(trial, key, one) for key, one in search.space.items()})
        tasks = patient_folds.tasks_of(Run(recipe, run.data_root, folder), search.folds, [recipe.seed])
        value = 0.0
        for done in _batches(tasks, workers):
            patient_folds.run_folds(done, workers)
            value = score(done, search)
            trial.report(value, len(done))
            if trial.should_prune() and len(done) < len(tasks):
                raise optuna.TrialPruned
    except RecipeError as error:  # settings that exclude each other, or a training that diverges
        trial.set_user_attr("error", str(error))
        raise optuna.TrialPruned from error
    return value


def _batches(tasks: list[patient_folds.FoldTask], workers: Workers) -> list[list[patient_folds.FoldTask]]:
    """List the folds that are done after each step: one more, or all at once where several run together."""
    one_by_one = workers.jobs == 1 and not workers.dask
    return [tasks[: number + 1] for number in range(len(tasks))] if one_by_one else [tasks]


def suggest(trial: Trial, key: str, allowed: Limits | Choices) -> Any:
    """Draw a value of one key."""
    if isinstance(allowed, Choices):
        return json.loads(trial.suggest_categorical(key, list(allowed.texts)))
    if allowed.is_whole:
        return trial.suggest_int(
            key, int(allowed.low), int(allowed.high), step=int(allowed.step) or 1, log=allowed.log
        )
    return trial.suggest_float(key, allowed.low, allowed.high, step=allowed.step or None, log=allowed.log)


def score(tasks: list[patient_folds.FoldTask], search: Search) -> float:
    """Compute the mean of the search's figures over the test patients of some folds."""
    spread = patient_folds.figures_of(tasks, search.folds)["spread"]
    wanted = {"network": INT8, "peaks": DETECTED, "start_s": _START_S}
    row = next(row for row in spread if all(row[key] == value for key, value in wanted.items()))
    figures = row["figures"]
    return sum(figures[name]["mean"] or 0.0 for name in search.figures) / len(search.figures)


def best_recipe(run: Run, study: Study) -> Recipe:
    """Return the recipe of the best trial."""
    return changed(run.recipe, values_of(study.best_trial))


def values_of(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """Return the values of a trial by the recipe's keys."""
    return {key: json.loads(one) if isinstance(one, str) else one for key, one in trial.params.items()}


def write_best(run: Run, study: Study) -> Path:
    """Write the recipe of the best trial to the run folder."""
    path = make_folder(run.folder.path / "tune") / BEST
    write_text(path, best_recipe(run, study).to_toml())
    return path


def figures_of(study: Study) -> dict[str, Any]:
    """Collect the trials for a JSON file."""
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
    return {
        "study": study.study_name,
        "best": study.best_trial.number if complete else None,
        "trials": [
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                "value": trial.value,
                "values": values_of(trial),
                "error": trial.user_attrs.get("error"),
                "seconds": trial.duration.total_seconds() if trial.duration else None,
            }
            for trial in trials
        ],
    }
