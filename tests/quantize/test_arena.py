"""The planner on thousands of random lifetimes: nothing overlaps, and the arena is near its bound."""

from __future__ import annotations

from random import Random

import pytest

from ecg_edge.quantize.codegen.arena import Lifetime, largest_live_sum, plan_lifetimes


def random_lifetimes(random: Random) -> list[Lifetime]:
    """One tensor a step; each step reads the one before it, and sometimes some from long before."""
    steps = random.randint(1, 16)
    last = list(range(steps))
    for step in range(1, steps):
        reads = {step - 1} if random.random() < 0.85 else set()
        reads |= {random.randrange(step) for _ in range(random.choice([0, 0, 0, 1, 1, 2]))}
        for tensor in reads:
            last[tensor] = step
    size = random.choice(
        [
            lambda: random.randrange(4, 3000, 4),
            lambda: 4 * int(2 ** random.uniform(0, 11)),
            lambda: 4 * random.choice([16, 32, 64, 128, 256, 512]),
        ]
    )
    return [Lifetime(step, size(), step, last[step]) for step in range(steps)]


@pytest.mark.parametrize("seed", range(4))
def test_random_lifetimes_never_overlap_and_the_arena_is_near_its_bound(seed: int) -> None:
    random = Random(seed)
    for _ in range(1000):
        lives = random_lifetimes(random)
        plan = plan_lifetimes(lives)
        spans = [(life, plan.offsets[life.tensor], plan.offsets[life.tensor] + life.size) for life in lives]
        assert max(end for _, _, end in spans) == plan.arena_bytes
        for place, (life, start, end) in enumerate(spans):
            assert start >= 0 and start % 4 == 0
            for other, other_start, other_end in spans[place + 1 :]:
                assert not life.overlaps(other) or end <= other_start or other_end <= start
        assert plan.arena_bytes <= largest_live_sum(lives) + 256


def test_a_plan_that_no_good_order_finds_is_searched() -> None:
    random = Random(5)
    hard = [lives for lives in (random_lifetimes(random) for _ in range(3000)) if len(lives) > 12]
    moved = 0
    for lives in hard:
        plan = plan_lifetimes(lives)
        moved += plan.order not in [tuple(lives), tuple(sorted(lives, key=lambda life: -life.size))]
        assert plan.arena_bytes == largest_live_sum(lives)
    assert moved > 0


def test_the_same_lifetimes_get_the_same_plan() -> None:
    lives = [random_lifetimes(Random(seed)) for seed in range(200)]
    assert [plan_lifetimes(one) for one in lives] == [plan_lifetimes(one) for one in lives]


def test_no_tensors_need_no_arena() -> None:
    assert plan_lifetimes([]).arena_bytes == 0
