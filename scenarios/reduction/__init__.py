"""Data reduction: from recorded blocks to Bl, a mass and its uncertainty.

It needs nothing but blocks (`twin.recorder.Block`), certificates and settings, cannot tell simulated readings from real
ones, and knows no truth. A laboratory can use it alone:

    from scenarios.reduction import Certificates, Estimate, ReductionSettings, reduce
    known = Certificates(
        resistance=Estimate(1e3, 1e-5), gravity=9.8, mass_density=8000.0, reference_voltage=Estimate(10.0, 2e-7)
    )
    result = reduce(blocks, known, ReductionSettings(weighing_scheme="aba"))
    result.budget

What a TMTP run records
-----------------------
Cycles are numbered; Bl is interpolated in time between the velocity groups, one a cycle. The labels `cycle` and
`weighing` are integers, all values SI, shapes are (bursts, readings).

`current_voltmeter`, voltage; labels phase="weighing", cycle, weighing (0, 1, … within the cycle), state="on" or "off"
    (1, n): across the standard resistor.
`interferometer`, position; the same labels
    (1, n).
`induced_voltmeter`, voltage; labels phase="velocity", cycle
    (sweeps, n): contiguous apertures (schedule.step == aperture); a burst is a sweep, sweeps go up and down.
`interferometer`, position; labels phase="velocity", cycle
    (sweeps, n + 1): instantaneous, at the edges of those apertures: same start and step.
either voltmeter, voltage; labels phase="calibration", cycle
    (1, n): of the voltage reference.
either voltmeter, voltage; labels phase="zero", cycle
    (1, n): with its input shorted, at any time; may be absent: then a reading of the reference is taken as free of
    offset.
`magnet_thermometer`, temperature_rise; labels phase="weighing" or "velocity", cycle
    K above the reference; may be absent.
`coil_thermometer`, temperature_rise; the same labels
    K above the reference; needed for the coil's expansion only.
`environment`, temperature, pressure and humidity; labels phase, cycle
    K, Pa, 1; may be absent in vacuum. The velocity phases' make the refractive index.

With two windings that swap roles (OMTP), blocks have further labels: `winding`, 1 or 2, of the voltages: that which
carried the current while weighing, or that which was sensed. A velocity group with a current in the other winding has a
`state`, "on" or "off", of which weighing of its cycle it has the current, and a `block`: two groups of one cycle and
block with opposite currents give Bl without current. Cycles then alternate the windings; see
`scenarios.reduction.windings`. Windings in series are one.

Up is positive, a positive current pushes the coil up, V = R I across the resistor, U = +Bl v for an upward motion.
"""

from scenarios.reduction.certificates import Certificates, Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.mass import reduce
from scenarios.reduction.result import CycleResult, Excluded, MassResult
from scenarios.reduction.settings import Corrections, ReductionSettings
from scenarios.reduction.thermal import ThermalResult, ThermalSettings, thermal_analysis

__all__ = [
    "Certificates",
    "Corrections",
    "CycleResult",
    "Estimate",
    "Excluded",
    "MassResult",
    "ReductionError",
    "ReductionSettings",
    "ThermalResult",
    "ThermalSettings",
    "reduce",
    "thermal_analysis",
]
