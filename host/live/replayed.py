"""A replay session as a live source: what the device was sent and what it reported, from frames.log.gz."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ecg_edge.ecg.errors import LinkError, RecordError
from ecg_edge.ecg.files import read_json
from ecg_edge.host.conformance.folder import FRAMES_NAME, RESULTS_NAME
from ecg_edge.host.link.frames import decode
from ecg_edge.host.link.messages import Deltas, LiveSamples, Message, Samples, Start
from ecg_edge.host.live.items import Item, LinkChange, Origin
from ecg_edge.host.live.timeline import Losses, Timeline


def is_session(path: Path) -> bool:
    """Test if `path` is the folder of a replay session."""
    return (path / FRAMES_NAME).is_file()


class SessionSource:
    """One record of a replay session.

    Parameters
    ----------
    folder : Path
        The session's folder.
    number : int
        Number of the record in the session, from 0.

    Raises
    ------
    RecordError
        When the frames are missing or damaged, or there is no such record.
    """

    def __init__(self, folder: Path, number: int = 0) -> None:
        self._path, self._number = folder / FRAMES_NAME, number
        with _damage_named(folder / RESULTS_NAME):
            self._read(folder)

    def _read(self, folder: Path) -> None:
        results: dict[str, Any] = read_json(folder / RESULTS_NAME)
        number = self._number
        self._pass = _pass_of(results["records"], number)
        device, start = results["device"], self._find_start()
        record = results["records"][number] if number < len(results["records"]) else {}
        labels = tuple(device["labels"])
        self.origin = Origin(
            "/".join(record.get(key, "?") for key in ("database", "record")) + f" in {folder.name}",
            f"{device['board']}, firmware {device['firmware_version']}, engine {device['engine']}",
            *(start.fs_hz, start.adu_per_mv, record.get("lead", "ECG"), labels, device["model_sha256"]),
        )
        self.started = datetime.fromisoformat(results["started"]).astimezone()
        self._timeline = Timeline(labels, device.get("morphology_labels", ()))

    @property
    def losses(self) -> Losses:
        """Everything that did not reach the log."""
        return self._timeline.losses

    def _find_start(self) -> Start:
        for number, message in self._numbered():
            if isinstance(message, Start) and number == self._pass:
                return message
        raise RecordError(f"{self._path}: has no record {self._number + 1}. Name an earlier one.")

    def _numbered(self) -> Iterator[tuple[int, Message]]:
        """All messages, with the number of their pass; repetitions of START do not count."""
        number, streamed = -1, True
        for message in self._messages():
            if isinstance(message, Start):
                number += streamed
                streamed = False
            streamed |= isinstance(message, (Samples, Deltas))
            yield number, message

    def _messages(self) -> Iterator[Message]:
        try:
            with gzip.open(self._path, "rt", encoding="ascii") as file:
                for line in file:
                    try:
                        yield decode(bytes.fromhex(line.split()[2]))[1]
                    except LinkError:
                        continue  # damaged on the line, and sent again
        except EOFError:
            return  # a replay was killed
        except (OSError, zlib.error, ValueError, IndexError) as error:
            raise RecordError(f"{self._path}: damaged ({error}). Replay the records again.") from None

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver the record at once."""
        self._timeline.begin()
        yield [LinkChange(0, True, "playing a replay session")]
        for number, message in self._numbered():
            if stop.is_set() or number > self._pass:
                break
            if number == self._pass:
                yield self._items(message)
        yield [*self._timeline.close(), LinkChange(self._timeline.end, True, "the record has ended")]

    def _items(self, message: Message) -> list[Item]:
        if isinstance(message, (Samples, Deltas)):
            if message.first_index > self._timeline.sample:  # sent ahead of what is sent again
                return []
            data = message.values.astype("<i2").tobytes()
            message = LiveSamples(message.first_index, message.lead_flags, data)
        return self._timeline.take(message)


def _pass_of(records: list[dict[str, Any]], number: int) -> int:
    """Number of a record's last pass in the log."""
    passes = [record["link"]["passes"] or 1 for record in records[: number + 1]]
    return sum(passes) + max(number - len(records), -1)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Name a file whose content is not what is read from it."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise RecordError(f"{path}: missing or damaged. Replay the records again.") from None
