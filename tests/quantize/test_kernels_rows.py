"""Convolutions along the width, dense and sparse, around the kernels' edges: TFLM's bytes in every layer."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

from tests.support.harness import compare_batch
from tests.support.random_rows import random_row_network

BATCHES, BATCH = 5, 128


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_rows_give_tflms_bytes(batch: int, tmp_path: Path) -> None:
    compare_batch(random_row_network, range(batch * BATCH, (batch + 1) * BATCH), tmp_path)
