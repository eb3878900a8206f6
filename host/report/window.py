"""Pictures in a window, one after another; matplotlib's windows are needed only here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

Drawer = Callable[[Figure], None]

_NO_WINDOWS: Final = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
_NEXT: Final = ("right", "down", " ", "n", "pagedown")
_BACK: Final = ("left", "up", "p", "pageup", "backspace")


def has_screen() -> bool:
    """Test if matplotlib can open a window here."""
    from matplotlib import pyplot  # takes 0.3 s and may look for a display

    return pyplot.get_backend().lower() not in _NO_WINDOWS


class Stepper:
    """Draw one page of many into a figure; keys turn the pages.

    Parameters
    ----------
    figure : Figure
    pages : sequence of callable
        Each draws into the empty figure. At least one.
    """

    def __init__(self, figure: Figure, pages: Sequence[Drawer]) -> None:
        self._figure, self._pages = figure, pages
        self.at = 0
        self._draw()

    def on_key(self, event: Any) -> None:
        """Turn the page; at either end it stays."""
        step = (event.key in _NEXT) - (event.key in _BACK)
        wanted = min(max(self.at + step, 0), len(self._pages) - 1)
        if wanted != self.at:
            self.at = wanted
            self._draw()

    def on_resize(self, event: Any) -> None:
        """Draw the page again: its texts have the same size in a smaller window."""
        self._draw()

    def _draw(self) -> None:
        self._figure.clear()
        self._pages[self.at](self._figure)
        if len(self._pages) > 1:
            self._figure.text(0.998, 0.01, f"{self.at + 1} of {len(self._pages)}", ha="right", fontsize=8)
        self._figure.canvas.draw_idle()


def show(pages: Sequence[Drawer], size: tuple[float, float]) -> None:
    """Open a window and wait until it is closed.

    Parameters
    ----------
    pages : sequence of callable
        As for `Stepper`.
    size : tuple of float
        Width and height in inches.
    """
    from matplotlib import pyplot  # as in has_screen

    with mpl.rc_context(
        {name: [] for name in mpl.rcParams if name.startswith("keymap.") and "quit" not in name}
    ):
        figure = pyplot.figure(figsize=size)
        stepper = Stepper(figure, pages)
        figure.canvas.mpl_connect("key_press_event", stepper.on_key)
        figure.canvas.mpl_connect("resize_event", stepper.on_resize)
        pyplot.show()
