"""A beat cache of the test session's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.training import beats


@pytest.fixture(scope="session")
def beat_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder of the test session's own."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(beat_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "beats_cache", lambda: beat_cache)
