"""Updates on the device: order of messages, digest, signature, and the trial of a new firmware."""

from __future__ import annotations

import ctypes
import hashlib

import pytest
from hypothesis import given, strategies

from ecg_edge.host.devices.update_key import public_bytes, sign
from tests.support import update_device as device
from tests.support.update_device import (
    ABORT,
    BEGIN,
    BUSY,
    CHECKSUM,
    COMMAND,
    END,
    KEY,
    LENGTH,
    MEMORY,
    OK,
    ORDER,
    PLACE,
    SIGNATURE,
    SIZE,
    STRANGER,
    UpdateDevice,
)

IMAGE = bytes(range(250)) * 2
NONE, WAIT, KEEP, GO_BACK = range(4)


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return device.build(tmp_path_factory.mktemp("update"))


def test_an_update_in_pieces(c: ctypes.CDLL) -> None:
    one = UpdateDevice(c)
    assert one.begin(IMAGE) == OK
    for at in range(0, len(IMAGE), 37):
        assert one.received() == at
        assert one.data(at, IMAGE[at : at + 37]) == OK
    assert one.control(END) == OK
    assert (one.image(), one.counts()) == (IMAGE, (1, 1, 0))
    assert one.control(END) == ORDER


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (lambda one: one.data(0, IMAGE), PLACE),  # twice
        (lambda one: one.data(101, b"x"), PLACE),  # one is missing
        (lambda one: one.data(100, IMAGE), PLACE),  # longer than the image
        (lambda one: one.data(100, b""), LENGTH),
        (lambda one: one.control(END), PLACE),  # too early
        (lambda one: one.control(BEGIN), LENGTH),
        (lambda one: one.control(b"\x09"), COMMAND),
        (lambda one: one.control(b""), LENGTH),
        (lambda one: one.control(ABORT), OK),
    ],
)
def test_what_goes_wrong_ends_the_update(fault: object, answer: int, c: ctypes.CDLL) -> None:
    one = UpdateDevice(c)
    assert one.begin(IMAGE) == OK
    assert one.data(0, IMAGE[:100]) == OK
    assert fault(one) == answer  # type: ignore[operator]
    assert (one.counts(), one.received()) == ((1, 0, 1), 0)
    assert one.data(100, IMAGE[100:]) == ORDER
    assert one.begin(IMAGE) == OK  # anew


def test_an_image_that_is_not_the_announced_one_is_not_started(c: ctypes.CDLL) -> None:
    one = UpdateDevice(c)
    one.begin(IMAGE)
    one.data(0, IMAGE[:-1] + b"x")
    assert one.control(END) == CHECKSUM
    assert one.counts() == (1, 0, 1)


@pytest.mark.parametrize("at", [0, 1, 4, 5, 36, 37, 68, 69, 100])
def test_one_changed_bit_of_the_announcement_erases_nothing(at: int, c: ctypes.CDLL) -> None:
    """Command, size, digest, both halves of the signature."""
    one, digest = UpdateDevice(c, len(IMAGE)), hashlib.sha256(IMAGE).digest()
    message = bytearray(BEGIN + len(IMAGE).to_bytes(4, "little") + digest + sign(KEY, digest))
    message[at] ^= 0x80
    assert one.control(bytes(message)) == {0: COMMAND, 1: SIGNATURE, 4: SIZE}.get(at, SIGNATURE) or at == 1
    assert one.counts()[0] == (1 if at == 1 else 0)
    message[at] ^= 0x80
    assert one.control(bytes(message)) == OK


def test_another_key_and_a_device_without_one_refuse(c: ctypes.CDLL) -> None:
    assert UpdateDevice(c).begin(IMAGE, STRANGER) == SIGNATURE
    assert UpdateDevice(c, key=public_bytes(STRANGER)).begin(IMAGE, STRANGER) == OK
    for key in (bytes(65), b"\x04" + bytes(64), b"\x04" + b"\x01" * 64):  # no point of the curve
        one = UpdateDevice(c, key=key)
        assert one.begin(IMAGE) == SIGNATURE
        zeros = BEGIN + len(IMAGE).to_bytes(4, "little") + bytes(96)
        assert one.control(zeros) == SIGNATURE


def test_a_refused_announcement_leaves_the_update_that_is_under_way(c: ctypes.CDLL) -> None:
    one = UpdateDevice(c)
    one.begin(IMAGE)
    one.data(0, IMAGE[:100])
    assert one.begin(b"other", STRANGER) == SIGNATURE
    assert one.begin(b"") == SIZE
    assert one.data(100, IMAGE[100:]) == OK
    assert one.control(END) == OK


def test_the_same_announcement_goes_on_and_another_begins_anew(c: ctypes.CDLL) -> None:
    one = UpdateDevice(c)
    one.begin(IMAGE)
    one.data(0, IMAGE[:100])
    assert (one.begin(IMAGE), one.received(), one.counts()) == (OK, 100, (1, 0, 0))
    for number, other in enumerate((IMAGE[1:], IMAGE[:0:-1]), start=1):  # the second has the first one's size
        assert (one.begin(other), one.received(), one.counts()) == (OK, 0, (1 + number, 0, number))
        one.data(0, other[:100])
    assert one.data(100, other[100:]) == OK
    assert one.control(END) == OK
    assert one.image() == other


def test_samples_go_first(c: ctypes.CDLL) -> None:
    """With electrodes on nothing is written, and what was written stays."""
    one = UpdateDevice(c)
    one.set(free=False)
    assert one.begin(IMAGE) == BUSY
    one.set()
    one.begin(IMAGE)
    one.data(0, IMAGE[:100])
    one.set(free=False)
    assert (one.data(100, IMAGE[100:]), one.received()) == (BUSY, 100)
    one.set()
    assert one.data(100, IMAGE[100:]) == OK
    assert one.control(END) == OK


def test_an_image_fits_the_memory(c: ctypes.CDLL) -> None:
    one = UpdateDevice(c, capacity=len(IMAGE))
    assert one.state() == len(IMAGE).to_bytes(4, "little") + bytes(4)
    assert one.begin(IMAGE + b"x") == SIZE
    assert one.begin(b"") == SIZE
    one.set(works=False)
    assert one.begin(IMAGE) == MEMORY
    assert one.data(0, IMAGE) == ORDER


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
def test_no_order_of_messages_starts_another_image(
    c: ctypes.CDLL, messages: list[tuple[str, object]]
) -> None:
    one, wanted = UpdateDevice(c), b""
    for kind, value in messages:
        finished = one.counts()[1]
        if kind == "begin" and one.begin(value) == OK:  # type: ignore[arg-type]
            wanted = value  # type: ignore[assignment]
        elif kind == "next":
            at = one.received()
            one.data(at, wanted[at : at + 50])
        elif kind == "data":
            one.data(*value)  # type: ignore[misc]
        elif kind == "control":
            one.control(value)  # type: ignore[arg-type]
        assert len(one.image()) <= len(wanted)
        if one.counts()[1] > finished:
            assert one.image() == wanted


def test_a_new_firmware_is_kept_after_a_minute_and_given_up_when_its_test_fails(c: ctypes.CDLL) -> None:
    decide = c.ecg_trial_decide
    cases = {
        (False, False, 99): NONE,
        (True, False, 0): GO_BACK,
        (True, True, 59): WAIT,
        (True, True, 60): KEEP,
    }
    for (trial, passed, seconds), wanted in cases.items():
        assert decide(ctypes.c_bool(trial), ctypes.c_bool(passed), ctypes.c_uint32(seconds)) == wanted
