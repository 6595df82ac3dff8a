"""Groups: invariance under events, laziness, loops that are fused and loops that are relaxed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import (
    FULL_SCALE,
    Formula,
    Given,
    Lag,
    OneState,
    TwoStates,
    assemble,
    matrix,
    ns,
    propagator,
    relative_error,
    single_group,
)
from twin.composition import Function
from twin.errors import SimulationError
from twin.group import StateGroup
from twin.piece import Piece, constant, harmonics, polynomial, ramp
from twin.relaxation import Relaxation
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline

DAY = 86_400
RELAXED = 4e-14
"""Ten times the tolerance to which waveform relaxation converges."""


def line_of(*laws: Piece, initial: float = 0.0) -> Timeline:
    line = Timeline("source.y", initial)
    for law in laws:
        line.follow(law)
    return line


def never(*_: Any) -> Any:
    raise AssertionError("a linear group must not be relaxed")


# --- events that change nothing --------------------------------------------------------------------------------------


def weighing_day() -> Timeline:
    """Constants, ramps and a wave, over 8 h."""
    line = Timeline("source.y", 1.0)
    for k in range(8):
        start = ns(3600 * k)
        line.follow(
            ramp(1.0, -1.0, start + ns(600), start + ns(601)),
            harmonics(-1.0, {Fraction(19, 20): 0.3, Fraction(1, 900): -0.5j}, start + ns(601), start + ns(1800)),
            constant(1.0, start + ns(1800)),
        )
    return line


STIFF = np.array([[-1.0, 1.0, 0.0], [1e-3, -2e-3, 1e-3], [0.0, 1e-5, -2e-5]])


def stiff_group(line: Signal) -> tuple[StateGroup, list[Any]]:
    return single_group(STIFF, [line], x0=np.array([1.0, 2.0, 3.0]), b=np.array([[1.0], [0.0], [0.0]]))


@pytest.mark.parametrize("kind", ["reads", "lookahead and cuts", "restated laws", "shuffled"])
def test_a_thousand_events_that_change_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "solve", never)
    end = 8 * 3600
    check = np.linspace(0.0, end, 97)
    _, plain = stiff_group(weighing_day())
    expected = [o(check) for o in plain]

    line = weighing_day()
    group, outputs = stiff_group(line)
    instants = np.sort(np.random.default_rng(5).integers(1, ns(end), 1000)).tolist()
    if kind == "reads":
        for t in instants:
            outputs[0](np.int64(t))
    elif kind == "lookahead and cuts":
        for t in instants:
            group.resolve(min(t + ns(5000), ns(end)))
            group.truncate(t)
    elif kind == "restated laws":
        for t in instants:
            outputs[2](np.int64(t))
            index = line.track.index(t)
            piece = line.track.pieces[index]
            rest = line.track.pieces[index + 1 :]
            moved = piece.rebased(t, piece.end) if piece.end is not None else Piece(t, None, piece.length, piece.series)
            line.follow(moved, *rest)
    else:
        for t in np.random.default_rng(6).permutation(instants).tolist():
            outputs[1](np.int64(t))
            group.truncate(t)
    for output, values in zip(outputs, expected, strict=True):
        assert np.abs(output(check) - values).max() <= FULL_SCALE * np.abs(values).max()


def heated(line: Signal, alpha: float = 0.3) -> dict[str, Any]:
    """A node heated by I² R (1 + a T): the power follows the state it makes."""
    parts = {
        "source": Given(signal=line),
        "power": Formula(formula=lambda a, b: 2.0 * a * a * (1.0 + alpha * b)),
        "node": Lag(tau=50.0, gain=0.5),
    }
    return {"assembly": assemble(parts, {"power.a": "source.y", "power.b": "node.y", "node.u": "power.y"})}


@pytest.mark.parametrize("kind", ["reads", "cuts", "restated laws"])
def test_events_that_change_nothing_in_a_relaxed_group(kind: str) -> None:
    def current() -> Timeline:
        return line_of(ramp(0.5, 1.5, ns(100), ns(400)), constant(0.8, ns(700)), initial=0.5)

    expected = heated(current())["assembly"].signals["node.y"](np.linspace(0, 1000, 51))
    line = current()
    assembly = heated(line)["assembly"]
    group, node = assembly.groups[0], assembly.signals["node.y"]
    for t in np.sort(np.random.default_rng(5).integers(1, ns(1000), 200)).tolist():
        node(np.int64(t))
        if kind == "cuts":
            group.truncate(t - t // 7)
        elif kind == "restated laws":
            index = line.track.index(t)
            piece, rest = line.track.pieces[index], line.track.pieces[index + 1 :]
            moved = piece.rebased(t, piece.end) if piece.end is not None else Piece(t, None, piece.length, piece.series)
            line.follow(moved, *rest)
    assert np.abs(node(np.linspace(0, 1000, 51)) - expected).max() <= RELAXED * expected.max()


def test_an_identical_law_cuts_no_piece() -> None:
    line = line_of(initial=2.0)
    group, (x,) = single_group(-1.0, [line])
    group.lookahead = ns(100)
    x(100.0)
    for t in range(100):
        line.follow(constant(2.0, ns(t)))
        x(float(t))
    assert group.pieces_solved == 1 and len(group.track.pieces) == 1


EVENTS = {
    "changes": st.lists(st.tuples(st.integers(1, 500), st.floats(-3.0, 3.0)), min_size=1, max_size=5),
    "reads": st.lists(st.integers(0, 600), max_size=8),
    "lookahead": st.integers(0, 900),
}


@settings(deadline=None, max_examples=6)
@given(**EVENTS)
def test_looking_ahead_changes_nothing(changes: list[tuple[int, float]], reads: list[int], lookahead: int) -> None:
    look_ahead(changes, reads, lookahead)


@pytest.mark.nightly
@settings(deadline=None, max_examples=100)
@given(**EVENTS)
def test_looking_ahead_changes_nothing_at_length(
    changes: list[tuple[int, float]], reads: list[int], lookahead: int
) -> None:
    look_ahead(changes, reads, lookahead)


def look_ahead(changes: list[tuple[int, float]], reads: list[int], lookahead: int) -> None:
    """Laws arrive in the order of time; a group that has looked further ahead has to take it back."""
    check = np.linspace(0.0, 700.0, 29)

    def run(ahead: int, readings: list[int]) -> Any:
        line = line_of(initial=1.0)
        group, outputs = single_group(np.array([[-0.1, 0.05], [0.02, -3.0]]), [line], x0=[0.0, 1.0], b=np.eye(2)[:, :1])
        downstream, (late,) = single_group(-0.02, [outputs[0] * outputs[0]])
        group.lookahead = downstream.lookahead = ns(ahead)
        events = sorted([(t, 1, v) for t, v in changes] + [(t, 0, 0.0) for t in readings])
        for t, is_law, value in events:
            if is_law:
                line.follow(constant(value, ns(t)))
            else:
                late(float(t))
        return np.stack([outputs[0](check), outputs[1](check), late(check)])

    plain, ahead = run(0, []), run(lookahead, reads)
    level = max(1.0, *(abs(v) for _, v in changes))  # full scale: where the largest of the laws would lead in the end
    scale = np.array([10.04 * level, 1.0 + 0.07 * level, 50.0 * (10.04 * level) ** 2])
    assert np.all(np.abs(plain - ahead).max(axis=1) <= FULL_SCALE * scale)


# --- laziness --------------------------------------------------------------------------------------------------------


def test_what_nobody_reads_is_not_computed() -> None:
    line = weighing_day()
    used, (x,) = single_group(-0.1, [line])
    unused, (y,) = single_group(-0.1, [x])
    x(100.0)
    assert used.pieces_solved >= 1 and unused.pieces_solved == 0
    y.breakpoints(0, ns(1000))
    assert unused.pieces_solved == 0


def test_look_ahead_never_passes_the_end_of_a_law() -> None:
    line = line_of(constant(1.0, ns(10)), constant(2.0, ns(20)))
    group, (x,) = single_group(-0.1, [line])
    group.lookahead = ns(1000)
    x(5.0)
    assert group.frontier == ns(10)


def test_a_change_upstream_reaches_the_group_behind_the_group() -> None:
    line = line_of(initial=1.0)
    first, (x,) = single_group(-0.5, [line])
    second, (y,) = single_group(-0.25, [x])
    third, (z,) = single_group(-0.1, [y * y])
    before = z(np.array([20.0, 50.0]))
    assert third.frontier >= ns(50)
    line.follow(constant(3.0, ns(20)))
    assert max(first.frontier, second.frontier, third.frontier) == ns(20)
    after = z(np.array([20.0, 50.0]))
    assert after[0] == pytest.approx(before[0], rel=1e-14) and after[1] > 1.5 * before[1]
    fresh_line = line_of(constant(3.0, ns(20)), initial=1.0)
    _, (fx,) = single_group(-0.5, [fresh_line])
    _, (fy,) = single_group(-0.25, [fx])
    _, (fz,) = single_group(-0.1, [fy * fy])
    assert after == pytest.approx(fz(np.array([20.0, 50.0])), rel=FULL_SCALE)


def test_dropped_history_is_an_error_and_the_present_stays() -> None:
    _, (x,) = single_group(-0.5, [line_of(constant(1.0, ns(10)), constant(2.0, ns(20)))])
    value = float(x(25.0))
    x.group.forget_before(ns(20))
    assert float(x(25.0)) == value and float(x(30.0)) > value
    with pytest.raises(SimulationError, match=r"group is not known at t = 5\.0 s"):
        x(5.0)


def test_no_instants_give_no_values() -> None:
    _, (x,) = single_group(-0.5, [Constant(1.0)])
    assert x(np.zeros(0)).shape == (0,) and x.derivative()(np.zeros((0, 2))).shape == (0, 2)


def test_means_of_a_state_across_pieces_are_exact() -> None:
    """Also over an hour of a 9 Hz wave, where no quadrature would do."""
    line = line_of(harmonics(0.0, {Fraction(9): 1.0}, 0, ns(1000)), constant(1.0, ns(1000)))
    group, (x,) = single_group(-0.01, [line])
    for t in (100.0, 733.3, 1500.0):
        x(t)
    assert len(group.track.pieces) >= 3
    # the balance of the node: x(b) - x(a) = ∫ (u - 0.01 x)
    for a, b in ((0.0, 3600.0), (99.9, 100.1), (500.0, 1100.0)):
        gained = float(x(b) - x(a))
        driven = line.mean(a, b) * (b - a)
        assert x.mean(a, b) * (b - a) * 0.01 == pytest.approx(driven - gained, abs=FULL_SCALE * 100)


# --- linear loops are fused ------------------------------------------------------------------------------------------


def test_two_linear_parts_wired_to_each_other_are_one_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "solve", never)
    parts = {
        "source": Given(signal=line_of(polynomial([1.0, 0.01], 0, ns(100)))),
        "coil": Lag(tau=3.0, gain=2.0, coupling=0.5, through=0.3),
        "magnet": Lag(tau=40.0, gain=0.7, x0=1.0),
    }
    signals = assemble(parts, {"coil.u": "magnet.y", "coil.v": "source.y", "magnet.u": "coil.y"}).signals
    # coil: x' = (2 m + 0.5 s - x)/3, y = x + 0.3 m; magnet: m' = (0.7 y - m)/40
    joined = mpmath.zeros(4)
    with mpmath.workdps(40):
        third = mpmath.mpf(1) / 3
        joined[0, 0], joined[0, 1], joined[0, 2] = -third, 2 * third, third / 2
        joined[1, 0] = mpmath.mpf(0.7) / 40
        joined[1, 1] = (mpmath.mpf(0.7) * mpmath.mpf(0.3) - 1) / 40
        joined[2, 3] = mpmath.mpf(0.01)
        start = mpmath.matrix([0, 1, 1, 1])
        for t in (1.0, 30.0, 100.0):
            state = mpmath.expm(joined * t) * start
            y = state[0] + mpmath.mpf(0.3) * state[1]
            assert (
                relative_error([float(signals["magnet.y"](t)), float(signals["coil.y"](t))], [state[1], y])
                <= FULL_SCALE
            )


def test_a_linear_part_that_feeds_itself() -> None:
    signals = assemble({"lag": Lag(tau=2.0, gain=0.5, x0=1.0)}, {"lag.u": "lag.y"}).signals
    assert float(signals["lag.y"](3.0)) == pytest.approx(np.exp(-0.25 * 3.0), rel=1e-15)


# --- weak loops ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [4e-3, 0.3, -0.3])
def test_a_node_heated_through_its_own_resistance(alpha: float) -> None:
    """P = I² R (1 + a T) is linear in T: a closed form exists, though the engine does not look for it."""
    node = heated(Constant(0.7), alpha)["assembly"].signals["node.y"]
    with mpmath.workdps(40):
        power = 2 * mpmath.mpf(0.7) ** 2 * mpmath.mpf(0.5)
        rate = (power * mpmath.mpf(alpha) - 1) / 50
        t = [1.0, 20.0, 300.0, 3000.0]
        exact = [power / 50 * mpmath.expm1(rate * s) / rate for s in t]
        assert relative_error(node(np.array(t)), exact) <= FULL_SCALE


def test_a_weak_loop_that_is_truly_nonlinear() -> None:
    """P = R (F/Bl)²/(1 + αT)²: the current that holds a force grows as the magnet warms; α a thousand times life."""
    alpha, tau = -0.4, 500.0
    parts = {
        "force": Given(signal=Constant(1.0)),
        "power": Formula(formula=lambda a, b: 0.3 * a * a / ((1.0 + alpha * b) * (1.0 + alpha * b))),
        "magnet": Lag(tau=tau),
    }
    magnet = assemble(parts, {"power.a": "force.y", "power.b": "magnet.y", "magnet.u": "power.y"}).signals["magnet.y"]
    with mpmath.workdps(30):
        al = mpmath.mpf(alpha)

        def inverse(x: Any) -> Any:
            """t(x) = τ ∫ dx/(P(x) - x): autonomous, so a quadrature is the reference."""
            return tau * mpmath.quad(lambda s: 1 / (mpmath.mpf(0.3) / (1 + al * s) ** 2 - s), [0, x / 2, x])

        for t in (10.0, 300.0, 1000.0):
            found = float(magnet(t))
            x = mpmath.mpf(found)
            slope = (mpmath.mpf(0.3) / (1 + al * x) ** 2 - x) / tau
            assert abs((inverse(x) - t) * slope) <= FULL_SCALE * found


def test_fast_modes_inside_a_relaxed_piece() -> None:
    """A node of 1 s beside one of 5000 s, over pieces of 800 s and more: λh ≈ 800."""
    a = np.array([[-1.0, 0.5], [1e-4, -2e-4]])
    line = line_of(ramp(1.0, 2.0, ns(800), ns(1600)), initial=1.0)
    group, outputs = single_group(a, [line * line * (1.0 + 1e-4 * Elapsed())], x0=[0.0, 1.0], b=np.eye(2)[:, :1])
    group.lookahead = ns(3000)
    outputs[0](3000.0)
    assert max(p.length for p in group.track.pieces) >= ns(400)
    size = 4 + 2  # powers of τ up to 3, and the states
    with mpmath.workdps(40):
        state = mpmath.matrix([0, 1])
        e = mpmath.mpf(1e-4)
        for t0, h, level, per in ((0, 800, 1, 0), (800, 800, 1, mpmath.mpf(1) / 800), (1600, 1400, 2, 0)):
            base, rise = mpmath.mpf(level), mpmath.mpf(per)
            square = [base * base, 2 * base * rise, rise * rise]
            drift = [1 + e * t0, e]
            powers = [mpmath.mpf(0)] * 4
            for i, c in enumerate(square):
                for j, d in enumerate(drift):
                    powers[i + j] += c * d
            joined = mpmath.zeros(size)
            joined[:2, :2] = matrix(a)
            for k, c in enumerate(powers):  # x' = … + Σ c_k τ^k, (τ^k)' = k τ^(k-1)
                joined[0, 2 + k] = c
                if k:
                    joined[2 + k, 1 + k] = k
            start = mpmath.matrix([state[0], state[1], 1, 0, 0, 0])
            for seconds in (1, h // 100, h // 3, h):
                grown = mpmath.expm(joined * seconds) * start
                for k, output in enumerate(outputs):
                    assert abs(float(output(np.int64(ns(t0 + seconds)))) - grown[k]) <= FULL_SCALE * 4
            state = grown[:2, 0]


def test_a_composition_of_waves_drives_a_slow_mode() -> None:
    """I² R with I at 0.95 Hz: 2 ω must come out of a product that has no closed form."""
    line = line_of(harmonics(1.0, {Fraction(19, 20): -1j}, 0))
    group, (x,) = single_group(-0.01, [line * line])
    group.lookahead = ns(60)
    with mpmath.workdps(30):
        w = 2 * mpmath.pi * 19 / 20
        parts = [(0, 1.5), (1j * w, -2j), (2j * w, -0.5)]
        lam = mpmath.mpf(-0.01)
        for t in (0.5, 10.0, 60.0):
            exact = sum(
                mpmath.re(c * (mpmath.exp(mpmath.mpmathify(m) * t) - mpmath.exp(lam * t)) / (mpmath.mpmathify(m) - lam))
                for m, c in parts
            )
            assert abs(float(x(t)) - exact) <= FULL_SCALE * 60


# --- strongly nonlinear ----------------------------------------------------------------------------------------------


def test_the_logistic_equation() -> None:
    part = OneState(f=lambda x, u: 2.0 * x * (1.0 - x), x0=0.01, rate=0.0)
    x = assemble({"growth": part}, {}).signals["growth.x"]
    t = [0.1, 1.0, 3.0, 6.0, 20.0]
    with mpmath.workdps(30):
        a = 1 / mpmath.mpf(0.01) - 1
        exact = [1 / (1 + a * mpmath.exp(-2 * mpmath.mpf(s))) for s in t]
        assert relative_error(x(np.array(t)), exact) <= RELAXED * 10


DUFFING = (
    ("0.9348480663311810897146", "-0.421387159530908308677"),
    ("-0.989230990964559791659", "0.2046991117382782796627"),
    ("-1.218849759504306646309", "0.1097986739017543941675"),
)
"""x and v of x'' = -x - 0.1 x' - x³ + cos(2πt/5)/2 at 0.3, 3 and 8 s, from x = 1 at rest, by Taylor series."""


@pytest.mark.parametrize("linear", ["the spring", "nothing"])
def test_the_duffing_oscillator(linear: str) -> None:
    spring = [[0.0, 1.0], [-1.0, -0.1]] if linear == "the spring" else [[0.0, 0.0], [0.0, 0.0]]
    part = TwoStates(f=lambda x, u: np.stack([x[1], -x[0] - 0.1 * x[1] - x[0] ** 3 + u]), x0=[1.0, 0.0], linear=spring)
    drive = line_of(harmonics(0.0, {Fraction(1, 5): 0.5}, 0))
    signals = assemble({"mass": part, "drive": Given(signal=drive)}, {"mass.u": "drive.y"}).signals
    x, v = signals["mass.x"](np.array([0.3, 3.0, 8.0])), signals["mass.v"](np.array([0.3, 3.0, 8.0]))
    assert relative_error(x, [mpmath.mpf(e) for e, _ in DUFFING]) <= FULL_SCALE
    assert relative_error(v, [mpmath.mpf(e) for _, e in DUFFING]) <= FULL_SCALE


@pytest.mark.nightly
def test_the_duffing_reference() -> None:
    with mpmath.workdps(25):
        w, c = 2 * mpmath.pi / 5, mpmath.mpf(0.1)
        solution = mpmath.odefun(
            lambda s, y: [y[1], -y[0] - c * y[1] - y[0] ** 3 + mpmath.cos(w * s) / 2],
            0,
            [1, 0],
            tol=mpmath.mpf(10) ** -22,
        )
        for t, digits in zip((0.3, 3.0, 8.0), DUFFING, strict=True):
            assert all(abs(a - mpmath.mpf(b)) < 1e-20 for a, b in zip(solution(t), digits, strict=True))


@pytest.mark.parametrize("strength", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_very_weak_nonlinearity_drowns_in_no_rounding(strength: float) -> None:
    """Its excess over the linear part is the difference of two large numbers."""
    part = TwoStates(
        f=lambda x, u: np.stack([x[1], -x[0] - strength * x[0] ** 3]), x0=[1.0, 0.0], linear=[[0.0, 1.0], [-1.0, 0.0]]
    )
    x = assemble({"mass": part}, {}).signals["mass.x"]
    # Lindstedt: ω = 1 + 3ε/8 - 21ε²/256, x = cos ωt + ε (cos 3ωt - cos ωt)/32 + O(ε²)
    t, e = np.linspace(0.0, 20.0, 9), strength
    w = 1 + 3 * e / 8 - 21 * e * e / 256
    assert np.abs(x(t) - (np.cos(w * t) + e * (np.cos(3 * w * t) - np.cos(w * t)) / 32)).max() <= 1e-13 + 3 * e * e


def test_a_relaxed_group_recovers_from_a_hard_transient() -> None:
    """Short pieces where it is hard, long ones again where it is not."""
    part = OneState(f=lambda x, u: -x * x * x + u, x0=30.0, rate=0.0)
    assembly = assemble({"part": part}, {})
    assert float(assembly.signals["part.x"](100.0)) == pytest.approx(1 / np.sqrt(1 / 900 + 200.0), rel=1e-12)
    assert assembly.groups[0].pieces_solved < 100


def test_what_does_not_converge_is_an_error_that_names_place_time_and_cure() -> None:
    blowup = assemble({"reactor": OneState(f=lambda x, u: x * x, x0=1.0)}, {}).signals["reactor.x"]
    assert float(blowup(0.5)) == pytest.approx(2.0, rel=1e-13)
    with pytest.raises(
        SimulationError, match=r"reactor: no convergence at t = (0\.99\d*|1\.0\d*) s .*(loop gain|jumps)"
    ):
        blowup(2.0)


def test_an_input_that_jumps_without_saying_so_is_an_error() -> None:
    from twin.composition import Function

    jump = Function(lambda t: np.where(t < 0.0314159, 0.0, 1.0), Elapsed())
    _, (x,) = single_group(-1.0, [jump])
    with pytest.raises(SimulationError, match=r"group: no convergence at t = 0\.0314"):
        x(0.05)


def test_a_failed_attempt_leaves_no_trace_in_what_counts_as_converged() -> None:
    """Diverging sweeps reach huge values, against which everything later would look small."""
    part = OneState(f=lambda x, u: 3.0 * x - x * x * x, x0=1e-3, rate=0.0)
    assembly = assemble({"part": part}, {})
    group, x = assembly.groups[0], assembly.signals["part.x"]
    group.lookahead = ns(1e6)
    value = float(x(4.0))
    grown = 3 * np.exp(24.0) / (3 / 1e-6 - 1 + np.exp(24.0))  # x² of dx/dt = 3x - x³
    assert value == pytest.approx(np.sqrt(grown), rel=1e-13)
    assert np.all(group._relaxation(())._scale < 10.0)


def same(group: Callable[[], Any]) -> None:
    first, second = group(), group()
    assert first.tobytes() == second.tobytes()


def test_the_same_run_gives_the_same_bits() -> None:
    same(lambda: heated(weighing_day())["assembly"].signals["node.y"](np.linspace(0, 700, 300)))


def test_a_day_of_a_propagated_constant() -> None:
    _, outputs = single_group(STIFF, [Constant(1.0)], x0=[0.0, 0.0, 0.0], b=np.eye(3)[:, :1])
    for t in range(0, DAY, 60):
        outputs[0](float(t))
    with mpmath.workdps(40):
        _, gamma = propagator(STIFF, np.eye(3)[:, :1], DAY)
        assert relative_error([float(o(float(DAY))) for o in outputs], list(gamma)) <= FULL_SCALE


def test_the_slope_of_a_nonlinear_state_follows_its_equation() -> None:
    line = line_of(constant(5.0, ns(2)))
    part = OneState(f=lambda x, u: -x * x * x + u, x0=1.0, rate=-1.0)
    x = assemble({"part": part, "source": Given(signal=line)}, {"part.u": "source.y"}).signals["part.x"]
    t = np.array([[0, ns(1)], [ns(2) - 1, ns(2)]])
    values = x(t)
    assert x.derivative()(t) == pytest.approx(-(values**3) + line(t), abs=1e-13)
    assert values[1, 1] == pytest.approx(1 / np.sqrt(5.0), rel=1e-13)  # 1/√(1 + 2 t)


def test_a_restored_group_has_forgotten_what_it_learnt_since() -> None:
    """Guesses from a later time would change the last bits of a run that goes on from a checkpoint."""

    def made() -> tuple[StateGroup, Any]:
        drive = line_of(ramp(1.0, 2.0, 0, ns(2)), constant(2.0, ns(2), ns(4)), constant(1.5, ns(4)))
        group = StateGroup("group", np.array([[0.0, 1.0], [-25.0, -0.3]]), np.array([[0.0], [1.0]]), np.zeros(2))
        x = group.output(np.array([1.0, 0.0]), "x")
        group.connect([Function(lambda x, y: y - 30.0 * x**3, x, drive)])
        return group, x

    t = np.linspace(0.0, 9.0, 57)
    (fresh, x), (used, y) = made(), made()
    begin = fresh.state()
    y(np.linspace(0.0, 7.7, 3))
    used.restore(begin)
    assert np.array_equal(y(t), x(t)) and used.state() == fresh.state()
