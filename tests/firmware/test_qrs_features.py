"""The table of the QRS classifier's inputs, in C, Python and the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from ecg_edge.firmware.binding.qrs_features import QRS_FEATURES, markdown_page
from tests.support.device_c import LIBRARIES


def test_the_page_is_the_one_that_the_table_makes(project_root: Path) -> None:
    page = project_root / "docs/reference/qrs-features.md"
    assert page.read_text(encoding="utf-8") == markdown_page()


def test_names_are_those_of_the_header_in_its_order() -> None:
    header = LIBRARIES / "ecg_core/include/ecg_core/ecg_core_qrs_features.h"
    names = re.findall(r"^    X\(([A-Z0-9_]+),", header.read_text(), re.MULTILINE)
    assert [feature.name for feature in QRS_FEATURES] == names
    assert len(set(names)) == len(names) == 48


def test_the_classifier_names_its_inputs() -> None:
    """An input by its bare number would survive a change of the table's order."""
    for source in (LIBRARIES / "ecg_core/src").glob("qrs_*.c"):
        assert not re.search(r"features\[\d+\]", source.read_text()), source
