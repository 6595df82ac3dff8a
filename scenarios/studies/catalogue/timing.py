"""Time: voltages and positions that do not belong to the same instant."""

from __future__ import annotations

from scenarios.studies.case import Case
from scenarios.studies.effects import Effect

FIT = "v(t + τ)/v(t) − 1, in the fit of Bl"
STANDS = "0: the coil is at rest"


def _later(case: Case, delay: float) -> float:
    """The voltages belong to instants that are later by `delay` (s) than those of the positions."""
    return case.fitted(case.velocities(delay) - case.velocities())


def _voltmeter(case: Case) -> float:
    return _later(case, case.parts["induced_voltmeter"].trigger_latency)


def _interferometer(case: Case) -> float:
    delay = float(case.parts["interferometer"].trigger_latency)
    return case.fitted(case.velocities() - case.velocities(delay), delay)


def _capacitance(case: Case) -> float:
    return _later(case, -case.parts["circuit"].delay)


def _stretched(case: Case) -> float:
    stretch = case.parts["induced_voltmeter"].time_base_error
    return case.fitted(case.velocities(stretch=stretch) - case.velocities())


TIMING: tuple[Effect, ...] = (
    Effect("trigger latency of the induced voltage's meter", {"induced_voltmeter.trigger_latency": 1e-3}, _voltmeter, FIT,
           ("trigger_latency",)),
    Effect("trigger latency of the interferometer", {"interferometer.trigger_latency": 1e-3}, _interferometer,
           "v(t)/v(t + τ) − 1, in the fit of Bl",
           ("trigger_latency",)),
    Effect("trigger latency of the current's meter", {"current_voltmeter.trigger_latency": 0.1}, 0.0, STANDS),
    Effect("capacitance of the coil", {"circuit.capacitance": 4e-7, "circuit.nominal_resistance": 2400.0}, _capacitance,
           FIT + ", τ = −R C", ("trigger_latency",)),
    Effect("time base of the interferometer", {"interferometer.time_base_error": 1e-6}, -1e-6, "−δ", ("time_base",)),
    Effect("time base of the induced voltage's meter", {"induced_voltmeter.time_base_error": 1e-3}, _stretched,
           "v(t + δ t)/v(t) − 1, in the fit of Bl"),
    Effect("time base of the current's meter", {"current_voltmeter.time_base_error": 1e-3}, 0.0, STANDS),
)  # fmt: skip
