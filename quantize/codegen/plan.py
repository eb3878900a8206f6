"""Places of the tensors in the arena: two that live at the same time never overlap.

The network's inputs and outputs belong to the caller and are not in the arena.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from ecg_edge.quantize.codegen.program import Program

ALIGNMENT = 4  # bytes: kernels may read whole words
EXHAUSTIVE_LIMIT = 6  # tensors up to which every order of placing is tried


@dataclass(frozen=True)
class Lifetime:
    """A tensor of the arena and the steps from the one that writes it to the last that reads it."""

    tensor: int
    size: int
    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        """Whether both are alive in one step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Plan:
    """Offsets of the arena's tensors, and its size in bytes."""

    offsets: dict[int, int]
    arena_bytes: int


def plan_arena(program: Program) -> Plan:
    """Give every tensor of the arena its offset."""
    lifetimes = tensor_lifetimes(program)
    by_size = sorted(lifetimes, key=lambda life: (-life.size, life.first, life.tensor))
    orders = (
        permutations(lifetimes)
        if len(lifetimes) <= EXHAUSTIVE_LIMIT
        else iter([tuple(by_size), tuple(lifetimes)])
    )
    return min((_place(order) for order in orders), key=lambda plan: plan.arena_bytes)


def largest_live_sum(lifetimes: list[Lifetime]) -> int:
    """Bytes of the tensors alive in the fullest step: no plan can take less."""
    steps = {life.first for life in lifetimes}
    return max(
        (sum(life.size for life in lifetimes if life.first <= s <= life.last) for s in steps), default=0
    )


def tensor_lifetimes(program: Program) -> list[Lifetime]:
    """Lifetimes of the tensors that the arena holds, in the order they are written."""
    network = program.network
    callers = {program.root(index) for index in (*network.input_order, *network.output_order)}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for number, step in enumerate(program.steps):
        for call in step.calls:
            for pointer in call.pointers:
                root = program.root(pointer.tensor)
                first.setdefault(root, number)
                last[root] = number
    return [
        Lifetime(root, _aligned(network.tensors[root].elements), first[root], last[root])
        for root in first
        if root not in callers
    ]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _place(order: tuple[Lifetime, ...]) -> Plan:
    """Each tensor in turn at the lowest free place."""
    placed: list[tuple[Lifetime, int]] = []
    for life in order:
        offset = 0
        for other, start in sorted(placed, key=lambda item: item[1]):
            if life.overlaps(other) and offset + life.size > start and start + other.size > offset:
                offset = start + other.size
        placed.append((life, offset))
    size = max((start + life.size for life, start in placed), default=0)
    return Plan({life.tensor: start for life, start in placed}, size)
