"""KBmini's TMTP with its hinge driven: the mass does not know how the coil came to move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.reduction import ReductionError
from scenarios.run.experiment import Experiment
from scenarios.schema import ScenarioError
from twin.errors import SimulationError
from twin.times import NS

CLOSURE = 1e-9
NONLINEAR = {
    "balance.flexure.oscillator.quadratic_stiffness": 500.0,
    "balance.flexure.oscillator.cubic_stiffness": 1e5,
    "balance.flexure.oscillator.actuator_curvature": -1000.0,
}


def short(**more: Any) -> Experiment:
    """Two cycles of a minute's oscillation, ideal but for the nonlinear hinge."""
    keys = {key.replace("__", "."): value for key, value in more.items()}
    few = {"campaign.cycles": 2, "campaign.velocity.cycles": 60, "campaign.weighing.reading_step": 1.0}
    return scenarios.load("kbmini_oscillating").ideal().with_({**few, **NONLINEAR, "thermal.start": "ambient", **keys})


@pytest.mark.parametrize("mass", [1.0, 1e-3])
def test_it_closes(mass: float) -> None:
    result = short(balance__test_mass__mass=mass).run()
    assert abs(result.relative_error) < CLOSURE
    assert result.mass.bl_Tm == pytest.approx(result.true.bl_Tm, rel=CLOSURE)


def test_the_whole_campaign_closes_and_is_an_hour_a_cycle() -> None:
    experiment = scenarios.load("kbmini_oscillating").ideal().with_(NONLINEAR)
    result = experiment.run()
    assert abs(result.relative_error) < CLOSURE
    assert result.virtual_s == 8 * 3600.0


def test_with_everything_on_the_mass_is_right() -> None:
    result = scenarios.load("kbmini_oscillating").run()
    assert abs(result.relative_error) < 3 * result.mass.u_relative
    assert result.mass.u_relative < 2.7e-7


def test_the_windows_are_where_the_velocity_is_flat() -> None:
    """The readings in them scatter as little as the drive's own sigma."""
    result = short().run()
    edges = next(iter(result.readings.select("interferometer", phase="velocity", cycle=0)))
    speed = np.abs(np.diff(edges.values, axis=1)) / (edges.schedule.step / NS)
    assert speed.mean() == pytest.approx(3e-4, rel=0.01)
    assert speed.std() / speed.mean() < 0.016
    assert edges.schedule.repeats == 120


def test_where_the_hinge_has_its_field_does_not_matter() -> None:
    """A steep and curved profile, and the weighing position off its centre."""
    result = short(balance__magnet__profile=[0.5, -300.0], balance__flexure__weighing_position=2e-4).run()
    assert abs(result.relative_error) < CLOSURE


def test_voltage_phase_error_makes_minus_the_bias() -> None:
    """A velocity that is read too large by 1e-6 makes the mass too small by as much."""
    result = short(balance__interferometer__gain=1e-6).run()
    assert result.relative_error == pytest.approx(-1e-6, rel=1e-3)


def test_a_larger_factor_while_weighing_shows_as_a_smaller_mass() -> None:
    """(Bl)_w = (Bl)_v (1 + 1e-6), by a quadratic current effect β I² = 1e-6: −1e-6, and its correction takes it out."""
    effect = {"balance__coil__quadratic_current_coefficient": 1e-6 / (0.5 * 9.80665 / 1400.0) ** 2}
    result = short(**effect, reduction__corrections__quadratic_current=False).run()
    assert result.relative_error == pytest.approx(-1e-6, abs=CLOSURE)
    assert abs(short(**effect).run().relative_error) < CLOSURE


def test_weakly_magnetic_copper_shifts_both_phases_alike() -> None:
    """Copper of a tenth of the gap's area: 1e-6 in each phase (Li2021)."""
    copper = {"susceptibility": -1e-5, "area": 40e-6, "radius": 0.05}
    gap = {"balance__coil__gap_area": 400e-6, "balance__coil__gap_radius": 0.05}
    plain, result = (short(**gap, balance__coil__parts=parts).run() for parts in ([], [copper]))
    assert result.mass.bl_Tm / plain.mass.bl_Tm - 1 == pytest.approx(1e-6, abs=CLOSURE)
    currents = [
        np.mean([abs(b.values.mean()) for b in run.readings.select("current_voltmeter", phase="weighing")])
        for run in (plain, result)
    ]
    assert currents[1] / currents[0] - 1 == pytest.approx(-1e-6, abs=CLOSURE)
    assert abs(result.mass.mass_kg / plain.mass.mass_kg - 1) < CLOSURE


def test_a_run_that_is_resumed_is_the_same(tmp_path: Any) -> None:
    class StopError(Exception):
        pass

    def stop(step: Any, finished: int, total: int) -> None:
        if finished == 7:  # in the second cycle, after the first oscillation
            raise StopError

    whole = short().run()
    with pytest.raises(StopError):
        short().run(store=tmp_path, progress=stop)
    assert short().run(store=tmp_path, resume=True).mass.mass_kg == whole.mass.mass_kg


def test_a_flexure_that_cannot_be_driven_is_refused() -> None:
    hinge = {"motion": "hinge", "harmonics": None, "orders": [1], "amplitudes": [1e-4], "phases": [0.0]}
    keys = {f"campaign.velocity.{key}": value for key, value in {**hinge, "window_middle": 0.366}.items()}
    experiment = scenarios.load("kbmini_tmtp").with_(keys)
    with pytest.raises(ScenarioError, match="give the flexure 'type: hinge'"):
        experiment.check()


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("phases", [0.0], "an amplitude and a phase for each"),
        ("orders", [1, 1, 5, 7, 9, 2], "distinct harmonics"),
        ("window", 0.6, "window < half a cycle"),
        ("window_middle", 0.1, "expected window_middle from half a window"),
        ("frequency", 0.7, "quarter period is a whole number"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load("kbmini_oscillating").with_({f"campaign.velocity.{key}": wrong})


def test_too_strong_a_drive_stops_the_run() -> None:
    with pytest.raises(SimulationError, match="beyond the limit"):
        short(campaign__velocity__amplitudes=[1e-3, 0, 0, 0, 0, 0]).run()
    with pytest.raises(SimulationError, match="touches the stop"):
        short(balance__flexure__upper_stop=5e-5).run()


# --- the coil acts back ----------------------------------------------------------------------------------------------

SINE = {
    "campaign__velocity__orders": [1],
    "campaign__velocity__amplitudes": [2e-4],
    "campaign__velocity__phases": [0.0],
}
LINEAR = {
    "balance__flexure__oscillator__quadratic_stiffness": 0.0,
    "balance__flexure__oscillator__cubic_stiffness": 0.0,
}


def amplitude(result: Any) -> complex:
    """Of the coil at 1 Hz (m), from its positions in the windows of the first cycle."""
    edges = next(iter(result.readings.select("interferometer", phase="velocity", cycle=0)))
    turns = 2 * np.pi * edges.schedule.instants().ravel() / NS
    matrix = np.stack([np.ones_like(turns), np.cos(turns), np.sin(turns)], axis=1)
    _, cosine, sine = np.linalg.lstsq(matrix, edges.values.ravel(), rcond=None)[0]
    return complex(cosine, -sine)


@pytest.mark.parametrize("meter", [1e-6, 1e-5])
def test_a_meter_that_loads_the_coil_brakes_the_hinge_and_leaves_the_mass(meter: float) -> None:
    """A current Bl v G/(1 + R G) pushes back: the motion is that of its transfer function, the mass is the same."""
    keys = {**SINE, **LINEAR, "balance__flexure__oscillator__actuator_curvature": 0.0}
    free = short(**keys).run()
    load = {"balance__induced_voltmeter__input_conductance": meter, "balance__circuit__lead_resistance": 0.0}
    braked = short(**keys, **load).run()
    omega = 2 * np.pi
    o = braked.scenario.components()["flexure"].oscillator
    alone = o.omega0**2 - omega**2 + 2j * o.damping_ratio * o.omega0 * omega
    push = 1400.0**2 * meter / (1 + 2400.0 * meter) / o.effective_mass
    expected = alone / (alone + 1j * omega * push)
    assert amplitude(braked) / amplitude(free) == pytest.approx(expected, rel=1e-6)
    assert abs(expected - 1) > 1e-3
    assert abs(braked.relative_error) < CLOSURE


def test_wires_that_are_not_drawn_leave_the_hinge_alone() -> None:
    wired = short(balance__induced_voltmeter__input_conductance=1e-5)
    alone = wired.with_({f"balance.wiring.flexure.coil_{name}": None for name in ("bl", "conductance")})
    assert amplitude(alone.run()) == amplitude(short().run())


# --- skew ------------------------------------------------------------------------------------------------------------

METERS = "induced_voltmeter", "interferometer"


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("latency", [1e-3, 5e-3])
def test_a_skew_of_voltage_and_position_is_fitted(meter: str, latency: float) -> None:
    key = f"balance__{meter}__trigger_latency"
    raw = short(**{key: latency}, reduction__corrections__trigger_latency=False).run()
    assert abs(raw.relative_error) > 1e-5
    fitted = short(**{key: latency}).run()
    assert abs(fitted.relative_error) < CLOSURE
    skew = latency if meter == METERS[0] else -latency
    assert [fit.skew for fit in fitted.mass.velocity] == pytest.approx([skew, skew], rel=1e-5)
    assert fitted.mass.corrections["trigger_latency"] == pytest.approx(-raw.relative_error, rel=1e-2)


@pytest.mark.parametrize("meter", METERS)
def test_a_skew_that_no_certificate_knows_is_fitted(meter: str) -> None:
    doubt = {f"balance__{meter}__uncertainties": {"trigger_latency": 1e-3}, "seed": 2}
    result = short(**doubt).run()
    true = result.scenario.true_components()
    skew = true[METERS[0]].trigger_latency - true[METERS[1]].trigger_latency
    assert abs(skew) > 3e-4
    assert result.mass.velocity[0].skew == pytest.approx(skew, rel=1e-5)
    assert abs(result.relative_error) < CLOSURE
    assert result.mass.u_relative < CLOSURE
    raw = short(**doubt, reduction__corrections__trigger_latency=False).run()
    assert 3 * CLOSURE < abs(raw.relative_error) < 3 * raw.mass.u_relative  # known from the fit, and a line of its own


def test_the_periodic_error_belongs_to_the_positions_as_they_were_read() -> None:
    """In 1 ms the coil goes 0.3 µm, a period of the error."""
    late = {"balance__induced_voltmeter__trigger_latency": 1e-3}
    fit = (result := short(**late, balance__interferometer__nonlinearity=1e-10).run()).mass.velocity[0]
    assert abs(result.relative_error) < CLOSURE
    assert np.hypot(*fit.periodic) == pytest.approx(1e-10, rel=1e-3)


def test_noise_of_the_skew_is_in_its_uncertainty() -> None:
    late = {"balance__induced_voltmeter__trigger_latency": 1e-3, "balance__induced_voltmeter__white_noise": 1e-7}
    pulls = []
    for seed in range(5):
        result = short(**late, seed=seed).run()
        pulls += [(fit.skew - 1e-3) / fit.u_skew for fit in result.mass.velocity if fit.skew is not None]
        assert abs(result.relative_error) < 3 * result.mass.u_relative
    assert len(pulls) == 10
    assert 0.4 < np.std(pulls) < 1.8


def test_with_everything_on_a_skew_costs_little() -> None:
    """Vibration in the mean sweep moves positions as well; the mean of few sweeps would make u three times as large."""
    three = scenarios.load("kbmini_oscillating").with_({"campaign.cycles": 3})
    plain, late = (three.with_({"balance.induced_voltmeter.trigger_latency": t}).run() for t in (0.0, 2e-3))
    assert late.mass.u_relative < 1.2 * plain.mass.u_relative
    assert abs(late.relative_error) < 3 * late.mass.u_relative


def test_readings_far_from_one_time_are_refused() -> None:
    with pytest.raises(ReductionError, match=r"positions \+20 ms later .* read both at the same time"):
        short(balance__induced_voltmeter__trigger_latency=0.02).run()
