"""Lines of text for a terminal: the link is lost, and it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from ecg_edge.ecg.figures import duration_text
from ecg_edge.host.live.items import Item, LinkChange


def local_now() -> datetime:
    """Return the local time, with its offset from UTC."""
    return datetime.now().astimezone()


class LinkNotes:
    """The changes of a link, each told once.

    Parameters
    ----------
    on_lost, on_back : callable
        Called with a line of text.
    now : callable, optional
        Gives the local time.

    Attributes
    ----------
    lost_at : datetime or None
        Time of the loss, while the link is lost.
    """

    def __init__(
        self,
        on_lost: Callable[[str], None],
        on_back: Callable[[str], None],
        now: Callable[[], datetime] = local_now,
    ) -> None:
        self._on_lost, self._on_back, self._now = on_lost, on_back, now
        self.lost_at: datetime | None = None

    @property
    def lost_s(self) -> float:
        """Time since the loss in seconds; 0 while there is a link."""
        return 0.0 if self.lost_at is None else (self._now() - self.lost_at).total_seconds()

    def take(self, items: Iterable[Item]) -> None:
        """Tell of the changes among `items`."""
        for item in items:
            if isinstance(item, LinkChange):
                self._tell(item)

    def _tell(self, change: LinkChange) -> None:
        now = self._now()
        if not change.up:
            self.lost_at = now
            self._on_lost(f"link lost at {now:%H:%M:%S}: {change.text.rstrip('.')}. Trying again.")
        elif self.lost_at is not None:
            self._on_back(f"link back at {now:%H:%M:%S}, after {duration_text(round(self.lost_s, 1))}.")
            self.lost_at = None
