"""Regular schedules are evaluated by shorter ways, which change no value; and what several look at is found once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, ns, single_group
from twin import chebyshev
from twin.composition import Function
from twin.piece import Piece, constant, harmonics, polynomial
from twin.signal import Elapsed, Signal
from twin.terms import NO_DECAYS, Decays, Term
from twin.timeline import Timeline
from twin.times import NS, Times, forget_shared, middles, stretch

Array = np.ndarray


def bursts(start: int, every: int, count: int, step: int, readings: int) -> Array:
    return start + every * np.arange(count)[:, None] + step * np.arange(readings)


def disorder(instants: Array) -> tuple[Array, Array]:
    """The instants in a row without order, and where they went."""
    order = np.random.default_rng(5).permutation(instants.size)
    return instants.ravel()[order], order


def differs(signal: Signal | Piece, instants: Array) -> float:
    """By how much values on a schedule differ from those at the same instants in disorder, over the largest."""
    loose, order = disorder(instants)
    at = signal.evaluate if isinstance(signal, Piece) else signal.at
    regular, irregular = at(Times(instants)), at(Times(loose))
    assert regular.shape == instants.shape
    return float(np.abs(regular.ravel()[order] - irregular).max() / np.abs(irregular).max())


def test_schedules_are_recognised() -> None:
    assert Times(bursts(7, 500, 64, 20, 3)).every == 500
    assert Times(bursts(7, 500, 63, 20, 3)).every == 0  # too few to be worth it
    assert Times(bursts(7, 500, 64, 20, 3), 1e-10).every == 0
    uneven = bursts(7, 500, 64, 20, 3)
    uneven[40, 2] += 1
    assert Times(uneven).every == 0 and Times(bursts(7, -500, 64, 20, 3)).every == 0
    assert Times(np.arange(5, 205, 10)).step == Times(np.arange(5, 205, 10)[None, :]).step == 10
    assert Times(np.arange(16)[::-1]).step == Times(np.arange(15)).step == Times(np.append(np.arange(16), 20)).step == 0


@pytest.mark.parametrize(
    "instants",
    [
        bursts(ns(3), ns(0.5), 700, ns(0.02), 13),
        bursts(ns(3), ns(0.5), 64, ns(0.02), 1),
        np.arange(ns(2), ns(350), ns(0.7)),
        np.arange(ns(2), ns(350), ns(0.7))[None, :],
        np.arange(ns(2), ns(350), 987_654),
    ],
    ids=["bursts", "single", "row", "one burst", "long row"],
)
def test_a_schedule_changes_no_value_of_a_piece(instants: Array) -> None:
    length, degree = ns(360), np.arange(40)
    series = (np.cos(degree) * np.exp(-0.8 * degree))[:, None]
    decays = Decays(np.array([-0.75, -0.01, -40.0]), np.array([[0.3], [-0.7], [1.0]]))
    waves = harmonics(0.0, {Fraction(1): 0.2 - 0.1j, Fraction(5): 0.1}, 0).terms
    others = Term(complex(-0.05, 2.0), np.array([[0.3 + 0.1j], [0.2]])), Term(-0.02, np.array([[0.1], [0.4]]))
    for terms in ((), waves, others, (*waves, *others)):
        for left in (NO_DECAYS, decays):
            assert differs(Piece(0, length, length, series, terms, left), instants) <= FULL_SCALE
        assert differs(Piece(0, length, length, series[:1], terms), instants) <= FULL_SCALE


def test_a_series_too_lively_for_short_ways_is_evaluated_all_the_same() -> None:
    lively = Piece(0, ns(360), ns(360), chebyshev.interpolation(600) @ np.cos(290 * chebyshev.nodes(600))[:, None])
    assert differs(lively, bursts(ns(3), ns(0.5), 700, ns(0.02), 13)) <= 10 * FULL_SCALE
    assert differs(lively, np.arange(ns(2), ns(350), ns(0.7))) <= 10 * FULL_SCALE


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(ns(0.1), ns(39.9)), min_size=1, max_size=4, unique=True), st.integers(1, ns(1)))
def test_a_schedule_may_run_across_laws(changes: list[int], start: int) -> None:
    """Also where a law ends within a burst."""
    line = Timeline("a.y", 0.3)
    for k, instant in enumerate(sorted(changes)):
        line.follow(polynomial([1.0 + k, -0.1, 0.01], instant, instant + ns(50)))
    _, (state,) = single_group(-0.3, [line])
    instants = bursts(start, ns(0.4), 97, ns(0.03), 7)
    for signal in (line, state, line * state + Elapsed()):
        assert differs(signal, instants) <= FULL_SCALE


@pytest.mark.parametrize("n", [1, 7, 40])
def test_kept_matrices_give_the_series(n: int) -> None:
    series = np.random.default_rng(n).normal(size=n)
    exact = np.polynomial.chebyshev.Chebyshev(series)
    u = 2.0 * (30 + 5 * np.arange(20)) / 400 - 1.0
    assert chebyshev.evaluate_at_steps(series, 30, 5, 20, 400) == pytest.approx(exact(u), abs=1e-13)
    u = 2.0 * (100 + 0.5 * (chebyshev.nodes(9) + 1) * 250) / 400 - 1.0
    assert chebyshev.evaluate_at_nodes(series, 100, 350, 9, 400) == pytest.approx(exact(u), abs=1e-13)
    within = np.array([0, 40, 200])
    found = chebyshev.evaluate_rows(series, 10, 12, 333, within.tobytes(), 4300)
    u = 2.0 * (10 + 12 * np.arange(333)[:, None] + within) / 4300 - 1.0
    assert found == pytest.approx(exact(u), abs=1e-13)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_powers_of_the_way_from_the_start(n: int) -> None:
    assert np.cos(np.arange(n) * np.arccos(0.3)) @ chebyshev.powers(n) == pytest.approx(1.3 ** np.arange(n), rel=1e-14)


# --- what several look at ---------------------------------------------------------------------------------------------


def test_the_nodes_of_a_stretch_lie_about_its_middle() -> None:
    nodes = stretch(ns(10), ns(30)).since(0)
    assert nodes == pytest.approx(20.0 + 10.0 * chebyshev.nodes(32), rel=1e-15)
    assert 0.5 * (nodes[15] + nodes[16]) == pytest.approx(20.0, rel=1e-15)


def test_a_stretch_that_was_looked_at_costs_nothing_until_a_law_changes() -> None:
    calls: list[int] = []

    def counted(x: Array) -> Array:
        calls.append(x.size)
        return x * x

    forget_shared()
    line = Timeline("a.y", 2.0)
    squared = Function(counted, line)
    starts = np.arange(100) * ns(0.1)
    assert squared.means(starts, ns(0.1)) == pytest.approx(4.0, rel=1e-14)
    assert squared.at(stretch(0, ns(10))) == pytest.approx(4.0, rel=1e-15)
    assert calls == [32]
    line.follow(constant(3.0, 0))
    assert squared.means(starts, ns(0.1)) == pytest.approx(9.0, rel=1e-14)
    assert squared.at(stretch(0, ns(10))) == pytest.approx(9.0, rel=1e-15)
    assert calls == [32, 32]


def test_middles_of_bursts() -> None:
    starts = bursts(100, 1000, 5, 20, 4)
    assert middles(starts, 20).ns.tolist() == [[140], [1140], [2140], [3140], [4140]]
    assert middles(starts, 20) is middles(starts, 20)
    assert middles(starts[0], 20).ns.tolist() == [140]
    starts[3] += 1
    assert middles(starts, 20).ns.tolist() == [[140], [1140], [2140], [3141], [4140]]


def test_seconds_are_counted_from_where_one_asks() -> None:
    times = Times(np.array([0, NS]), np.array([0.0, 0.25e-9]))
    assert times.since(0).tolist() == [0.0, 1.0 + 0.25e-9]
    assert times.since(NS).tolist() == [-1.0, 0.25e-9]
    assert times.since(0).tolist() == [0.0, 1.0 + 0.25e-9]
