"""The yoke: diffusion of the coil's flux and what of it stays; alone, and in the loop of the servo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.coil import Coil
from components.current_source import CurrentSource
from components.hysteresis import Hysteresis
from components.magnet import Magnet
from components.servo import IdealServo
from components.yoke import Yoke
from tests.components.bench import bench, closed, given, path
from twin.clock import Process
from twin.component import Component, Port
from twin.piece import constant, ramp
from twin.times import NS
from twin.twin import Twin

T = np.array([0.0, 0.3, 2.0, 7.0, 24.0, 90.0])
FORCE, BL, K, DEPTH = 4.9, 700.0, 3e4, 1e-3
CURRENT = FORCE / BL


# --- diffusion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [1, 2, 5])
def test_a_step_of_the_current_enters_as_a_sum_of_exponentials(modes: int) -> None:
    yoke = Yoke(time_constant=8.0, modes=modes)
    odd = 2 * np.arange(modes) + 1
    weights = 8 / (np.pi * odd) ** 2
    weights[-1] = 1 - weights[:-1].sum()  # the fastest carries the rest
    exact = -np.expm1(-np.outer(T, odd**2 / 8.0)) @ weights
    assert bench(yoke, drive=0.02).signal("part.current")(T) == pytest.approx(0.02 * exact, rel=1e-12, abs=1e-17)


def test_many_modes_follow_the_slab_and_few_come_near() -> None:
    """The mean field in a slab of half width 1 and diffusivity 1, τ1 = 4/π², by its series for short times."""
    t = np.array([0.02, 0.05, 0.1])
    short = 2 * np.sqrt(t / np.pi)
    for modes, tolerance in ((8, 1e-3), (3, 0.02)):
        found = bench(Yoke(time_constant=4 / np.pi**2, modes=modes), drive=1.0).signal("part.current")(t)
        assert np.abs(found - short).max() < tolerance


def test_diffusion_times_go_with_the_square_of_the_size() -> None:
    assert Yoke(time_constant=24.0).scaled(0.25).time_constant == pytest.approx(1.5, rel=1e-15)


# --- in the loop of the servo ----------------------------------------------------------------------------------------

WIRING = {
    "servo.coil_force": "coil.force",
    "current_source.demand": "servo.demand",
    "coil.field": "magnet.field",
    "coil.current": "current_source.current",
    "yoke.drive": "coil.yoke_drive",
    "coil.yoke": "yoke.current",
    "hysteresis.current": "current_source.current",
    "coil.remanence": "hysteresis.remanence",
}


def balance(force: Any = FORCE, depth: float = DEPTH, **parts: Component) -> Twin:
    """A coil with a slow yoke that a servo holds against a force, beside the symmetry plane."""
    ideal: dict[str, Component] = {
        "servo": IdealServo(),
        "current_source": CurrentSource(),
        "magnet": Magnet(bl=BL, temperature_coefficient=0.0),
        "coil": Coil(resistance=100.0, inductance=2.0, yoke_inductance=2.0, inductance_curvature=K),
        "yoke": Yoke(time_constant=8.0),
        "hysteresis": Hysteresis(),
        "force": given(force, Port("N")),
        "depth": given(depth, Port("m")),
    }
    wiring = WIRING | {"servo.required_force": "force.y", "coil.position": "depth.y"}
    return Twin(*closed({**ideal, **parts}, wiring))


def engaged(twin: Twin, seconds: float = 2.0) -> Twin:
    part: Any = twin.graph.components
    part["current_source"].connect()
    twin.clock.run(part["servo"].engage(seconds))
    return twin


def released(twin: Twin, start: int, seconds: float = 2.0) -> Twin:
    def operation() -> Process:
        yield twin.clock.until(start)
        yield from part["servo"].release(seconds)

    part: Any = twin.graph.components
    twin.clock.run(operation())
    return twin


def left(t: Any, ramp_time: float) -> Any:
    """What share of its final value a linear ramp of the drive has still to bring the yoke, t after its end."""
    yoke = Yoke(time_constant=8.0)
    tau = np.array(yoke.time_constants())
    modes = np.exp(-np.divide.outer(t, tau)) * (tau / ramp_time) * -np.expm1(-ramp_time / tau)
    return modes @ np.array(yoke.weights())


def test_after_a_ramp_the_error_of_the_current_decays_with_the_modes() -> None:
    """F = Bl I − k d I² − k d e I with e = −I Σ w (τ/t_r) (1 − exp(−t_r/τ)) exp(−(t − t_r)/τ) after a linear ramp."""
    t = np.array([2.0, 3.0, 10.0, 30.0])
    current = engaged(balance()).signal("current_source.current")
    rest = engaged(balance(coil=Coil(resistance=100.0, inductance_curvature=K))).signal("current_source.current")
    excess = -CURRENT * left(t - 2.0, 2.0)
    assert current(t) / rest(t) - 1 == pytest.approx(K * DEPTH * excess / BL, rel=2e-3)
    assert current(np.array([300.0])) == pytest.approx(rest(np.array([300.0])), rel=1e-14)


def test_the_servo_holds_the_force_with_the_yoke_in_its_loop() -> None:
    twin = engaged(balance())
    t = np.linspace(2.0, 60.0, 59)
    assert twin.signal("coil.force")(t) == pytest.approx(FORCE, rel=1e-14)


def test_there_is_no_lag_of_the_force_in_the_symmetry_plane() -> None:
    current = engaged(balance(depth=0.0)).signal("current_source.current")
    assert current(np.array([2.1, 4.0, 50.0])) == pytest.approx(CURRENT, rel=1e-15)


def test_flux_leaves_the_yoke_after_the_current_is_off_and_shows_in_the_voltage() -> None:
    """λ = L_y m q without current; the voltage over an aperture is what it falls by."""
    twin = released(engaged(balance()), 100 * NS)
    t = np.array([102.0, 105.0, 130.0])
    m = np.sqrt(1 - K * DEPTH**2 / 2.0)
    held = float(twin.signal("current_source.current")(99.0)) * m
    kept = 2.0 * m * held * left(t - 102.0, 2.0)
    assert twin.signal("coil.flux_linkage")(t) - BL * DEPTH == pytest.approx(kept, rel=1e-4)
    mean = twin.signal("coil.voltage").means(np.array([102 * NS]), 3 * NS)
    assert mean == pytest.approx((kept[1] - kept[0]) / 3.0, rel=1e-4)


# --- what stays ------------------------------------------------------------------------------------------------------


def up_and_down(*currents: float) -> Any:
    """Ramps of 1 s from zero to each of these currents in turn, each held for 9 s."""
    laws, before = [], 0.0
    for k, current in enumerate(currents):
        start = 10 * k * NS
        laws += [ramp(before, current, start, start + NS), constant(current, start + NS, start + 10 * NS)]
        before = current
    return path(*laws)


@pytest.mark.parametrize(
    ("currents", "kept"),
    [
        ((0.01, 0.0), 0.01),
        ((0.01, 0.004, 0.0), 0.01),
        ((0.01, -0.01, 0.0), -0.01),
        ((0.01, -0.03, 0.0), -0.03),
        ((0.01, -0.005, 0.0), 0.0),
        ((0.01, -0.001, 0.0), 0.008),
        ((0.01, -1e-20, 0.0), 0.01),
        ((-0.01, 0.002, 0.0), -0.006),
        ((0.01, 0.0, 0.02, 0.0, 0.0), 0.02),
    ],
)
def test_the_last_loop_decides_what_stays(currents: tuple[float, ...], kept: float) -> None:
    current = up_and_down(*currents)
    twin = bench(Hysteresis(share=0.02), current=current)
    end = 10.0 * len(currents)
    assert twin.signal("part.remanence")(end) == pytest.approx(0.02 * kept, rel=1e-12, abs=1e-18)


def test_the_loop_is_closed_while_the_current_flows() -> None:
    signal = bench(Hysteresis(share=0.02), current=up_and_down(0.01, -0.01, 0.0)).signal("part.remanence")
    assert signal(np.array([5.0, 15.0])) == pytest.approx(0.0, abs=1e-18)
    assert float(signal(10.25)) == pytest.approx(0.02 * 0.005, rel=1e-12)  # half way down: 0.01 − 0.005


def test_what_stays_does_not_depend_on_when_one_looks() -> None:
    often = bench(Hysteresis(share=0.02), current=up_and_down(0.01, -0.004, 0.006, 0.0)).signal("part.remanence")
    seen = [float(often(float(t))) for t in np.linspace(0.0, 40.0, 81)]
    once = bench(Hysteresis(share=0.02), current=up_and_down(0.01, -0.004, 0.006, 0.0)).signal("part.remanence")
    assert seen == once(np.linspace(0.0, 40.0, 81)).tolist()
    assert seen[::-1] == once(np.linspace(0.0, 40.0, 81)[::-1]).tolist()


def test_a_law_that_changes_is_heeded() -> None:
    """What was kept from the new law's start on is forgotten, and nothing before."""
    current = up_and_down(0.01, -0.03, 0.0)
    signal = bench(Hysteresis(share=0.02), current=current).signal("part.remanence")
    assert float(signal(30.0)) == pytest.approx(-6e-4, rel=1e-12)
    current.follow(ramp(0.01, 0.0, 11 * NS, 12 * NS))
    assert float(signal(30.0)) == pytest.approx(2e-4, rel=1e-12)
    current.follow(ramp(0.0, -0.02, 20 * NS, 21 * NS), ramp(-0.02, 0.0, 21 * NS, 22 * NS))
    assert float(signal(30.0)) == pytest.approx(-4e-4, rel=1e-12)


def test_a_remanent_yoke_in_the_loop_of_the_servo() -> None:
    """Long after the current is off λ keeps L_y m ρ I."""
    twin = balance(hysteresis=Hysteresis(share=0.01))
    released(engaged(twin), 100 * NS)
    held = float(twin.signal("current_source.current")(99.0))
    assert float(twin.signal("hysteresis.remanence")(4000.0)) == pytest.approx(0.01 * held, rel=1e-9)
    m = np.sqrt(1 - K * DEPTH**2 / 2.0)
    linkage = float(twin.signal("coil.flux_linkage")(4000.0)) - BL * DEPTH
    assert linkage == pytest.approx(2.0 * m * 0.01 * held, rel=1e-7)


def test_a_resumed_run_knows_what_stays() -> None:
    def fresh() -> Twin:
        return bench(Hysteresis(share=0.02), current=up_and_down(0.01, -0.004, 0.0))

    twin = fresh()
    before = float(twin.signal("part.remanence")(25.0))
    twin.graph.components["part"].forget_before(21 * NS)  # type: ignore[attr-defined]
    resumed = fresh()
    resumed.restore(twin.state())
    assert float(resumed.signal("part.remanence")(25.0)) == before == pytest.approx(0.02 * 0.002, rel=1e-12)
    assert resumed.graph.components["part"].state()["retained"]["instants"] == [11 * NS]  # type: ignore[attr-defined]


def test_without_a_share_nothing_is_left_in_the_graph() -> None:
    part = Hysteresis(share=0.02).ideal()
    assert part.neutral_inputs() == {"current"}
    assert bench(part, current=0.01).signal("part.remanence").constant_over(0, NS) == 0.0


# --- the gap ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", [0.0, 5.0, 190.0])
def test_many_modes_follow_the_slab_behind_a_gap(g: float) -> None:
    """Against tanh √s/√s, s = iωτ, with the surface's field left over by the gap."""
    yoke = Yoke(time_constant=24.0, modes=8, highest=2001, gap_reluctance=g)
    f = np.geomspace(1e-3, 1e3, 61)
    root = np.sqrt(2j * np.pi * f * 24.0 * np.pi**2 / 4)
    slab = np.tanh(root) / root
    exact = (1 + g) * slab / (1 + g * slab)
    assert np.abs(yoke.response(f) / exact - 1).max() < 6e-3
    assert sum(yoke.weights()) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("g", [0.0, 190.0])
def test_the_state_follows_its_response(g: float) -> None:
    """A sine that has gone on for long, by the engine and by the closed form."""
    from twin.piece import exact_hertz, harmonics

    yoke, hertz = Yoke(time_constant=0.5, modes=4, highest=41, gap_reluctance=g), exact_hertz(2.0)
    drive = path(harmonics(0.0, {hertz: -1j}, 0, 40 * NS))
    t = np.linspace(20.0, 21.0, 40, endpoint=False)
    q = bench(yoke, drive=drive).signal("part.current")(t)
    expected = (-1j * yoke.response(2.0) * np.exp(4j * np.pi * t)).real
    assert q == pytest.approx(expected, abs=1e-9)
    assert bench(yoke, drive=1.0).signal("part.current")(40.0) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("g", [0.0, 3.0, 190.0])
def test_a_step_behind_a_gap_relaxes(g: float) -> None:
    yoke = Yoke(time_constant=8.0, modes=4, gap_reluctance=g)
    times, weights = yoke.relaxation()
    expected = -np.expm1(-T[:, None] / times) @ weights
    assert bench(yoke, drive=0.02).signal("part.current")(T) == pytest.approx(0.02 * expected, rel=1e-9, abs=1e-15)
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)


def test_the_gap_makes_it_faster_and_its_loss_a_power_law() -> None:
    f = np.geomspace(0.1, 1.0, 9)
    loss = 1 - Yoke(time_constant=24.0, modes=8, highest=2001, gap_reluctance=300.0).response(f).real
    assert np.polyfit(np.log(f), np.log(loss), 1)[0] == pytest.approx(0.5, abs=0.09)
    assert loss[-1] < 0.1 < 1 - Yoke(time_constant=24.0, modes=8, highest=2001).response(1.0).real
