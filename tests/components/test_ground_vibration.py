"""Ground vibration: noise of the spectrum that was given, smooth, periodic and always the same; or a record."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.interpolate import make_interp_spline
from scipy.signal import welch

from components.ground_vibration import OVERSAMPLING, POINTS, GroundVibration
from tests.components.bench import bench
from twin.errors import SimulationError
from twin.quadrature import means_by_quadrature
from twin.signal import Constant, Signal
from twin.spline_signal import SplineSignal, basis
from twin.times import NS, Times

LABORATORY = [(0.05, 1e-8), (0.2, 1e-7), (1.0, 1e-8), (10.0, 1e-9)]
STEP = NS // (OVERSAMPLING * 10)  # ns, of the grid for 10 Hz


def displacement(seed: int = 0, name: str = "part", port: str = "coil", **parameters: Any) -> Signal:
    """An output; by default of a coil that follows the laboratory's floor beside a magnet at rest."""
    given = {"spectrum": LABORATORY, "coil_share": 1.0, "magnet_share": 0.0, "reference_share": 0.0, **parameters}
    return bench(GroundVibration(**given), name, seed).assembly.signals[f"{name}.{port}"]


@lru_cache
def floor() -> SplineSignal:
    signal = displacement()
    assert isinstance(signal, SplineSignal)
    return signal


def instants(count: int, seed: int = 1) -> NDArray[np.int64]:
    """Nanoseconds anywhere in the first ten hours, in order."""
    return np.sort(np.random.default_rng(seed).integers(0, 36_000 * NS, count))


# --- the noise -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spectrum", [LABORATORY, [(2.0, 1e-8), (40.0, 1e-8)]], ids=["laboratory", "white"])
def test_the_spectrum_is_the_one_given(spectrum: list[tuple[float, float]]) -> None:
    hertz, density = np.array(spectrum).T
    rate = 4 * hertz[-1]
    values = displacement(spectrum=spectrum)(np.arange(2**17) * round(NS / rate))
    f, power = welch(values, rate, nperseg=2**10, window="hann")
    for low, high in ((1.5 * hertz[0], 0.3 * hertz[-1]), (0.3 * hertz[-1], 0.95 * hertz[-1])):
        band = (f > max(low, 6 * f[1])) & (f < high)  # where the window is narrow against the spectrum's slopes
        expected = np.exp(2 * np.interp(np.log(f[band]), np.log(hertz), np.log(density)))
        ratio = power[band] / expected
        assert np.mean(ratio) == pytest.approx(1.0, abs=4 * np.std(ratio) / np.sqrt(ratio.size))
        assert np.std(ratio) < 0.2  # 255 half-overlapping stretches: 7 %
    assert power[f > 1.2 * hertz[-1]].max() < 1e-5 * power.max()


def test_its_power_is_that_of_the_whole_band() -> None:
    hertz = np.geomspace(0.05, 10.0, 200_001)
    density = np.exp(np.interp(np.log(hertz), *np.log(np.array(LABORATORY)).T))
    power = np.trapezoid(density**2, hertz)
    found = floor().at(Times(np.arange(POINTS) * STEP))
    assert np.mean(found**2) == pytest.approx(power, rel=0.2)  # half of it lies in 300 of the bins, 8 % each way
    seeds = [float(np.mean(displacement(seed=s).at(Times(np.arange(0, POINTS, 8) * STEP)) ** 2)) for s in range(12)]
    assert np.mean(seeds) == pytest.approx(power, rel=0.08)
    assert abs(np.mean(found)) < 1e-12 * np.std(found)


def test_it_is_gaussian() -> None:
    values = displacement(spectrum=[(5.0, 1e-8), (10.0, 1e-8)])(np.arange(20_000) * NS // 7)
    normal = values / np.std(values)
    assert abs(np.mean(normal**3)) < 0.1
    assert np.mean(normal**4) == pytest.approx(3.0, abs=0.2)


def test_it_hangs_on_seed_and_name_alone() -> None:
    t = instants(1000)
    assert np.array_equal(displacement()(t), floor()(t))
    assert np.array_equal(displacement(coil_share=2.0)(t), 2.0 * floor()(t))
    for other in (displacement(seed=1), displacement(name="other")):
        assert abs(np.corrcoef(other(t), floor()(t))[0, 1]) < 0.2


def test_an_instant_has_one_value_however_it_is_asked_for() -> None:
    t = instants(20_000)
    whole = floor().at(Times(t))
    size = np.std(whole)
    apart = np.array([floor().at(Times(t[i : i + 1]))[0] for i in range(0, 20_000, 2500)])
    assert apart == pytest.approx(whole[::2500], abs=1e-15 * size)
    assert np.array_equal(floor().at(Times(t[::-1].reshape(100, 200))).ravel()[::-1], whole)
    assert floor()(np.zeros((0, 3), dtype=np.int64)).shape == (0, 3)


@pytest.mark.parametrize("step", [NS // 50, STEP, 333])
@pytest.mark.parametrize("start", [0, 7 * NS // 3, 3270 * NS, 20_000 * NS + 1])  # the points start anew after 3276.8 s
def test_a_schedule_of_whole_grid_steps_changes_no_value(start: int, step: int) -> None:
    bursts = start + NS // 2 * np.arange(100)[:, None] + step * np.arange(13)
    row = start + 32 * STEP * np.arange(500)
    for signal in (floor(), floor().derivative(), floor().integral()):
        for regular in (bursts, bursts[:, ::-1], bursts[:, ::12], row):
            order = np.random.default_rng(1).permutation(regular.size)
            loose = signal.at(Times(regular.ravel()[order]))
            assert signal.at(Times(regular)).ravel()[order] == pytest.approx(loose, abs=2e-15 * np.abs(loose).max())


def test_parts_of_a_nanosecond_count() -> None:
    t, slope = instants(50), floor().derivative()
    later = floor().at(Times(t, np.full(50, 0.5e-9))) - floor().at(Times(t))
    assert later == pytest.approx(0.5e-9 * slope.at(Times(t)), abs=1e-15 * 1e-7)


# --- the curve -------------------------------------------------------------------------------------------------------


def test_it_repeats_without_a_seam() -> None:
    t = instants(300) % floor().period
    scale = np.std(floor()(t))
    for signal in (floor(), floor().derivative(), floor().derivative().derivative()):
        assert np.array_equal(signal.at(Times(t)), signal.at(Times(t + 3 * floor().period)))
        seam = signal.at(Times(floor().period + np.array([-1, 0])))
        assert seam[0] == pytest.approx(seam[1], abs=1e-6 * scale * (2 * np.pi * 10) ** 2)
    assert floor().period == POINTS * STEP


def test_the_slope_is_the_limit_of_differences() -> None:
    t, h = instants(200), STEP // 50
    slope = floor().derivative()
    for signal, derivative in ((floor(), slope), (slope, slope.derivative())):
        near, far = (signal.at(Times(t + k * h)) - signal.at(Times(t - k * h)) for k in (1, 2))
        numerical = (8 * near - far) / (12 * h / NS)
        exact = derivative.at(Times(t))
        assert numerical == pytest.approx(exact, abs=3e-8 * np.abs(exact).max())


@pytest.mark.parametrize("aperture", [STEP // 3, 7 * STEP, NS])
def test_means_are_those_of_quadrature(aperture: int) -> None:
    t = instants(5)
    t[0] = floor().period - aperture // 3  # across the seam
    means = floor().means(t, aperture)
    for start, found in zip(t, means, strict=True):  # cell by cell, where the spline is a polynomial
        edges = np.unique(
            np.r_[start, np.arange(start - start % STEP + STEP, start + aperture, STEP), start + aperture]
        )
        parts = [
            (b - a) * float(means_by_quadrature(floor(), np.array([a]), int(b - a))[0]) for a, b in pairwise(edges)
        ]
        assert found == pytest.approx(sum(parts) / aperture, abs=1e-12 * 2e-7)
    contiguous = t[1] + aperture * np.arange(50)
    apart = np.array([floor().means(contiguous[i : i + 1], aperture)[0] for i in range(50)])
    assert floor().means(contiguous, aperture) == pytest.approx(apart, abs=1e-12 * 2e-7)
    assert np.array_equal(floor().means(t, 0), floor().at(Times(t)))


def test_it_is_smooth_to_the_engine() -> None:
    assert floor().breakpoints(0, 100 * NS) == set()
    assert floor().closed_form(0, NS) is None
    assert floor().constant_over(0, NS) is None


def test_the_spline_goes_through_its_samples_as_scipys_does() -> None:
    raw = 5.0 + np.random.default_rng(3).standard_normal(37)
    samples = raw - raw.mean()  # the mean is dropped, or its integral would not repeat
    signal = SplineSignal.through("x", 1000, lambda: np.fft.rfft(raw), 37)
    other = make_interp_spline(np.arange(38.0), np.append(samples, samples[0]), k=5, bc_type="periodic")
    t = np.arange(0, 37_000, 97, dtype=np.int64)
    assert signal(np.arange(37) * 1000) == pytest.approx(samples, abs=1e-14)
    assert signal(t) == pytest.approx(other(t / 1000), abs=1e-12)


def test_sixteen_points_a_period_hold_an_oscillation_to_3e_7() -> None:
    wave = np.cos(2 * np.pi * 4 * np.arange(64) / 64)
    signal = SplineSignal.through("x", 1000, lambda: np.fft.rfft(wave), 64)
    t = np.arange(0, 64_000, 13, dtype=np.int64)
    error = np.abs(signal(t) - np.cos(2 * np.pi * 4 * t / 64_000)).max()
    assert 1e-8 < error < 3e-7


@given(st.integers(0, 6), st.floats(0, 1))
def test_b_splines_are_a_partition_of_one(degree: int, u: float) -> None:
    weights = u ** np.arange(degree + 1) @ basis(degree)
    assert weights.sum() == pytest.approx(1.0, abs=1e-13)
    assert weights.min() > -1e-13


# --- the part --------------------------------------------------------------------------------------------------------


def test_what_moves_alike_does_not_move_against_each_other() -> None:
    shares = {"coil_share": 0.7, "magnet_share": 0.7, "reference_share": 0.2}
    assert isinstance(displacement(**shares), Constant)
    t = instants(100)
    assert displacement(port="interferometer", **shares)(t) == pytest.approx(0.5 * floor()(t), rel=1e-15)
    shares = {"coil_share": 0.0, "magnet_share": 1.0, "reference_share": 1.0}  # the usual case
    coil, mirror = (displacement(port=port, **shares) for port in ("coil", "interferometer"))
    assert np.array_equal(coil(t), mirror(t))
    assert np.array_equal(coil(t), -floor()(t))


@pytest.mark.parametrize("part", [GroundVibration(), GroundVibration(spectrum=LABORATORY).ideal()])
def test_quiet_ground_leaves_nothing(part: GroundVibration) -> None:
    for signal in part.signals().values():
        assert isinstance(signal, Constant)
        assert signal.value == 0.0


def test_a_spectrum_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "floor.csv"
    file.write_text("# Hz, m/√Hz\n" + "".join(f"{f!r},{a!r}\n" for f, a in LABORATORY), encoding="utf-8")
    t = instants(100)
    assert np.array_equal(displacement(spectrum=[], spectrum_file=file)(t), floor()(t))
    assert GroundVibration(spectrum_file=file).points("spectrum") == LABORATORY


def test_a_record_is_followed_and_goes_on_without_its_trend(tmp_path: Path) -> None:
    time = 5.0 + 0.01 * np.arange(500)
    wave = 1e-6 * np.sin(2 * np.pi * (time - 5.0) / 4.99)  # one turn from the first row to the last
    file = tmp_path / "record.csv"
    np.savetxt(file, np.stack([time, wave + 3e-4 + 2e-6 * time], axis=1), delimiter=",", header="s, m")
    signal = displacement(spectrum=[], record_file=file)
    assert isinstance(signal, SplineSignal)
    assert signal.period == 5 * NS
    rows = GroundVibration(record_file=file).points("record")
    written = displacement(spectrum=[], record_table=rows)
    t = np.arange(0, 4_990_000_000, 3_333_333)
    assert np.array_equal(written(t), signal(t))
    inside = signal(t) - signal(t).mean()
    expected = 1e-6 * np.sin(2 * np.pi * t / 4.99e9)
    assert inside[50:-50] == pytest.approx((expected - expected.mean())[50:-50], abs=1e-11)
    assert np.abs(np.diff(signal(5 * NS + np.arange(-50, 51) * 1_000_000))).max() < 2e-9  # no jump where it begins anew


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("spectrum_file", "", "is no table of frequency"),
        ("spectrum_file", "1,1e-9\n", "at least two pairs"),
        ("spectrum_file", "1,1e-9\n0.5,1e-9\n", "rising frequency"),
        ("spectrum_file", "1,nan\n2,1e-9\n", "greater than 0"),
        ("record_file", "0,1e-6\n1,hello\n", "is no table of time"),
        ("record_file", "0,0\n1,0\n", "at least 8 pairs"),
        ("record_file", "".join(f"{k * k},0\n" for k in range(20)), "regular steps"),
        ("record_file", "".join(f"{-k},0\n" for k in range(20)), "regular steps"),
        ("record_file", "".join(f"{k},nan\n" for k in range(20)), "finite"),
        ("record_file", "0,0\n" + 10 * "nan,0\n", "at least 8 pairs"),
        ("record_file", None, "is no table of time"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, key: str, text: str | None, says: str) -> None:
    file = tmp_path / "some.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(SimulationError, match=f"^part: .*some.csv.*{says}") as error:
        displacement(**{"spectrum": [], key: file})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spectrum", "says"),
    [
        ([(1.0, 1e-9)], "at least two pairs"),
        ([(1.0, 1e-9), (1.0, 1e-9)], "rising frequency"),
        ([(0.0, 1e-9), (1.0, 1e-9)], "greater than 0"),
        ([(1.0, 0.0), (2.0, 1e-9)], "greater than 0"),
        ([(1e-4, 1e-9), (10.0, 1e-9)], "at most 32768 times"),
        ([(1e4, 1e-9), (1e6, 1e-9)], "up to 100 kHz"),
    ],
)
def test_a_wrong_spectrum_is_refused(spectrum: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GroundVibration(spectrum=spectrum)


def test_the_ground_is_described_once(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="given once, not spectrum and record_file"):
        GroundVibration(spectrum=LABORATORY, record_file=tmp_path / "x.csv")


# --- resonances ------------------------------------------------------------------------------------------------------


def test_a_resonance_moves_as_an_oscillator_that_the_ground_shakes() -> None:
    """Against a record of one sine: the response in closed form, amplitude and phase."""
    count, step = 2000, 0.01
    t = step * (np.arange(count) - 0.5 * (count - 1))  # from its middle: both ends are the same
    hertz = 40 / (count * step)
    record = [(float(s), float(x)) for s, x in zip(t, 1e-6 * np.cos(2 * np.pi * hertz * t), strict=True)]
    for frequency, quality, share in ((2.5, 10.0, 0.0), (1.9, 3.0, 0.4)):
        mode = {"frequency": frequency, "quality": quality, "participation": 0.5}
        part = GroundVibration(record_table=record, coil_share=1.0 + share, resonances=[mode])
        signal = bench(part).signal("part.coil")
        at = np.linspace(1.0, 7.0, 500)
        ratio = hertz / frequency
        h = share + 0.5 * ratio**2 / (1 - ratio**2 + 1j * ratio / quality)
        expected = 1e-6 * (h * np.exp(2j * np.pi * hertz * (at + t[0]))).real
        assert signal(at) == pytest.approx(expected, abs=1e-5 * 1e-6 * abs(h))


@pytest.mark.parametrize(("moves", "coil", "mirror"), [("coil", 1, 1), ("magnet", 1, 0), ("reference", 0, 1)])
def test_who_moves_is_seen_by_whom(moves: str, coil: int, mirror: int) -> None:
    part = GroundVibration(
        spectrum=[(1.0, 1e-8), (10.0, 1e-8)],
        coil_share=1.0,
        resonances=[{"moves": moves, "frequency": 4.0, "quality": 5.0}],
    )
    twin, t = bench(part), np.linspace(0.0, 20.0, 50)
    for port, seen in (("coil", coil), ("interferometer", mirror)):
        assert bool(np.any(twin.signal(f"part.{port}")(t))) == bool(seen)
    ideal = bench(part.ideal())
    assert not np.any(ideal.signal("part.coil")(t))
