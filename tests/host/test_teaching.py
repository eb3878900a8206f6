"""The teaching page."""

from __future__ import annotations

import re

import pytest

from ecg_edge.ecg.synthetic.classes import CLASSES
from ecg_edge.host.report import teaching
from tests.support.command_lines import parse


def test_every_class_but_the_mixture_has_a_lesson() -> None:
    assert {lesson.kind for lesson in teaching.LESSONS} == set(CLASSES) - {"arrhythmia"}


@pytest.mark.slow
def test_the_page_shows_every_picture_and_its_commands_parse() -> None:
    pages = dict(teaching.teaching_pages())
    text = pages[teaching.PAGE]
    assert isinstance(text, str)
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert {f"tutorials/{name}" for name in shown} == set(pages) - {teaching.PAGE}
    for line in re.findall(r"`(ecg-edge [^`]+)`", text):
        parse(line)


@pytest.mark.parametrize("kind", ["st-depression", "wenckebach", "ventricular-fibrillation"])
def test_a_picture_is_a_png_and_always_the_same(kind: str) -> None:
    lesson = next(one for one in teaching.LESSONS if one.kind == kind)
    picture = teaching.draw(lesson)
    assert picture.startswith(b"\x89PNG") and picture == teaching.draw(lesson)
