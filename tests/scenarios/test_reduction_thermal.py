"""The thermal analysis against sines, polynomials and a lumped chain whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios.reduction import ReductionError, ThermalResult, ThermalSettings, thermal_analysis
from scenarios.reduction.thermal import PeriodicSettings

TAU = 7200.0
WEIGHING = [(c * TAU + 180 * j + 75, c * TAU + 180 * j + 135) for c in range(4) for j in range(20)]
VELOCITY = [(c * TAU + 3600 + 90 * j + 15, c * TAU + 3600 + 90 * j + 75) for c in range(4) for j in range(40)]
OMEGA = 2 * math.pi / TAU


def grid(periods: float = 4, step: float = 2.0, start: float = 0.0) -> NDArray[np.float64]:
    return start + np.arange(0, round(periods * TAU / step)) * step


def heating(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sin(OMEGA * t) + 1.0


def analyse(
    t: NDArray[np.float64], temperature: NDArray[np.float64], alpha: float = 0.0, **chosen: object
) -> ThermalResult:
    return thermal_analysis(t, temperature, heating(t), TAU, WEIGHING, VELOCITY, ThermalSettings(**chosen), alpha)


def mean_of_sine(windows: list[tuple[float, float]], lag: float) -> float:
    """Of sin(ω (t − lag)), by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    values = [
        np.mean([weights / 2 @ np.sin(OMEGA * (0.5 * (a + b) + 0.5 * (b - a) * nodes - lag))]) for a, b in windows
    ]
    return float(np.mean(values))


@given(amplitude=st.floats(1e-6, 1), lag=st.floats(-3500, 3500), level=st.floats(-10, 300))
@settings(max_examples=40, deadline=None)
def test_a_known_sine(amplitude: float, lag: float, level: float) -> None:
    t = grid(step=20.0)
    result = analyse(t, level + amplitude * np.sin(OMEGA * (t - lag)), -1e-3)
    expected = amplitude * (mean_of_sine(VELOCITY, lag) - mean_of_sine(WEIGHING, lag))
    assert result.delta_t_f_K == pytest.approx(2 * amplitude, rel=1e-6)
    assert result.delta_t_m_K == pytest.approx(expected, abs=1e-6 * amplitude)
    assert result.delay_s == pytest.approx((lag - TAU / 4 + TAU / 2) % TAU - TAU / 2, abs=0.01)
    assert result.epsilon == -1e-3 * result.delta_t_m_K
    assert result.phase_s == pytest.approx((lag + TAU / 4) % TAU, abs=0.01)
    assert (result.periods, result.drift_order) == (4, None)


def test_the_mean_difference_follows_the_delay() -> None:
    """Liu2025: δT_m ≈ (2/π) δT_f sin(2π τ_d/τ_c), exactly so when the windows fill the half periods."""
    t = grid(1, 5.0)
    for delay in (0.0, 700.0, 1496.0, -900.0):
        temperature = np.sin(OMEGA * (t - delay - TAU / 4))
        result = thermal_analysis(t, temperature, heating(t), TAU, [(0, TAU / 2)], [(TAU / 2, TAU)])
        assert result.delay_s == pytest.approx(delay, abs=1e-6)
        assert result.delta_t_m_K == pytest.approx(2 / math.pi * 2 * math.sin(OMEGA * delay), abs=1e-9)


def test_the_delay_lies_within_half_a_period_either_way() -> None:
    t = grid(1, 5.0)
    for lag in np.linspace(-2 * TAU, 2 * TAU, 41):
        delay = thermal_analysis(t, np.sin(OMEGA * (t - lag)), heating(t), TAU, WEIGHING, VELOCITY).delay_s
        assert delay is not None
        assert -TAU / 2 - 1e-6 < delay <= TAU / 2 + 1e-6
        assert math.cos(OMEGA * (delay + TAU / 4 - lag)) == pytest.approx(1.0, abs=1e-9)


def test_flat_power_through_the_weighing_heats_until_its_end() -> None:
    t = grid(2, 1.0)
    power = (t % TAU < TAU / 2) * 5.5e-3
    ramp = np.abs((t + TAU / 2) % TAU - TAU / 2) / TAU  # rises while heated, falls after
    result = thermal_analysis(t, ramp, power, TAU, WEIGHING, VELOCITY)
    assert result.delay_s == pytest.approx(0.0, abs=0.6)  # half a sample


def test_the_remainder_itself_may_be_averaged() -> None:
    def triangle(t: NDArray[np.float64]) -> NDArray[np.float64]:  # straight within each window
        return np.abs((t - 900 + TAU / 2) % TAU - TAU / 2) / TAU

    t = grid(2, 1.0)
    shifted = triangle(t)
    exact = [triangle(np.mean(windows, axis=1)).mean() for windows in (VELOCITY, WEIGHING)]
    result = analyse(t, shifted, average="remainder")
    fitted = analyse(t, shifted, average="fit")
    assert result.delta_t_m_K == pytest.approx(exact[0] - exact[1], rel=1e-9)
    assert abs(fitted.delta_t_m_K - result.delta_t_m_K) > 1e-3
    assert result.delta_t_f_K == fitted.delta_t_f_K == pytest.approx(4 / math.pi**2, rel=1e-4)
    assert result.misfit_rms_K > 0.01
    assert result.remainder_peak_to_peak_K == pytest.approx(0.5, rel=1e-2)


def test_windows_between_samples_are_averaged_exactly() -> None:
    """A line through the samples, whatever the windows' edges are."""
    t = grid(1, 7.0)
    weighing, velocity = [(3.3, 900.1), (1000.7, 1000.9)], [(4000.2, 4003.0), (7100.0, TAU)]
    temperature = 1e-3 * t
    result = thermal_analysis(
        t, temperature, heating(t), TAU, weighing, velocity[:1], ThermalSettings(average="remainder")
    )
    weights = [b - a for a, b in weighing]
    mean = np.average([0.5e-3 * (a + b) for a, b in weighing], weights=weights)
    assert result.delta_t_m_K == pytest.approx(4.0016 - mean, rel=1e-9)
    result = thermal_analysis(
        t, temperature, heating(t), TAU, weighing, velocity[1:], ThermalSettings(average="remainder")
    )
    assert result.delta_t_m_K == pytest.approx(7.15 - mean, rel=1e-4)  # level past the last sample


@pytest.mark.parametrize("fit", ["sequential", "joint"])
@pytest.mark.parametrize("order", [2, 6, 9])
def test_a_polynomial_drift_is_removed(order: int, fit: str) -> None:
    t = grid()
    x = t / t[-1]
    drift = np.polynomial.polynomial.polyval(x, [0.1, 5.0, -7.0, 3.0, 2.0, -4.0, 1.0, 2.0, 0.5, -0.7][: order + 1])
    wave = 1e-3 * np.sin(OMEGA * (t - 3000.0))
    with_drift = analyse(t, drift + wave, drift_order=order, drift_fit=fit)
    without = analyse(t, wave, drift_order=order, drift_fit=fit)
    assert with_drift.delta_t_f_K == pytest.approx(without.delta_t_f_K, rel=1e-9)
    assert with_drift.delta_t_m_K == pytest.approx(without.delta_t_m_K, rel=1e-9)
    # the joint fit keeps the whole sine; a polynomial fitted first takes a share of it, the more the higher its order
    share = with_drift.delta_t_f_K / 2e-3
    assert share == pytest.approx(1.0, rel=1e-9) if fit == "joint" else 0.3 < share < 0.99
    assert with_drift.drift_order == order


def test_a_start_at_ambient_has_order_six_unless_told() -> None:
    assert ThermalSettings(start="ambient").polynomial_order == 6
    assert ThermalSettings(start="ambient", drift_order=8).polynomial_order == 8
    assert ThermalSettings(start="ambient", drift_order=0).polynomial_order == 0
    assert ThermalSettings().polynomial_order is None
    assert ThermalSettings(drift_order=3).polynomial_order == 3


def test_the_first_or_the_last_periods() -> None:
    t = grid()
    growing = (1 + np.floor(t / TAU)) * np.sin(OMEGA * (t - 2000))
    sizes = {
        (take, n): analyse(t, growing, periods=n, take=take).delta_t_f_K / 2
        for take in ("first", "last")
        for n in (1, 2, 4)
    }
    assert sizes == pytest.approx(
        {("first", 1): 1, ("last", 1): 4, ("first", 2): 1.5, ("last", 2): 3.5, ("first", 4): 2.5, ("last", 4): 2.5}
    )


def test_a_record_need_not_start_at_zero_nor_end_with_a_period() -> None:
    t = grid(2.4, 2.0, start=TAU)
    wave = np.sin(OMEGA * (t - 2500.0))
    result = analyse(t, wave)
    assert result.periods == 2
    assert result.times_s[[0, -1]] == pytest.approx([TAU, 3 * TAU - 2.0])  # counted from the start of the record
    assert result.delay_s == pytest.approx(2500.0 - TAU / 4, abs=1e-3)
    closed = np.append(grid(2), 2 * TAU)  # with both ends: the second is not counted twice
    assert analyse(closed, np.sin(OMEGA * closed)).delta_t_f_K == pytest.approx(2.0, rel=1e-12)
    assert len(analyse(closed, np.sin(OMEGA * closed)).times_s) == len(closed) - 1


def test_uneven_samples_count_for_their_time() -> None:
    t = np.sort(np.random.default_rng(1).uniform(0, 2 * TAU, 20_000))
    triangle = np.abs((t + TAU / 2) % TAU - TAU / 2) / TAU
    dense = np.sort(np.concatenate([t, np.linspace(1, 900, 20_000)]))
    more = np.abs((dense + TAU / 2) % TAU - TAU / 2) / TAU
    assert analyse(dense, more).delta_t_f_K == pytest.approx(analyse(t, triangle).delta_t_f_K, rel=3e-3)


def test_no_heat_no_delay() -> None:
    t = grid(1)
    wave = np.sin(OMEGA * t)
    for temperature, power in ((wave, 0 * t), (wave, 0 * t + 3.0), (0 * t, heating(t)), (0 * t + 5, heating(t))):
        result = thermal_analysis(t, temperature, power, TAU, WEIGHING, VELOCITY)
        assert result.delay_s is None
    assert result.delta_t_f_K < 1e-12
    assert abs(result.delta_t_m_K) < 1e-12


def chain(p: float, h: float = 10.0) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """NIST-4's chain (geometry.md) in its periodic steady state under flat power, one period: times, magnet, power."""
    capacity = np.array([1875, 64260, 11260, 11260, 11260, 186900, 95310.0]) * p**3
    links = {(0, 1): 0.1945, (0, 6): 0.2148, (1, 6): 0.1372, (1, 2): 179.7, (2, 3): 150.3, (3, 4): 150.3, (4, 5): 161.5}
    matrix = np.diag([0, 0, 0, 0, 0, 0.927, 0.468]) * h * p**2
    for (i, j), g in {**links, (5, 6): 71.22}.items():
        matrix[[i, j], [i, j]] += g * p
        matrix[[i, j], [j, i]] -= g * p
    root = np.sqrt(capacity)
    rate, modes = np.linalg.eigh(matrix / np.outer(root, root))
    steady = modes[0] / root[0] * 5.5e-3 / p**3 / rate
    output = (modes / root[:, None])[2:5].mean(axis=0)
    t, half = np.arange(0, TAU, 1.0), TAU / 2
    e = np.exp(-rate * half)
    start = steady * (1 - e) * e / (1 - e * e)
    up = steady + (start - steady) * np.exp(-np.outer(t[t < half], rate))
    down = (steady + (start - steady) * e) * np.exp(-np.outer(t[t < half], rate))
    return t, np.concatenate([up, down]) @ output, np.where(t < half, 5.5e-3 / p**3, 0.0)


@pytest.mark.parametrize(
    ("p", "delta_t_f", "delta_t_m", "delay"), [(1.0, 5.97e-6, 3.66e-6, 1496.0)], ids=["NIST-4 as built"]
)
def test_the_lumped_chain_of_nist4(p: float, delta_t_f: float, delta_t_m: float, delay: float) -> None:
    t, temperature, power = chain(p)
    result = thermal_analysis(t, temperature, power, TAU, WEIGHING, VELOCITY, temperature_coefficient=-3e-4)
    assert result.delta_t_f_K == pytest.approx(delta_t_f, rel=2e-3)
    assert result.delta_t_m_K == pytest.approx(delta_t_m, rel=2e-3)
    assert result.delay_s == pytest.approx(delay, abs=1.0)
    assert result.epsilon == pytest.approx(-3e-4 * delta_t_m, rel=2e-3)


T = grid(2, 60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times_s": T[::-1]}, "must ascend"),
        ({"temperature_K": T[:-1]}, "equally long"),
        ({"temperature_K": np.where(T == 600, np.nan, T)}, "temperature are not finite"),
        ({"power_W": np.full_like(T, np.inf)}, "power are not finite"),
        ({"period_s": 0.0}, "period must be positive"),
        ({"period_s": 3 * TAU}, "0 whole periods"),
        ({"settings": ThermalSettings(periods=3)}, "2 whole periods.*3 are needed"),
        ({"weighing_windows": []}, "no weighing window"),
        ({"velocity_windows": [(5 * TAU, 5 * TAU + 10)]}, "no velocity window"),
        (
            {
                "times_s": T[:240:60],
                "temperature_K": T[:4],
                "power_W": T[:4],
                "settings": ThermalSettings(drift_order=9),
            },
            "too few",
        ),
    ],
)
def test_what_cannot_be_analysed_is_named(change: dict[str, object], message: str) -> None:
    good: dict[str, object] = {
        "times_s": T,
        "temperature_K": np.sin(T),
        "power_W": heating(T),
        "period_s": TAU,
        "weighing_windows": WEIGHING,
        "velocity_windows": VELOCITY,
    }
    with pytest.raises(ReductionError, match=message):
        thermal_analysis(**{**good, **change})


def test_what_repeats_is_no_drift() -> None:
    """A drift of order 6 beside a wave with harmonics: the joint fit takes some of these for drift, the periodic one
    nothing, and the power's drift does not shift its phase."""
    period, t = 100.0, np.arange(0.0, 400.0, 0.5)
    u = t / 200.0 - 1.0
    wave = (
        np.sin(2 * np.pi * t / period - 1.0)
        + 0.3 * np.sin(4 * np.pi * t / period)
        + 0.1 * np.cos(14 * np.pi * t / period)
    )
    drift = 5.0 * u**6 - 3.0 * u**3 + 2.0 * u
    power = 1.0 + np.sin(2 * np.pi * t / period) + 0.5 * u

    def swing(fit: str) -> tuple[float, float]:
        settings = PeriodicSettings.model_validate({"drift_order": 6, "drift_fit": fit})
        found = thermal_analysis(t, wave + drift, power, period, [(10.0, 40.0)], [(60.0, 90.0)], settings)
        assert found.delay_s is not None
        return found.delta_t_f_K, found.delay_s

    late = (1.0 / (2 * np.pi) - 0.25) * period
    assert swing("periodic") == pytest.approx((2.0, late), rel=1e-10)
    assert abs(swing("joint")[0] - 2.0) > 1e-3
    assert abs(swing("joint")[1] - late) > 0.05
