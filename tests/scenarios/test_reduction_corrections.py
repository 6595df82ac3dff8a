"""Each correction alone: blocks with the effect written into them, its bias uncorrected, nothing left corrected."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from components.air import air_density
from components.refractive_index import HELIUM_NEON, refractive_index
from components.voltmeter import bend
from scenarios.reduction import Estimate, MassResult, ReductionError, reduce
from scenarios.reduction.corrections import NEUTRAL
from tests.scenarios.test_reduction_effects import EFFECTS
from tests.scenarios.test_reduction_run import AIR, CURRENT, Run, settings
from twin.recorder import NS, Block, Blocks

FLAT = Run(bl=(1400.0,))
WEIGHED = float(np.mean([b.times().mean() for b in FLAT.blocks().select("current_voltmeter", phase="weighing")]))
"""Mean time of the weighings (s)."""
MU_0 = 1.25663706127e-6
LOAD = 9.80  # N, of 1 kg
RHO = float(air_density(*AIR))
Change = Callable[[Block], np.ndarray]


@dataclass(frozen=True)
class Effect:
    """A run whose blocks are changed, the certificates that say so, and the relative bias without correction."""

    run: Run
    certificates: dict[str, Any]
    bias: float
    changes: tuple[tuple[str, dict[str, object], Change], ...] = ()
    more: Callable[[Run], list[Block]] = field(default=lambda run: [])

    def blocks(self) -> Blocks:
        changed = Blocks()
        for block in [*self.run.blocks(), *self.more(self.run)]:
            for channel, labels, change in self.changes:
                if block.channel == channel and block.has(**labels):
                    block = dataclasses.replace(block, values=change(block))
            changed.append(block)
        return changed

    def result(self, corrections: dict[str, bool] | None = None) -> MassResult:
        return reduce(self.blocks(), self.run.certificates(**self.certificates), settings(corrections))


def times(factor: float) -> Change:
    return lambda block: block.values * factor


def middle(block: Block) -> float:
    """Mean time of the readings (s)."""
    return (block.schedule.start + 0.5 * block.schedule.step * block.schedule.count) / NS


def pushed(run: Run, force: Callable[[Block], float]) -> Change:
    """A force more on the coil, at constant Bl."""
    return lambda block: block.values + run.resistance * force(block) / run.bl[0]


def on_only(force: float) -> Callable[[Block], float]:
    return lambda block: force if block.labels["state"] == "on" else 0.0


def coil_temperatures(run: Run) -> list[Block]:
    """Of 2 K while weighing, 0.5 K while moving."""
    found = [b for b in run.blocks() if b.channel == "magnet_thermometer"]
    return [
        dataclasses.replace(
            b, channel="coil_thermometer", values=np.full(b.values.shape, 2.0 if b.has(phase="weighing") else 0.5)
        )
        for b in found
    ]


def heated(block: Block) -> np.ndarray:
    """U = R I (1 + c U²/R) solved for U, with R = 1 kΩ and c = 1e-3/W."""
    shown = block.values
    for _ in range(20):
        shown = block.values * (1 + 1e-3 * shown**2 / 1e3)
    return shown


def lowered(run: Run, compliance: float) -> Change:
    """The current in Bl(c F) = 1400 + 30 c F."""

    def change(block: Block) -> np.ndarray:
        force = block.values / run.resistance * 1400.0
        return run.resistance * force / (1400.0 + 30.0 * compliance * force)

    return change


def drifting(rate: float) -> Change:
    """A scale that grows with the time since the start; that of the middle of a block holds for all of it."""
    return lambda block: block.values * (1 + rate * float(block.times().mean()))


WEIGHING = {"phase": "weighing"}
VELOCITY = {"phase": "velocity"}
CALIBRATION = {"phase": "calibration"}
WARM = AIR[0] - 298.15
INDEX = float(refractive_index(*AIR, HELIUM_NEON))
LEANS = {"verticality_x": 3e-3, "verticality_y": -2e-3, "abbe_offset_x": 1e-3, "abbe_offset_y": 2e-3}
MOTION = {"drift_x": 1e-3, "drift_y": 2e-3, "roll_x": 3e-3, "roll_y": -4e-3}
ASKEW = {"coil_tilt_x": 1e-3, "coil_tilt_y": -3e-4, "coil_offset_x": 1e-3, "coil_offset_y": 2e-3}
SHOWN = (
    math.sqrt(1 - math.sin(3e-3) ** 2 - math.sin(2e-3) ** 2)
    + math.sin(3e-3) * 1e-3
    - math.sin(2e-3) * 2e-3
    - 1e-3 * 4e-3
    - 2e-3 * 3e-3
)
COUPLING = 0.5 * (1e-3 * 1e-3 - 3e-4 * 2e-3) + 2e-3 * 3e-3 + 1e-3 * 4e-3
LIFT = (1e-3 * 1e-4 / MU_0 + 0.2) * -5e-3 / 8000.0  # N, at 0.1 mT and −5 mT/m
DRIFTING = 1e-12, 2e-11 * (AIR[1] - 101325.0) + 1e-7 * WARM  # 1/s, 1

CORRECTED = {
    "resistor_temperature": Effect(
        Run(air=AIR),
        {"resistance_temperature_coefficient": 1e-6},
        1e-6 * WARM,
        (("current_voltmeter", WEIGHING, times(1 + 1e-6 * WARM)),),
    ),
    "mass_expansion": Effect(
        Run(air=AIR),
        {"mass_expansion": 1e-3},
        -RHO / 8000.0 * 1e-3 * WARM / (1 - RHO / 8000.0),
        (("current_voltmeter", WEIGHING, pushed(FLAT, on_only(-RHO / 8000.0 * 1e-3 * WARM * LOAD))),),
    ),
    "voltmeter_linearity": Effect(
        FLAT,
        {"current_nonlinearity": 1e-7, "current_range": 10.0},
        1e-7 * 1.5 * math.sqrt(3.0) * (1.0 - (1e2 * CURRENT) ** 2),
        (("current_voltmeter", WEIGHING, lambda block: block.values + 1e-7 * bend(block.values, 10.0)),),
    ),
    "resistor_power": Effect(
        FLAT,
        {"resistance_power_coefficient": 1e-3},
        1e-3 * 1e3 * CURRENT**2,
        (("current_voltmeter", WEIGHING, heated),),
    ),
    "reference_environment": Effect(
        Run(air=AIR, cycles=1),
        {
            "reference_drift": DRIFTING[0],
            "reference_pressure_coefficient": 2e-11,
            "reference_temperature_coefficient": 1e-7,
        },
        -2 * DRIFTING[1],
        tuple(
            (channel, CALIBRATION, lambda b: b.values * (1 + DRIFTING[0] * (middle(b)) + DRIFTING[1]))
            for channel in ("current_voltmeter", "induced_voltmeter")
        ),
    ),
    "input_impedance": Effect(
        FLAT,
        {"input_conductance": 1e-10, "coil_resistance": 2400.0, "lead_resistance": 5.0},
        -2405e-10,
        (("induced_voltmeter", VELOCITY, times(1 / (1 + 2405e-10))),),
    ),
    "time_base": Effect(FLAT, {"time_base_error": 1e-6}, -1e-6, (("interferometer", VELOCITY, times(1 + 1e-6)),)),
    "refractive_index": Effect(
        Run(air=AIR), {"wavelength": HELIUM_NEON}, 1 / INDEX - 1, (("interferometer", {}, times(INDEX)),)
    ),
    "laser_alignment": Effect(Run(), {**LEANS, **MOTION}, 1 / SHOWN - 1, (("interferometer", {}, times(SHOWN)),)),
    "laser_drift": Effect(
        FLAT, {"laser_drift": 1e-9}, -1e-9 * WEIGHED, (("interferometer", VELOCITY, drifting(1e-9)),)
    ),
    "alignment": Effect(Run(), {**ASKEW, **MOTION}, COUPLING, (("induced_voltmeter", VELOCITY, times(1 + COUPLING)),)),
    "coil_expansion": Effect(
        FLAT,
        {"coil_expansion": 1e-6},
        1e-6 * (0.5 - 2.0),
        (
            ("induced_voltmeter", VELOCITY, times(1 + 0.5e-6)),
            ("current_voltmeter", WEIGHING, times(1 / (1 + 2e-6))),
        ),
        coil_temperatures,
    ),
    "yoke": Effect(
        Run(bl=(1400.0,), k=500.0, z_on=3e-5, z_off=3e-5),
        {"remanence": 0.05},
        -500.0 * 3e-5 * 0.05 * CURRENT / 1400.0,
    ),
    "support_compliance": Effect(
        Run(bl=(1400.0, 30.0), tare_share=0.0),
        {"support_compliance": 1e-6},
        -30 * 1e-6 * LOAD / 1400,
        (("current_voltmeter", WEIGHING, lowered(FLAT, 1e-6)),),
    ),
    "stiffness": Effect(
        Run(bl=(1400.0,), z_on=2e-5, z_off=-3e-5),
        {"stiffness": 2.0},
        2.0 * 5e-5 / LOAD,
        (
            (
                "current_voltmeter",
                WEIGHING,
                pushed(FLAT, lambda b: 2.0 * (2e-5 if b.labels["state"] == "on" else -3e-5)),
            ),
        ),
    ),
    "gravity_transfer": Effect(
        Run(gravity=9.80),
        {"gravity": 9.79, "gravity_transfer": 0.01 + 3e-6, "gravity_gradient": -3e-6, "gravity_height": 1.0},
        9.80 / 9.79 - 1,
    ),
    "tide": Effect(
        FLAT, {"tide": ((1e-6, 1e12, 0.0),)}, 1e-6 / 9.80, (("current_voltmeter", WEIGHING, times(1 + 1e-6 / 9.80)),)
    ),
    "magnetic_force": Effect(
        FLAT,
        {"susceptibility": 1e-3, "magnetisation": 0.2, "stray_field": 1e-4, "stray_gradient": -5e-3},
        -LIFT / LOAD,
        (("current_voltmeter", WEIGHING, pushed(FLAT, on_only(-LIFT))),),
    ),
    "exchanger_parts": Effect(
        Run(bl=(1400.0,), air=AIR),
        {"parts_mass": 1e-5, "parts_density": 2700.0},
        1e-5 * (1 - RHO / 2700.0) / (1 - RHO / 8000.0),
        (("current_voltmeter", WEIGHING, pushed(FLAT, on_only(1e-5 * LOAD * (1 - RHO / 2700.0)))),),
    ),
}


def remanent(effect: Effect) -> Blocks:
    """Velocity blocks with what the last current left: −k (z − z0) r I of Bl."""
    run = effect.run
    last = run.current(run.is_on(run.weighings - 1), 0.0)
    moving = dataclasses.replace(run, bl=(1400.0, -run.k * 0.05 * last))
    return Blocks(
        [*(b for b in run.blocks() if not b.has(**VELOCITY)), *(b for b in moving.blocks() if b.has(**VELOCITY))]
    )


def reduced(name: str, on: bool) -> MassResult:
    effect = CORRECTED[name]
    blocks = remanent(effect) if name == "yoke" else effect.blocks()
    return reduce(blocks, effect.run.certificates(**effect.certificates), settings({name: on}))


@pytest.mark.parametrize("name", CORRECTED)
def test_an_effect_gives_its_bias_uncorrected_and_none_corrected(name: str) -> None:
    bias = CORRECTED[name].bias
    with_, without = reduced(name, True), reduced(name, False)
    assert without.mass_kg - 1 == pytest.approx(bias, rel=2e-3)
    assert abs(with_.mass_kg - 1) < 1e-12
    assert with_.corrections[name] == pytest.approx(1 / (1 + bias) - 1, rel=2e-3)
    assert without.type_b[f"{name.replace('_', ' ')}, not corrected"] == pytest.approx(abs(bias), rel=1e-2)


def test_every_correction_has_its_test() -> None:
    elsewhere = {"leakage", "trigger_latency", "after_effect", "nonlinearity", "external_flux", "yoke_lag"}
    elsewhere |= {"voltmeter_drift", "offset_drift"}
    assert set(NEUTRAL) == {*CORRECTED, *EFFECTS, *elsewhere}


def test_a_leakage_divides_current_and_voltage_alike() -> None:
    loss = 1 + 1e-9 * 2400
    effect = Effect(
        FLAT,
        {"leakage": 1e-9, "coil_resistance": 2400.0},
        0.0,
        (("induced_voltmeter", VELOCITY, times(1 / loss)), ("current_voltmeter", WEIGHING, times(loss))),
    )
    with_, without = effect.result(), effect.result({"leakage": False})
    assert abs(with_.mass_kg - 1) < 1e-12
    assert abs(without.mass_kg - 1) < 1e-12
    assert with_.bl_Tm == pytest.approx(1400.0, rel=1e-13)
    assert without.bl_Tm == pytest.approx(1400.0 / loss, rel=1e-13)


@pytest.mark.parametrize("capacitance", [0.0, 1e-6])
def test_a_latency_moves_the_positions(capacitance: float) -> None:
    """Constant velocities: the profile is read ± v τ away, so that its curvature makes c2 (v τ)²."""
    run = Run(bl=(1400.0, 30.0, -4e4))
    latency = 2e-2 + 2400 * capacitance
    steps = np.linspace(-1e-4, 1e-4, run.readings + 1)
    speed = (steps[1] - steps[0]) / 0.02

    def line(block: Block) -> np.ndarray:
        return steps * np.where(np.arange(run.sweeps) % 2, -1.0, 1.0)[:, None]

    def voltage(block: Block) -> np.ndarray:
        z = line(block) + 2e-2 * speed * np.where(np.arange(run.sweeps) % 2, -1.0, 1.0)[:, None]
        return np.diff(sum(b * z ** (k + 1) / (k + 1) for k, b in enumerate(run.bl)), axis=1) / 0.02

    known = {"trigger_latency": latency, "coil_resistance": 2400.0, "coil_capacitance": capacitance}
    effect = Effect(run, known, 0.0, (("interferometer", VELOCITY, line), ("induced_voltmeter", VELOCITY, voltage)))
    bias = -4e4 * (2e-2 * speed) ** 2 / 1400
    assert abs(bias) > 1e-9
    assert abs(effect.result().mass_kg - 1) < 1e-12
    without = effect.result({"trigger_latency": False})
    assert without.mass_kg - 1 == pytest.approx(bias, rel=1e-3)
    assert without.type_b["trigger latency, not corrected"] > 0


def test_a_periodic_error_is_fitted_though_all_sweeps_repeat_it() -> None:
    def periodic(block: Block) -> np.ndarray:
        return block.values + 1e-10 * np.sin(2 * np.pi / 316e-9 * block.values + 0.7)

    effect = Effect(Run(), {"nonlinearity_period": 316e-9}, 0.0, (("interferometer", VELOCITY, periodic),))
    with_, without = effect.result(), effect.result({"nonlinearity": False})
    bias = without.mass_kg - 1
    assert abs(bias) > 1e-7
    assert abs(with_.mass_kg - 1) < 1e-4 * abs(bias)
    assert with_.corrections["nonlinearity"] == pytest.approx(-bias, rel=2e-2)
    assert without.type_b["nonlinearity, not corrected"] == pytest.approx(abs(bias), rel=2e-2)


def test_the_current_voltmeter_loads_the_resistor() -> None:
    share = 1 + 1e3 * 1e-9
    effect = Effect(
        FLAT, {"current_input_conductance": 1e-9}, 0.0, (("current_voltmeter", WEIGHING, times(1 / share)),)
    )
    assert abs(effect.result().mass_kg - 1) < 1e-12
    assert effect.result({"input_impedance": False}).mass_kg == pytest.approx(1 / share, rel=1e-12)


def test_an_after_effect_is_computed_from_where_the_coil_has_been() -> None:
    """It rested 10 mm below: 1e-2 N/m · 10 mm Σ w exp(−t/τ) is left at t, less what looks like a drift."""

    def relaxing(t: float) -> float:
        return 1e-4 * (0.7 * math.exp(-t / 200) + 0.3 * math.exp(-t / 2000))

    run = Run(bl=(1400.0,), cycles=1, tare_drift=relaxing)
    known = {
        "after_effect_strength": Estimate(1e-2, 3e-3),
        "after_effect_time_constants": (200.0, 2000.0),
        "after_effect_weights": (0.7, 0.3),
        "after_effect_rest": -1e-2,
    }
    with_ = reduce(run.blocks(), run.certificates(**known))
    without = reduce(run.blocks(), run.certificates(**known), settings({"after_effect": False}))
    bias = without.mass_kg - 1
    assert abs(bias) > 1e-8
    assert abs(with_.mass_kg - 1) < 1e-12
    assert with_.type_b["after-effect: relaxing stiffness"] == pytest.approx(0.3 * abs(bias), rel=1e-3)
    assert without.type_b["after effect, not corrected"] == pytest.approx(math.hypot(1, 0.3) * abs(bias), rel=1e-3)
    assert with_.cycles[0].u_mass_kg < 1e-3 * without.cycles[0].u_mass_kg


def test_the_tide_is_that_of_each_weighing() -> None:
    def rising(block: Block) -> np.ndarray:
        return block.values * (1 + 1e-6 * math.cos(2 * math.pi * middle(block) / 5000 + 0.3) / 9.80)

    effect = Effect(FLAT, {"tide": ((1e-6, 5000.0, 0.3),)}, 0.0, (("current_voltmeter", WEIGHING, rising),))
    assert abs(effect.result().mass_kg - 1) < 1e-13
    assert abs(effect.result({"tide": False}).mass_kg - 1) > 1e-9


def test_gains_are_freed_of_the_voltmeters_zero() -> None:
    """Offsets of both voltmeters that drift; the velocity fit and the differences take them out of the rest."""

    def offset(block: Block) -> np.ndarray:
        return block.values + 1e-5 + 1e-9 * middle(block)

    def zeros(run: Run) -> list[Block]:
        read = [b for b in run.blocks() if b.has(**CALIBRATION)]
        return [dataclasses.replace(b, values=0 * b.values, labels={**b.labels, "phase": "zero"}) for b in read]

    both = tuple(
        (c, {"phase": p}, offset) for c in ("current_voltmeter", "induced_voltmeter") for p in ("calibration", "zero")
    )
    run = Run(gain_current=1 + 3e-6, gain_induced=1 - 2e-6)
    assert abs(Effect(run, {}, 0.0, both, zeros).result().mass_kg - 1) < 1e-12
    assert Effect(run, {}, 0.0, both).result().mass_kg - 1 == pytest.approx(-2.5e-6, rel=0.5)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"coil_expansion": 1e-6}, r"'coil_thermometer'.*coil_expansion=false"),
        ({"resistance_temperature_coefficient": 1e-6}, r"'environment'.*'temperature'.*resistor_temperature=false"),
        ({"reference_pressure_coefficient": 1e-11, "vacuum": False}, r"'pressure'.*reference_environment=false"),
        ({"wavelength": HELIUM_NEON, "vacuum": False}, r"'environment'.*vacuum.*buoyancy=false"),
    ],
)
def test_what_a_correction_goes_by_must_be_there(known: dict[str, Any], message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        reduce(FLAT.blocks(), FLAT.certificates(**known))


def test_in_vacuum_the_pressure_at_the_reference_is_zero() -> None:
    effect = Effect(
        FLAT,
        {"reference_pressure_coefficient": 2e-11},
        0.0,
        tuple((c, CALIBRATION, times(1 - 2e-11 * 101325)) for c in ("current_voltmeter", "induced_voltmeter")),
    )
    assert abs(effect.result().mass_kg - 1) < 1e-12


def test_the_time_base_of_a_voltmeter_changes_the_mass_as_its_correction_says() -> None:
    """Where the coil is accelerated: apertures begin later and later."""
    run = Run(sine=True)
    known = run.certificates(voltmeter_time_base_error=1e-4)
    on, off = (reduce(run.blocks(), known, settings({"time_base": which})) for which in (True, False))
    change = on.mass_kg / off.mass_kg - 1
    assert abs(change) > 1e-5
    assert on.corrections["time_base"] == pytest.approx(change, rel=1e-2)
    assert off.type_b["time base, not corrected"] == pytest.approx(abs(change), rel=1e-2)
