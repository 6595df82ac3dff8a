"""The impedance of a coil from two voltages that were read together: across it, and across a standard resistor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]
HARMONICS = 2
"""That are fitted to either voltage, as far as there are readings for them."""


@dataclass(frozen=True)
class Impedance:
    """At a frequency (Hz) and a height (m): L (H) and R (ohm) in series, with standard uncertainties."""

    phase: str
    frequency: float
    height: float
    inductance: float
    u: float
    resistance: float
    u_resistance: float


def impedance(block: Block, readings: Blocks, certificates: Mapping[str, Estimate]) -> Impedance:
    """The ratio of the first harmonics of a block of `induced_voltmeter` and the current's that was read with it.

    Gains and trigger latencies are those of the certificates.

    Raises
    ------
    ReductionError
        If labels, readings or certificates are missing, or no current flows.
    """
    labels = block.labels
    frequency, height, cycle = labels.get("frequency_Hz"), labels.get("height_m"), labels.get("cycle")
    if not isinstance(frequency, int | float) or not isinstance(height, int | float):
        raise ReductionError("a block of 'induced_voltmeter' lacks the labels frequency_Hz and height_m")
    others = [b for b in readings.select("current_voltmeter") if b.labels.get("cycle") == cycle]
    others = [b for b in others if b.schedule == block.schedule]
    if len(others) != 1:
        raise ReductionError(f"the current at {frequency:g} Hz and {height:g} m was not read with the voltage")
    resistance = certificates.get("resistor.resistance")
    if resistance is None:
        raise ReductionError("the certificates have no resistor.resistance")
    step = block.schedule.step / NS
    voltage, u_voltage = _first_harmonic(block.values.ravel(), step, frequency)
    current, u_current = _first_harmonic(others[0].values.ravel(), step, frequency)
    if abs(current) < 10.0 * u_current:
        raise ReductionError(f"no current flows at {frequency:g} Hz and {height:g} m")
    gains = [certificates.get(f"{n}_voltmeter.gain", Estimate(0.0)) for n in ("induced", "current")]
    late = [certificates.get(f"{n}_voltmeter.trigger_latency", Estimate(0.0)) for n in ("induced", "current")]
    omega = 2.0 * math.pi * float(frequency)
    scale = resistance.value * (1.0 + gains[1].value) / (1.0 + gains[0].value)
    found = scale * voltage / current * np.exp(-1j * omega * (late[0].value - late[1].value))
    inductance = found.imag / omega
    noise = abs(scale / current) * math.hypot(u_voltage, abs(voltage / current) * u_current) / omega
    relative = math.sqrt((resistance.u / resistance.value) ** 2 + gains[0].u ** 2 + gains[1].u ** 2)
    skew = found.real * math.hypot(late[0].u, late[1].u)
    u = math.sqrt(noise**2 + (relative * inductance) ** 2 + skew**2)
    late_by = omega**2 * inductance * math.hypot(late[0].u, late[1].u)
    u_real = math.sqrt((noise * omega) ** 2 + (relative * found.real) ** 2 + late_by**2)
    place = float(frequency), float(height)
    return Impedance(str(labels.get("phase")), *place, float(inductance), u, float(found.real), u_real)


def _first_harmonic(values: Array, step: float, frequency: float) -> tuple[complex, float]:
    """Complex amplitude of exp(+iωt) from the first reading on, and the standard uncertainty of either part.

    By least squares with an offset, a drift and as many harmonics as there are readings for.
    """
    if not np.isfinite(values).all():
        raise ReductionError(f"readings at {frequency:g} Hz are not finite throughout; repeat them")
    n = len(values)
    t = step * np.arange(n)
    top = max(1, min(HARMONICS, int(0.4 / (step * frequency))))
    angle = 2.0 * math.pi * frequency * t
    rows = [np.ones(n), np.linspace(-1.0, 1.0, n)]
    for k in range(1, top + 1):
        rows += [np.cos(k * angle), -np.sin(k * angle)]
    matrix = np.array(rows)
    if n < len(matrix) + 4:
        raise ReductionError(f"{n} readings at {frequency:g} Hz are too few; read longer")
    inverse = np.linalg.inv(matrix @ matrix.T)
    found = inverse @ (matrix @ values)
    rest = values - found @ matrix
    u = math.sqrt(float(rest @ rest) / (n - len(matrix)) * max(inverse[2, 2], inverse[3, 3]))
    return complex(found[2], found[3]), u
