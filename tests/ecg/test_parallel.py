"""Work over items in this process and in others."""

from __future__ import annotations

import os

import pytest

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.parallel import Workers


def test_results_come_in_order_from_other_processes() -> None:
    assert list(Workers(2).map(abs, [-3, 2, -1])) == [3, 2, 1]


def test_one_job_stays_in_this_process() -> None:
    assert list(Workers(1).map(lambda _: os.getpid(), [1, 2])) == [os.getpid()] * 2
    assert list(Workers(0).map(lambda _: os.getpid(), [1])) == [os.getpid()]
    assert list(Workers(0).map(abs, [])) == []


def test_a_scheduler_that_is_not_there_is_named() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ToolError, match=r"tcp://127\.0\.0\.1:9"):
        list(Workers(dask="tcp://127.0.0.1:9").map(abs, [1]))
