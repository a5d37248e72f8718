"""Which of several places of one model is asked first."""

from collections import Counter
from random import Random

from hub.llm.balancing import LEAST_LATENCY, Balancer

TWO = [("a", 3, False), ("b", 1, False)]


def test_by_weight() -> None:
    balancer = Balancer(Random(7).random)
    first = Counter(balancer.order(TWO, "Weighted")[0] for _ in range(400))
    assert 250 < first[0] < 350, "three of four"


def test_reserves_and_resting_ones_are_last() -> None:
    balancer = Balancer(Random(7).random)
    three = [("a", 0, False), ("b", 1, False), ("c", 1, True)]
    assert balancer.order(three, "Weighted") == [1, 0, 2]
    balancer.limited("b", 5)
    assert balancer.order(three, "Weighted") == [0, 1, 2]
    balancer.answered("b", 0.1)
    assert balancer.order(three, None) == [1, 0, 2], "who answers rests no more"


def test_the_fastest_first_once_all_are_known() -> None:
    balancer = Balancer(Random(7).random)
    balancer.answered("a", 2.0)
    assert balancer.order(TWO, LEAST_LATENCY)[0] == 1, "nobody knows it yet"
    balancer.answered("b", 1.0)
    assert balancer.order(TWO, LEAST_LATENCY) == [1, 0]
    for _ in range(20):
        balancer.answered("b", 9.0)
    assert balancer.order(TWO, LEAST_LATENCY) == [0, 1], "it is measured again and again"


def test_it_remembers_within_bounds() -> None:
    balancer = Balancer()
    for n in range(20_000):
        balancer.limited(f"k{n}", None)
        balancer.answered(f"m{n}", 1.0)
    assert len(balancer._rests) <= 5000 and len(balancer._seconds) <= 5000
