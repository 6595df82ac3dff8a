"""The Allan deviation against published data and theory, and the uncertainty of a mean against what means really do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios.reduction.allan import AllanCurve, allan_deviation, mean_uncertainty
from twin.noise import NoiseFigures, NoiseSource, Streams

Array = NDArray[np.float64]
SPACING = 0.2  # s
STEP = 200_000_000  # ns


def noise(figures: NoiseFigures, n: int, seed: int) -> Array:
    instants = np.arange(n, dtype=np.int64) * STEP
    return NoiseSource(figures, Streams(seed), "x").sample(instants, STEP)


def lcg(n: int) -> Array:
    values, state = [], 1234567890
    for _ in range(n):
        values.append(state / 2147483647)
        state = 16807 * state % 2147483647
    return np.array(values)


def test_nine_points_of_nbs_monograph_140() -> None:
    """NBS Monograph 140, annex 8.E; overlapping values of W. J. Riley, NIST SP 1065, table 30."""
    found = allan_deviation(np.array([892.0, 809, 823, 798, 671, 644, 883, 903, 677]), 1.0)
    assert list(found.tau_s) == [1, 2]
    assert found.deviation == pytest.approx([91.22945, 85.95287], rel=1e-6)


def test_thousand_points_of_riley() -> None:
    """NIST SP 1065, tables 31 and 32."""
    found = allan_deviation(lcg(1000), 1.0)
    at = {int(tau): value for tau, value in zip(found.tau_s, found.deviation, strict=True)}
    assert [at[1], at[10], at[100]] == pytest.approx([2.922319e-1, 9.159953e-2, 3.241343e-2], rel=1e-6)


def test_white_noise_falls_with_the_root_of_time() -> None:
    found = allan_deviation(noise(NoiseFigures(white=3e-7), 100_000, 1), SPACING)
    expected = 3e-7 / math.sqrt(2) / np.sqrt(found.tau_s)
    assert np.all(np.abs(found.deviation / expected - 1) < 3 * (found.high - found.low) / found.deviation)
    assert found.white == pytest.approx(3e-7 / math.sqrt(2), rel=0.01)
    assert found.floor is None


def test_flicker_noise_has_its_floor() -> None:
    found = allan_deviation(noise(NoiseFigures(flicker=3e-7), 100_000, 2), SPACING)
    expected = 3e-7 * math.sqrt(2 * math.log(2))
    assert found.floor == pytest.approx(expected, rel=0.05)
    assert np.all(np.abs(found.deviation / expected - 1) < 3 * (found.high - found.low) / found.deviation)
    assert found.deviation[:8] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("figures", [NoiseFigures(white=1.0), NoiseFigures(flicker=1.0)])
def test_two_of_three_error_bars_hold_the_true_deviation(figures: NoiseFigures) -> None:
    held = []
    for seed in range(150):
        found = allan_deviation(noise(figures, 200, seed), SPACING)
        truth = np.full(len(found.tau_s), math.sqrt(2 * math.log(2)))
        if figures.white:
            truth = np.sqrt(0.5 / found.tau_s)
        held.append((found.low <= truth) & (truth <= found.high))
    assert np.mean(held) == pytest.approx(0.683, abs=0.05)
    assert np.all(np.abs(np.mean(held, axis=0) - 0.683) < 0.13)  # at every averaging time


@given(scale=st.floats(1e-9, 1e9), offset=st.floats(-1e3, 1e3), seed=st.integers(0, 100))
@hypothesis_settings(max_examples=40, deadline=None)
def test_it_scales_with_the_readings_and_forgets_their_mean(scale: float, offset: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=50)
    one, other = allan_deviation(values, 1.0), allan_deviation(scale * (values + offset), 2.0)
    assert other.deviation == pytest.approx(scale * one.deviation, rel=1e-9)
    assert list(other.tau_s) == [2 * t for t in one.tau_s]
    u = [mean_uncertainty(values, 1.0).u, mean_uncertainty(scale * (values + offset), 2.0).u]
    assert u[1] == pytest.approx(scale * u[0], rel=1e-6)


def test_a_small_noise_on_a_large_value_is_not_lost() -> None:
    values = np.random.default_rng(3).normal(size=100_000)
    whole = allan_deviation(10.0 + 1e-9 * values, 1.0).deviation
    assert whole == pytest.approx(1e-9 * allan_deviation(values, 1.0).deviation, rel=1e-4)


def test_gaps_spoil_only_what_they_touch() -> None:
    values = noise(NoiseFigures(white=1.0), 2000, 4)
    holes = values.copy()
    holes[np.random.default_rng(5).random(2000) < 0.1] = np.nan
    holes[500:700] = np.nan
    whole, found = allan_deviation(values, SPACING), allan_deviation(holes, SPACING)
    steps = np.diff(holes)
    assert found.deviation[0] == pytest.approx(math.sqrt(0.5 * np.nanmean(steps**2)), rel=1e-12)
    assert found.deviation[:6] == pytest.approx(whole.deviation[:6], rel=0.15)
    assert np.all(found.edf[:-1] < whole.edf[:-1])
    good = holes[np.isfinite(holes)]
    assert mean_uncertainty(holes, SPACING).u == pytest.approx(np.std(good, ddof=1) / math.sqrt(len(good)))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 4.0], [np.nan] * 9, [1.0, np.nan, 2.0, np.nan, 3.0]])
def test_too_few_readings_have_no_curve(values: list[float]) -> None:
    found = allan_deviation(np.array(values), 1.0)
    assert found.tau_s.size == found.deviation.size == found.low.size == found.high.size == 0
    assert found.white is None and found.floor is None
    good = [v for v in values if v == v]
    expected = np.std(good, ddof=1) / math.sqrt(len(good)) if len(good) > 1 else 0.0
    assert mean_uncertainty(np.array(values), 1.0).u == pytest.approx(expected)


def test_constants_have_none() -> None:
    found = allan_deviation(np.full(1000, 10.1), 1.0)
    assert not found.deviation.any() and not found.high.any() and found.white == 0 and found.floor is None
    assert mean_uncertainty(np.full(1000, 10.1), 1.0).u < 1e-15


def test_a_curve_knows_its_channel() -> None:
    found = allan_deviation(lcg(100), 1.0)
    curve = AllanCurve.of("current_voltmeter", "voltage", "V", found)
    assert (curve.channel, curve.unit) == ("current_voltmeter", "V") and curve.high is found.high


CORNER = 20.0  # the records are that many times longer than where flicker takes over from white noise


@pytest.mark.parametrize("n", [100, 600])
@pytest.mark.parametrize(
    ("name", "white", "flicker"),
    [("white", 1.0, 0.0), ("both", 1.0, CORNER), ("mostly white", 1.0, 1.0), ("flicker", 0.0, 1.0)],
)
def test_the_uncertainty_of_a_mean_is_right_on_average(n: int, name: str, white: float, flicker: float) -> None:
    """Half the mean square of the difference of two adjoining means is what it should be: the Allan variance at T."""
    length = n * SPACING
    size = math.sqrt(flicker * (0.5 / length if white else 1.0) / (2 * math.log(2)))
    figures = NoiseFigures(white=white, flicker=size)
    variance = white**2 / (2 * length) + size**2 * 2 * math.log(2)
    squares, means = [], []
    for seed in range(200):
        values = noise(figures, 2 * n, seed)
        halves = values[:n], values[n:]
        squares += [mean_uncertainty(half, SPACING).u ** 2 for half in halves]
        means.append(halves[0].mean() - halves[1].mean())
    assert np.mean(np.square(means)) / 2 == pytest.approx(variance, rel=0.25)  # the noise is what was asked for
    assert math.sqrt(np.mean(squares) / variance) == pytest.approx(1.0, abs=0.15)
    plain = math.sqrt(n) * SPACING / length  # SD/√n of flicker noise is far too small
    if name in ("both", "flicker"):
        assert np.std(values, ddof=1) * plain < 0.7 * math.sqrt(variance)


def test_white_noise_is_called_white_and_keeps_its_degrees_of_freedom() -> None:
    found = [mean_uncertainty(noise(NoiseFigures(white=1.0), 300, seed), SPACING) for seed in range(100)]
    assert np.mean([x.white for x in found]) > 0.9
    assert all(x.dof == 299 and x.tau_s == pytest.approx(60) for x in found if x.white)
    found = [mean_uncertainty(noise(NoiseFigures(flicker=1.0), 300, seed), SPACING) for seed in range(100)]
    assert not any(x.white for x in found)
    assert all(1 <= x.dof <= 299 for x in found)


def test_a_walk_is_never_averaged_away() -> None:
    ratios = []
    for seed in range(100):
        values = noise(NoiseFigures(random_walk=1.0), 800, seed)
        ratios.append((mean_uncertainty(values[:400], SPACING).u, values[:400].mean() - values[400:].mean()))
    u, difference = np.array(ratios).T
    assert math.sqrt(np.mean(u**2)) == pytest.approx(math.sqrt(np.mean(difference**2) / 2), rel=0.3)
