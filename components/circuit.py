"""The circuit between current source, coil and voltmeters: leakage, leads, thermal EMF and the coil's capacitance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray
from pydantic import model_validator

from twin.component import Component, Port
from twin.composition import Composition
from twin.parameter import parameter
from twin.shifted import Delayed
from twin.signal import Constant, Elapsed, Signal
from twin.times import NS, middles, to_ns

Array = NDArray[float64]

DIFFERENCE = 500_000
"""Step of the second difference of the voltage (ns)."""


class LoadedVoltage(Composition):
    """The voltage at a coil's terminals with a leakage across them: ``(U + G R² I)/(1 + G R)``.

    `U` holds the EMF and the drop of the coil's own current, ``U = EMF + R I``. The leakage loads the EMF alone, as the
    coil's current is what the leakage has left over of the source's: the terminals are at ``EMF/(1 + G R) + R I``.

    Parameters
    ----------
    voltage, current, resistance : U (V), I (A) and R (ohm).
    leakage : G (S).
    """

    def __init__(self, voltage: Signal, current: Signal, resistance: Signal, leakage: float) -> None:
        self.operands = (voltage, current, resistance)
        self.leakage = leakage
        self.leaves = voltage.leaves | current.leaves | resistance.leaves

    def combine(self, *values: Array) -> Array:
        voltage, current, resistance = values
        loading = self.leakage * resistance
        result: Array = (voltage + loading * resistance * current if current.any() else voltage) / (1.0 + loading)
        return result

    def means(self, starts: NDArray[int64], aperture: int) -> Array:
        """From the means of the operands, so that a flux difference stays one; R is that in the middle of a burst.

        What R and U vary together within a burst, at most ``G ΔR U``, is left out.
        """
        voltage, current, resistance = self.operands
        known = current.constant_over(int(starts.min()), int(starts.max()) + aperture)
        means = current.means(starts, aperture) if known is None else np.array(known)
        return self.combine(voltage.means(starts, aperture), means, resistance.at(middles(starts, aperture)))

    def __repr__(self) -> str:
        return f"loaded({', '.join(map(repr, self.operands))})"


class Circuit(Component):
    """What lies between the terminals of the source, the coil and the meter across the coil.

    A leakage G across the coil's terminals takes its share of the source's current, which the standard resistor sees in
    full, ``I = I_source/(1 + G R)``, and loads the EMF of the moving coil, ``U = EMF/(1 + G R)``. The reported mass,
    which goes with ``U I_source``, does not change: the coil divides the current by what it divides the voltage by, as
    long as R is the same in both phases. The current that the EMF itself drives through the leakage is left out of the
    coil's current; it flows where no force is measured, and lowers the voltage all the same.

    The coil's capacitance C lies behind its resistance R and its inductance L,

        V = EMF/(1 + i ω R C − ω² L C) ≈ EMF − R C EMF' + (R² C² − L C) EMF''.

    A pure delay by ``τ = R C``, of the certificate, has the first order and ``½ τ²`` of the second. Without an
    inductance that is all, and ``½ (ω τ)²`` of the voltage is left out. With one, the rest of the second order is a
    difference of the delayed voltage V_d,

        V = V_d + c (2 V_d(t) − V_d(t − s) − V_d(t + s)),  c s² = L C − ½ τ²,  s = 0.5 ms,

    so that the mean over an aperture is still a flux difference. Of it ``(ω s)²/12`` is wrong, below 7e-5 up to 9 Hz,
    and of the voltage ``ω³ τ (L C − τ²/3)`` in phase. A leakage divides τ and L C by ``1 + G R``; what it adds to the
    delay, ``G L``, is left out.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "source_current": Port("A"),
        "coil_voltage": Port("V", default=0.0),
        "coil_resistance": Port("ohm", default=0.0),
        "meter_conductance": Port("S", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "coil_current": Port("A"),
        "voltage": Port("V"),
        "source_resistance": Port("ohm"),
        "load_conductance": Port("S"),
        "load_capacitance": Port("F"),
        "load_inductance": Port("H"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "coil_current": frozenset({"source_current", "coil_resistance"}),
        "source_resistance": frozenset({"coil_resistance"}),
        "load_conductance": frozenset({"meter_conductance"}),
        "load_capacitance": frozenset(),
        "load_inductance": frozenset(),
    }

    leakage: float = parameter("S", 0.0, neutral=0.0, ge=0, description="G, conductance across the coil")
    lead_resistance: float = parameter(
        "ohm", 0.0, neutral=0.0, ge=0, description="of leads and contacts between coil and voltmeter, both together"
    )
    thermal_emf: float = parameter("V", 0.0, neutral=0.0, description="in the leads from the coil to the voltmeter")
    thermal_emf_drift: float = parameter("V/s", 0.0, neutral=0.0)
    capacitance: float = parameter("F", 0.0, neutral=0.0, ge=0, description="C, of coil and leads, across the coil")
    inductance: float = parameter(
        "H", 0.0, neutral=0.0, ge=0, description="L, of the coil, as it acts on the voltage across its capacitance"
    )
    nominal_resistance: float = parameter("ohm", 0.0, ge=0, description="R of the coil in the delay R C")

    @model_validator(mode="after")
    def _a_capacitance_needs_a_resistance(self) -> Circuit:
        if self.capacitance and not self.nominal_resistance:
            raise ValueError("expected nominal_resistance, that of the coil, beside a capacitance: they make a delay")
        return self

    @property
    def delay(self) -> float:
        """By which the capacitance delays the voltage (s); the leakage across it shortens the delay."""
        loading = self.leakage * self.nominal_resistance
        return self.capacitance * self.nominal_resistance / (1.0 + loading)

    @property
    def curvature(self) -> float:
        """L C − ½ τ² (s²): by how much of its second derivative the delayed voltage is too high; 0 without an L."""
        loading = self.leakage * self.nominal_resistance
        resonance = self.inductance * self.capacitance / (1.0 + loading)
        return resonance - 0.5 * self.delay**2 if self.inductance else 0.0

    def _across_the_capacitance(self, voltage: Signal) -> Signal:
        """The loaded EMF after resistance and inductance of the coil."""
        delay = to_ns(self.delay)
        delayed = Delayed(voltage, delay)
        if not self.curvature:
            return delayed
        share = self.curvature * (NS / DIFFERENCE) ** 2
        around = Delayed(voltage, delay - DIFFERENCE) + Delayed(voltage, delay + DIFFERENCE)
        return (1.0 + 2.0 * share) * delayed - share * around

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        source, voltage, resistance = (inputs[k] for k in ("source_current", "coil_voltage", "coil_resistance"))
        current, terminals = source, resistance
        if self.leakage:
            loading = 1.0 + self.leakage * resistance
            current, terminals = source / loading, resistance / loading
            voltage = LoadedVoltage(voltage, current, resistance, self.leakage)
        if self.capacitance:
            voltage = self._across_the_capacitance(voltage)
        if self.thermal_emf or self.thermal_emf_drift:
            voltage = voltage + (self.thermal_emf + self.thermal_emf_drift * Elapsed())
        if self.lead_resistance:
            terminals = terminals + self.lead_resistance
        meter = inputs["meter_conductance"]
        return {
            "coil_current": current,
            "voltage": voltage,
            "source_resistance": terminals,
            "load_conductance": self.leakage + meter / (1.0 + self.lead_resistance * meter),
            "load_capacitance": Constant(self.capacitance),
            "load_inductance": Constant(self.inductance),
        }

    def scaled(self, factor: float) -> Circuit:
        """The coil's resistance goes with 1/p at the same number of turns, its inductance with p; the rest stays."""
        resistance, inductance = self.nominal_resistance / factor, self.inductance * factor
        return self.model_copy(update={"nominal_resistance": resistance, "inductance": inductance})
