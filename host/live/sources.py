"""The interface that all sources share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

from ecg_edge.host.live.clock_drift import ClockDrift
from ecg_edge.host.live.items import Item, Origin
from ecg_edge.host.live.timeline import Losses


class Source(Protocol):
    """A device, a record, a recording or a session that delivers samples and marks."""

    @property
    def origin(self) -> Origin:
        """Where the samples come from; of a device known after the first items."""
        ...

    @property
    def losses(self) -> Losses:
        """Everything lost so far."""
        ...

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until the end or until `stop` is set; sometimes an empty list, but no long wait."""
        ...


class LineSource(Source, Protocol):
    """A source behind a line, with a clock of its own."""

    @property
    def drift(self) -> ClockDrift | None:
        """The source's clock against this computer's; None while it is not known."""
        ...
