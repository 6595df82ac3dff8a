"""What moving mode finds: Bl at each frequency of the motion, and what it would be at none.

Blocks: `induced_voltmeter`, voltage, and `interferometer`, position at the edges of its apertures, both with the labels
phase="velocity", cycle, frequency_Hz; `induced_voltmeter`, voltage, phase="calibration" (the reference) and "zero";
`environment` with the labels of the motion, for the refractive index. The last three may be absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from components.refractive_index import refractive_index
from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.oscillating import OscillationFit, fit_oscillation
from twin.parameter import Parameters
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]


class MovingModeReduction(Parameters):
    """How readings of moving mode become Bl against frequency."""

    profile_order: int = Field(2, ge=0, le=8, description="order of the polynomial Bl(z) fitted at each frequency")
    refraction: bool = Field(True, description="divide positions by the refractive index")
    voltmeter_calibration: bool = Field(True, description="voltmeter gain from the readings of the reference")
    periodic_error: bool = Field(True, description="fit the interferometer's periodic error")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Fit each frequency, then Bl against frequency.

        Raises
        ------
        ReductionError
            If readings are missing or do not suffice.
        """
        voltages = list(readings.select("induced_voltmeter", phase="velocity"))
        if not voltages:
            raise ReductionError("no block of channel 'induced_voltmeter' with phase 'velocity': nothing was moved")
        gain = self._gain(readings, certificates)
        fits = [self._fit(block, readings, certificates, gain) for block in voltages]
        return Findings(_quantities(fits), _curves(fits))

    def _fit(
        self, voltage: Block, readings: Blocks, certificates: Mapping[str, Estimate], gain: float
    ) -> OscillationFit:
        cycle, frequency = voltage.labels.get("cycle"), voltage.labels.get("frequency_Hz")
        if cycle is None or not isinstance(frequency, float):
            raise ReductionError("a block of 'induced_voltmeter' lacks the labels cycle and frequency_Hz")
        edges = list(readings.select("interferometer", phase="velocity", cycle=cycle))
        if len(edges) != 1 or edges[0].schedule.start != voltage.schedule.start or edges[0].aperture != 0:
            raise ReductionError(f"the positions of cycle {cycle} are not read at the edges of the voltage's apertures")
        laser = certificates.get("interferometer.wavelength", Estimate(math.nan))
        index = self._index(readings, cycle, laser.value, certificates)
        period = 0.5 * laser.value / index if self.periodic_error and laser.value > 0 else None
        travel = float(np.ptp(edges[0].values)) / index
        return fit_oscillation(
            voltage.values.ravel() / gain,
            edges[0].values.ravel() / index,
            voltage.aperture / NS,
            frequency,
            certificates.get("flexure.weighing_position", Estimate(0.0)).value,
            self.profile_order,
            period if period is not None and travel > 2.0 * period else None,
        )

    def _gain(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> float:
        """Of the voltmeter, relative to the reference."""
        reference = list(readings.select("induced_voltmeter", phase="calibration"))
        volts = certificates.get("voltage_reference.voltage")
        if not self.voltmeter_calibration or not reference or volts is None:
            return 1.0
        zeros = list(readings.select("induced_voltmeter", phase="zero"))
        zero = float(np.mean([block.values.mean() for block in zeros])) if zeros else 0.0
        return (float(np.mean([block.values.mean() for block in reference])) - zero) / volts.value

    def _index(self, readings: Blocks, cycle: object, wavelength: float, certificates: Mapping[str, Estimate]) -> float:
        """Refractive index of the air along the beam during a motion; 1 in vacuum."""
        air = {
            block.quantity: float(block.values.mean())
            for block in readings.select("environment", phase="velocity")
            if block.labels.get("cycle") == cycle
        }
        if not self.refraction or "pressure" not in air:
            return 1.0
        co2 = certificates.get("environment.co2_fraction", Estimate(400e-6)).value
        return float(refractive_index(air["temperature"], air["pressure"], air["humidity"], wavelength, co2))


def at_no_frequency(fits: list[OscillationFit]) -> tuple[float, float, float, float]:
    """Bl at frequency 0 (T·m) and the curvature κ (s²) of ``Bl (1 + κ ω²)``, each with its standard uncertainty.

    κ is what is in phase of the circuit's second order: L C less half of τ² of its delays that were fitted. Motions of
    several harmonics tell it each by itself, sines by their frequencies together; with one frequency of a sine it is 0.
    """
    told = [(fit.curvature, fit.u_curvature) for fit in fits if fit.curvature is not None]
    u = np.array([fit.u_bl for fit in fits])
    if len(told) == len(fits):
        kappa, u_kappa = _mean(*np.array(told).T)
        return (*_mean(np.array([fit.bl for fit in fits]), u), kappa, u_kappa)
    omega = 2 * np.pi * np.array([fit.frequency for fit in fits])
    # Where a motion told κ, its Bl is freed of it, and has to be as the others' again.
    bl = np.array([fit.bl * (1 + (fit.curvature or 0.0) * w**2) for fit, w in zip(fits, omega, strict=True)])
    if len(set(omega.tolist())) < 2:
        return (*_mean(bl, u), 0.0, 0.0)
    sigma = np.where(u > 0, u, u[u > 0].min()) if u.any() else np.ones(len(u))
    scale = float((omega**2).max())
    matrix = np.stack([np.ones(len(omega)), omega**2 / scale], axis=1) / sigma[:, None]
    covariance = np.linalg.inv(matrix.T @ matrix)
    zero, slope = np.linalg.lstsq(matrix, bl / sigma, rcond=None)[0]
    known = 1.0 if u.any() else 0.0
    return (
        float(zero),
        known * float(np.sqrt(covariance[0, 0])),
        float(slope / zero / scale),
        known * float(np.sqrt(covariance[1, 1]) / abs(zero) / scale),
    )


def _mean(values: Array, u: Array) -> tuple[float, float]:
    """Weighted mean and its uncertainty; the plain mean where there are none."""
    if not u.all():
        return float(values.mean()), 0.0
    return float(np.average(values, weights=u**-2)), float((u**-2).sum() ** -0.5)


def _quantities(fits: list[OscillationFit]) -> tuple[Quantity, ...]:
    bl, u_bl, curvature, u_curvature = at_no_frequency(fits)
    weights = np.array([fit.amplitude**2 * fit.frequency**2 for fit in fits])

    def series(name: str) -> Array:
        return np.array([getattr(fit, name) for fit in fits])

    found = [
        Quantity("bl_Tm", bl, "T*m", "Bl", "in the limit of slow motion", u_bl),
        Quantity("curvature_s2", curvature, "s^2", "κ", "of Bl (1 + κ ω²) against frequency", u_curvature),
        Quantity(
            "delay_s",
            float(np.average(series("delay"), weights=weights)),
            "s",
            "τ",
            "of the voltage behind the positions",
            float(np.sqrt(weights**2 @ series("u_delay") ** 2) / weights.sum()),
        ),
        Quantity("frequencies_Hz", series("frequency"), "Hz", "f", "of the motions"),
        Quantity("amplitudes_m", series("amplitude"), "m", "a", "half of the travel"),
        Quantity("bl_of_frequency_Tm", series("bl"), "T*m", "Bl(f)", "fitted with profile and delay", series("u_bl")),
        Quantity("bl_naive_Tm", series("naive"), "T*m", "Û/v̂", "ratio of the first harmonics as read", series("u_bl")),
        Quantity(
            "bl_naive_sinc_Tm",
            series("naive") / series("sinc"),
            "T*m",
            "Û/v̂/sinc",
            "the same, freed of the aperture",
            series("u_bl") / series("sinc"),
        ),
        Quantity("delays_s", series("delay"), "s", "τ(f)", "delay at each frequency", series("u_delay")),
        Quantity("offsets_V", series("offset"), "V", "U0", "of the voltmeter with its leads", series("u_offset")),
        Quantity(
            "residual_rms_V",
            series("residual_rms"),
            "V",
            "r",
            "what the fit leaves of the voltage, rms",
            series("u_residual_rms"),
        ),
        Quantity(
            "periodic_error_m",
            series("periodic"),
            "m",
            "A",
            "periodic error of the interferometer",
            series("u_periodic"),
        ),
    ]
    return (*found, *_profile(fits))


def _profile(fits: list[OscillationFit]) -> list[Quantity]:
    """The coefficients of ``Bl(z)/Bl(0)``, from all frequencies, each weighted by what it can tell."""
    found = []
    for k in range(1, len(fits[0].coefficients)):
        values, u = np.array([(fit.coefficients[k] / fit.bl, fit.u_coefficients[k] / fit.bl) for fit in fits]).T
        sizes = u if u.all() else np.array([fit.amplitude**-k for fit in fits])
        weight = 1.0 / sizes**2
        mean = float(np.average(values, weights=weight))
        unit = "1/m" if k == 1 else f"1/m^{k}"
        deviation = float(1.0 / np.sqrt(weight.sum())) if u.all() else 0.0
        found.append(Quantity(f"profile_{k}_per_m{k}", mean, unit, f"b{k}", f"of Bl(z)/Bl(0), by z^{k}", deviation))
    return found


def _curves(fits: list[OscillationFit]) -> tuple[Curve, ...]:
    """Bl against frequency: the ways to find it, relative to the limit of slow motion."""
    f = np.array([fit.frequency for fit in fits])
    zero, _, curvature, _ = at_no_frequency(fits)

    def ppm(values: Array) -> Array:
        return (values / zero - 1.0) * 1e6

    fine = np.linspace(0.0, float(f.max()) * 1.02, 200)
    u = np.array([fit.u_bl for fit in fits]) / zero * 1e6
    sinc = np.array([fit.sinc for fit in fits])
    naive = np.array([fit.naive for fit in fits])
    lines = (
        Line("fitted with profile and delay", f, ppm(np.array([fit.bl for fit in fits])), u, points=True),
        Line("first harmonics, freed of the aperture", f, ppm(naive / sinc), None, points=True),
        Line("1 + κ ω²", fine, curvature * (2 * np.pi * fine) ** 2 * 1e6),
    )
    caption = "Bl against the frequency of the motion, relative to the limit of slow motion."
    aperture = Line("first harmonics as read", f, (naive / zero - 1.0) * 1e3, None, points=True)
    expected = Line("the aperture alone", fine, (np.sinc(fine * fits[0].aperture) - 1.0) * 1e3)
    return (
        Curve("bl_of_frequency", caption, ("frequency", "Hz"), ("Bl/Bl(0) − 1", "ppm"), lines),
        Curve(
            "aperture",
            "What the first harmonics as read lose: voltages are means over an aperture, positions are not.",
            ("frequency", "Hz"),
            ("Û/(v̂ Bl) − 1", "10⁻³"),
            (aperture, expected),
        ),
    )
