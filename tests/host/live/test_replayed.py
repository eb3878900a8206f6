"""A replay session as a source: a damaged file is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.conformance.folder import FRAMES_NAME, RESULTS_NAME
from ecg_edge.host.link.frames import encode
from ecg_edge.host.link.messages import Start
from ecg_edge.host.live.replayed import SessionSource

DEVICE = {"labels": ["N", "V"], "board": "b", "firmware_version": "1", "engine": "e", "model_sha256": ""}
RECORD = {"database": "mitdb", "record": "100", "lead": "MLII", "link": {"passes": 1}}
RESULTS = {"started": "2026-01-31T10:15:00+00:00", "device": DEVICE, "records": [RECORD]}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    frame = encode(Start(1, 360, 200, 60, 0), 0)[:-1]  # without its zero byte
    with gzip.open(tmp_path / FRAMES_NAME, "wt") as file:
        file.write(f"0.000 > {frame.hex()}\n")
    (tmp_path / RESULTS_NAME).write_text(json.dumps(RESULTS))
    return tmp_path


def test_a_session_is_read(session: Path) -> None:
    origin = SessionSource(session).origin
    assert (origin.fs_hz, origin.adu_per_mv, origin.lead, origin.labels) == (360, 200, "MLII", ("N", "V"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("started", "yesterday"),
        ("started", 5),
        ("records", 5),
        ("records", [5]),
        ("records", [{}]),
        ("records", [{**RECORD, "link": None}]),
        ("device", {"labels": ["N"]}),
        ("device", {**DEVICE, "labels": 5}),
        ("device", None),
    ],
)
def test_damaged_results_are_named(session: Path, key: str, value: Any) -> None:
    (session / RESULTS_NAME).write_text(json.dumps({**RESULTS, key: value}))
    with pytest.raises(RecordError, match=r"results\.json: missing or damaged\. Replay"):
        SessionSource(session)
