"""The integer confidence of firmware/src/confidence.c against the softmax in real numbers."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SOURCE = Path(__file__).resolve().parent.parent.parent / "firmware" / "src" / "confidence.c"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("confidence") / "confidence.so"
    subprocess.run(["gcc", "-std=c99", "-O2", "-shared", "-fPIC", "-o", output, SOURCE], check=True)
    c = ctypes.CDLL(str(output))
    c.confidence.restype = ctypes.c_uint8
    c.argmax.restype = ctypes.c_size_t
    return c


logits_of = st.lists(st.integers(-128, 127), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(
    logits=logits_of, scale_q16=st.integers(1, 4 * 65536), label=st.one_of(st.integers(0, 11), st.just(254))
)
def test_confidence_is_the_softmax(
    library: ctypes.CDLL, logits: list[int], scale_q16: int, label: int
) -> None:
    values = np.array(logits, dtype=np.int8)
    reals = np.exp((values - values.max().astype(float)) * scale_q16 / 65536)
    expected = 255 * float(reals[label if label < len(values) else values.argmax()] / reals.sum())
    actual = library.confidence(
        values.tobytes(), ctypes.c_size_t(len(values)), ctypes.c_size_t(label), ctypes.c_uint32(scale_q16)
    )
    assert abs(actual - expected) <= 1.0


@given(logits=logits_of)
def test_argmax_takes_the_lowest_index_at_a_tie(library: ctypes.CDLL, logits: list[int]) -> None:
    values = np.array(logits, dtype=np.int8)
    assert library.argmax(values.tobytes(), ctypes.c_size_t(len(values))) == int(values.argmax())
