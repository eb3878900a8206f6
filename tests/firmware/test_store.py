"""Settings and log in flash: nothing that was written is lost when the power fails, at whatever step."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from tests.support.device_c import WARNINGS, include_options, linked_sources_of

SECTORS, SECTOR_BYTES, SLOTS = 8, 256, 7  # slots of a sector without its header
NEVER = 2**32 - 1
STORED, FIRST_START, EARLIER, DAMAGED = range(4)


class Settings(ctypes.Structure):
    _fields_ = (
        ("adu_per_mv", ctypes.c_uint16),
        ("mains_hz", ctypes.c_uint8),
        ("live_alone", ctypes.c_uint8),
        ("buzzer", ctypes.c_uint8),
        ("log_events", ctypes.c_uint8),
        ("host_timeout_s", ctypes.c_uint8),
    )


class Memory:
    """Settings and log on a new simulated flash memory."""

    def __init__(self, library: ctypes.CDLL, sectors: int = SECTORS, fill: int = 0xFF) -> None:
        self.c = library
        self.c.harness_new(sectors, fill)
        self.power_on()

    def power_on(self, steps: int = NEVER, seed: int = 0) -> None:
        self.c.harness_power_on(ctypes.c_uint32(steps), seed)

    def append(self, value: int) -> bool:
        return bool(self.c.harness_append(value))

    def records(self) -> list[int]:
        values = (ctypes.c_uint32 * 1000)()
        return list(values[: self.c.harness_records(values, 1000)])

    def save(self, gain: int, mains_hz: int = 50) -> bool:
        return bool(self.c.harness_save(ctypes.byref(Settings(gain, mains_hz, 1, 0, 1, 30))))

    def load(self) -> tuple[int, int]:
        """Where the settings are from, and the gain."""
        found = Settings()
        source = self.c.harness_load(ctypes.byref(found))
        return source, found.adu_per_mv


@pytest.fixture(scope="module")
def library(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("store") / "store.so"
    source = project_root / "tests/firmware/store_harness.c"
    options = [*WARNINGS, "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
    options += [*include_options("ecg_store"), "-o", str(output)]
    subprocess.run(["gcc", *options, str(source), *linked_sources_of("ecg_store")], check=True)
    loaded = ctypes.CDLL(str(output))
    for name in ("append", "save", "prepare", "has_power"):
        getattr(loaded, f"harness_{name}").restype = ctypes.c_bool
    return loaded


# ---- settings ---------------------------------------------------------------------------------------


def test_settings_are_defaults_until_they_are_saved(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    assert memory.load() == (FIRST_START, 1365)
    assert memory.save(900)
    assert memory.load() == (STORED, 900)
    assert memory.save(901)
    assert memory.load() == (STORED, 901)


@pytest.mark.parametrize(("gain", "mains_hz"), [(19, 50), (20001, 50), (1000, 55)])
def test_settings_beyond_their_limits_are_not_saved(library: ctypes.CDLL, gain: int, mains_hz: int) -> None:
    memory = Memory(library)
    memory.save(900)
    assert not memory.save(gain, mains_hz)
    assert memory.load() == (STORED, 900)


@pytest.mark.parametrize("seed", range(40))
def test_power_loss_at_every_step_of_a_change_leaves_the_old_or_the_new_settings(
    library: ctypes.CDLL, seed: int
) -> None:
    for steps in range(1, 7):
        memory = Memory(library)
        memory.save(900)
        memory.save(901)
        memory.power_on(steps, seed)
        saved = memory.save(902)
        memory.power_on()
        source, gain = memory.load()
        assert gain == 902 if saved else gain in {901, 902}
        assert source in {STORED, EARLIER}
        assert memory.save(903)
        assert memory.load()[1] == 903


def test_one_damaged_copy_is_reported_and_the_other_is_used(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    memory.save(900)
    memory.save(901)
    memory.c.harness_damage(SECTOR_BYTES + 12, 0)
    assert memory.load() == (EARLIER, 900)
    memory.c.harness_damage(12, 0)
    assert memory.load() == (DAMAGED, 1365)
    assert memory.save(950)
    assert memory.load()[1] == 950


def copy_of(version: int, fields: bytes) -> bytes:
    """A copy as another version of the firmware wrote it."""
    head = (0x45434753 + version).to_bytes(4, "little") + bytes([1, 0, 0, 0, len(fields), 0, 0, 0])
    body = (head + fields).ljust(28, b"\0")
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_fields_that_an_older_version_did_not_have_get_their_defaults(library: ctypes.CDLL) -> None:
    memory, found = Memory(library), Settings()
    memory.c.harness_poke(0, copy_of(1, (777).to_bytes(2, "little") + bytes([60])), 32)
    assert library.harness_load(ctypes.byref(found)) == STORED
    assert (found.adu_per_mv, found.mains_hz, found.live_alone, found.buzzer) == (777, 60, 1, 1)


@pytest.mark.parametrize("copy", [copy_of(2, bytes(7)), copy_of(1, bytes(7)), copy_of(1, bytes(17))])
def test_a_later_version_and_impossible_values_are_not_used(library: ctypes.CDLL, copy: bytes) -> None:
    memory = Memory(library)
    memory.c.harness_poke(0, copy, 32)
    assert memory.load() == (DAMAGED, 1365)


# ---- log --------------------------------------------------------------------------------------------


def test_records_come_back_in_their_order_after_a_restart(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    assert not memory.append(1)  # nothing is erased yet
    library.harness_prepare()
    for value in range(20):
        assert memory.append(value)
    memory.power_on()
    assert memory.records() == list(range(20))
    assert memory.append(20)
    assert memory.records() == list(range(21))


def test_a_full_log_counts_what_it_cannot_keep(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    library.harness_prepare()
    room = library.harness_room()
    kept = [value for value in range(room + 5) if memory.append(value)]
    assert kept == list(range(room))
    assert library.harness_lost() == 5
    library.harness_prepare()
    assert memory.append(100)
    assert memory.records()[-3:] == [room - 2, room - 1, 100]


def test_half_of_the_log_stays_and_every_sector_is_erased_equally_often(library: ctypes.CDLL) -> None:
    memory = Memory(library)
    for value in range(2000):
        if value % 3 == 0:
            memory.power_on()
            library.harness_prepare()
        assert memory.append(value)
    records = memory.records()
    assert records == list(range(2000 - len(records), 2000))
    assert len(records) >= (SECTORS - 2) // 2 * SLOTS - SLOTS
    worn = [library.harness_erases(sector) for sector in range(2, SECTORS)]
    assert max(worn) - min(worn) <= 1
    assert library.harness_violations() == 0


@pytest.mark.parametrize("fill", [0x00, 0xA5])
def test_a_memory_that_holds_something_else_becomes_a_log(library: ctypes.CDLL, fill: int) -> None:
    memory = Memory(library, fill=fill)
    assert memory.load() == (DAMAGED, 1365)
    assert memory.records() == []
    assert library.harness_prepare()
    assert memory.append(5)
    assert memory.records() == [5]


def survive(memory: Memory, steps: int, seed: int, written: list[int]) -> None:
    """Write until the power fails after `steps` steps; then everything from before is still there."""
    library = memory.c
    memory.power_on(steps, seed)
    value = len(written)
    while library.harness_has_power():
        library.harness_prepare()
        if not memory.append(value):
            break
        written.append(value)
        value += 1
    memory.power_on()
    found = memory.records()
    recent = written[-SLOTS:]
    assert [value for value in found if value in set(recent)] == recent
    assert set(found) <= {*written, value}  # the one that was interrupted may be there
    assert found == sorted(found)
    assert memory.load() == (STORED, 900)
    assert library.harness_violations() == 0


@pytest.mark.parametrize("sectors", [4, 5, 8])
def test_power_loss_at_every_write_and_erase_step(library: ctypes.CDLL, sectors: int) -> None:
    for before in range(0, 3 * SLOTS * (sectors - 2), 5):
        for steps in range(1, 14):
            memory = Memory(library, sectors)
            memory.save(900)
            for value in range(before):
                library.harness_prepare()
                assert memory.append(value)
            survive(memory, steps, before + steps, list(range(before)))
            assert library.harness_prepare()
            assert memory.append(7777)
            assert memory.records()[-1] == 7777


@given(
    losses=strategies.lists(
        strategies.tuples(strategies.integers(1, 60), strategies.integers(0, 999)), max_size=12
    )
)
@settings(max_examples=150, deadline=None)
def test_one_power_loss_after_the_other(library: ctypes.CDLL, losses: list[tuple[int, int]]) -> None:
    memory = Memory(library)
    memory.save(900)
    expected: list[int] = []
    value = 0
    for steps, seed in losses:
        memory.power_on(steps, seed)
        while library.harness_has_power():
            library.harness_prepare()
            if memory.append(value):
                expected.append(value)
            value += 1
        memory.power_on()
        found = memory.records()
        recent = expected[-SLOTS:]
        assert [v for v in found if v in recent] == recent
        assert found == sorted(set(found))
        expected = found
    assert memory.load() == (STORED, 900)
    worn = [library.harness_erases(sector) for sector in range(2, SECTORS)]
    assert max(worn) - min(worn) <= 1 + len(losses)
