"""What a sine of current tells of the coil's inductance, and what reluctance force follows.

Blocks: `induced_voltmeter`, voltage across the coil, and `current_voltmeter`, across the standard resistor, read
together, with the labels phase="frequency" or "profile", cycle, frequency_Hz and height_m.

The ratio of their first harmonics is the impedance, whatever their aperture; its imaginary part over ω is the
inductance L(f, z). The skin effect in the yoke takes away from it, by a power law at low frequency (Seifert2014),

    ``L(f) = L(0) (1 − c f^p)``,

which is fitted. It need not hold below the lowest frequency, so that what it adds there is known to be between nothing
and twice as much. Of L(z), the part whose flux crosses the iron loses as much as of L, and the rest, which does not,
has no part in L'': two frequencies of L(z) tell how large that is.

The force is that of a steady current: ``ΔF = ½ (I_off² L'(z_off) − I_on² L'(z_on))``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from components.gravity import STANDARD_GRAVITY
from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.impedance import Impedance, impedance
from twin.parameter import Parameters, parameter
from twin.recorder import Blocks

Array = NDArray[np.float64]
FREQUENCIES = 4
"""So many tell a power law."""


@dataclass(frozen=True, eq=False)
class Profile:
    """L(z) = Σ c_k (z − z_w)^k at one frequency, with the covariance of c."""

    frequency: float
    coefficients: Array
    covariance: Array

    def scaled(self, factor: Estimate) -> Profile:
        """L(z) times a factor."""
        own = factor.u**2 * np.outer(self.coefficients, self.coefficients)
        return replace(
            self, coefficients=factor.value * self.coefficients, covariance=factor.value**2 * self.covariance + own
        )

    def derivative(self, order: int, z: float = 0.0) -> tuple[float, float]:
        """Of L at a height from the weighing position (H, H/m, H/m²), and its standard uncertainty."""
        row = np.array(
            [math.perm(k, order) * z ** (k - order) if k >= order else 0.0 for k in range(len(self.coefficients))]
        )
        return float(row @ self.coefficients), math.sqrt(max(float(row @ self.covariance @ row), 0.0))


@dataclass(frozen=True)
class PowerLaw:
    """L(0) (H), c (of f in Hz) and p, with standard uncertainties; `highest` frequency that took part (Hz)."""

    zero: float
    u_zero: float
    size: float
    u_size: float
    exponent: float
    u_exponent: float
    highest: float

    def at(self, frequency: Array) -> Array:
        """L(f) (H)."""
        return np.asarray(self.zero * (1.0 - self.size * frequency**self.exponent))


class InductanceReduction(Parameters):
    """How readings become an inductance, and which weighing its force is for."""

    profile_order: int = Field(2, ge=2, le=8, description="order of the polynomial L(z)")
    power_law_to: float = parameter("Hz", 2.0, gt=0, description="highest frequency of the power law")
    current: float = parameter("A", 7.8e-3, gt=0, description="|I| while weighing", source="Seifert2014")
    mass: float = parameter("kg", 1.0, gt=0, description="that is weighed")
    height_on: float = parameter("m", 0.0, description="of the coil from the weighing position, mass on")
    height_off: float = parameter("m", 0.0, description="the same, mass off")
    current_mismatch: float = parameter("1", 0.0, gt=-1, description="I_off over −I_on, less 1")
    off_centre: float = parameter("m", 1e-3, description="height at which a mismatch of the currents is looked at")
    relative: float = Field(1e-8, gt=0, description="error of the mass to be stayed below")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """L against frequency and height, and the force.

        Raises
        ------
        ReductionError
            If readings or certificates are missing or do not suffice.
        """
        found = [impedance(block, readings, certificates) for block in readings.select("induced_voltmeter")]
        by_frequency = [one for one in found if one.phase == "frequency"]
        by_height = [one for one in found if one.phase == "profile"]
        if not found:
            raise ReductionError("no block of channel 'induced_voltmeter': nothing was read")
        centre = certificates.get("flexure.weighing_position", Estimate(0.0)).value
        profiles = [
            self._profile([one for one in by_height if one.frequency == f], centre)
            for f in dict.fromkeys(one.frequency for one in by_height)
        ]
        slow = [one for one in by_frequency if one.frequency <= self.power_law_to]
        law = self._power_law(slow)
        quantities = _law_quantities(law)
        notes: tuple[str, ...] = ()
        if profiles:
            low = min(profiles, key=lambda one: one.frequency)
            steady = _steady(low, profiles, law, slow)
            force = [] if steady is None else self._force(low.scaled(steady), certificates)
            quantities = [*_profile_quantities(low, profiles), *force, *quantities]
            if steady is None:
                notes = (
                    f"Nothing is said of a steady current, and of its force: that takes L(f) at {FREQUENCIES} "
                    f"frequencies or more up to {self.power_law_to:g} Hz.",
                )
        quantities += _series(by_frequency, by_height)
        return Findings(tuple(quantities), tuple(_curves(by_frequency, by_height, profiles, law, centre)), notes)

    # --- against height ----------------------------------------------------------------------------------------------

    def _profile(self, found: list[Impedance], centre: float) -> Profile:
        """Least squares with the weights of the uncertainties; the covariance is no smaller than the scatter tells."""
        z = np.array([one.height for one in found]) - centre
        values, u = (np.array([getattr(one, name) for one in found]) for name in ("inductance", "u"))
        order = self.profile_order
        if len(z) < order + 2 or np.ptp(z) == 0.0:
            raise ReductionError(f"{len(z)} heights cannot determine L(z) of order {order}; measure at more")
        scale = float(np.abs(z).max())
        weight = 1.0 / u if u.all() else np.ones_like(z)
        design = np.stack([(z / scale) ** k for k in range(order + 1)], axis=1) * weight[:, None]
        inverse = np.linalg.inv(design.T @ design)
        coefficients = inverse @ (design.T @ (values * weight))
        rest = values * weight - design @ coefficients
        spread = float(rest @ rest) / (len(z) - order - 1)
        covariance = inverse * (max(spread, 1.0) if u.all() else spread)
        units = scale ** -np.arange(order + 1.0)
        return Profile(found[0].frequency, coefficients * units, covariance * np.outer(units, units))

    def _force(self, profile: Profile, certificates: Mapping[str, Estimate]) -> list[Quantity]:
        """Of a steady current."""
        gravity = certificates.get("environment.gravity", Estimate(STANDARD_GRAVITY)).value
        weight, squared = self.mass * gravity, self.current**2
        (on, u_on), (off, u_off) = profile.derivative(1, self.height_on), profile.derivative(1, self.height_off)
        ratio = (1.0 + self.current_mismatch) ** 2
        force = 0.5 * squared * (ratio * off - on)
        # What the gradients have in common drops out of the difference as far as the currents are alike.
        apart = self.height_off - self.height_on
        bend, u_bend = profile.derivative(2)
        u_force = 0.5 * squared * math.hypot(u_bend * apart, abs(ratio - 1.0) * max(u_on, u_off))
        shift = 2.0 * self.relative * weight / (squared * abs(bend))
        there, u_there = profile.derivative(1, self.off_centre)
        mismatch = self.relative * weight / (squared * abs(there)) if there else math.inf
        goal = f"that make {self.relative:g} of {self.mass:g} kg at {1e3 * self.current:g} mA"
        return [
            Quantity("gradient_dc_H_per_m", *_split(profile.derivative(1), "H/m", "L'(0)", "of a steady current")),
            Quantity(
                "second_derivative_dc_H_per_m2", *_split((bend, u_bend), "H/m^2", "L''(0)", "of a steady current")
            ),
            Quantity("force_N", force, "N", "ΔF", "spurious force, mass off less mass on", u_force),
            Quantity("force_relative", force / weight, "1", "ΔF/mg", "the same, of the weight", u_force / weight),
            Quantity("shift_m", shift, "m", "Δz", f"between mass on and mass off, {goal}", shift * u_bend / abs(bend)),
            Quantity(
                "mismatch",
                mismatch,
                "1",
                "ΔI/I",
                f"of the currents, {1e3 * self.off_centre:g} mm above, {goal}",
                mismatch * u_there / abs(there) if there else None,
            ),
        ]

    # --- against frequency -------------------------------------------------------------------------------------------

    def _power_law(self, found: list[Impedance]) -> PowerLaw | None:
        """By least squares in L(0), L(0) c and p; None from fewer than four frequencies, or without a decrease."""
        frequency = np.array([one.frequency for one in found])
        if len(np.unique(frequency)) < FREQUENCIES:
            return None
        from scipy.optimize import least_squares

        values, u = (np.array([getattr(one, name) for one in found]) for name in ("inductance", "u"))
        sigma = u if u.all() else np.full_like(values, 1e-12 * float(np.abs(values).max()))
        lost = float(values[np.argmin(frequency)] - values[np.argmax(frequency)])
        if lost < 5.0 * float(sigma.max()):
            return None
        top = float(frequency.max())

        def rest(theta: Array) -> Array:
            return np.asarray((theta[0] - theta[1] * (frequency / top) ** theta[2] - values) / sigma)

        solved = least_squares(rest, [float(values.max()), lost, 0.5], x_scale=[abs(lost), abs(lost), 0.5])
        zero, drop, exponent = (float(x) for x in solved.x)
        spread = max(float(solved.fun @ solved.fun) / max(len(values) - 3, 1), 1.0)
        covariance = np.linalg.inv(solved.jac.T @ solved.jac) * spread
        size = drop / zero * top**-exponent
        gradient = size * np.array([-1.0 / zero, 1.0 / drop, -math.log(top)])
        added = zero - float(values[np.argmin(frequency)])
        return PowerLaw(
            zero,
            math.sqrt(float(covariance[0, 0]) + added**2 / 3.0),
            size,
            math.hypot(
                math.sqrt(float(gradient @ covariance @ gradient)), (1.0 - size) * added / zero / math.sqrt(3.0)
            ),
            exponent,
            math.sqrt(float(covariance[2, 2])),
            top,
        )


def _steady(low: Profile, profiles: list[Profile], law: PowerLaw | None, slow: list[Impedance]) -> Estimate | None:
    """By how much L'' of a steady current is larger than at the lowest frequency of L(z); None if that is not known.

    ``L = L_s + L_y Y(f)`` and ``L'' ∝ Y(f)``, with the stray part L_s that does not cross the iron. Where L was read at
    enough frequencies and does not fall, it is that of a steady current.
    """
    if law is None:
        return Estimate(1.0) if len({one.frequency for one in slow}) >= FREQUENCIES else None
    here, stray = float(low.coefficients[0]), 0.0
    high = max(profiles, key=lambda one: one.frequency)
    share, there = high.derivative(2)[0] / low.derivative(2)[0], float(high.coefficients[0])
    if high is not low and abs(1.0 - share) > 0.05:
        stray = (there - share * here) / (1.0 - share)
    return Estimate((law.zero - stray) / (here - stray), law.u_zero / (here - stray))


def _split(found: tuple[float, float], unit: str, symbol: str, meaning: str) -> tuple[float, str, str, str, float]:
    return found[0], unit, symbol, meaning, found[1]


# --- what is told ----------------------------------------------------------------------------------------------------


def _profile_quantities(low: Profile, profiles: list[Profile]) -> list[Quantity]:
    at = f"at {low.frequency:g} Hz"
    (l0, u0), (l1, u1), (l2, u2) = (low.derivative(k) for k in range(3))
    found = [
        Quantity("inductance_H", l0, "H", "L", f"at the weighing position and {at.removeprefix('at ')}", u0),
        Quantity("gradient_H_per_m", l1, "H/m", "L'", f"there, {at}", u1),
        Quantity("second_derivative_H_per_m2", l2, "H/m^2", "L''", f"there, {at}", u2),
    ]
    if len(profiles) > 1:
        bends = np.array([one.derivative(2) for one in profiles]).T
        hertz = np.array([one.frequency for one in profiles])
        high = int(np.argmax(hertz))
        share, u_share = float(bends[0, high]) / l2, float(bends[1, high]) / abs(l2)
        at_high = f"by which {hertz[high]:g} Hz would underestimate the force"
        found += [
            Quantity("profile_frequencies_Hz", hertz, "Hz", "f", "of L(z)"),
            Quantity("second_derivatives_H_per_m2", bends[0], "H/m^2", "L''(f)", "at these", bends[1]),
            Quantity("underestimate", 1.0 / share, "1", "L''/L''(f)", at_high, u_share / share**2),
        ]
    return found


def _law_quantities(law: PowerLaw | None) -> list[Quantity]:
    if law is None:
        return []
    up_to = f"L(f) = L(0) (1 − c f^p) up to {law.highest:g} Hz"
    return [
        Quantity("inductance_dc_H", law.zero, "H", "L(0)", f"of a steady current, by {up_to}", law.u_zero),
        Quantity("exponent", law.exponent, "1", "p", f"of {up_to}", law.u_exponent),
        Quantity("loss_at_1Hz", law.size, "1", "c", "share of L that is lost at 1 Hz, by the same", law.u_size),
    ]


def _series(by_frequency: list[Impedance], by_height: list[Impedance]) -> list[Quantity]:
    def column(found: list[Impedance], name: str) -> Array:
        return np.array([getattr(one, name) for one in found])

    quantities = []
    if by_frequency:
        quantities += [
            Quantity("frequencies_Hz", column(by_frequency, "frequency"), "Hz", "f", "of the current"),
            Quantity(
                "inductances_H",
                column(by_frequency, "inductance"),
                "H",
                "L(f)",
                "at the weighing position",
                column(by_frequency, "u"),
            ),
            Quantity(
                "resistances_ohm",
                column(by_frequency, "resistance"),
                "ohm",
                "R(f)",
                "in series with it",
                column(by_frequency, "u_resistance"),
            ),
        ]
    if by_height:
        quantities += [
            Quantity("positions_m", column(by_height, "height"), "m", "z", "heights of L(z)"),
            Quantity("at_frequencies_Hz", column(by_height, "frequency"), "Hz", "f", "of the current there"),
            Quantity(
                "inductance_profile_H", column(by_height, "inductance"), "H", "L(z)", "there", column(by_height, "u")
            ),
        ]
    return quantities


def _curves(
    by_frequency: list[Impedance],
    by_height: list[Impedance],
    profiles: list[Profile],
    law: PowerLaw | None,
    centre: float,
) -> list[Curve]:
    curves = []
    if by_frequency:
        f, values, u = np.array([(one.frequency, one.inductance, one.u) for one in by_frequency]).T
        lines = [Line("measured", f, values, u, points=True)]
        if law is not None:
            fine: Array = np.asarray(np.geomspace(f.min(), law.highest, 100), dtype=float)
            lines.append(Line("power law", fine, law.at(fine)))
        caption = "Inductance against frequency: the skin effect of the solid iron."
        curves.append(Curve("inductance", caption, ("frequency", "Hz"), ("L", "H"), tuple(lines), logarithmic="x"))
    lines = []
    for profile in profiles:
        own = [one for one in by_height if one.frequency == profile.frequency]
        z, values, u = np.array([(one.height, one.inductance, one.u) for one in own]).T
        zero = float(profile.coefficients[0])
        fine = np.asarray(np.linspace(z.min(), z.max(), 100), dtype=float)
        fitted: Array = np.asarray(np.polynomial.polynomial.polyval(fine - centre, profile.coefficients), dtype=float)
        name = f"{profile.frequency:g} Hz"
        lines.append(Line(name, z * 1e3, (values - zero) * 1e3, u * 1e3, points=True))
        lines.append(Line(f"{name}, fitted", fine * 1e3, (fitted - zero) * 1e3))
    if lines:
        caption = "Inductance against height, less that at the weighing position."
        curves.append(Curve("height", caption, ("z", "mm"), ("L − L(z_w)", "mH"), tuple(lines)))
    return curves
