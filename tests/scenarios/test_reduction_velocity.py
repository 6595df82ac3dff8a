"""Bl from a velocity group, with the flux of a polynomial Bl(z) integrated in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.velocity import VelocityFit, fit_velocity

APERTURE = 0.02
PROFILE = (1400.0, 25.0, -3e4, 4e7, -5e10)  # T·m/m^k about z = 0


def motion(sweeps: int, n: int, half: float = 1e-4, centre: float = 0.0, kind: str = "flat") -> NDArray[np.float64]:
    """Positions at the edges of the apertures, up and down in turn."""
    edges = np.linspace(-1, 1, n + 1)
    shape = {"flat": edges + 0.01 * np.sin(9 * edges), "sine": np.sin(1.5 * edges), "cube": edges**3}[kind]
    return centre + half * shape * (1 - 2 * (np.arange(sweeps) % 2))[:, None]


def voltages(z: NDArray[np.float64], profile: tuple[float, ...] = PROFILE) -> NDArray[np.float64]:
    flux = sum(b * np.longdouble(z) ** (k + 1) / (k + 1) for k, b in enumerate(profile))
    return np.float64(np.diff(flux, axis=1) / APERTURE)


def bl_at(z: float, profile: tuple[float, ...] = PROFILE) -> float:
    return float(sum(b * z**k for k, b in enumerate(profile)))


def fit(z: NDArray[np.float64], u: NDArray[np.float64], z_w: float = 0.0, order: int = 4) -> VelocityFit:
    return fit_velocity(u, z, APERTURE, np.arange(len(z)) * 0.5, z_w, order)


@pytest.mark.parametrize("kind", ["flat", "sine", "cube"])
@pytest.mark.parametrize("order", [4, 5, 6])
@pytest.mark.parametrize(("sweeps", "n"), [(2, 30), (3, 9), (9, 15), (40, 15), (601, 8), (301, 40)])
def test_noise_free_data_come_out_to_fourteen_digits(kind: str, order: int, sweeps: int, n: int) -> None:
    if sweeps * n < 100:
        order = 4
    z = motion(sweeps, n, kind=kind)
    result = fit(z, voltages(z) + 3e-4, 2e-5, order)
    assert result.bl == pytest.approx(bl_at(2e-5), rel=1e-14 if order == 4 else 1e-12)
    assert result.offset == pytest.approx(3e-4, abs=1e-13)
    assert result.u_bl < 1e-10


def test_coefficients_belong_to_powers_about_the_weighing_position() -> None:
    z, z_w = motion(10, 20, centre=4e-5), 3e-5
    result = fit(z, voltages(z), z_w)
    expected = np.polynomial.Polynomial(PROFILE)(np.polynomial.Polynomial([z_w, 1.0])).coef
    assert result.coefficients == pytest.approx(expected, rel=1e-6)
    points = np.linspace(-5e-5, 1e-4, 7)
    assert result.profile(points) == pytest.approx([bl_at(x) for x in points], rel=1e-13)
    assert result.z == z_w
    assert result.mean_z == pytest.approx(4e-5)


@pytest.mark.parametrize("chunk", [1, 40, 300])
def test_the_readings_may_be_worked_on_in_any_parts(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the first of them determines nothing: a single sweep does not tell the offset from Bl."""
    z = motion(60, 9, centre=4e-5)
    u = voltages(z) + 3e-4 + 1e-6 * np.random.default_rng(2).normal(size=(60, 9))
    whole = fit(z, u)
    monkeypatch.setattr("scenarios.reduction.velocity_equations.CHUNK", chunk)
    parts = fit(np.asfortranarray(z), np.asfortranarray(u))
    assert parts.bl == pytest.approx(whole.bl, rel=1e-14)
    assert (parts.u_bl, parts.drift, parts.offset) == pytest.approx((whole.u_bl, whole.drift, whole.offset), rel=1e-8)
    np.testing.assert_allclose(parts.sweeps, whole.sweeps, rtol=1e-12)


@given(
    st.floats(100, 2000), st.floats(-50, 50), st.floats(-1e4, 1e4), st.floats(-1e-3, 1e-3), st.floats(-1.5e-4, 1.5e-4)
)
@settings(max_examples=50, deadline=None)
def test_any_parabola_any_offset_any_place(b0: float, b1: float, b2: float, offset: float, z_w: float) -> None:
    z = motion(6, 12, kind="sine")
    result = fit(z, voltages(z, (b0, b1, b2)) + offset, z_w, 2)
    assert result.bl == pytest.approx(bl_at(z_w, (b0, b1, b2)), rel=1e-13)


def test_long_apertures_make_no_bias() -> None:
    """Three apertures over the whole sweep: the mean velocity is far from the velocity at the middle."""
    z = motion(8, 3, kind="cube")
    assert fit(z, voltages(z, (1400.0, 0.0, -3e4)), 0.0, 2).bl == pytest.approx(1400.0, rel=1e-14)


@pytest.mark.parametrize("sweeps", [3, 60, 2000])
def test_what_a_part_of_the_voltage_makes_of_bl_is_what_bl_lacks_without_it(sweeps: int) -> None:
    """Of any part: the fit is linear in the voltages, whatever else it fits."""
    z, rng = motion(sweeps, 9, kind="sine"), np.random.default_rng(4)
    u = voltages(z) + 1e-6 * rng.normal(size=(sweeps, 9))
    named = tuple(size * (rng.normal(size=(sweeps, 9)) + np.sign(np.diff(z, axis=1))) for size in (1e-4, 1e-2))
    beside = {"period": 316e-9, "acceleration": np.gradient(u, axis=1)}
    whole = fit_velocity(u, z, APERTURE, np.arange(sweeps) * 0.5, 1e-5, named=named, **beside)
    assert len(whole.parts) == 2
    for part, made in zip(named, whole.parts, strict=True):
        without = fit_velocity(u - part, z, APERTURE, np.arange(sweeps) * 0.5, 1e-5, **beside)
        assert abs(made) > 1e-7
        assert without.bl == pytest.approx(whole.bl * (1.0 - made), rel=1e-13)


def test_a_drift_of_bl_within_the_group_does_not_shift_its_mean() -> None:
    z, times = motion(7, 12), np.arange(7) * 10.0
    u = voltages(z, (1400.0,)) * (1 + 1e-7 * (times - 5.0))[:, None]
    result = fit_velocity(u, z, APERTURE, times, 0.0, 2)
    assert result.time == 30.0
    assert result.bl == pytest.approx(1400.0 * (1 + 25e-7), rel=1e-14)
    assert result.drift == pytest.approx(1.4e-4, rel=1e-9)
    assert result.residual_rms < 1e-12


def test_noise_of_the_interferometer_does_not_attenuate() -> None:
    rng, sigma = np.random.default_rng(5), 5e-7
    z = motion(8000, 15)
    read = z + sigma * rng.normal(size=z.shape)
    result = fit(read, voltages(z, (1400.0,)), 0.0, 2)
    least_squares = np.vdot(np.diff(read), voltages(z, (1400.0,)) * APERTURE) / np.vdot(np.diff(read), np.diff(read))
    attenuation = -2 * (sigma / np.abs(np.diff(z)).mean()) ** 2
    assert least_squares / 1400 - 1 == pytest.approx(attenuation, rel=0.1)
    assert abs(result.bl / 1400 - 1) < abs(attenuation) / 10
    assert abs(result.bl - 1400) < 4 * result.u_bl


@pytest.mark.parametrize(
    ("sweeps", "noise", "low"),
    [
        (4, "white voltage", 0.85),
        (10, "white voltage", 0.7),  # with few sweeps the price of drift and offset is on the safe side
        (40, "white voltage", 0.85),
        (10, "white position", 0.6),
        (40, "white position", 0.85),
        (10, "sweep", 0.85),
        (40, "sweep", 0.85),
    ],
)
def test_uncertainty_is_honest_about_noise_within_a_sweep(sweeps: int, noise: str, low: float) -> None:
    """Position noise telescopes, a velocity-like noise common to a sweep adds up; both are far from white."""
    profile, scores = (1400.0, 25.0, -3e4), []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        z = motion(sweeps, 12)
        u = voltages(z, profile)
        if noise == "white voltage":
            u = u + 1e-5 * rng.normal(size=u.shape)
        elif noise == "sweep":
            u = u * (1 + 1e-6 * rng.normal(size=(sweeps, 1)))
        else:
            z = z + 1e-10 * rng.normal(size=z.shape)
        result = fit(z, u, 1e-5, 2)
        scores.append((result.bl - bl_at(1e-5, profile)) / result.u_bl)
    student = np.sqrt(result.dof / (result.dof - 2))
    assert low < np.std(scores) / student < 1.15
    assert abs(np.mean(scores)) < 0.3


def test_a_wandering_offset_shows_as_serial_correlation_and_costs_nothing_in_pairs() -> None:
    rng = np.random.default_rng(2)
    z = motion(400, 12)
    wander = np.cumsum(rng.normal(size=400))[:, None]
    result = fit(z, voltages(z) + 1e-6 * wander, 0.0, 4)
    assert result.serial_correlation < -0.5
    singles = result.sweeps.std(ddof=1) / np.sqrt(400)
    assert result.u_bl < 0.3 * singles
    assert result.sweeps.mean() == pytest.approx(result.bl, rel=1e-14)
    assert abs(result.bl - 1400) < 4 * result.u_bl


def test_degrees_of_freedom() -> None:
    z = motion(40, 12)
    u = voltages(z)
    assert [fit(z[:s], u[:s], 0.0, 2).dof for s in (3, 4, 8, 15, 16, 17, 40)] == [31, 42, 4, 11, 4, 5, 16]
    assert fit(z, u).number == 480


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros((4, 11)), "does not move"),
        (motion(1, 10).repeat(4, axis=0), "one way only"),
        (motion(4, 10) + 1.0, "do not reach the weighing position"),
        (np.where(np.arange(11) == 3, np.inf, motion(4, 10)), "position is not finite"),
        (motion(4, 9), "10 voltages need 11 positions"),
    ],
)
def test_what_cannot_be_fitted_is_named(z: NDArray[np.float64], message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        fit(z, np.ones((4, 10)), 0.0, 2)


def test_too_few_readings_and_hopeless_profiles_are_refused() -> None:
    z = motion(2, 2)
    with pytest.raises(ReductionError, match="4 readings cannot determine 4 unknowns"):
        fit(z, voltages(z), 0.0, 2)
    z = motion(20, 2)  # all sweeps alike: four places
    with pytest.raises(ReductionError, match="profile of order 6"):
        fit(z, voltages(z), 0.0, 6)
    u = np.ones((4, 10))
    u[2, 3] = np.nan
    with pytest.raises(ReductionError, match="voltage is not finite"):
        fit(motion(4, 10), u)


def test_the_uncertainty_is_the_scatter_of_pairs_about_a_smooth_course() -> None:
    z = motion(40, 12)
    result = fit(z, voltages(z) + 1e-5 * np.random.default_rng(8).normal(size=(40, 12)))
    pairs = (result.sweeps - result.bl).reshape(20, 2).mean(axis=1)
    course = np.polynomial.Polynomial.fit(np.arange(20), pairs, 3)(np.arange(20))
    assert result.u_bl == pytest.approx(np.sqrt(np.sum((pairs - course) ** 2) / 16 / 20), rel=1e-9)


def test_a_warm_magnet_is_no_noise() -> None:
    """Bl that bends smoothly through a group leaves the uncertainty as it was."""
    z = motion(40, 12)
    noise = 1e-5 * np.random.default_rng(8).normal(size=(40, 12))
    bend = 1 + 1e-5 * np.linspace(-1, 1, 40)[:, None] ** 3
    plain, warm = (fit(z, voltages(z) * factor + noise) for factor in (1.0, bend))
    assert warm.u_bl == pytest.approx(plain.u_bl, rel=1e-3)


def test_a_burst_with_several_strokes_is_weighted_with_the_velocity_itself() -> None:
    z = 1e-4 * np.sin(np.linspace(0, 6 * np.pi, 61)) * np.ones((20, 1))
    u = voltages(z, (1400.0,))
    result = fit(z, u + 1e-5 * np.random.default_rng(4).normal(size=u.shape), 0.0, 0)
    assert result.u_bl < 2 * 1e-5 / np.sqrt(np.sum((u / 1400) ** 2))
    assert abs(result.bl - 1400) < 4 * result.u_bl


def test_first_sweeps_that_tell_little_spoil_nothing() -> None:
    """What the first readings alone say of the profile is noise, 10⁵ times larger than all of them."""
    sweeps, n, aperture, bl = 384, 64, 0.01, 500.0
    amplitude = np.where(np.arange(sweeps) < 128, 2e-9, 2e-3) * (-1.0) ** np.arange(sweeps)
    z = amplitude[:, None] * np.linspace(-1.0, 1.0, n + 1)
    noise = 1e-9 * np.random.default_rng(0).standard_normal((sweeps, n))
    voltage = np.diff(bl * z + 15.0 * z**2 - 3e3 * z**3, axis=1) / aperture + 3e-6 + noise
    fit = fit_velocity(voltage, z, aperture, 1.3 * np.arange(sweeps), 0.0)
    assert abs(fit.bl - bl) < 4 * fit.u_bl < 1e-10 * bl


PERIOD = 316e-9  # m, of the interferometer's periodic error


def shaken(fringes: float, seed: int, sweeps: int = 400) -> VelocityFit:
    """Sweeps over a shaking ground that the mirror does not quite go along with, read every so many fringes."""
    n, rng = 15, np.random.default_rng(seed)
    edges = np.linspace(-1, 1, n + 1)
    along = 0.5 * n * fringes * PERIOD * (edges + 1e-5 * np.sin(9 * edges))
    times = 0.5 * np.arange(sweeps)[:, None] + APERTURE * np.arange(n + 1)
    beside_the_sweeps = np.arange(30) // 4 + rng.uniform(0.2, 0.8, 30)  # Hz
    ground = sum(5e-9 / f * np.sin(2 * np.pi * (f * times + rng.random())) for f in beside_the_sweeps)
    truth = along * (1 - 2 * (np.arange(sweeps) % 2))[:, None] + ground
    shown = truth - 0.005 * ground + 1e-10 * np.sin(2 * np.pi / PERIOD * truth)
    return fit_velocity(voltages(truth, (1400.0,)), shown, APERTURE, times.mean(axis=1), 0.0, 2, PERIOD)


@pytest.mark.parametrize("fringes", [18.95, 19.04, 19.3])
def test_shaking_mirror_is_not_taken_for_the_periodic_error(fringes: float) -> None:
    """Close to whole fringes the error's columns are small beside what shakes them."""
    found = [shaken(fringes, seed) for seed in range(1, 6)]
    z = [(fit.bl - 1400.0) / fit.u_bl for fit in found]
    assert abs(np.mean(z)) < 1.0 and max(np.abs(z)) < 3.0
    assert all(fit.u_bl < 5e-6 * fit.bl for fit in found)


@pytest.mark.parametrize("sweeps", [2, 400])  # one up and one down tell no more than many
@pytest.mark.parametrize("fringes", [18.98, 19.0, 19.01])
def test_readings_whole_fringes_apart_are_refused(fringes: float, sweeps: int) -> None:
    with pytest.raises(ReductionError, match=rf"passes {fringes:.2f}\d half-waves"):
        shaken(fringes, 1, sweeps)


# --- a drift of the offset -------------------------------------------------------------------------------------------


def elapsed(sweeps: int, n: int, every: float = 0.5) -> NDArray[np.float64]:
    """Time of each reading from the mean of all (s)."""
    return every * (np.arange(sweeps) - 0.5 * (sweeps - 1))[:, None] + APERTURE * (np.arange(n) - 0.5 * (n - 1))


@pytest.mark.parametrize("sweeps", [3, 4, 5, 8, 40, 601])
@pytest.mark.parametrize("rate", [1e-6, -3e-5])
def test_a_drift_of_the_offset_comes_out(sweeps: int, rate: float) -> None:
    z = motion(sweeps, 15)
    result = fit(z, voltages(z) + 3e-4 + rate * elapsed(sweeps, 15), 2e-5)
    assert result.bl == pytest.approx(bl_at(2e-5), rel=1e-13)
    assert result.offset_drift.fitted == pytest.approx(rate, rel=1e-8)
    assert result.offset == pytest.approx(3e-4, abs=1e-12)


@pytest.mark.parametrize("sweeps", [4, 5, 40, 600])
def test_without_its_fit_a_drift_changes_bl_by_its_sensitivity(sweeps: int) -> None:
    """In many sweeps that is as if the ones down, 0.5 s after those up, had as much more voltage, half of it each."""
    z, rate = motion(sweeps, 15), 1e-6
    times, u = np.arange(sweeps) * 0.5, voltages(z, (1400.0,)) + rate * elapsed(sweeps, 15)
    result = fit_velocity(u, z, APERTURE, times, 0.0, 2, offset_drifts=False)
    on = fit_velocity(u, z, APERTURE, times, 0.0, 2)
    assert result.offset_drift.fitted is None and on.offset_drift.sensitivity == 0.0
    assert result.bl / 1400 - 1 == pytest.approx(rate * result.offset_drift.sensitivity, rel=1e-6, abs=1e-14)
    assert on.offset_drift.change == pytest.approx(on.bl / result.bl - 1, rel=1e-6, abs=1e-14)
    if sweeps == 600:
        velocity = float(np.abs(z[:, -1] - z[:, 0]).mean()) / (15 * APERTURE)
        assert result.offset_drift.sensitivity == pytest.approx(-0.5 * 0.5 / (1400 * velocity), rel=1e-2)


def test_one_sweep_up_and_one_down_do_not_tell_a_drift_of_the_offset() -> None:
    z = motion(2, 15)
    result = fit(z, voltages(z) + 3e-4)
    assert result.offset_drift.fitted is None and result.offset_drift.sensitivity != 0.0
    assert result.bl == pytest.approx(bl_at(0.0), rel=1e-13)
    apart = np.repeat(motion(2, 15), 10, axis=0)  # ten up, then ten down: r² is 3/4, and just told
    assert fit(apart, voltages(apart) + elapsed(20, 15)).bl == pytest.approx(bl_at(0.0), rel=1e-10)


@pytest.mark.parametrize("sweeps", [4, 6, 7, 12])
def test_the_fit_of_the_offsets_drift_costs_what_the_order_of_the_sweeps_says(sweeps: int) -> None:
    """The variance of Bl grows by 1/(1 − r²), r² = 3/(n² − 1) for n sweeps in turn, none for an odd number."""
    z, times, found = motion(sweeps, 2), np.arange(sweeps) * 1e4, []
    flat = voltages(z, (1400.0,))
    for offset_drifts in (True, False):
        pulls = [
            fit_velocity(
                flat + 1e-3 * np.eye(sweeps)[:, [i]], z, APERTURE, times, 0.0, 0, offset_drifts=offset_drifts
            ).bl
            for i in range(sweeps)
        ]
        found.append(float(np.sum((np.array(pulls) - 1400.0) ** 2)))
    inflation = 1.0 if sweeps % 2 else 1 / (1 - 3 / (sweeps**2 - 1))
    assert found[0] / found[1] == pytest.approx(inflation, rel=1e-6)
