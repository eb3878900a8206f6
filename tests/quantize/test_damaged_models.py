"""Damaged `.tflite` files: cut, with other bytes or words; each is read as a network or is a BundleError."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

pytest.importorskip("tflite_micro", reason="random networks are built with the schema in the wheel")

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.codegen.generate import generate
from tests.support.random_networks import random_network

WORDS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\x80\x7f", b"\x01\0\0\0")
HEAD_BYTES = 4000  # beginning of a file, where most offsets and sizes are


def damaged(model: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Make copies that are cut short, and copies with one other byte or word."""
    rng = random.Random(seed)
    for _ in range(count):
        yield model[: rng.randrange(len(model))]
        changed = bytearray(model)
        changed[rng.randrange(min(len(model), HEAD_BYTES))] = rng.randrange(256)
        yield bytes(changed)
        changed = bytearray(model)
        place = rng.randrange(0, len(model) - 4, 4)
        changed[place : place + 4] = rng.choice(WORDS)
        yield bytes(changed)


def outcomes(models: Iterator[bytes]) -> tuple[int, int]:
    """Count the files that are accepted and those that are refused with a message that names the file."""
    accepted = refused = 0
    for model in models:
        try:
            generate(model, "some.tflite", "never")
            accepted += 1
        except BundleError as error:
            assert "some.tflite" in str(error)
            refused += 1
    return accepted, refused


def test_a_damaged_model_is_a_network_or_an_error() -> None:
    model = (SHIPPED_BUNDLE / "model.tflite").read_bytes()
    accepted, refused = outcomes(damaged(model, 60, 1))
    assert accepted > 20
    assert refused > 60


@pytest.mark.parametrize("seed", range(25))
def test_damage_in_any_operator_is_a_network_or_an_error(seed: int) -> None:
    _, refused = outcomes(damaged(random_network(seed, operators=6), 12, seed))
    assert refused > 0


def test_every_cut_of_a_file_is_refused_by_name() -> None:
    model = (SHIPPED_BUNDLE / "model.tflite").read_bytes()
    with pytest.raises(BundleError, match=r"cut\.tflite"):
        parse_network(model[: len(model) // 2], "cut.tflite")
    for size in (0, 1, 7, 8, 9, 40, 100):
        with pytest.raises(BundleError, match=r"cut\.tflite"):
            parse_network(model[:size], "cut.tflite")
