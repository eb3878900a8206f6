"""Work over records on several cores, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import joblib

from ecg_edge.ecg.errors import ToolError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Where work runs.

    Attributes
    ----------
    jobs : int
        Processes of this computer; 0 for one per core, 1 for this process alone.
    dask : str
        Address of a Dask scheduler, such as "tcp://10.0.0.5:8786", whose workers take the place of the
        processes; "" for none. They must find the records under the same paths.
    """

    jobs: int = 1
    dask: str = ""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result of each item in the order of the items, as soon as it is there.

        Parameters
        ----------
        function : callable
            Function of a module, which other processes can import.
        items : sequence
            Its arguments.

        Raises
        ------
        ToolError
            When the scheduler does not answer.
        ModuleNotFoundError
            When Dask is not installed.
        """
        if not self.dask and (self.jobs == 1 or len(items) < 2):
            yield from map(function, items)
            return
        with ExitStack() as stack:
            if self.dask:
                stack.enter_context(_dask_client(self.dask))
                stack.enter_context(joblib.parallel_config(backend="dask"))
            jobs = -1 if self.dask else min(self.jobs or joblib.cpu_count(), len(items))
            parallel = joblib.Parallel(n_jobs=jobs, return_as="generator")
            yield from parallel(joblib.delayed(function)(item) for item in items)


def _dask_client(address: str) -> AbstractContextManager[Any]:
    import distributed  # the extra `dask`

    connect: Callable[..., AbstractContextManager[Any]] = distributed.Client
    try:
        client = connect(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ToolError(
            f"{address}: no Dask scheduler answers ({error}). Start one with `dask scheduler`, and "
            "`dask worker tcp://...` on each computer."
        ) from error
    return client
