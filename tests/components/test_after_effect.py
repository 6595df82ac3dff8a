"""The after-effect: closed forms of its relaxation, memory, and what it costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from components.after_effect import AfterEffect
from components.flexure import Flexure
from components.motion import glide, oscillation
from tests.components.bench import bench, closed, path
from twin.piece import exact_hertz, harmonics, ramp
from twin.signal import Constant
from twin.times import NS
from twin.twin import Twin

Array = NDArray[np.float64]
HINGE = AfterEffect(defect=1.2e-4, stiffness=80.0, time_constants=[5.0, 60.0, 2e3], weights=[0.5, 0.3, 0.2])
FORCE = 80.0 * 1.2e-4
"""Of a position that has not relaxed at all (N/m)."""


def force(hinge: AfterEffect, position: Any, t: Any) -> Array:
    """Force (N) at the times (s)."""
    found: Array = bench(hinge, position=position).signal("part.force")(np.asarray(t, dtype=float))
    return found


def ramp_lag(tau: float, duration: float, t: Array) -> Array:
    """x of dx/dt = (z − x)/τ for z that rises from 0 to 1 within `duration` and stays, by hand."""
    rising = (t - tau * -np.expm1(-t / tau)) / duration
    reached = (duration - tau * -np.expm1(-duration / tau)) / duration
    after = 1.0 + (reached - 1.0) * np.exp(-(t - duration) / tau)
    return np.where(t < duration, rising, after)


# --- the law ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duration", [1e-3, 3.0])
def test_a_step_of_the_position_decays_with_the_time_constants(duration: float) -> None:
    """f = S δ Σ w_i (z − x_i), each x_i a lag of first order, for a straight line up to 1 mm."""
    t = np.array([0.01, 0.5, 1.0, 2.9, 3.1, 10.0, 60.0, 1e3, 1e4])
    step = path(ramp(0.0, 1e-3, 0, round(duration * NS)))
    z = np.minimum(t / duration, 1.0)
    lags = [w * (z - ramp_lag(tau, duration, t)) for tau, w in zip([5, 60, 2e3], [0.5, 0.3, 0.2], strict=True)]
    assert force(HINGE, step, t) == pytest.approx(FORCE * 1e-3 * sum(lags), rel=1e-11, abs=1e-19)


def test_right_after_a_step_the_defect_is_what_has_not_relaxed() -> None:
    """S δ Δ, negative where the coil went down: it has to lift less."""
    slow = AfterEffect(defect=1e-4, stiffness=50.0, time_constants=[1e5], weights=[1.0])
    assert force(slow, path(ramp(0.0, -2e-3, 0, NS)), 1.0) == pytest.approx(-50.0 * 1e-4 * 2e-3, rel=1e-5)


@pytest.mark.parametrize("frequency", [1e-3, 0.05, 1.0])
def test_an_oscillation_is_answered_by_the_relaxed_share_of_it(frequency: float) -> None:
    """Long after the start: S δ Σ w_i iωτ/(1 + iωτ)."""
    motion = path(harmonics(0.0, {exact_hertz(frequency): -1e-3j}, 0))
    t = 1e5 + np.linspace(0.0, 2.0 / frequency, 17)
    iw = 2j * np.pi * frequency
    answer = sum(w * iw * tau / (1.0 + iw * tau) for tau, w in zip([5, 60, 2e3], [0.5, 0.3, 0.2], strict=True))
    exact = FORCE * 1e-3 * (-1j * answer * np.exp(iw * t)).real
    assert force(HINGE, motion, t) == pytest.approx(exact, abs=1e-9 * FORCE * 1e-3)


@pytest.mark.parametrize("z", [0.0, 3e-3])
def test_there_is_no_force_where_the_coil_has_always_been(z: float) -> None:
    resting = HINGE.model_copy(update={"rest": z})
    assert np.abs(force(resting, z, [0.0, 1.0, 1e4])).max() < 1e-15 * FORCE * 1e-3


def test_what_it_was_bent_by_before_the_start_decays() -> None:
    """Put from `rest` to 0 at the start: −S δ rest Σ w_i e^{−t/τ_i}."""
    t = np.array([0.0, 5.0, 100.0, 5e3])
    bent = HINGE.model_copy(update={"rest": -2e-3})
    left = sum(w * np.exp(-t / tau) for tau, w in zip([5, 60, 2e3], [0.5, 0.3, 0.2], strict=True))
    assert force(bent, 0.0, t) == pytest.approx(FORCE * 2e-3 * left, rel=1e-12)


def test_it_remembers_only_what_is_longer_ago_than_what_it_forgot() -> None:
    """Boltzmann: a bend the other way for a while takes a part of the after-effect out (the erasing of Keck2024)."""
    out = [ramp(0.0, 1e-3, 0, NS), ramp(1e-3, 1e-3, NS, 600 * NS), ramp(1e-3, 0.0, 600 * NS, 601 * NS)]
    back = [ramp(0.0, -1e-3, 601 * NS, 602 * NS), ramp(-1e-3, -1e-3, 602 * NS, 640 * NS)]
    home = ramp(-1e-3, 0.0, 640 * NS, 641 * NS)
    plain, erased = (force(HINGE, path(*laws), 700.0) for laws in (out, [*out, *back, home]))
    assert plain < 0.0  # it came down to 0: the hinge still pulls up
    assert abs(erased) < 0.7 * abs(plain)


def test_the_effect_is_linear_in_defect_and_stiffness() -> None:
    motion = path(ramp(0.0, 1e-3, 0, NS))
    once = force(HINGE, motion, 20.0)
    for changes in ({"defect": 3.6e-4}, {"stiffness": 240.0}):
        assert force(HINGE.model_copy(update=changes), motion, 20.0) == pytest.approx(3.0 * once, rel=1e-14)


# --- in the balance --------------------------------------------------------------------------------------------------


def hinged(effect: AfterEffect) -> Twin:
    parts, wires = closed(
        {"flexure": Flexure(), "after_effect": effect},
        {"after_effect.position": "flexure.position", "flexure.after_effect": "after_effect.force"},
    )
    return Twin(parts, wires)


def test_the_coil_has_to_hold_the_after_effect() -> None:
    twin = hinged(HINGE)
    flexure: Any = twin.graph.components["flexure"]
    twin.clock.run(flexure.move(glide(0.0, 1e-3, 0, 10 * NS)))
    t = np.array([20.0, 200.0])
    f = twin.signal("after_effect.force")(t)
    assert np.all(f > 0.1 * FORCE * 1e-3 * np.array([1.0, 0.1]))
    assert np.array_equal(twin.signal("flexure.required_force")(t), f)


@pytest.mark.parametrize("changes", [{"defect": 0.0}, {"stiffness": 0.0}])
def test_without_a_defect_nothing_of_it_is_left(changes: dict[str, float]) -> None:
    twin = hinged(HINGE.model_copy(update=changes))
    assert HINGE.model_copy(update=changes).neutral_inputs() == {"position"}
    assert isinstance(twin.signal("after_effect.force"), Constant)
    assert isinstance(twin.signal("flexure.required_force"), Constant)
    assert AfterEffect(stiffness=80.0, defect=1e-4).ideal().defect == 0.0


def test_hours_of_oscillation_cost_next_to_nothing() -> None:
    """Eight times half an hour of 1 Hz with five harmonics: answered in closed form, a piece for each law."""
    twin = hinged(HINGE)
    flexure: Any = twin.graph.components["flexure"]
    motion = flexure.timeline("motion")
    half = 1800 * NS
    low = float(oscillation(0.0, 3e-4, 1.0, (1, 3, 5, 7, 9), 0.6, 0, 1)[0].values_at(0)[0].real)
    for start in range(0, 16 * half, 2 * half):
        if start:
            motion.follow(*glide(low, 0.0, start + 4 * NS, start + 40 * NS))
        motion.follow(*glide(0.0, low, start + half - 18 * NS, start + half - 2 * NS))
        motion.follow(*oscillation(0.0, 3e-4, 1.0, (1, 3, 5, 7, 9), 0.6, start + half, 1800))
    (group,) = twin.assembly.groups
    group.lookahead = 16 * half
    group.resolve(16 * half)
    assert group.pieces_solved <= len(motion.track.pieces)


# --- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_constants": [10.0, 100.0]}, "one weight for each time constant, not 4 for 2"),
        ({"time_constants": [], "weights": []}, "one weight for each"),
        ({"time_constants": [0.0, 10.0, 100.0, 1e3]}, "time_constants greater than 0"),
        ({"weights": [0.5, 0.5, 0.5, 0.5]}, "whose sum is 1"),
        ({"weights": [0.5, 0.5, 0.5, -0.5]}, "from 0 on"),
        ({"defect": 1.0}, "less than 1"),
    ],
)
def test_relaxations_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AfterEffect(**changes)


def test_a_larger_balance_rests_at_a_larger_position() -> None:
    assert HINGE.model_copy(update={"rest": 1e-3}).scaled(2.0).rest == 2e-3


def test_equal_weights_a_decade_decay_with_the_logarithm_of_time() -> None:
    """The default: between its shortest and longest time constants every decade takes about the same from the force."""
    hinge = AfterEffect(defect=1e-4, stiffness=100.0)
    f = force(hinge, path(ramp(0.0, 1e-3, 0, NS)), [3e1, 3e2, 3e3])
    assert [a - b for a, b in pairwise(f)] == pytest.approx([0.25e-5 * 1.0] * 2, rel=0.15)
