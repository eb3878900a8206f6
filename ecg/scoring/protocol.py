"""Constants of ANSI/AAMI EC57."""

from __future__ import annotations

from typing import Final

MATCH_WINDOW_S: Final = 0.15
"""Greatest distance in s of a detection from the beat that it detects."""

LEARNING_S: Final = 300.0
"""Time in s at the start of a record that a detector may learn from and that is not scored."""
