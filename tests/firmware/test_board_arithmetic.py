"""What boards compute without a register: calibration, sampling rate, updates, rings between tasks."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, strategies

from tests.support.device_c import WARNINGS, include_options, linked_sources_of, require_program

TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
KNOTS = 17
OK, BUSY, ORDER, LENGTH, SIZE, PLACE, CHECKSUM, MEMORY, COMMAND = range(9)
BEGIN, END, ABORT = b"\x01", b"\x02", b"\x03"
NONE, WAIT, KEEP, GO_BACK = range(4)


class Calibration(ctypes.Structure):
    _fields_ = (("adu_x8", ctypes.c_uint16 * KNOTS),)


class Rate(ctypes.Structure):
    _fields_ = (
        ("period_q16", ctypes.c_uint64),
        ("rest_q16", ctypes.c_uint32),
        ("nominal_mhz", ctypes.c_uint32),
        ("measured_mhz", ctypes.c_uint32),
        ("instants", ctypes.c_uint32),
        ("elapsed_us", ctypes.c_uint64),
        ("corrections", ctypes.c_uint32),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("board") / "board.so"
    options = [*WARNINGS, *TRAPS, *include_options("ecg_board"), "-o", str(output)]
    subprocess.run(["gcc", *options, *linked_sources_of("ecg_board")], check=True)
    loaded = ctypes.CDLL(str(output))
    loaded.ecg_calibration_knot.restype = ctypes.c_uint16
    loaded.ecg_calibration_apply.restype = ctypes.c_int16
    loaded.ecg_calibration_set.restype = ctypes.c_bool
    loaded.ecg_rate_next.restype = ctypes.c_uint32
    loaded.ecg_rate_measure.restype = ctypes.c_bool
    return loaded


# ---- calibration ------------------------------------------------------------------------------------


def knots(library: ctypes.CDLL) -> list[int]:
    return [library.ecg_calibration_knot(knot) for knot in range(KNOTS)]


def apply(library: ctypes.CDLL, calibration: Calibration) -> list[int]:
    """The corrected readings of 0 to 4095."""
    return [
        library.ecg_calibration_apply(ctypes.byref(calibration), ctypes.c_uint16(reading))
        for reading in range(4096)
    ]


def test_without_a_calibration_nothing_changes_between_the_limits(library: ctypes.CDLL) -> None:
    calibration = Calibration()
    library.ecg_calibration_none(ctypes.byref(calibration))
    assert apply(library, calibration) == [0] * 9 + list(range(9, 4087)) + [4095] * 9


def test_voltages_become_readings_of_an_ideal_converter(library: ctypes.CDLL) -> None:
    """An ESP32's range begins above 0 V, and ends below 3.3 V."""
    calibration = Calibration()
    millivolts = [142 + round(reading * 2950 / 4095) for reading in knots(library)]
    assert library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    found = apply(library, calibration)
    assert found == sorted(found)
    expected = [(142 + reading * 2950 / 4095) * 4096 / 3300 for reading in range(4096)]
    assert max(abs(found[i] - expected[i]) for i in range(9, 4087)) < 1.3  # a voltage is known to 0.5 mV
    assert (found[0], found[4095]) == (0, 4095)  # saturation stays visible


@pytest.mark.parametrize("millivolts", [[0] * KNOTS, [900, *range(100, 900, 50)], list(range(0, 6800, 400))])
def test_voltages_that_cannot_be_are_not_used(millivolts: list[int], library: ctypes.CDLL) -> None:
    calibration = Calibration()
    assert not library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    assert list(calibration.adu_x8) == [8 * knot for knot in knots(library)]


@given(steps=strategies.lists(strategies.integers(1, 220), min_size=KNOTS, max_size=KNOTS))
def test_any_rising_voltages_give_rising_readings(library: ctypes.CDLL, steps: list[int]) -> None:
    millivolts = [sum(steps[: i + 1]) for i in range(KNOTS)]
    calibration = Calibration()
    usable = library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    assert usable == (millivolts[-1] <= 3630)
    found = apply(library, calibration)
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] == 4095


# ---- sampling rate ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("timer_hz", "fs_hz"), [(40_000_000, 360), (1_000_000, 360), (1_000_000, 500)])
def test_instants_are_right_on_average(timer_hz: int, fs_hz: int, library: ctypes.CDLL) -> None:
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), timer_hz, ctypes.c_uint16(fs_hz))
    periods = [library.ecg_rate_next(ctypes.byref(rate)) for _ in range(60 * fs_hz)]
    assert max(periods) - min(periods) <= 1
    assert abs(sum(periods) - 60 * timer_hz) <= 1


def run_timer(library: ctypes.CDLL, rate: Rate, true_hz: int, seconds: int) -> float:
    """Sample with a timer that really counts at `true_hz`; the rate of the last ten seconds."""
    elapsed_us, samples, last = 0.0, 0, 0
    while elapsed_us < seconds * 1e6:
        step_us = library.ecg_rate_next(ctypes.byref(rate)) / true_hz * 1e6
        library.ecg_rate_measure(ctypes.byref(rate), 1, round(elapsed_us + step_us) - round(elapsed_us))
        elapsed_us += step_us
        samples += 1
        last += elapsed_us > (seconds - 10) * 1e6
    return last / 10


@pytest.mark.parametrize("factor", [1.0, 1.22, 0.99, 0.8])
def test_a_timer_at_another_rate_is_corrected(factor: float, library: ctypes.CDLL) -> None:
    """A converter of this family has been seen at 1.22 times the rate that was asked for."""
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), 1_000_000, ctypes.c_uint16(360))
    run_timer(library, rate, round(1_000_000 * factor), 11)
    assert abs(rate.measured_mhz / 1000 - 360 * factor) < 0.1
    assert abs(run_timer(library, rate, round(1_000_000 * factor), 40) - 360) <= 0.2
    assert rate.corrections == (0 if factor == 1.0 else rate.corrections)
    assert factor == 1.0 or rate.corrections > 0


def test_a_small_difference_is_left_and_a_large_one_is_no_clock(library: ctypes.CDLL) -> None:
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), 1_000_000, ctypes.c_uint16(360))
    period = rate.period_q16
    assert not library.ecg_rate_measure(ctypes.byref(rate), 100, 300_000)
    library.ecg_rate_restart(ctypes.byref(rate))
    for instants in (3600, 3600 * 2, 0):
        assert library.ecg_rate_measure(ctypes.byref(rate), instants, 10_000_100)
        assert rate.period_q16 == period
    assert rate.measured_mhz == 0


# ---- updates ----------------------------------------------------------------------------------------

Ask = ctypes.CFUNCTYPE(ctypes.c_bool)
Begin = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint32)
Write = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)
Stop = ctypes.CFUNCTYPE(None)


class Ops(ctypes.Structure):
    _fields_ = (
        ("capacity", ctypes.c_uint32),
        ("may_begin", Ask),
        ("begin", Begin),
        ("write", Write),
        ("finish", Ask),
        ("abort", Stop),
    )


class Update(ctypes.Structure):
    _fields_ = (
        ("ops", ctypes.POINTER(Ops)),
        ("is_open", ctypes.c_bool),
        *((name, ctypes.c_uint32) for name in ("size", "received", "crc_wanted", "crc")),
    )


class Memory:
    """A memory for an image, and the update that fills it."""

    def __init__(self, library: ctypes.CDLL, capacity: int = 1000) -> None:
        self.c, self.state, self.image = library, Update(), b""
        self.free = self.works = True
        self.calls: list[str] = []
        self.ops = Ops(
            capacity,
            Ask(lambda: self.free),
            Begin(lambda size: self._called("begin")),
            Write(self._write),
            Ask(lambda: self._called("finish")),
            Stop(lambda: self.calls.append("abort")),
        )
        library.ecg_update_init(ctypes.byref(self.state), ctypes.byref(self.ops))

    def _called(self, name: str) -> bool:
        self.calls.append(name)
        return self.works

    def _write(self, data: ctypes._Pointer[ctypes.c_uint8], size: int) -> bool:
        self.image += bytes(data[:size])
        return self.works

    def control(self, message: bytes) -> int:
        return int(
            self.c.ecg_update_control(ctypes.byref(self.state), message, ctypes.c_size_t(len(message)))
        )

    def data(self, offset: int, piece: bytes) -> int:
        message = offset.to_bytes(4, "little") + piece
        return int(self.c.ecg_update_data(ctypes.byref(self.state), message, ctypes.c_size_t(len(message))))

    def begin(self, image: bytes, crc: int | None = None) -> int:
        crc = zlib.crc32(image) if crc is None else crc
        return self.control(BEGIN + len(image).to_bytes(4, "little") + crc.to_bytes(4, "little"))


IMAGE = bytes(range(250)) * 2


def test_an_update_in_pieces(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    assert memory.begin(IMAGE) == OK
    for at in range(0, len(IMAGE), 37):
        assert memory.data(at, IMAGE[at : at + 37]) == OK
    assert memory.control(END) == OK
    assert (memory.image, memory.calls) == (IMAGE, ["begin", "finish"])
    assert memory.control(END) == ORDER


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (lambda m: m.data(0, IMAGE), PLACE),  # twice
        (lambda m: m.data(101, b"x"), PLACE),  # one is missing
        (lambda m: m.data(100, IMAGE), PLACE),  # longer than the image
        (lambda m: m.data(100, b""), LENGTH),
        (lambda m: m.control(END), PLACE),  # too early
        (lambda m: m.begin(IMAGE), ORDER),
        (lambda m: m.control(b"\x09"), COMMAND),
        (lambda m: m.control(b""), LENGTH),
        (lambda m: m.control(ABORT), OK),
    ],
)
def test_what_goes_wrong_ends_the_update(fault: object, answer: int, library: ctypes.CDLL) -> None:
    memory = Memory(library)
    assert memory.begin(IMAGE) == OK
    assert memory.data(0, IMAGE[:100]) == OK
    assert fault(memory) == answer  # type: ignore[operator]
    assert memory.calls == ["begin", "abort"]
    assert memory.data(100, IMAGE[100:]) == ORDER
    assert memory.begin(IMAGE) == OK  # anew


def test_a_wrong_checksum_is_found(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    memory.begin(IMAGE, zlib.crc32(IMAGE) ^ 1)
    memory.data(0, IMAGE)
    assert memory.control(END) == CHECKSUM
    assert memory.calls == ["begin", "abort"]


def test_an_update_waits_for_the_end_of_a_session_and_fits_the_memory(library: ctypes.CDLL) -> None:
    memory = Memory(library, capacity=len(IMAGE))
    memory.free = False
    assert memory.begin(IMAGE) == BUSY
    memory.free = True
    assert memory.begin(IMAGE + b"x") == SIZE
    assert memory.begin(b"") == SIZE
    assert memory.control(BEGIN) == LENGTH
    memory.works = False
    assert memory.begin(IMAGE) == MEMORY
    assert memory.data(0, IMAGE) == ORDER


PIECES = strategies.tuples(strategies.integers(0, 600), strategies.binary(max_size=300))
MESSAGES = strategies.lists(
    strategies.one_of(
        strategies.binary(max_size=12).map(lambda data: ("control", data)),
        strategies.sampled_from([END, ABORT]).map(lambda data: ("control", data)),
        strategies.sampled_from([IMAGE[:1], IMAGE[:200], IMAGE]).map(lambda data: ("begin", data)),
        PIECES.map(lambda piece: ("data", piece)),
        strategies.just(("next", 50)),
    ),
    max_size=30,
)


@given(messages=MESSAGES)
def test_no_order_of_messages_writes_beyond_an_image_or_starts_another(
    library: ctypes.CDLL, messages: list[tuple[str, object]]
) -> None:
    memory, wanted = Memory(library), b""
    for kind, value in messages:
        before, finished = len(memory.image), memory.calls.count("finish")
        if kind == "begin" and memory.begin(value) == OK:  # type: ignore[arg-type]
            memory.image, wanted = b"", value  # type: ignore[assignment]
        elif kind == "next":
            memory.data(before, wanted[before : before + 50])
        elif kind == "data":
            memory.data(*value)  # type: ignore[misc]
        elif kind == "control" and memory.control(value) == OK and value[:1] == BEGIN:  # type: ignore[arg-type,index]
            memory.image, wanted = b"", bytes(int.from_bytes(value[1:5], "little"))  # type: ignore[index]
        assert len(memory.image) <= len(wanted)
        if memory.calls.count("finish") > finished:
            assert memory.image == wanted


def test_a_new_firmware_is_kept_after_a_minute_and_given_up_when_its_test_fails(library: ctypes.CDLL) -> None:
    decide = library.ecg_trial_decide
    cases = {
        (False, False, 99): NONE,
        (True, False, 0): GO_BACK,
        (True, True, 59): WAIT,
        (True, True, 60): KEEP,
    }
    for (trial, passed, seconds), wanted in cases.items():
        assert decide(ctypes.c_bool(trial), ctypes.c_bool(passed), ctypes.c_uint32(seconds)) == wanted


# ---- rings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checks", ["thread", "address,undefined"])
def test_two_tasks_pass_samples_without_a_lock(checks: str, project_root: Path, tmp_path: Path) -> None:
    """One thread writes and one reads; the thread sanitizer finds an access that nothing orders."""
    source = project_root / "tests/firmware/ring_threads.c"
    options = [
        *WARNINGS,
        "-O2",
        "-g",
        f"-fsanitize={checks}",
        f"-I{project_root / 'firmware/src'}",
        "-pthread",
    ]
    program = tmp_path / "rings"
    subprocess.run([require_program("gcc"), *options, str(source), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
