"""External flux: one λ_ext with all its derivatives, the symmetries of its sources, and what they do all around."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.angular_distribution import AngularDistribution
from components.coil import Coil
from components.external_flux import ExternalFlux
from components.external_source import Course, NearEnd, field_limit
from components.magnet import Magnet
from tests.components.bench import path
from twin.errors import SimulationError
from twin.piece import polynomial, ramp
from twin.signal import Constant, Signal
from twin.times import NS

COIL = {"turns": 1269, "radius": 85e-3}
EARTH = {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6}
ON_AXIS = {"kind": "near", "direction": "vertical", "z": -0.14, "attenuation": 5.83e-6}
BESIDE = {"kind": "near", "direction": "horizontal", "r": 0.175, "z": 0.02, "azimuth": 0.7, "shielding": 100.0}
MOTOR = {**ON_AXIS, "appears": "moving"}
ALL = {"earth": EARTH, "axis": ON_AXIS, "beside": BESIDE}


def flux(coupling: str = "flux", more: dict[str, Any] | None = None, **sources: Any) -> ExternalFlux:
    return ExternalFlux(**COIL, coupling=coupling, sources=sources, **(more or {}))


def signal(value: Signal | float) -> Signal:
    return Constant(value) if isinstance(value, int | float) else value


def outputs(part: ExternalFlux, z: Signal | float, z_magnet: Signal | float = 0.0, energised: Signal | float = 1.0,
            current: float = 0.0, bl: float = 400.0) -> Any:  # fmt: skip
    """Of a coil in a magnet, with the external flux."""
    coil, magnet = Coil(resistance=400.0), Magnet(bl=bl, profile=[0.0, -6.4])
    fields = part.signals(magnet_position=signal(z_magnet), energised=signal(energised), stage=Constant(0.0))
    given_ = {port: Constant(declared.default or 0.0) for port, declared in coil.inputs.items()}
    given_ |= {"field": magnet.signals(temperature_rise=Constant(0.0))["field"], "external": fields["field"]}
    given_ |= {"position": signal(z), "magnet_displacement": signal(z_magnet), "current": Constant(current)}
    given_ |= {"alternating": fields["alternating"]}
    return coil.signals(**given_)


def mean_field(part: ExternalFlux, name: str, z: float = 0.0) -> float:
    """ΔB̄ in the gap (T), by the flux linkage."""
    return part.derivatives(name, z)[0] / part.wire_length


# --- one flux linkage ------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["flux", "published"]), st.floats(-8e-3, 8e-3), st.floats(-8e-3, 8e-3), st.floats(1e-3, 0.05))
def test_mechanical_power_is_electrical_power(coupling: str, z: float, z_magnet: float, current: float) -> None:
    """F v = U I when the coil moves, whatever the sources."""
    part, v = flux(coupling, **ALL), 2e-3
    moving = path(polynomial([z, v], 0, 10 * NS))
    made = outputs(part, moving, z_magnet, current=current)
    emf = made["voltage"](0.5) - 400.0 * current
    assert float(made["force"](0.5)) * v == pytest.approx(float(emf) * current, rel=1e-12)


@pytest.mark.parametrize("coupling", ["flux", "published"])
def test_the_voltage_is_the_rate_of_the_linkage_whatever_moves(coupling: str) -> None:
    part = flux(coupling, **ALL, motor={**MOTOR, "course": {"amplitude": 0.3, "frequency": 0.7, "drift": 1e-3}})
    z, z_m = path(polynomial([1e-3, 5e-4], 0, 10 * NS)), path(polynomial([2e-3, -9e-4], 0, 10 * NS))
    made = outputs(part, z, z_m, path(ramp(0.0, 1.0, 0, 10 * NS)))
    t, h = np.array([1.0, 5.0, 8.0]), 1e-4
    linkage = made["flux_linkage"]
    numerical = (8 * (linkage(t + h) - linkage(t - h)) - (linkage(t + 2 * h) - linkage(t - 2 * h))) / (12 * h)
    assert made["voltage"](t) == pytest.approx(numerical, rel=1e-8)


@pytest.mark.parametrize("coupling", ["flux", "published"])
@pytest.mark.parametrize("name", ALL)
def test_its_derivatives_are_those_of_the_linkage(coupling: str, name: str) -> None:
    part, z, z_m, h = flux(coupling, **{name: ALL[name]}), 3e-3, -2e-3, 1e-4

    def linkage(a: float, b: float) -> float:
        with_, without = (float(outputs(p, a, b)["flux_linkage"](0.0)) for p in (part, ExternalFlux()))
        return with_ - without

    by_coil, by_magnet = part.derivatives(name, z, z_m)
    scale = abs(by_coil) + abs(by_magnet)
    assert by_coil == pytest.approx((linkage(z + h, z_m) - linkage(z - h, z_m)) / (2 * h), rel=1e-4, abs=1e-6 * scale)
    assert by_magnet == pytest.approx((linkage(z, z_m + h) - linkage(z, z_m - h)) / (2 * h), rel=1e-4, abs=1e-6 * scale)
    assert by_coil == pytest.approx(
        float(outputs(part, z, z_m)["bl"](0.0) - outputs(ExternalFlux(), z, z_m)["bl"](0.0))
    )


# --- which of the two moves ------------------------------------------------------------------------------------------


def test_a_uniform_field_does_not_care_which_moves() -> None:
    part = flux(earth=EARTH)
    for z in (0.0, 1e-3, -4e-3):
        by_coil, by_magnet = part.derivatives("earth", z)
        assert by_coil + by_magnet == 0.0
        assert part.epsilon(400.0, z) == 0.0
    assert part.derivatives("earth", 1e-3)[0] != 0.0


def test_in_the_published_model_it_does() -> None:
    part = flux("published", earth=EARTH)
    z, slope = 2e-3, 3.2e-6
    assert part.epsilon(400.0, z) == pytest.approx(-slope * z * part.wire_length / 400.0, rel=1e-6)
    assert part.epsilon(400.0, z, magnet_moves=False) == 0.0


@pytest.mark.parametrize("coupling", ["flux", "published"])
def test_a_moving_coil_is_immune_to_what_is_always_there(coupling: str) -> None:
    assert flux(coupling, **ALL).epsilon(400.0, 1e-3, magnet_moves=False) == 0.0


def test_what_appears_with_the_motion_enters_the_velocity_phase_alone() -> None:
    """Published: as if it moved with the magnet. In the room, and as a function of z_coil alone, the coil misses it."""
    error = mean_field(flux(motor=MOTOR), "motor") * flux(motor=MOTOR).wire_length / 400.0
    assert abs(error) > 1e-7
    assert flux("published", motor=MOTOR).epsilon(400.0) == pytest.approx(error, rel=1e-12)
    assert flux(motor=MOTOR).epsilon(400.0) == 0.0
    assert flux(motor=MOTOR).epsilon(400.0, magnet_moves=False) == pytest.approx(error, rel=1e-12)


# --- sources ---------------------------------------------------------------------------------------------------------


def near(direction: str, r: float, z: float, **more: Any) -> ExternalFlux:
    return flux(near={"kind": "near", "direction": direction, "r": r, "z": z, "shielding": 100.0, **more})


def test_vertical_beside_the_magnet_is_antisymmetric_in_its_height() -> None:
    """Ma2025: mean 0 at z = 0."""
    up, down, middle = (mean_field(near("vertical", 0.175, z), "near") for z in (0.05, -0.05, 0.0))
    assert up == pytest.approx(-down, rel=1e-12)
    assert abs(up) > 1e-8
    assert abs(middle) < 1e-12 * abs(up)


def test_horizontal_beside_the_magnet_is_symmetric_and_largest_in_the_middle() -> None:
    heights = (0.0, 0.02, 0.05, 0.1)
    above, below = ([abs(mean_field(near("horizontal", 0.175, s * z), "near")) for z in heights] for s in (1, -1))
    assert above == pytest.approx(below, rel=1e-12)
    assert above[0] == max(above)
    assert above == sorted(above, reverse=True)


def test_horizontal_on_the_axis_has_no_mean_but_a_half_wave() -> None:
    part = near("horizontal", 0.0, -0.14)
    around = part.distribution("near")
    assert abs(mean_field(part, "near")) < 1e-15
    assert abs(around.mean) < 1e-15
    assert part.epsilon(400.0) == pytest.approx(0.0, abs=1e-18)
    theta = np.linspace(0, 2 * np.pi, 25)
    assert around.at(theta) == pytest.approx(-around.at(theta + np.pi), abs=1e-18)
    assert around.peak > 1e-8


def test_vertical_on_the_axis_is_the_same_all_around_and_falls_with_distance() -> None:
    part = near("vertical", 0.0, -0.14)
    around = part.distribution("near")
    assert around.at(np.linspace(0, 6, 9)) == pytest.approx(np.full(9, around.mean), rel=1e-12)
    assert around.peak == pytest.approx(abs(around.mean), rel=1e-12)
    farther = [abs(mean_field(near("vertical", 0.0, z), "near")) for z in (-0.14, -0.24, -0.34)]
    assert farther[0] > 4 * farther[1] > 8 * farther[2]


@pytest.mark.parametrize("source", [ON_AXIS, BESIDE, {**BESIDE, "direction": "vertical", "z": 0.08}])
@pytest.mark.parametrize("z", [0.0, 3e-3])
def test_the_linkage_and_the_distribution_have_one_mean(source: dict[str, Any], z: float) -> None:
    part = flux(near=source)
    assert part.distribution("near", z).mean == pytest.approx(mean_field(part, "near", z), rel=1e-9)


def test_attenuation_is_of_the_peak_and_the_mean_makes_the_error() -> None:
    """γ_mean makes ε, γ_max does not."""
    part = flux(near={**BESIDE, "shielding": None, "attenuation": 9.51e-6})
    around = part.distribution("near")
    assert around.peak == pytest.approx(9.51e-6 * 0.336, rel=1e-3)
    assert abs(around.mean) < 0.9 * around.peak
    assert part.epsilon(400.0) == pytest.approx(-around.mean * part.wire_length / 400.0, rel=1e-5)


def test_it_points_to_its_azimuth() -> None:
    turned = flux(near=BESIDE).distribution("near")
    straight = flux(near={**BESIDE, "azimuth": 0.0}).distribution("near")
    theta = np.linspace(0, 6, 13)
    assert turned.at(theta + 0.7) == pytest.approx(straight.at(theta), rel=1e-9)
    assert abs(turned.at(0.7)) == pytest.approx(turned.peak, rel=1e-4)


@pytest.mark.parametrize("source", [EARTH, ON_AXIS, BESIDE])
def test_what_is_let_in_goes_with_the_inverse_permeability(source: dict[str, Any]) -> None:
    """β(µ_r) = γ(1000)/γ(µ_r): ten times as much with the yoke's initial permeability."""
    working, initial = (flux("flux", {"permeability": mu}, s=source) for mu in (1e4, 1e3))
    assert mean_field(initial, "s", 2e-3) == pytest.approx(10 * mean_field(working, "s", 2e-3), rel=1e-12)
    assert initial.distribution("s").peak == pytest.approx(10 * working.distribution("s").peak, rel=1e-9)


def test_a_dipole_on_the_axis_without_a_yoke() -> None:
    """Φ = µ0 m r²/(2 (r² + d²)^{3/2}) through a loop on the axis (a textbook's)."""
    source = NearEnd(direction="vertical", z=-0.2, shielding=1.0)
    d, r = 0.21, 0.085
    expected = 4e-7 * math.pi * source.moment * r**2 / (2 * (r**2 + d**2) ** 1.5)
    assert source.free_linkage(np.array([0.01]), r)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("coupling", ["flux", "published"])
def test_a_source_that_moves_up_is_one_that_coil_and_magnet_move_down_from(coupling: str) -> None:
    part, t = flux(coupling, near={**BESIDE, "carried": True}), np.array([1.0, 4.0])
    up = path(polynomial([2e-3, 1e-3], 0, 10 * NS))

    def linkage(z: Signal | float, stage: Signal | float) -> Any:
        field = part.signals(magnet_position=signal(z), energised=Constant(1.0), stage=signal(stage))["field"]
        return field.integral(signal(z))(t)

    assert linkage(0.0, up) - linkage(0.0, 0.0) == pytest.approx(linkage(-1.0 * up, 0.0) - linkage(0.0, 0.0), rel=1e-9)


# --- forces ----------------------------------------------------------------------------------------------------------


def test_a_horizontal_far_field_turns_the_coil_and_does_not_lift_it() -> None:
    part = flux(earth={**EARTH, "vertical": 0.0})
    around = part.distribution("earth")
    current = 12.5e-3
    assert around.force(current, 1269) == 0.0
    torque = around.torque(current, 1269)
    peak = 28e-6 / 170
    assert torque[1] == pytest.approx(0.5 * current * part.wire_length * 85e-3 * peak, rel=1e-12)
    assert abs(torque[0]) < 1e-12 * torque[1]


def test_an_offset_turns_but_does_not_change_the_force() -> None:
    """−½ δ × F for a mean field that falls as 1/r; a first harmonic gives an offset no lift."""
    mean, current = AngularDistribution(np.array([2e-6 + 0j]), 85e-3), 0.01
    force = mean.force(current, 1269)
    assert force == pytest.approx(current * 1269 * 2 * math.pi * 85e-3 * 2e-6, rel=1e-14)
    assert mean.torque(current, 1269) == pytest.approx((0.0, 0.0), abs=1e-20)
    x, y = mean.torque(current, 1269, (1e-3, -2e-3))
    assert (x, y) == pytest.approx((-0.5 * -2e-3 * force, 0.5 * 1e-3 * force), rel=1e-3)


def test_distributions_add_up() -> None:
    theta = 2 * np.pi * np.arange(12) / 12
    a, b = AngularDistribution.of(1.0 + np.cos(theta - 0.3), 0.1), AngularDistribution.of(np.sin(2 * theta), 0.1)
    assert (a + b).at(theta) == pytest.approx(1.0 + np.cos(theta - 0.3) + np.sin(2 * theta), abs=1e-14)
    assert (b + a).mean == pytest.approx(1.0)


# --- in time ---------------------------------------------------------------------------------------------------------


def test_ambient_flux_that_changes_is_in_the_voltage_of_a_coil_at_rest() -> None:
    """∂λ/∂t: −N A dB/dt, and an aperture of a whole cycle does not see it."""
    part = flux(earth={**EARTH, "course": {"drift": 1e-4, "amplitude": 1e-3, "frequency": 50.0, "phase": 0.4}})
    voltage = outputs(part, 0.0)["voltage"]
    t = np.linspace(0.0, 0.05, 11)
    swing = 1e-4 + 1e-3 * 2 * math.pi * 50 * np.cos(2 * math.pi * 50 * t + 0.4)
    assert voltage(t) == pytest.approx(-1269 * 8.8e-5 * 48e-6 * swing, rel=1e-9)
    whole = voltage.means(np.array([0, NS]), 20_000_000)
    assert whole == pytest.approx(np.full(2, -1269 * 8.8e-5 * 48e-6 * 1e-4), rel=1e-4)


def test_a_schedule_is_a_polyline() -> None:
    factor = Course(schedule=[(10.0, 0.0), (20.0, 1.0), (30.0, 1.0), (40.0, -0.5)]).factor("s")
    assert factor(np.array([0.0, 10.0, 15.0, 25.0, 35.0, 60.0])) == pytest.approx([0, 0, 0.5, 1, 0.25, -0.5])


@pytest.mark.parametrize(
    ("schedule", "largest"),
    [
        ([(0, 0.0), (10, 1.0), (20, 0.0)], [0.5, 1.0, 1.0]),
        ([(0, 0.0), (10, 1.0), (20, -2.0)], [0.5, 1.0, -2.0]),
        ([(0, 1.0), (10, 0.5), (20, 0.7)], [1.0, 1.0, 1.0]),
        ([(0, -1.0), (10, 0.0), (20, 1.5)], [-1.0, -1.0, 1.5]),
    ],
)
def test_the_yoke_keeps_a_share_of_the_largest(schedule: list[tuple[float, float]], largest: list[float]) -> None:
    """Ma2025: after a source is gone the coupled field does not return to zero; and it has become the yoke's own."""
    course = {"schedule": schedule}
    held, plain = (flux(s={**ON_AXIS, "course": course, "retained": kept}) for kept in (0.2, 0.0))
    t = np.array([5.0, 10.0, 20.0])

    def outside(part: ExternalFlux) -> Any:
        return outputs(part, path(polynomial([0.0], 0, 30 * NS)))["bl"](t) - 400.0

    full = part_at_full_strength()
    expected = full * (0.8 * np.interp(t, *np.array(schedule).T) + 0.2 * np.array(largest))
    assert outside(held) == pytest.approx(expected, rel=1e-6)
    assert outside(plain) == pytest.approx(full * np.interp(t, *np.array(schedule).T), rel=1e-6, abs=1e-12)


def part_at_full_strength() -> float:
    return flux(s=ON_AXIS).derivatives("s")[0]


# --- the rest --------------------------------------------------------------------------------------------------------


def test_limits_follow_from_attenuations() -> None:
    assert field_limit(1e-5, 0.5, 1e-8) == pytest.approx(0.5e-3)


def test_without_sources_nothing_is_left_in_the_graph() -> None:
    assert ExternalFlux().neutral_inputs() == {"magnet_position", "energised", "stage"}
    assert flux().neutral_inputs() == {"energised", "stage"}, "a measured field goes with the magnet"
    assert flux().ideal().neutral_inputs() == {"magnet_position", "energised", "stage", "ambient"}
    assert flux(earth=EARTH).neutral_inputs() == {"energised", "stage"}
    assert flux(motor={**MOTOR, "carried": True}).neutral_inputs() == frozenset()
    assert flux(**ALL).ideal().sources == {}
    ideal, none = (outputs(part, 1e-3, current=0.01)["bl"](0.0) for part in (flux(**ALL).ideal(), ExternalFlux()))
    assert ideal == none


def test_a_scaled_coil_sees_the_scaled_linkage() -> None:
    """λ of a far field goes with p², ∂λ/∂z with p."""
    part = flux(earth=EARTH)
    scaled = part.scaled(0.5)
    assert scaled.derivatives("earth", 1e-3)[0] == pytest.approx(0.5 * part.derivatives("earth", 2e-3)[0], rel=1e-12)


def test_beyond_what_is_known_is_an_error() -> None:
    part = ExternalFlux(**COIL, sources={"s": ON_AXIS}, reach=1e-3)
    with pytest.raises(SimulationError, match=r"known within 0.002 m; raise reach"):
        outputs(part, 5e-3)["bl"](0.0)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"sources": {"s": EARTH}}, "expected turns and radius of the coil"),
        ({**COIL, "sources": {"s": {**ON_AXIS, "attenuation": None}}}, "needs its attenuation or shielding"),
        ({**COIL, "sources": {"s": {**ON_AXIS, "shielding": 9.0}}}, "attenuation or shielding, not both"),
        ({**COIL, "sources": {"s": {**BESIDE, "direction": "vertical", "z": 0.0, "shielding": None,
                                    "attenuation": 1e-5}}}, "its radial field vanishes in the symmetry plane"),
        ({**COIL, "sources": {"s": {**EARTH, "kind": "middling"}}}, "'middling' found .* does not match"),
        ({**COIL, "sources": {"s": {**EARTH, "course": {"schedule": [(2, 1), (1, 1)]}}}}, "growing times"),
        ({**COIL, "size": 0.5}, "dimensions and size are of a geometry"),
    ],
)  # fmt: skip
def test_what_cannot_be(given_: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        ExternalFlux(**given_)
