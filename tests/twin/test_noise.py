"""Noise against its theory: exactly where readings are linear in the random numbers, statistically elsewhere."""

from __future__ import annotations

import json
import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import welch

from twin import noise
from twin.errors import CheckpointError, SimulationError
from twin.noise import (
    LN_RATIO,
    TIME_CONSTANTS,
    Distribution,
    NoiseFigures,
    NoiseSource,
    Streams,
    draw_calibration,
    quantise,
)

Floats = NDArray[np.float64]

S = 1_000_000_000  # ns
ALL = NoiseFigures(white=2e-9, flicker=3e-9, random_walk=1e-10)
FLICKER = NoiseFigures(flicker=1.0)
WALK = NoiseFigures(random_walk=1.0)
DIFFUSION = 2 * math.pi**2  # of WALK (1/s)


def row(count: int, step: int = S, start: int = 0) -> NDArray[np.int64]:
    return start + step * np.arange(count, dtype=np.int64)


def source(figures: NoiseFigures, seed: int = 1, name: str = "dvm") -> NoiseSource:
    return NoiseSource(figures, Streams(seed), name)


# --- exact: the response to each single random number gives the covariance of the readings --------------------------


class OneNormal:
    """A generator whose normals are all zero but number `place`, counted over all calls."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.drawn = 0

    def standard_normal(self, size: Any = None, out: Any = None) -> Floats:
        values: Floats = np.zeros(size) if out is None else out
        values[...] = 0
        if 0 <= self.place - self.drawn < values.size:
            values.reshape(-1)[self.place - self.drawn] = 1
        self.drawn += values.size
        return values


class OneNormalStreams(Streams):
    """Streams where one purpose has one normal that is not zero."""

    def __init__(self, purpose: str, place: int) -> None:
        super().__init__(0)
        object.__setattr__(self, "choice", (purpose, place))

    def generator(self, name: str, purpose: str) -> Any:
        chosen, place = vars(self)["choice"]
        return OneNormal(place if purpose == chosen else -1)


def covariance(figures: NoiseFigures, draws: dict[str, int], calls: list[tuple[list[int], int]]) -> Floats:
    """Covariance matrix of all readings of some calls (instants, aperture), from the response to every normal drawn.

    `draws` is the number of normals for each reading and purpose; the source must draw exactly as many.
    """
    count = sum(len(instants) for instants, _ in calls)
    columns = []
    for purpose, each in draws.items():
        for place in range(each * count):
            one = NoiseSource(figures, OneNormalStreams(purpose, place), "one")
            columns.append(np.concatenate([one.sample(np.array(t, dtype=np.int64), a) for t, a in calls]))
            drawn: Any = one._generators[purpose]
            assert drawn.drawn == each * count
    response: Floats = np.stack(columns, axis=1)
    product: Floats = response @ response.T
    return product


def flicker_theory(starts: Floats, apertures: Floats) -> Floats:
    """∫∫ e^(-|t - t'|/τ) over the apertures, summed over the processes, in 40 digits."""

    def end_mean(x: Any) -> Any:
        return -mpmath.expm1(-x) / x if x else mpmath.mpf(1)

    size = len(starts)
    result = np.zeros((size, size))
    with mpmath.workdps(40):
        for tau in map(mpmath.mpf, TIME_CONSTANTS):
            x = [mpmath.mpf(a) / tau for a in apertures]
            for i in range(size):
                square = 2 * (x[i] + mpmath.expm1(-x[i])) / x[i] ** 2 if x[i] else mpmath.mpf(1)
                result[i, i] += float(square)
                for j in range(i):
                    gap = (mpmath.mpf(starts[i]) - mpmath.mpf(starts[j])) / tau - x[j]
                    result[i, j] += float(mpmath.exp(-gap) * end_mean(x[i]) * end_mean(x[j]))
                    result[j, i] = result[i, j]
    return LN_RATIO * result


def walk_theory(starts: Floats, apertures: Floats) -> Floats:
    """The earlier of two means has the covariance D·(middle - start); a mean has the variance D·(its start + T/3)."""
    since = starts - starts[0]
    middle = since + apertures / 2
    result: Floats = np.minimum.outer(middle, middle) + np.diag(since + apertures / 3 - middle)
    return DIFFUSION * result


CALLS: dict[str, list[tuple[list[int], int]]] = {
    "instantaneous": [([5, 1_000_005, 40_000_000, 3 * S, 3 * S + 1, 900 * S], 0)],
    "contiguous": [([0, S, 2 * S, 3 * S, 4 * S], S)],
    "contiguous, short": [([10**6 * k for k in range(5)], 10**6)],
    "gaps": [([0, 20_000_000, 100_000_000, 100 * S, 10**5 * S], 20_000_000)],
    "long": [([-(10**7) * S, 0, 3 * 10**7 * S], 10**7 * S)],
    "apertures in turn": [([7 * S, 8 * S], S), ([9 * S, 9 * S + 30_000_000], 1_000_000), ([10 * S], 0), ([11 * S], S)],
}


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_flicker_has_the_exact_covariance_of_means_over_the_apertures(calls: list[tuple[list[int], int]]) -> None:
    starts = np.array([t for instants, _ in calls for t in instants]) / S
    apertures = np.array([a for instants, a in calls for _ in instants]) / S
    draws = {"flicker": TIME_CONSTANTS.size, "flicker mean": 1}
    expected = flicker_theory(starts, apertures)
    np.testing.assert_allclose(covariance(FLICKER, draws, calls), expected, rtol=1e-9, atol=1e-12 * expected.max())


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_random_walk_has_the_exact_covariance_of_means_over_the_apertures(calls: list[tuple[list[int], int]]) -> None:
    starts = np.array([t for instants, _ in calls for t in instants]) / S
    apertures = np.array([a for instants, a in calls for _ in instants]) / S
    expected = walk_theory(starts, apertures)
    np.testing.assert_allclose(
        covariance(WALK, {"random_walk": 2}, calls), expected, rtol=1e-9, atol=1e-12 * expected.max()
    )


def test_white_readings_are_independent_with_the_variance_of_their_bandwidth() -> None:
    calls = [([0, S], S), ([2 * S, 5 * S], 20_000_000)]
    got = covariance(NoiseFigures(white=3.0), {"white": 1}, calls)
    np.testing.assert_allclose(got, np.diag([9 / 2, 9 / 2, 9 / 0.04, 9 / 0.04]), rtol=1e-12)


@pytest.mark.parametrize("x", [1e-7, 1e-3, 0.0099, 0.0101])
def test_variance_of_a_mean_is_exact_where_the_closed_form_cancels(x: float) -> None:
    aperture = round(x * TIME_CONSTANTS[4] * S)
    got = covariance(FLICKER, {"flicker": TIME_CONSTANTS.size, "flicker mean": 1}, [([0], aperture)])
    np.testing.assert_allclose(got, flicker_theory(np.zeros(1), np.array([aperture / S])), rtol=1e-12)


def test_many_blocks_have_the_covariance_of_the_theory_too() -> None:
    # 50 readings make 7 blocks of 8 with bursts that straddle them; a column of the response at a time.
    starts = np.concatenate([row(10, S // 50, k * 7 * S) for k in range(5)])
    calls = [(starts.tolist(), 10_000_000)]
    got = covariance(FLICKER, {"flicker": TIME_CONSTANTS.size, "flicker mean": 1}, calls)
    expected = flicker_theory(starts / S, np.full(50, 0.01))
    np.testing.assert_allclose(got, expected, rtol=1e-9)


# --- the spectra ------------------------------------------------------------------------------------------------------


def test_the_sum_of_processes_has_a_flicker_spectrum() -> None:
    f = np.geomspace(1e-6, 10, 2000)
    density = (4 * LN_RATIO * TIME_CONSTANTS / (1 + (2 * np.pi * f[:, None] * TIME_CONSTANTS) ** 2)).sum(axis=1)
    assert np.sqrt(np.mean((density * f - 1) ** 2)) < 0.017
    assert np.abs(density * f - 1).max() < 0.035
    np.testing.assert_allclose(np.diff(np.log(TIME_CONSTANTS)), LN_RATIO)


@pytest.mark.parametrize("aperture", [10_000_000, S, 100 * S])
def test_flicker_spectrum(aperture: int) -> None:
    values = source(NoiseFigures(flicker=3.0), seed=11).sample(row(2**16, aperture), aperture)
    f, density = welch(values, fs=S / aperture, nperseg=2**11, detrend="linear")
    band = slice(8, 120)  # above the window's leakage, below where averaging over the aperture matters (1 % at 0.06 fs)
    ratio = density[band] * f[band] / 9
    # 63 half-overlapping segments are worth about 33 independent ones; neighbouring bins of a Hann window about half.
    standard_error = 1 / math.sqrt(33 * ratio.size / 2)
    assert abs(ratio.mean() - 1) < 4 * standard_error + 0.02
    low, high = ratio[:16].mean(), ratio[-60:].mean()
    assert abs(low - high) < 4 / math.sqrt(33 * 8) + 0.04  # no slope


@pytest.mark.parametrize("aperture", [20_000_000, S, 300 * S])
def test_allan_deviation_of_flicker_is_flat(aperture: int) -> None:
    count = 40_000
    values = source(NoiseFigures(flicker=2.0), seed=5).sample(row(count, aperture), aperture)
    expected = 2 * 2 * math.log(2) * 2
    for m in (1, 10, 100):
        means = values.reshape(-1, m).mean(axis=1)
        allan = 0.5 * np.mean(np.diff(means) ** 2)
        # The squared differences have a relative variance of 2, and neighbours are hardly correlated.
        assert abs(allan / expected - 1) < 4 * math.sqrt(2.5 * m / count) + 0.025


def test_white_noise_has_its_spectral_density_and_averages_down() -> None:
    count, aperture = 100_000, 20_000_000
    values = source(NoiseFigures(white=3.0), seed=3).sample(row(count, 5 * aperture), aperture)
    assert values.var() == pytest.approx(9 / (2 * 0.02), rel=4 * math.sqrt(2 / count))
    contiguous = source(NoiseFigures(white=3.0), seed=4).sample(row(count, aperture), aperture)
    _, density = welch(contiguous, fs=50.0, nperseg=256)
    assert density[2:-2].mean() == pytest.approx(9.0, rel=4 * math.sqrt(2 / count))
    for n in (10, 100):
        means = contiguous.reshape(-1, n).mean(axis=1)
        assert means.var() == pytest.approx(9 / (2 * 0.02 * n), rel=4 * math.sqrt(2 * n / count))
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(count)


def test_random_walk_has_its_spectral_density_and_grows() -> None:
    count = 2**16
    values = source(NoiseFigures(random_walk=2.0), seed=6).sample(row(count), 0)
    f, density = welch(values, fs=1.0, nperseg=2**11, detrend="linear")
    band = slice(8, 60)
    # Sampling turns 1/f² into (π/sin π f)², within 0.3 % in the band.
    assert (density[band] * f[band] ** 2 / 4).mean() == pytest.approx(1, abs=4 / math.sqrt(33 * 26) + 0.02)
    for m in (1, 16, 256):
        increments = np.diff(values[::m])
        expected = 4 * DIFFUSION * m
        assert increments.var() == pytest.approx(expected, rel=4 * math.sqrt(2 * m / count))


def test_readings_over_many_realisations_at_uneven_times() -> None:
    runs, aperture = 4000, 100_000_000
    starts = np.array([S, S + aperture, 40 * S], dtype=np.int64)
    streams = Streams(8)
    values = np.array([NoiseSource(FLICKER, streams, f"run {k}").sample(starts, aperture) for k in range(runs)])
    expected = flicker_theory(starts / S, np.full(3, 0.1))
    scatter = np.sqrt((np.outer(expected.diagonal(), expected.diagonal()) + expected**2) / runs)
    assert (np.abs(values.T @ values / runs - expected) < 4 * scatter).all()


# --- repeatability ----------------------------------------------------------------------------------------------------


def test_one_seed_gives_one_result() -> None:
    instants = row(1000)
    assert np.array_equal(source(ALL).sample(instants, S), source(ALL).sample(instants, S))
    assert not np.array_equal(source(ALL).sample(instants, S), source(ALL, seed=2).sample(instants, S))
    assert not np.array_equal(source(ALL).sample(instants, S), source(ALL, name="dmm").sample(instants, S))


def test_streams_do_not_depend_on_each_other_or_on_the_order() -> None:
    instants = row(50)
    alone = source(ALL, name="b").sample(instants, S)
    streams = Streams(1)
    first, second = NoiseSource(ALL, streams, "a"), NoiseSource(ALL, streams, "b")
    first.sample(instants, S)
    draw_calibration(streams, "b", 1.0)
    assert np.array_equal(second.sample(instants, S), alone)


def test_a_stream_is_the_same_on_every_machine() -> None:
    raw = [int(Streams(1).generator("dvm", p).bit_generator.random_raw()) for p in ("white", "flicker")]
    assert raw == [10_586_185_301_139_639_487, 11_650_038_891_690_853_065]


def test_a_purpose_with_a_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="slash"):
        Streams(1).generator("a", "b/c")


def test_kinds_of_noise_add_and_have_streams_of_their_own() -> None:
    instants = np.concatenate([row(40, 2 * S), row(40, 3 * S, 1000 * S)])
    kinds = [NoiseFigures(white=2e-9), NoiseFigures(flicker=3e-9), NoiseFigures(random_walk=1e-10)]
    parts = [source(figures).sample(instants, S) for figures in kinds]
    np.testing.assert_allclose(source(ALL).sample(instants, S), np.sum(parts, axis=0), rtol=1e-12)
    correlation = np.corrcoef([source(figures).sample(row(10_000), S) for figures in (kinds[0], kinds[1])])[0, 1]
    # Contiguous flicker is correlated with itself, not with white noise: independent products, so 1/√n at most.
    assert abs(correlation) < 5 / math.sqrt(10_000)


def test_each_kind_is_proportional_to_its_figure() -> None:
    for key in ("white", "flicker", "random_walk"):
        one = source(NoiseFigures(**{key: 1.0})).sample(row(20), S)
        np.testing.assert_allclose(source(NoiseFigures(**{key: 3.0})).sample(row(20), S), 3 * one, rtol=1e-12)


@given(
    steps=st.lists(st.integers(20_000_000, 10**13) | st.just(S), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    aperture=st.sampled_from([1, 1_000_000, 20_000_000]),
)
def test_calls_may_be_split_anywhere(steps: list[int], cuts: list[int], aperture: int) -> None:
    instants = np.cumsum(np.array(steps, dtype=np.int64))
    whole = source(ALL)
    values = whole.sample(instants, aperture)
    parts = source(ALL)
    pieces = [parts.sample(piece, aperture) for piece in np.split(instants, sorted(min(c, len(steps)) for c in cuts))]
    np.testing.assert_allclose(np.concatenate(pieces), values, rtol=1e-12, atol=1e-12 * np.abs(values).max())
    after = instants[-1:] + S
    scale = 1e-12 * np.abs(values).max()
    np.testing.assert_allclose(parts.sample(after, S), whole.sample(after, S), rtol=1e-12, atol=scale)
    assert parts.state()["generators"] == whole.state()["generators"]


def test_reading_by_reading_is_the_same_as_one_call() -> None:
    instants = np.concatenate([row(25, S // 50, 2 * k * S) for k in range(40)])
    one = source(ALL)
    single = np.concatenate([one.sample(instants[i : i + 1], S // 50) for i in range(instants.size)])
    np.testing.assert_allclose(source(ALL).sample(instants, S // 50), single, rtol=1e-12, atol=1e-20)


def test_memory_is_bounded_by_working_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = source(ALL).sample(row(100), S)
    monkeypatch.setattr(noise, "_CHUNK", 7)
    np.testing.assert_allclose(source(ALL).sample(row(100), S), values, rtol=1e-12, atol=1e-20)


def test_the_callers_instants_are_left_alone() -> None:
    instants = row(10)
    source(ALL).sample(instants, S)
    assert np.array_equal(instants, row(10))


def test_a_restored_source_goes_on_to_the_bit() -> None:
    first = source(ALL)
    first.sample(row(333), S // 2)
    saved = json.dumps(first.state())
    expected = [first.sample(row(100, 3 * S, 400 * S), S), first.sample(row(7, S, 10**4 * S), S)]
    second = source(ALL, seed=99)
    second.sample(row(5), S)
    second.restore(json.loads(saved))
    got = [second.sample(row(100, 3 * S, 400 * S), S), second.sample(row(7, S, 10**4 * S), S)]
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    assert second.state() == first.state()


def test_a_state_is_a_copy_and_can_be_of_a_source_that_has_not_begun() -> None:
    fresh = source(ALL)
    state = fresh.state()
    before = json.dumps(state)
    values = fresh.sample(row(20), S)
    assert json.dumps(state) == before
    fresh.restore(state)
    assert np.array_equal(fresh.sample(row(20), S), values)


@pytest.mark.parametrize("other", [source(ALL, name="dmm"), source(FLICKER)])
def test_the_state_of_another_source_is_refused(other: NoiseSource) -> None:
    with pytest.raises(CheckpointError, match=r"dvm: .*saved scenario"):
        source(ALL).restore(other.state())


# --- the contract -----------------------------------------------------------------------------------------------------


def test_a_quiet_source_is_exactly_silent_and_keeps_time() -> None:
    assert NoiseFigures().quiet
    assert not any(NoiseFigures(**{key: 1e-30}).quiet for key in ("white", "flicker", "random_walk"))
    quiet = source(NoiseFigures())
    assert quiet.sample(row(4), 0).tolist() == [0.0] * 4
    with pytest.raises(SimulationError):
        quiet.sample(row(4), 0)


@pytest.mark.parametrize("key", ["white", "flicker", "random_walk"])
@pytest.mark.parametrize("value", [-1e-12, math.nan, math.inf])
def test_figures_are_finite_and_not_negative(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key):
        NoiseFigures(**{key: value})


@pytest.mark.parametrize(
    ("instants", "aperture", "culprit"),
    [
        ([10 * S, 9 * S], 0, 9 * S),
        ([10 * S, 10 * S], 0, 10 * S),
        ([10 * S, 11 * S - 1], S, 11 * S - 1),
        ([5 * S - 1], S, 5 * S - 1),
        ([5 * S - 1, 6 * S], 1, 5 * S - 1),
        ([0], 0, 0),
    ],
)
def test_going_back_in_time_is_an_error_that_draws_nothing(instants: list[int], aperture: int, culprit: int) -> None:
    late = source(FLICKER, name="balance.dvm")
    late.sample(row(5), S)
    before = late.state()
    with pytest.raises(SimulationError, match=rf"balance\.dvm: the reading at {culprit} ns"):
        late.sample(np.array(instants, dtype=np.int64), aperture)
    assert late.state() == before


def test_a_reading_may_start_when_the_last_one_ends() -> None:
    follows = source(FLICKER)
    follows.sample(row(5), S)
    assert follows.sample(row(2, S, 5 * S), S).shape == (2,)
    with pytest.raises(SimulationError, match=f"which is at {7 * S} ns"):
        follows.sample(row(1, S, 6 * S + 1), S)


def test_no_readings_are_no_step_in_time() -> None:
    idle = source(ALL)
    before = idle.state()
    assert idle.sample(row(0), S).shape == (0,)
    assert idle.state() == before


def test_white_noise_without_an_aperture_asks_for_a_bandwidth() -> None:
    with pytest.raises(ValueError, match=r"dvm: .*bandwidth"):
        source(ALL).sample(row(3), 0)


@pytest.mark.parametrize(
    ("instants", "aperture"), [(np.zeros((2, 2), dtype=np.int64), S), (np.array([0.5, 1.5]), S), (row(2), -1)]
)
def test_instants_are_a_row_of_integers(instants: Any, aperture: int) -> None:
    with pytest.raises(ValueError, match="one row of integer instants"):
        source(FLICKER).sample(instants, aperture)


# --- resolution and calibration ---------------------------------------------------------------------------------------


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), step=st.floats(1e-6, 1e3))
def test_quantised_values_are_the_nearest_multiples(values: list[float], step: float) -> None:
    got = quantise(values, step)
    multiples = got / step
    np.testing.assert_allclose(multiples, np.rint(multiples), rtol=1e-15)
    assert (np.abs(got - values) <= step / 2 * (1 + 1e-9) + 1e-9 * step + 4e-16 * np.abs(values)).all()
    np.testing.assert_array_equal(quantise(got, step), got)
    np.testing.assert_array_equal(quantise(-np.array(values), step), -got)
    assert (np.diff(quantise(sorted(values), step)) >= 0).all()


def test_halves_go_to_the_even_multiple() -> None:
    assert quantise([-0.75, -0.25, 0.25, 0.75, 1.25, 1.2], 0.5).tolist() == [-1.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def test_no_resolution_leaves_values_as_they_are() -> None:
    values = np.array([0.1, -1e-300, 7.0])
    assert np.array_equal(quantise(values, 0.0), values)


@pytest.mark.parametrize("step", [-1.0, math.nan])
def test_a_resolution_is_not_negative(step: float) -> None:
    with pytest.raises(ValueError, match="resolution"):
        quantise([1.0], step)


@pytest.mark.parametrize(
    ("distribution", "kurtosis", "bound"),
    [("normal", 3.0, math.inf), ("rectangular", 9 / 5, math.sqrt(3)), ("triangular", 12 / 5, math.sqrt(6))],
)
def test_calibration_errors_have_their_distribution(distribution: Distribution, kurtosis: float, bound: float) -> None:
    runs, u = 10_000, 2e-6
    errors = np.array([draw_calibration(Streams(seed), "dvm.gain", u, distribution) for seed in range(runs)]) / u
    assert abs(errors.mean()) < 4 / math.sqrt(runs)
    assert errors.var() == pytest.approx(1, abs=4 * math.sqrt((kurtosis - 1) / runs))
    assert np.mean(errors**4) / errors.var() ** 2 == pytest.approx(kurtosis, abs=4 * math.sqrt(24 / runs))
    assert np.abs(errors).max() <= bound
    assert np.abs(errors).max() > min(0.97 * bound, 3)


def test_a_calibration_is_drawn_once_a_run() -> None:
    streams = Streams(4)
    error = draw_calibration(streams, "dvm.gain", 1e-6)
    assert error == draw_calibration(streams, "dvm.gain", 1e-6)
    assert draw_calibration(streams, "dvm.gain", 3e-6) == pytest.approx(3 * error)
    assert error != draw_calibration(streams, "dvm.offset", 1e-6)
    assert draw_calibration(streams, "dvm.gain", 0.0) == 0


def test_a_calibration_states_a_known_distribution_and_uncertainty() -> None:
    unknown: Any = "arcsine"
    with pytest.raises(ValueError, match=r"dvm\.gain: .*arcsine"):
        draw_calibration(Streams(1), "dvm.gain", 1.0, unknown)
    for u in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"dvm\.gain: a standard uncertainty"):
            draw_calibration(Streams(1), "dvm.gain", u)
