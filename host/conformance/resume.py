"""What a session needs to go on after it was interrupted: resume.json.

It has the options of the replay, and of each record that was streamed to its end the figures that are in none
of the other files. The record that was interrupted is done again from its start.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import read_json, write_json
from ecg_edge.host.conformance.beats_csv import read_beats
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import BEATS_NAME, EVENTS_NAME, RESULTS_NAME, RESUME_NAME, STRIPS_NAME
from ecg_edge.host.conformance.strips_csv import read_strips
from ecg_edge.host.evaluation.sources import Conditions
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import Done, Info, SignalQuality

Key = tuple[str, str]  # database, record
_IN_TABLES: Final = ("beats", "events", "strips")


@dataclass(frozen=True)
class Request:
    """Options of a replay, as of `replay`."""

    records: tuple[str, ...]
    port: str
    bundle_path: Path
    morphology_path: Path | None
    data: Path | None
    seconds: float | None
    conditions: Conditions
    starts_s: tuple[float, ...]
    restart_s: float | None
    block: int | None
    baud: int


@dataclass(frozen=True)
class Kept:
    """A record that was streamed to its end.

    Attributes
    ----------
    progress : Progress
        All that came back.
    log_bytes : int
        Length of the log of frames up to its end.
    """

    progress: Progress
    log_bytes: int


@dataclass(frozen=True)
class EarlierRun:
    """An interrupted session.

    Attributes
    ----------
    started : str
        Time of its start.
    records : dict
        Finished records by database and name.
    """

    started: str
    records: dict[Key, Kept]

    @property
    def log_bytes(self) -> int:
        """Length of the log of frames that stays."""
        return max((kept.log_bytes for kept in self.records.values()), default=0)


def write_resume(folder: Path, request: Request, finished: Sequence[tuple[Key, Kept]]) -> None:
    """Write resume.json."""
    entries = [
        {"database": key[0], "record": key[1], "log_bytes": kept.log_bytes, **_figures(kept.progress)}
        for key, kept in finished
    ]
    options = {**asdict(request), **{name: _absolute(getattr(request, name)) for name in _PATHS}}
    write_json(folder / RESUME_NAME, {"options": options, "records": entries})


_PATHS: Final = ("bundle_path", "morphology_path", "data")


def _absolute(path: Path | None) -> Path | None:
    return path and path.absolute()


def _figures(progress: Progress) -> dict[str, Any]:
    figures = {name: value for name, value in vars(progress).items() if name not in _IN_TABLES}
    changes = [asdict(change) for change in progress.changes]
    return {**figures, "changes": changes, "done": progress.done and asdict(progress.done)}


def read_request(folder: Path) -> Request:
    """Read the options of an interrupted session.

    Raises
    ------
    EcgEdgeError
        When the folder holds no session, or one that came to its end.
    """
    content = _read(folder)
    try:
        results = read_json(folder / RESULTS_NAME)
        is_complete = not results["interrupted"]
        options = content["options"]
        conditions = {**options["conditions"], "leads": tuple(options["conditions"]["leads"])}
        paths = {name: Path(options[name]) if options[name] else None for name in _PATHS}
        lists = {name: tuple(options[name]) for name in ("records", "starts_s")}
        request = Request(**{**options, **paths, **lists, "conditions": Conditions(**conditions)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from None
    if is_complete:
        raise EcgEdgeError(f"{folder}: this session came to its end. Replay into another folder.")
    return request


def read_earlier(folder: Path, info: Info, model_sha256: str) -> EarlierRun:
    """Read what an interrupted session finished.

    Parameters
    ----------
    folder : Path
        The session's.
    info : Info
        Handshake of the device that goes on.
    model_sha256 : str
        Its model.

    Raises
    ------
    EcgEdgeError
        When files are missing, or another device or model goes on.
    """
    content = _read(folder)
    try:
        results = read_json(folder / RESULTS_NAME)
        device, started = results["device"], results["started"]
        beats = read_beats(folder / BEATS_NAME, info.labels)
        events = read_events(folder / EVENTS_NAME)
        strips = _strips(folder, info)
        records = {}
        for entry in content["records"]:
            key = entry.pop("database"), entry.pop("record")
            log_bytes = entry.pop("log_bytes")
            entry["changes"] = [SignalQuality(**change) for change in entry["changes"]]
            entry["done"] = Done(**entry["done"])
            progress = Progress(**entry)
            progress.beats, progress.events = beats.get(key, []), events.get(key, [])
            progress.strips = strips.get(key, [])
            records[key] = Kept(progress, log_bytes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from None
    if results["model_sha256"] != model_sha256 or device != json.loads(json.dumps(asdict(info))):
        raise EcgEdgeError(
            f"{folder}: was begun with another device, firmware or model ({device.get('board')}, firmware "
            f"{device.get('firmware_version')}). Connect that one, or replay into another folder."
        )
    return EarlierRun(started, records)


def _strips(folder: Path, info: Info) -> dict[Key, list[Any]]:
    path = folder / STRIPS_NAME
    return dict(read_strips(path, info.morphology_labels)) if path.is_file() else {}


def _read(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(folder / RESUME_NAME)
    except FileNotFoundError:
        raise EcgEdgeError(
            f"{folder}: holds no session that can go on. Name the folder of another one."
        ) from None
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from None
    return content


def _damaged(folder: Path, error: Exception) -> EcgEdgeError:
    return EcgEdgeError(f"{folder}: missing or damaged files ({error}). Replay the records again.")
