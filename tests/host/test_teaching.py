"""The teaching page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.synthetic.classes import CLASSES
from ecg_edge.host.cli.main import app
from ecg_edge.host.report import teaching
from tests.support.command_lines import parse


def test_every_class_but_the_mixture_has_a_lesson() -> None:
    assert {lesson.kind for lesson in teaching.LESSONS} == set(CLASSES) - {"arrhythmia"}


@pytest.mark.parametrize("kind", ["normal", "st-depression"])
def test_its_commands_replay_the_record_that_they_generate(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lesson = next(one for one in teaching.LESSONS if one.kind == kind)
    synth, replay = (command.split() for command in lesson.commands)
    done = CliRunner().invoke(app, [*synth[1:], "--minutes", "0.2"])
    assert done.exit_code == 0, done.output
    assert Path(replay[2]).is_file()


@pytest.mark.slow
def test_the_page_shows_every_picture_and_its_commands_parse() -> None:
    pages = dict(teaching.teaching_pages())
    text = pages[teaching.PAGE]
    assert isinstance(text, str)
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert {f"tutorials/{name}" for name in shown} == set(pages) - {teaching.PAGE}
    lines = re.findall(r"(?m)^    (ecg-edge .+)$", text)
    assert len(lines) == 2 * len(teaching.LESSONS)
    for line in lines:
        parse(line)


@pytest.mark.parametrize("kind", ["st-depression", "wenckebach", "ventricular-fibrillation"])
def test_a_picture_is_a_png_and_always_the_same(kind: str) -> None:
    lesson = next(one for one in teaching.LESSONS if one.kind == kind)
    picture = teaching.draw(lesson)
    assert picture.startswith(b"\x89PNG") and picture == teaching.draw(lesson)
