"""Time: voltages and positions that do not belong to the same instant."""

from __future__ import annotations

from typing import Any

from scenarios.studies.case import Case
from scenarios.studies.effects import Effect
from twin.times import NS

FIT = "v(t + τ)/v(t) − 1, in the fit of Bl"
STANDS = "0: the coil is at rest"
OSCILLATING: dict[str, Any] = {
    # An oscillation: at constant velocity nothing is to be seen.
    **{f"campaign.velocity.{key}": None for key in ("pairs", "sweep_duration", "acceleration_time")},
    **{f"campaign.velocity.{key}": None for key in ("window_start", "window_end")},
    "campaign.velocity.motion": "oscillation", "campaign.velocity.frequency": 1.0, "campaign.velocity.velocity": 3e-4,
    "campaign.velocity.harmonics": [1, 3, 5, 7, 9], "campaign.velocity.cycles": 60, "campaign.velocity.window": 0.3,
    "campaign.velocity.reading_step": 0.025,
}  # fmt: skip


def _later(case: Case, delay: float) -> float:
    """The voltages belong to instants that are later by `delay` (s) than those of the positions."""
    return case.fitted(case.velocities(delay) - case.velocities())


def _voltmeter(case: Case) -> float:
    return _later(case, case.parts["induced_voltmeter"].trigger_latency)


def _interferometer(case: Case) -> float:
    delay = float(case.parts["interferometer"].trigger_latency)
    return case.fitted(case.velocities() - case.velocities(delay), delay)


def _capacitance(case: Case) -> float:
    """v(t − τ) − (L C − ½ τ²) v''; without an inductance the delay is all."""
    circuit, step = case.parts["circuit"], 1e-3
    delay, resonance = float(circuit.delay), float(circuit.inductance * circuit.capacitance)
    late = case.velocities(-delay)
    bend = (case.velocities(step - delay) - 2.0 * late + case.velocities(-step - delay)) / step**2
    share = resonance - 0.5 * delay**2 if resonance else 0.0
    return case.fitted(late - share * bend - case.velocities())


def _stretched(case: Case) -> float:
    """The fit of the skew takes out by how much a window's middle is late."""
    stretch, schedule = case.parts["induced_voltmeter"].time_base_error, case.schedule
    middle = 0.5 * stretch * schedule.count * schedule.step / NS
    return case.fitted(case.velocities(-middle, stretch) - case.velocities())


TIMING: tuple[Effect, ...] = (
    Effect("trigger latency of the induced voltage's meter", {"induced_voltmeter.trigger_latency": 1e-3}, _voltmeter,
           FIT, ("trigger_latency",), OSCILLATING, 1e-11),
    Effect("trigger latency of the interferometer", {"interferometer.trigger_latency": 1e-3}, _interferometer,
           "v(t)/v(t + τ) − 1, in the fit of Bl", ("trigger_latency",), OSCILLATING, 1e-11),
    Effect("trigger latency of the current's meter", {"current_voltmeter.trigger_latency": 0.1}, 0.0, STANDS),
    Effect("capacitance of the coil", {"circuit.capacitance": 4e-7, "circuit.nominal_resistance": 2400.0,
                                       "coil.resistance": 2400.0}, _capacitance,
           FIT + ", τ = −R C", ("trigger_latency",), OSCILLATING, 1e-11),
    Effect("inductance of the coil before its capacitance", {"circuit.capacitance": 4e-8, "circuit.inductance": 10.0,
                                                             "circuit.nominal_resistance": 2400.0,
                                                             "coil.resistance": 2400.0}, _capacitance,
           "v(t − τ)/v(t) − 1 − (L C − ½ τ²) v''/v, in the fit of Bl", ("trigger_latency",), OSCILLATING, 1e-11),
    Effect("time base of the interferometer", {"interferometer.time_base_error": 1e-6}, -1e-6, "−δ", ("time_base",)),
    Effect("time base of the induced voltage's meter", {"induced_voltmeter.time_base_error": 1e-3}, _stretched,
           "v(t + δ (t − t̄))/v(t) − 1, in the fit of Bl", ("time_base",), bound=1e-9),
    Effect("time base of the current's meter", {"current_voltmeter.time_base_error": 1e-3}, 0.0, STANDS),
)  # fmt: skip
