"""Places of the tensors in the arena: two that live at the same time never overlap.

The network's inputs and outputs belong to the caller and are not in the arena.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from ecg_edge.quantize.codegen.ir import Program

ALIGNMENT = 4  # bytes: kernels may read whole words
TRIES = 20000  # orders that are searched where no good one gives the smallest arena
RESTART = 400  # of these, from one good order
WORSE = 0.05  # share of the worse orders that the search goes on from


@dataclass(frozen=True)
class Lifetime:
    """A tensor of the arena and the steps from the one that writes it to the last that reads it."""

    tensor: int
    size: int
    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        """Return True if both are alive in one step."""
        return self.first <= other.last and other.first <= self.last


Order: TypeAlias = tuple[Lifetime, ...]


@dataclass(frozen=True)
class Plan:
    """Offsets of the arena's tensors, its size in bytes, and the order in which tensors were placed."""

    offsets: dict[int, int]
    arena_bytes: int
    order: Order


def plan_arena(program: Program) -> Plan:
    """Give every tensor of the arena its offset."""
    return plan_lifetimes(tensor_lifetimes(program))


def plan_lifetimes(lifetimes: Sequence[Lifetime]) -> Plan:
    """Offsets for tensors of these lifetimes; the same lifetimes always get the same offsets.

    Tensors are placed one after the other, each at the lowest free place: what counts is their order. Some
    orders are good at once for most networks; from these, better ones are searched until the arena is no
    larger than the fullest step, or for a number of tries.
    """
    bound = largest_live_sum(lifetimes)
    plans = [_place(order) for order in _good_orders(lifetimes)]
    best = min(plans, key=lambda plan: plan.arena_bytes)
    random, current = Random(0), best
    for number in range(TRIES):
        if best.arena_bytes <= bound:
            break
        if number % RESTART == 0:
            current = plans[int(random.random() * len(plans))]
        tried = _place(_varied(current, random))
        if tried.arena_bytes <= current.arena_bytes or random.random() < WORSE:
            current = tried
        best = min(best, tried, key=lambda plan: plan.arena_bytes)
    return best


def _good_orders(lifetimes: Sequence[Lifetime]) -> list[Order]:
    """By size, as written, by lifetime, by size times lifetime, and twice those of the fullest step first."""
    fullest = {
        life.tensor: max(_live_sum(lifetimes, step) for step in range(life.first, life.last + 1))
        for life in lifetimes
    }
    keys: list[Callable[[Lifetime], tuple[int, ...]]] = [
        lambda life: (-life.size,),
        lambda life: (),
        lambda life: (life.first - life.last, -life.size),
        lambda life: (life.size * (life.first - life.last - 1),),
        lambda life: (-fullest[life.tensor], life.first - life.last, -life.size),
        lambda life: (-fullest[life.tensor], -life.size),
    ]
    return [tuple(sorted(lifetimes, key=key)) for key in keys]


def _varied(plan: Plan, random: Random) -> Order:
    """The plan's order with one tensor elsewhere: every other time one at the arena's top, put earlier."""
    order = list(plan.order)
    top = [life for life in order if plan.offsets[life.tensor] + life.size == plan.arena_bytes]
    choices = top if random.random() < 0.5 else order
    place = order.index(choices[int(random.random() * len(choices))])
    moved = order.pop(place)
    places = place + 1 if random.random() < 0.5 else len(order) + 1
    order.insert(int(random.random() * places), moved)
    return tuple(order)


def largest_live_sum(lifetimes: Sequence[Lifetime]) -> int:
    """Bytes of the tensors alive in the fullest step: no plan can take less."""
    return max((_live_sum(lifetimes, life.first) for life in lifetimes), default=0)


def _live_sum(lifetimes: Sequence[Lifetime], step: int) -> int:
    return sum(life.size for life in lifetimes if life.first <= step <= life.last)


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


def _place(order: Order) -> Plan:
    """Each tensor in turn at the lowest free place."""
    offsets: dict[int, int] = {}
    placed: list[tuple[int, int, int, int]] = []  # start, end, first and last step; by start
    for life in order:
        offset = 0
        for start, end, first, last in placed:
            if first <= life.last and life.first <= last and start < offset + life.size and offset < end:
                offset = end
        insort(placed, (offset, offset + life.size, life.first, life.last))
        offsets[life.tensor] = offset
    return Plan(offsets, max((end for _, end, _, _ in placed), default=0), order)
