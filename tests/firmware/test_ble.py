"""Bluetooth payloads, by the rules of the Bluetooth SIG and by messages that devices have sent."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import uuid
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies

from tests.support.device_c import WARNINGS, include_options, linked_sources_of

TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
RR_MAX, PAYLOAD = 9, 20


class HeartRate(ctypes.Structure):
    _fields_ = (
        ("rate_bpm", ctypes.c_uint16),
        ("has_contact", ctypes.c_bool),
        ("rr_count", ctypes.c_uint8),
        ("rr_1024", ctypes.c_uint16 * RR_MAX),
    )


class Samples(ctypes.Structure):
    _fields_ = (
        ("first", ctypes.c_uint32),
        ("lead_flags", ctypes.c_uint8),
        ("count", ctypes.c_uint8),
        ("adu", ctypes.POINTER(ctypes.c_int16)),
    )


class Beat(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("r_sample", ctypes.c_uint32),
        ("rr_samples", ctypes.c_uint16),
        ("symbol", ctypes.c_char),
        ("flags", ctypes.c_uint16),
        ("confidence", ctypes.c_uint8),
        ("quality", ctypes.c_uint8),
    )


class Event(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        *((name, ctypes.c_uint8) for name in ("kind", "phase", "flags", "priority")),
        ("onset", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("rate_x10", ctypes.c_uint16),
        ("confidence", ctypes.c_uint8),
    )


@dataclass
class Received:
    """A Heart Rate Measurement as the specification reads it."""

    rate: int
    contact: bool | None
    rr_1024: list[int]


def receive(payload: bytes) -> Received:
    """Read a Heart Rate Measurement: flags, then the fields that they announce, and nothing else."""
    flags = payload[0]
    assert flags & 0b1110_0000 == 0  # reserved for future use
    rate, at = (struct.unpack_from("<H", payload, 1)[0], 3) if flags & 1 else (payload[1], 2)
    contact = bool(flags & 2) if flags & 4 else None
    at += 2 if flags & 8 else 0
    intervals = [value for (value,) in struct.iter_unpack("<H", payload[at:])]
    assert bool(intervals) == bool(flags & 16)
    return Received(rate, contact, intervals)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("ble") / "ble.so"
    options = [*WARNINGS, *TRAPS, *include_options("ecg_ble"), "-o", str(output)]
    subprocess.run(["gcc", *options, *linked_sources_of("ecg_ble")], check=True)
    loaded = ctypes.CDLL(str(output))
    loaded.ecg_ble_rr_1024.restype = ctypes.c_uint16
    loaded.ecg_ble_battery_percent.restype = ctypes.c_uint8
    for name in ("samples_room", "put_heart_rate", "put_samples", "put_beat", "put_event"):
        getattr(loaded, f"ecg_ble_{name}").restype = ctypes.c_size_t
    return loaded


def heart_rate(library: ctypes.CDLL, rate: int, contact: bool, intervals: list[int]) -> bytes:
    """The payload, and nothing is written behind its 20 bytes."""
    buffer = (ctypes.c_uint8 * (PAYLOAD + 4))(*[0xEE] * (PAYLOAD + 4))
    value = HeartRate(rate, contact, len(intervals), (ctypes.c_uint16 * RR_MAX)(*intervals))
    size = library.ecg_ble_put_heart_rate(buffer, ctypes.byref(value))
    assert size <= PAYLOAD
    assert bytes(buffer[PAYLOAD:]) == b"\xee" * 4
    return bytes(buffer[:size])


@pytest.mark.parametrize(
    ("sent", "rate", "intervals"),
    [
        (bytes([22, 77, 22, 3]), 77, [790]),  # a Polar H7
        (bytes.fromhex("164218047001"), 66, [1048, 368]),  # an example of ActiGraph's GT3X file format
    ],
)
def test_the_bytes_are_those_that_other_devices_send(
    sent: bytes, rate: int, intervals: list[int], library: ctypes.CDLL
) -> None:
    assert heart_rate(library, rate, True, intervals) == sent


def test_contact_is_supported_and_tells_the_electrodes(library: ctypes.CDLL) -> None:
    assert heart_rate(library, 60, False, []) == bytes([0b100, 60])
    assert heart_rate(library, 60, True, []) == bytes([0b110, 60])


def test_a_rate_above_255_takes_two_bytes_and_the_newest_intervals_stay(library: ctypes.CDLL) -> None:
    intervals = list(range(200, 209))
    assert receive(heart_rate(library, 255, True, intervals)) == Received(255, True, intervals)
    assert receive(heart_rate(library, 256, True, intervals)) == Received(256, True, intervals[1:])


@given(
    rate=strategies.integers(0, 2**16 - 1),
    contact=strategies.booleans(),
    intervals=strategies.lists(strategies.integers(0, 2**16 - 1), max_size=RR_MAX),
)
def test_every_measurement_is_read_back(
    library: ctypes.CDLL, rate: int, contact: bool, intervals: list[int]
) -> None:
    found = receive(heart_rate(library, rate, contact, intervals))
    room = 8 if rate > 255 else 9
    assert found == Received(rate, contact, intervals[-room:] if intervals else [])


@given(samples=strategies.integers(0, 2**32 - 1), fs_hz=strategies.integers(1, 2000))
def test_intervals_are_in_1024ths_of_a_second(library: ctypes.CDLL, samples: int, fs_hz: int) -> None:
    found = library.ecg_ble_rr_1024(ctypes.c_uint32(samples), ctypes.c_uint16(fs_hz))
    assert found == min(65535, (samples * 1024 + fs_hz // 2) // fs_hz)


def test_the_charge_follows_the_voltage(library: ctypes.CDLL) -> None:
    found = [library.ecg_ble_battery_percent(ctypes.c_uint16(mv)) for mv in range(0, 5000, 10)]
    assert found == sorted(found)
    assert (found[0], found[330], found[380], found[420]) == (0, 0, 50, 100)


@pytest.mark.parametrize("number", [1, 6, 0xBEEF])
def test_the_uuid_holds_the_short_number(number: int, library: ctypes.CDLL) -> None:
    buffer = (ctypes.c_uint8 * 16)()
    library.ecg_ble_uuid(buffer, ctypes.c_uint16(number))
    assert uuid.UUID(bytes=bytes(buffer)[::-1]) == uuid.UUID(f"3ba6{number:04x}-e62b-448d-ba15-312ae6c79ddf")


@pytest.mark.parametrize(("payload", "room"), [(0, 0), (5, 0), (20, 7), (244, 119), (512, 119)])
def test_samples_fit_a_notification(payload: int, room: int, library: ctypes.CDLL) -> None:
    assert library.ecg_ble_samples_room(ctypes.c_size_t(payload)) == room


def test_samples_beats_and_events_have_their_fields_in_order(library: ctypes.CDLL) -> None:
    buffer = (ctypes.c_uint8 * 64)()
    adu = (ctypes.c_int16 * 3)(-2, 2047, -32768)
    size = library.ecg_ble_put_samples(buffer, ctypes.byref(Samples(70000, 2, 3, adu)))
    assert struct.unpack("<IB3h", bytes(buffer[:size])) == (70000, 2, -2, 2047, -32768)
    size = library.ecg_ble_put_beat(buffer, ctypes.byref(Beat(7, 70001, 300, b"V", 513, 99, 4)))
    assert struct.unpack("<IIHcHBB", bytes(buffer[:size])) == (7, 70001, 300, b"V", 513, 99, 4)
    size = library.ecg_ble_put_event(buffer, ctypes.byref(Event(8, 3, 0, 1, 4, 9, 70002, 1234, 88)))
    assert struct.unpack("<IBBBBIIHB", bytes(buffer[:size])) == (8, 3, 0, 1, 4, 9, 70002, 1234, 88)
    assert size <= PAYLOAD
