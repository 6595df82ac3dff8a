"""The joint fit of voltage and position on synthetic oscillations, away from any balance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scenarios.reduction import ReductionError
from scenarios.reduction.findings import Findings, Quantity
from scenarios.reduction.oscillating import fit_oscillation

APERTURE, FREQUENCY, BL = 0.01, 1.1, 1400.0


def oscillation(
    amplitude: float = 1e-3, profile: tuple[float, ...] = (0.5, -30.0), delay: float = 0.0, seconds: float = 20.0
) -> tuple[Any, Any]:
    """Voltages and positions of a sine in a polynomial field; the voltage is late by the delay (s)."""
    t = APERTURE * np.arange(round(seconds / APERTURE) + 1)

    def z(t: Any) -> Any:
        return amplitude * np.sin(2 * np.pi * FREQUENCY * t + 0.3)

    late = z(t - delay)
    flux = BL * (late + sum(c * late ** (k + 2) / (k + 2) for k, c in enumerate(profile)))
    return np.diff(flux) / APERTURE, z(t)


@pytest.mark.parametrize("delay", [0.0, 2e-5, -7e-3])
def test_profile_and_delay_come_back(delay: float) -> None:
    voltage, position = oscillation(delay=delay)
    fit = fit_oscillation(voltage + 1e-6, position, APERTURE, FREQUENCY)
    assert fit.bl == pytest.approx(BL, rel=1e-11)
    np.testing.assert_allclose(fit.coefficients / fit.bl, [1.0, 0.5, -30.0], rtol=1e-6)
    assert fit.delay == pytest.approx(delay, abs=1e-12)
    assert fit.offset == pytest.approx(1e-6, rel=1e-6)
    assert fit.curvature is None


def test_noise_of_the_positions_does_not_attenuate() -> None:
    """Least squares would lose 2 σ²/Δz², here half a per cent."""
    voltage, position = oscillation(seconds=200.0, profile=())
    noise = 1e-6 * np.random.default_rng(1).standard_normal(len(position))
    fit = fit_oscillation(voltage, position + noise, APERTURE, FREQUENCY)
    lost = 2 * 1e-12 / np.mean(np.diff(position) ** 2)
    assert lost > 5e-4
    assert abs(fit.bl / BL - 1.0) < 0.2 * lost
    assert abs(fit.bl - BL) < 4 * fit.u_bl


@pytest.mark.parametrize("correlated", [False, True])
def test_the_uncertainty_is_the_spread(correlated: bool) -> None:
    rng, errors, stated = np.random.default_rng(2), [], []
    voltage, position = oscillation()
    for _ in range(40):
        noise = rng.standard_normal(len(voltage))
        if correlated:
            noise = np.convolve(noise, np.ones(8) / 8**0.5, mode="same")
        fit = fit_oscillation(voltage + 1e-5 * noise, position, APERTURE, FREQUENCY)
        errors.append(fit.bl - BL)
        stated.append(fit.u_bl)
    assert np.std(errors) / np.mean(stated) == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda u, z: (u[:-1], z), "need"),
        (lambda u, z: (np.where(np.arange(len(u)) == 5, np.nan, u), z), "not finite"),
        (lambda u, z: (u[:100], z[:101]), "at least two"),
        (lambda u, z: (np.roll(u, 23), z), "not that of the motion"),
        (lambda u, z: (u, 0.0 * z), "does not move"),
    ],
)
def test_wrong_readings(change: Any, said: str) -> None:
    voltage, position = change(*oscillation())
    with pytest.raises(ReductionError, match=said):
        fit_oscillation(voltage, position, APERTURE, FREQUENCY)


def test_too_few_readings_a_cycle() -> None:
    voltage, position = oscillation()
    with pytest.raises(ReductionError, match="too few to tell the delay"):
        fit_oscillation(voltage, position, APERTURE, 30.0)


def test_findings_as_plain_numbers() -> None:
    found = Findings(
        (
            Quantity("bl_Tm", 2.0, "T*m", "Bl", "a number", 0.1),
            Quantity("f_Hz", np.array([1.0, 2.0]), "Hz", "f", "a series"),
        )
    )
    assert found.plain() == {"bl_Tm": 2.0, "u_bl_Tm": 0.1, "f_Hz": [1.0, 2.0]}
    assert found["f_Hz"].unit == "Hz"
    with pytest.raises(KeyError, match="there are bl_Tm, f_Hz"):
        found["x"]
