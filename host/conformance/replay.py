"""Stream whole records to a device, and compare all of its results with the reference, byte for byte.

outcome = replay(["100", "213"], port="emulator", bundle_path=Path("models/nlrav"))
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from ecg_edge.ecg.databases import require_data_root
from ecg_edge.ecg.errors import EcgEdgeError, RecordError
from ecg_edge.ecg.records import Record, read_timing, record_files
from ecg_edge.host.conformance.accuracy import STARTS_S, STREAM_MARK
from ecg_edge.host.conformance.comparison import Comparison, compare
from ecg_edge.host.conformance.folder import FRAMES_NAME, claim_folder, clear_folder
from ecg_edge.host.conformance.frame_log import FrameLog, RecordLog
from ecg_edge.host.conformance.identity import bundle_on, check_device, check_morphology, load_morphology
from ecg_edge.host.conformance.passes import Line, RecordStream
from ecg_edge.host.conformance.results import RecordResults, SessionResults
from ecg_edge.host.conformance.resume import EarlierRun, Kept, Key, Request, read_earlier, write_resume
from ecg_edge.host.conformance.session import Origin, RecordRun, Session, session_folder
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.evaluation.sources import (
    DEFAULT_CONDITIONS,
    Conditions,
    Source,
    covers_whole,
    list_sources,
    read_annotated,
)
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import MAX_SAMPLES, Info
from ecg_edge.host.link.transports import DEFAULT_BAUD, port_kind
from ecg_edge.host.reference.expected import Expected, expect
from ecg_edge.host.reference.morphology import MorphologyModel, reference_morphology
from ecg_edge.quantize.bundle.engines import Engine, reference_engine
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, Bundle, load_bundle

DEFAULT_DATABASE = "mitdb"
DEFAULT_SESSIONS = Path("sessions")
MAINS_HZ = 60
MAINS_RATES_HZ = (50, 60)
CANCELLED = "Ctrl-C"
_BLOCK_SEED = 1  # random sizes are the same in each replay


@dataclass(frozen=True)
class Update:
    """Progress of a replay.

    Attributes
    ----------
    database, record : str
        The record that streams.
    samples : int
        Its length.
    taken, beats, agreeing : int
        Samples that the device has taken; beats that came back; those equal to the reference in every field.
    seconds : float
        Wall time since its first sample.
    fs_hz : int
        Its sampling frequency.
    """

    database: str
    record: str
    samples: int
    taken: int
    beats: int
    agreeing: int
    seconds: float
    fs_hz: int


@dataclass(frozen=True)
class ReplayResult:
    """Result of a replay.

    Attributes
    ----------
    session : Session
        The records, and the folder that holds them.
    results : SessionResults
        Content of results.json.
    error : EcgEdgeError or None
        Error that ended the replay early.
    cancelled : bool
        Ctrl-C ended the replay early.
    """

    session: Session
    results: SessionResults
    error: EcgEdgeError | None
    cancelled: bool = False

    @property
    def passed(self) -> bool:
        """The device agreed on every byte of every record, and each has a beat."""
        return self.session.passed


@dataclass(frozen=True)
class _Prepared:
    """A record, and the report that the device must give."""

    record: Record
    expected: Expected
    origin: Origin


def replay(
    records: Sequence[str],
    *,
    port: str,
    bundle_path: Path | None = None,
    morphology_path: Path | None = None,
    data: Path | None = None,
    out: Path | None = None,
    seconds: float | None = None,
    conditions: Conditions = DEFAULT_CONDITIONS,
    starts_s: Sequence[float] = STARTS_S,
    restart_s: float | None = None,
    block: int | None = MAX_SAMPLES,
    baud: int = DEFAULT_BAUD,
    resume: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    on_device: Callable[[Info], None] = lambda info: None,
    on_update: Callable[[Update], None] = lambda update: None,
) -> ReplayResult:
    """Replay records through a device and write a session folder.

    Parameters
    ----------
    records : sequence of str
        Names, e.g. "100" (mitdb) or "nstdb/118e06".
    port : str
        See `ecg_edge.host.link.transports`; several devices of one kind with commas between them.
    bundle_path : Path, optional
        The model that must be on the device. Else the shipped one that it names; the simulator has that of
        `SHIPPED_BUNDLE`.
    morphology_path : Path, optional
        The morphology network that must be on it too. None: whatever one reports is not compared.
    data : Path, optional
        Folder of the databases; else ECG_EDGE_DATA or the user's cache.
    out : Path, optional
        The session's folder; else a new one under sessions/.
    seconds : float, optional
        Only the first seconds of each stream.
    conditions : Conditions
        Rate of the board, leads, mains frequency, reference, amplitude and polarity.
    starts_s : sequence of float
        Starts of EC57's comparison in seconds, each scored by itself.
    restart_s : float, optional
        Divide each record into streams of that many seconds; the device starts afresh with each.
    block : int or None
        Samples a frame, 1 to 240; None: another number for each frame, at random.
    baud : int
        Speed of a serial port.
    resume : bool
        Go on with the session in `out`, which these options began: records that were streamed to their end
        stay, all others are streamed.
    overwrite : bool
        Replace a session in `out`, once a device has answered; else it is refused.
    jobs : int
        Devices that stream at once, where this computer starts them; else as many as ports.
    on_device, on_update : callable
        Called with the device's handshake, and as the replay goes on.

    Returns
    -------
    ReplayResult
        Also after Ctrl-C or a lost link: the session then holds what there was.

    Raises
    ------
    OutputError
        When `out` holds a session, or cannot be written to.
    RecordError, BundleError, LinkError, ToolError
        When nothing could be replayed: no such record or bundle, no device, or another model on it.
    """
    _check_options(seconds, conditions.mains_hz, restart_s, block)
    ports = ports_of(port, jobs)
    named = load_bundle(bundle_path) if bundle_path else None
    second = load_morphology(morphology_path) if morphology_path else None
    names = [_split_name(name) for name in records]
    root = _require_records(names, data)
    with (
        claim_folder(
            out or session_folder(DEFAULT_SESSIONS, port), may_hold_session=resume or overwrite
        ) as folder,
        ExitStack() as stack,
    ):
        simulated = named or load_bundle(SHIPPED_BUNDLE)
        openers = [partial(open_transport, one, baud, simulated, second) for one in ports]
        checks = [partial(_check, one, named, second) for one in ports]
        lines = [stack.enter_context(Line(*pair)) for pair in zip(openers, checks, strict=True)]
        _check_same(ports, [line.info for line in lines])
        line = lines[0]
        bundle = named or bundle_on(line.info)
        on_device(line.info)
        engine = reference_engine(bundle)
        morphology = reference_morphology(second) if second else None
        sha256 = bundle.manifest.model_sha256
        earlier = read_earlier(folder, line.info, sha256) if resume else EarlierRun("", {})
        if not resume:
            clear_folder(folder)  # only now: a device that is refused costs no earlier session
        session = Session(folder, port, bundle, line.info, engine.name, conditions.mains_hz, second)
        options = _Options(conditions, seconds, restart_s, engine, bundle.manifest.labels, morphology)
        sources = [
            source for database, name in names for source in list_sources(root, database, [name], conditions)
        ]
        todo = [
            partial(_prepare, options, source, from_s)
            for source in sources
            for from_s in _stream_starts(source, restart_s)
        ]
        if earlier.started:
            session.started = datetime.fromisoformat(earlier.started)
        paths = (bundle.path, morphology_path, data)
        request = Request(
            *(tuple(records), port, *paths, seconds, conditions, tuple(starts_s), restart_s, block, baud)
        )
        return _Replay(lines, session, on_update, request, earlier).run(todo)


def _check(port: str, bundle: Bundle | None, morphology: Bundle | None, info: Info) -> None:
    check_device(info, bundle or bundle_on(info), port)
    if morphology:
        check_morphology(info, morphology, port)


def _check_options(seconds: float | None, mains_hz: int, restart_s: float | None, block: int | None) -> None:
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise EcgEdgeError(f"{seconds} seconds of a record cannot be replayed. Name a number above 0.")
    if restart_s is not None and not (math.isfinite(restart_s) and restart_s > 0):
        raise EcgEdgeError(f"A stream of {restart_s} seconds cannot be replayed. Name a number above 0.")
    if mains_hz not in MAINS_RATES_HZ:
        raise EcgEdgeError(f"The mains frequency is 50 or 60 Hz, not {mains_hz}.")
    if block is not None and not 1 <= block <= MAX_SAMPLES:
        raise EcgEdgeError(f"A frame holds 1 to {MAX_SAMPLES} samples, not {block}.")


_OWN_DEVICES: Final = ("emulator", "pico", "native", "simulator")
MOST_JOBS: Final = 64


def ports_of(port: str, jobs: int = 1) -> list[str]:
    """Return the port of each device: several ports stand with commas between them.

    Parameters
    ----------
    port : str
    jobs : int
        Number of devices that this computer starts, where `port` is one of its own.
    """
    named = port.split(",")
    if not 1 <= max(jobs, len(named)) <= MOST_JOBS or jobs < 1:
        raise EcgEdgeError(f"{jobs} devices at once: 1 to {MOST_JOBS}.")
    if len(named) != len(set(named)) or not all(named):
        raise EcgEdgeError(f"{port}: name each port once, with one comma between two.")
    if len(named) == 1 and port_kind(port) in _OWN_DEVICES:
        return named * jobs
    if jobs > len(named):
        raise EcgEdgeError(
            f"{port}: {len(named)} device(s), each of which streams one record at a time. --jobs {jobs} is "
            f"for {', '.join(_OWN_DEVICES)}. Name a port for each device: --port {named[0]},..."
        )
    return named


def _check_same(ports: Sequence[str], infos: Sequence[Info]) -> None:
    """Refuse devices that differ in board, engine, firmware or model: the session is that of one device."""
    for port, info in zip(ports, infos, strict=True):
        if info != infos[0]:
            raise EcgEdgeError(
                f"{port} ({info.board}, firmware {info.firmware_version}, engine {info.engine}) is not the "
                f"same as {ports[0]} ({infos[0].board}, firmware {infos[0].firmware_version}, engine "
                f"{infos[0].engine}). Compare different boards with `ecg-edge compare {ports[0]} {port} 100`."
            )


def _split_name(name: str) -> tuple[str, str]:
    database, _, record = name.rpartition("/")
    return database or DEFAULT_DATABASE, record


def _require_records(names: Sequence[tuple[str, str]], data: Path | None) -> Path:
    root = require_data_root(data)
    for database, name in names:
        for path in record_files(root, database, name, annotator=None):
            if not path.is_file():
                raise RecordError(f"{path}: not found. `ecg-edge data list` shows the records that are here.")
    return root


@dataclass(frozen=True)
class _Options:
    """Options of all records of a replay."""

    conditions: Conditions
    seconds: float | None
    restart_s: float | None
    engine: Engine
    labels: Sequence[str]
    morphology: MorphologyModel | None = None


def _stream_starts(source: Source, restart_s: float | None) -> list[float]:
    if restart_s is None:
        return [0.0]
    length_s = read_timing(source.folder, source.name).length_s
    return [number * restart_s for number in range(max(math.ceil(length_s / restart_s), 1))]


def _prepare(options: _Options, source: Source, from_s: float) -> _Prepared:
    conditions = options.conditions
    lengths = [length for length in (options.seconds, options.restart_s) if length is not None]
    record = _cut(_read(source, conditions), from_s, min(lengths, default=math.inf))
    name = source.title if options.restart_s is None else f"{source.title}{STREAM_MARK}{from_s:g}s"
    record = replace(record, name=name)
    gain, fs_hz = record.adu_per_mv, record.fs_hz
    models = options.engine, options.labels, fs_hz, options.morphology
    expected = expect(record.samples, gain, conditions.mains_hz, *models, off_spans=record.invalid_spans)
    scale = -conditions.scale if conditions.invert else conditions.scale
    whole = covers_whole(source, conditions)
    return _Prepared(record, expected, Origin(source.name, from_s, conditions.reference, scale, whole))


@lru_cache(maxsize=1)
def _read(source: Source, conditions: Conditions) -> Record:
    """Read a record once for all of its streams."""
    return read_annotated(source, conditions)


def _cut(record: Record, from_s: float, length_s: float) -> Record:
    """Cut a stream out of a record; all of its times then count from the start of the stream."""
    first = round(from_s * record.fs_hz)
    last = len(record.samples)
    if math.isfinite(length_s):
        last = min(last, first + round(length_s * record.fs_hz))
    if (first, last) == (0, len(record.samples)):
        return record
    kept = (record.annotation_samples >= first) & (record.annotation_samples < last)
    notes = tuple(note for note, keep in zip(record.annotation_notes, kept, strict=True) if keep)
    return replace(
        record,
        samples=record.samples[first:last],
        annotation_samples=record.annotation_samples[kept] - first,
        annotation_symbols=record.annotation_symbols[kept],
        annotation_notes=notes,
        invalid_spans=(record.invalid_spans - first).clip(0, last - first),
    )


def read_stream(root: Path, entry: RecordResults) -> Record:
    """Read the signal of one stream of a session again, for the report."""
    scale = entry["scale"]
    conditions = Conditions(
        entry["fs_hz"], (entry["lead"],), reference=entry["reference"], scale=abs(scale), invert=scale < 0
    )
    [source] = list_sources(root, entry["database"], [entry["file"]], conditions)
    record = _cut(_read(source, conditions), entry["from_s"], entry["samples"] / entry["fs_hz"])
    return replace(record, name=entry["record"])


@dataclass(frozen=True)
class _Streamed:
    """A record that one of several devices streamed.

    Attributes
    ----------
    prepared : _Prepared
    stream : RecordStream or None
        None: an earlier run brought it.
    log : RecordLog
        Its frames.
    error : Exception or None
        Why it ended early.
    """

    prepared: _Prepared
    stream: RecordStream | None = None
    log: RecordLog = field(default_factory=RecordLog)
    error: Exception | None = None


class _StoppedError(Exception):
    """Another device, or the user, ended the replay."""


class _Replay:
    """Streams through one device, one after another, or through several at once.

    With one device the next stream is made ready while one runs.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        session: Session,
        on_update: Callable[[Update], None],
        request: Request,
        earlier: EarlierRun,
    ) -> None:
        self._lines, self._line, self._session, self._on_update = lines, lines[0], session, on_update
        self._is_stopped = threading.Event()
        self._cause: EcgEdgeError | None = None
        self._preparing = threading.Lock()  # the engine serves one thread at a time
        self._request, self._earlier = request, earlier
        self._finished: list[tuple[Key, Kept]] = []

    def run(self, todo: Sequence[Callable[[], _Prepared]]) -> ReplayResult:
        """Replay all of `todo`; also when it ends early, the session is written."""
        error: EcgEdgeError | None = None
        cancelled = False
        with FrameLog(self._session.folder / FRAMES_NAME, self._earlier.log_bytes) as log:
            self._line.write_log(log)
            try:
                self._write(log)
                if len(self._lines) > 1:
                    self._run_at_once(todo, log)
                else:
                    for prepared in _ahead(todo):
                        self._take(prepared, log)
            except KeyboardInterrupt:
                self._session.interrupted, cancelled = CANCELLED, True
            except EcgEdgeError as reason:
                self._session.interrupted, error = str(reason), reason
        has_all = len(self._finished) >= len(self._earlier.records)  # else the files say more
        results = self._session.write() if has_all else self._session.results()
        return ReplayResult(self._session, results, error, cancelled)

    def _run_at_once(self, todo: Sequence[Callable[[], _Prepared]], log: FrameLog) -> None:
        """Stream through all devices, and write the records in their order."""
        free: SimpleQueue[Line] = SimpleQueue()
        for line in self._lines:
            free.put(line)
        pool = ThreadPoolExecutor(len(self._lines), thread_name_prefix="device")
        try:
            for future in [pool.submit(self._stream_apart, job, free) for job in todo]:
                self._add(future.result(), log)
        except _StoppedError as stopped:
            raise self._cause or stopped from None
        finally:
            self._is_stopped.set()
            pool.shutdown(cancel_futures=True)

    def _stream_apart(self, job: Callable[[], _Prepared], free: SimpleQueue[Line]) -> _Streamed:
        """Stream one record through a device that is free."""
        with self._preparing:
            if self._is_stopped.is_set():
                raise _StoppedError
            prepared = job()
        kept = self._earlier.records.get((prepared.record.database, prepared.record.name))
        if kept is not None:
            return _Streamed(prepared)
        line, log = free.get(), RecordLog()
        line.write_log(log)
        stream = self._stream_of(line, prepared)
        try:
            stream.run()
        except (EcgEdgeError, _StoppedError) as error:
            if isinstance(error, EcgEdgeError):
                self._cause = self._cause or error
            self._is_stopped.set()
            return _Streamed(prepared, stream, log, error)
        finally:
            free.put(line)
        return _Streamed(prepared, stream, log)

    def _add(self, streamed: _Streamed, log: FrameLog) -> None:
        """Add a record that has ended, or ended early."""
        prepared, stream = streamed.prepared, streamed.stream
        key = prepared.record.database, prepared.record.name
        if stream is None:
            self._take(prepared, log)
            return
        log.append(streamed.log)
        self._finish(
            prepared, stream.progress, stream.comparison(), isinstance(streamed.error, _StoppedError)
        )
        if streamed.error is not None:
            raise streamed.error
        self._finished.append((key, Kept(stream.progress, log.kept_bytes)))
        self._write(log)

    def _take(self, prepared: _Prepared, log: FrameLog) -> None:
        key = prepared.record.database, prepared.record.name
        kept = self._earlier.records.get(key)
        if kept is not None:
            self._finish(prepared, kept.progress, compare(prepared.expected, kept.progress))
            self._finished.append((key, kept))
            return
        progress = self._stream(prepared)
        log.end_record()
        self._finished.append((key, Kept(progress, log.kept_bytes)))
        self._write(log)

    def _write(self, log: FrameLog) -> None:
        if self._earlier.records and not self._finished:
            return  # the files of the earlier run say more
        self._session.write_running()
        write_resume(self._session.folder, self._request, self._finished)

    def _stream_of(self, line: Line, prepared: _Prepared) -> RecordStream:
        record, began = prepared.record, time.monotonic()

        def update(progress: Progress, agreeing: int) -> None:
            if self._is_stopped.is_set():
                raise _StoppedError
            self._on_update(_update(record, progress, agreeing, time.monotonic() - began))

        sizes = partial(_block_sizes, self._request.block)
        return RecordStream(line, record, prepared.expected, self._session.mains_hz, sizes, update)

    def _stream(self, prepared: _Prepared) -> Progress:
        stream = self._stream_of(self._line, prepared)
        cancelled = False
        try:
            stream.run()
        except KeyboardInterrupt:
            cancelled = True
            raise
        finally:
            self._finish(prepared, stream.progress, stream.comparison(), cancelled)
        return stream.progress

    def _finish(
        self, prepared: _Prepared, progress: Progress, comparison: Comparison, cancelled: bool = False
    ) -> None:
        info, starts_s = self._session.info, self._request.starts_s
        run = (prepared.record, progress, comparison, info.labels, cancelled, prepared.origin)
        self._session.runs.append(RecordRun(*run, starts_s, info.morphology_labels))


def _block_sizes(block: int | None) -> Iterator[int]:
    if block is not None:
        return repeat(block)
    chosen = random.Random(_BLOCK_SEED)
    return iter(lambda: chosen.randint(1, MAX_SAMPLES), 0)


def _ahead(todo: Sequence[Callable[[], _Prepared]]) -> Iterator[_Prepared]:
    """Compute `todo` in order, each on a thread while the result before is in use."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reference")
    try:
        ready = [pool.submit(job) for job in todo[:1]]
        for job in [*todo[1:], None]:
            prepared = ready.pop().result()
            if job:
                ready.append(pool.submit(job))
            yield prepared
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _update(record: Record, progress: Progress, agreeing: int, seconds: float) -> Update:
    return Update(
        database=record.database,
        record=record.name,
        samples=len(record.samples),
        taken=progress.samples_taken,
        beats=len(progress.beats),
        agreeing=agreeing,
        seconds=seconds,
        fs_hz=record.fs_hz,
    )
