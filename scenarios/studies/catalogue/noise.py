"""Noise and resolution, which have no bias, and instruments that only watch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scenarios.studies.case import Case
from scenarios.studies.catalogue.coil import EXPANDING
from scenarios.studies.catalogue.forces import AIR, of_station
from scenarios.studies.effects import Effect, Noise
from twin.times import NS

DIGIT = "half a digit"
WATCHES = "0: only watches"
PHASE = "3.3 σ of the mean over a velocity phase"
ALPHA = {"magnet.temperature_coefficient": -1e-3}
GROUND = {"ground_vibration.spectrum": [[0.05, 1e-8], [0.2, 1e-7], [1.0, 1e-8], [10.0, 1e-9]]}


def _all(part: str, size: float, **more: float) -> dict[str, Any]:
    """White, 1/f and 1/f² noise of an instrument, of a size at 1 Hz."""
    kinds = {"white_noise": size, "flicker_noise": size, "random_walk": 0.1 * size, **more}
    return {f"{part}.{kind}": value for kind, value in kinds.items()}


def _current_digit(case: Case) -> float:
    """Half a digit with the mass on, half a digit with the mass off."""
    meter, volts = case.parts["current_voltmeter"], case.parts["resistor"].resistance * case.weight / case.bl
    return float(meter.step_of(case.campaign.weighing.reading_step)) / volts


def _induced_digit(case: Case) -> float:
    """Half a digit in every reading."""
    digit = case.parts["induced_voltmeter"].step_of(case.campaign.velocity.reading_step)
    return 0.5 * float(digit) / case.bl * float(abs(case.fit_weights()).sum())


def _fringe_digit(case: Case) -> float:
    """Half a digit at either end of every reading."""
    weights = np.pad(case.fit_weights(), ((0, 0), (1, 1))) * NS / case.schedule.step
    return 0.5 * float(case.parts["interferometer"].resolution) * float(abs(np.diff(weights, axis=1)).sum())


def _station(case: Case) -> float:
    """Of the mean over a velocity phase, at the level of the other bounds."""
    room, phase = case.parts["environment"], case.campaign.velocity.duration / NS
    errors = room.temperature_noise, room.pressure_noise, room.humidity_noise
    return 3.3 * abs(of_station(case, *(error / math.sqrt(2.0 * phase) for error in errors)))


def _jitter(case: Case) -> float:
    """Twice the mean of what being early and being late by the jitter does."""
    delay = float(case.parts["induced_voltmeter"].trigger_jitter)
    early_and_late = case.velocities(delay) - 2.0 * case.velocities() + case.velocities(-delay)
    return max(abs(case.fitted(early_and_late)), 1e-10)


SHIFTED = {"gain": 1e-3, "gain_drift": 1e-9, "offset": 1e-6, "offset_drift": 1e-9, "resolution": 1e-9}
TURNED = {f"rotation_{what}": 1e-7 for what in ("offset", "white_noise", "flicker_noise", "resolution")}

NOISE: tuple[Effect, ...] = (
    Noise("noise of the current's meter", _all("current_voltmeter", 1e-7)),
    Noise("noise of the current's meter by aperture", {"current_voltmeter.noise_table": [[0.02, 1e-6], [1.0, 1e-7]]}),
    Noise("resolution of the current's meter", {"current_voltmeter.resolution": 1e-6}, formula=DIGIT,
          bound=_current_digit),
    Noise("digits of the current's meter", {"current_voltmeter.range": 10.0, "current_voltmeter.digits": [[0.0, 7.5]]},
          formula=DIGIT, bound=_current_digit),
    Noise("trigger jitter of the current's meter", {"current_voltmeter.trigger_jitter": 1e-3}, formula="0: the coil is "
          "at rest", bound=1e-12),
    Noise("noise of the induced voltage's meter", _all("induced_voltmeter", 1e-7)),
    Noise("noise of the induced voltage's meter by aperture",
          {"induced_voltmeter.noise_table": [[0.02, 1e-6], [1.0, 1e-7]]}),
    Noise("resolution of the induced voltage's meter", {"induced_voltmeter.resolution": 1e-6}, formula=DIGIT,
          bound=_induced_digit),
    Noise("digits of the induced voltage's meter", {"induced_voltmeter.range": 10.0,
                                                    "induced_voltmeter.digits": [[0.0, 7.5]]},
          formula=DIGIT, bound=_induced_digit),
    Noise("trigger jitter of the induced voltage's meter", {"induced_voltmeter.trigger_jitter": 1e-4},
          formula="σ² v''/v, in the fit of Bl", bound=_jitter),
    Noise("noise of the current source", {"current_source.white_noise": 1e-10, "current_source.flicker_noise": 1e-10}),
    Noise("noise of the resistor", {"resistor.white_noise": 1e-7, "resistor.flicker_noise": 1e-7}),
    Noise("noise of the reference", {"voltage_reference.white_noise": 1e-6, "voltage_reference.flicker_noise": 1e-6}),
    Noise("noise of the interferometer", _all("interferometer", 1e-11)),
    Noise("resolution of the interferometer", {"interferometer.resolution": 1e-10}, formula=DIGIT, bound=_fringe_digit),
    Noise("vibration of the coil", {**GROUND, "ground_vibration.coil_share": 1.0}),
    Noise("vibration of the magnet", {**GROUND, "ground_vibration.magnet_share": 1.0}),
    Noise("vibration of the mirror", {**GROUND, "ground_vibration.reference_share": 1.0}),
    Noise("vibration of magnet and mirror", {**GROUND, "ground_vibration.magnet_share": 1.0,
                                             "ground_vibration.reference_share": 1.0}),
    Noise("vibration of a coil that resonates", {**GROUND, "ground_vibration.resonances":
                                                 [{"frequency": 4.0, "quality": 10.0, "participation": 0.5}]}),
    Noise("noise of the station's thermometer", {**AIR, "environment.temperature_noise": 0.1}, formula=PHASE,
          bound=_station),
    Noise("noise of the station's barometer", {**AIR, "environment.pressure_noise": 10.0}, formula=PHASE,
          bound=_station),
    Noise("noise of the station's hygrometer", {**AIR, "environment.humidity_noise": 0.01}, formula=PHASE,
          bound=_station),
    Noise("noise of the magnet's thermometer", {**ALPHA, **_all("magnet_thermometer", 1e-3)}),
    Noise("resolution of the magnet's thermometer", {**ALPHA, "magnet_thermometer.resolution": 1e-3}, formula=DIGIT,
          bound=1e-6),
    Noise("noise of the coil's thermometer", {**EXPANDING, **_all("coil_thermometer", 1e-2)}),
    Noise("resolution of the coil's thermometer", {**EXPANDING, "coil_thermometer.resolution": 1e-2}, formula=DIGIT,
          bound=1.7e-7),
    Effect("position detector", _all("position_detector", 1e-8, **SHIFTED, **TURNED), 0.0, WATCHES),
    Effect("displacement sensor", {"displacement_sensor": {},
                                   **_all("displacement_sensor", 1e-8, **SHIFTED, nonlinearity=1.0, range=1.0),
                                   "wiring.displacement_sensor.position": "flexure.position"}, 0.0, WATCHES),
    Effect("fluxgate", {"fluxgate": {}, "fluxgate.offset_temperature_coefficient": 5e-9,
                        **_all("fluxgate", 1e-9, **SHIFTED, range=2e-3),
                        "environment.temperature": 300.15,
                        "wiring.fluxgate.field": "magnet.stray_field",
                        "wiring.fluxgate.temperature_rise": "environment.temperature_rise"}, 0.0, WATCHES),
)  # fmt: skip
