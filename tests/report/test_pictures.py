"""Pictures: they show what was found, with a unit on every axis, and the same data give the same bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import scenarios
from scenarios.reduction import Excluded
from scenarios.reduction.findings import Curve, Line
from scenarios.report import pictures_magnet, pictures_mass, pictures_uncertainty
from scenarios.report.measured import _drawn
from scenarios.report.pictures import SECTIONS, currents, temperatures
from scenarios.report.pictures_motion import oscillation
from scenarios.report.series import extremes, series, spans
from scenarios.report.theme import DPI, WIDTH, Picture, fresh_look, inline, render
from scenarios.report.truth import true_at_weighings, true_bl, true_in_groups
from scenarios.run.result import Result
from twin.recorder import Block, Blocks, Schedule

Array = NDArray[np.float64]
MAKERS = [make for makers in SECTIONS.values() for make in makers]


def axes_of(picture: Picture | None) -> list[matplotlib.axes.Axes]:
    """The panels of a picture, drawn."""
    assert picture is not None
    with fresh_look():
        return picture.draw().axes


def points(picture: Picture | None, label: str) -> tuple[Array, Array]:
    """What one series of a picture shows."""
    for axes in axes_of(picture):
        for container in axes.containers:
            if container.get_label() == label:
                return np.asarray(container[0].get_xdata()), np.asarray(container[0].get_ydata())
        for line in axes.lines:
            if line.get_label() == label:
                return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    raise AssertionError(f"no series {label!r}")


# --- series ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=400), st.integers(4, 60))
def test_extremes_stay(values: list[float], number: int) -> None:
    """Ends, lowest and highest value of a long series remain, in order, and so does a gap; a short one stays whole."""
    given_ = np.array(values)
    kept = extremes(given_, number)
    assert kept[0] == 0 and kept[-1] == len(values) - 1 and all(a < b for a, b in pairwise(kept))
    assert len(kept) <= max(number, 4) + 3
    if len(values) <= number:
        assert len(kept) == len(values)
    assert np.isnan(given_[kept]).any() == np.isnan(given_).any()
    if not np.isnan(given_).all():
        assert np.nanmin(given_[kept]) == np.nanmin(given_) and np.nanmax(given_[kept]) == np.nanmax(given_)


def block(start: int, values: Array) -> Block:
    """A block of one channel, a reading each 10 ns, bursts every 1000 ns."""
    repeats, count = values.shape
    return Block("x", "voltage", "V", Schedule(start, 10, count, 1000, repeats), 4, values)


def test_series_of_blocks() -> None:
    """Times are those of the blocks, whatever the order they come in; thinned or not."""
    values = np.random.default_rng(1).normal(size=(3, 40))
    blocks = [block(5000, values), block(0, -values)]
    whole = series(blocks)
    assert np.array_equal(whole.times, np.concatenate([b.times().ravel() for b in reversed(blocks)]))
    thin = series(blocks, points=60)
    assert len(thin) < 90 and set(zip(thin.times, thin.values, strict=True)) <= set(
        zip(whole.times, whole.values, strict=True)
    )
    gaps = np.isnan(series(blocks, apart=True).values)
    assert gaps.sum() == 2 and gaps[120]


def test_spans() -> None:
    """Blocks that overlap or adjoin are one span."""
    ones = np.ones((1, 10))
    assert spans([block(200, ones), block(100, ones), block(0, ones), block(900, ones)]) == [(0, 3e-7), (9e-7, 1e-6)]


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_axis_has_its_unit(result: Result, make: object) -> None:
    """Quantity and unit, such as "time / h"; numbers of items and labels of bars have none."""
    picture = make(result)  # type: ignore[operator]
    assert picture is not None and picture.alt.endswith(".") and picture.caption.endswith(".")
    panels = axes_of(picture)
    for axes in panels:
        texts = [axes.get_ylabel(), *([axes.get_xlabel()] if axes is panels[-1] else [])]
        for text in texts:
            assert " / " in text or text == "number" or (text == "" and picture.name == "budget"), text
    for axes in panels:
        assert axes.has_data()


def test_currents(result: Result) -> None:
    """The voltage across the resistor over its resistance."""
    _, shown = points(currents(result), "mass on")
    blocks = list(result.readings.select("current_voltmeter", phase="weighing", state="on"))
    true = (
        np.concatenate([b.values.ravel() for b in blocks])
        / result.scenario.resolved["balance"]["resistor"]["resistance"]
    )
    assert np.nanmax(shown) == pytest.approx(true.max() * 1e3, rel=1e-12)
    assert np.nanmin(shown) == pytest.approx(true.min() * 1e3, rel=1e-12)


def test_cycles(result: Result) -> None:
    """Their masses relative to that of the run, in the unit of the axis, and the same in ppm on the right."""
    picture = pictures_mass.masses(result)
    _, shown = points(picture, "cycles")
    axes = axes_of(picture)[0]
    unit = {"µg": 1e9, "mg": 1e6, "ng": 1e12}[axes.get_ylabel().split(" / ")[1]]
    expected = np.array([cycle.mass_kg - result.mass.mass_kg for cycle in result.mass.cycles])
    assert shown == pytest.approx(expected * unit, rel=1e-9, abs=1e-6)
    right = axes.child_axes[0]
    assert right.get_ylabel() == "relative / ppm"
    forward, _ = right._functions
    assert forward(unit * result.mass.mass_kg) == pytest.approx(1e6)


def test_weighings(result: Result) -> None:
    """Each residual appears once, marked by whether the mass was on."""
    picture = pictures_mass.weighings(result)
    on, off = (points(picture, f"mass {state}")[1] for state in ("on", "off"))
    cycles = len(result.mass.cycles)
    assert (len(on), len(off)) == (3 * cycles, 2 * cycles)


def test_bl_in_time(result: Result) -> None:
    """Groups and weighings are those of the reduction, relative to the mean of the latter; a line is between them."""
    picture, mass = pictures_magnet.bl_in_time(result), result.mass
    groups, used, line = (points(picture, name) for name in ("velocity groups", "weighings", "interpolation"))
    factor = {"ppm": 1e6, "10⁻⁹": 1e9}[axes_of(picture)[0].get_ylabel().split(" / ")[1]]
    assert groups[1] == pytest.approx((mass.bl_groups.bl_Tm / mass.bl_Tm - 1) * factor, abs=1e-9 * factor)
    assert used[1] == pytest.approx(
        [(cycle.bl_Tm / mass.bl_Tm - 1) * factor for cycle in mass.cycles], abs=1e-9 * factor
    )
    assert used[1].mean() == pytest.approx(0.0, abs=1e-12 * factor)
    seconds = line[0] * {"h": 3600.0, "min": 60.0, "s": 1.0}[axes_of(picture)[-1].get_xlabel().split(" / ")[1]]
    assert line[1] == pytest.approx((mass.bl_groups.at(seconds) / mass.bl_Tm - 1) * factor, abs=1e-9 * factor)


def test_bl_agrees_with_the_truth(result: Result) -> None:
    """Of groups and weighings alike: the pulls are those of noise, and not the refraction's 270 ppm or the travel's."""
    mass, inside, at_weighings = result.mass, true_in_groups(result), true_at_weighings(result)
    true = np.array([s.values.mean() for s in inside])
    assert len(true) == len(mass.velocity) and len(at_weighings) == len(mass.cycles)
    u = np.hypot(mass.bl_groups.u_bl_Tm, mass.u_bl_Tm)
    assert np.abs((mass.bl_groups.bl_Tm - true) / u).max() < 4.0
    assert np.abs(at_weighings.values - [cycle.bl_Tm for cycle in mass.cycles]).max() < 4.0 * u.max()


def test_two_windings_in_series_have_the_truth_of_both() -> None:
    keys = {"campaign.cycles": 1, "campaign.weighing.count": 5, "campaign.velocity.pairs": 2}
    both = scenarios.load("kbmini_anti_series").with_(keys).run()
    assert true_at_weighings(both).values == pytest.approx([both.true.bl_Tm], rel=1e-9)
    assert both.mass.bl_Tm == pytest.approx(true_at_weighings(both).values[0], rel=1e-5)


def test_truth_in_a_group_is_at_the_weighing_position(result: Result) -> None:
    """It is recorded at the turning points, where Bl is 3 parts in 10⁸ lower by the profile, 1 − 8.34 m⁻² z²."""
    truth, inside = true_bl(result), true_in_groups(result)[0]
    end = result.scenario.campaign.velocity.start_position(0.0)  # type: ignore[attr-defined]
    recorded = np.interp(inside.times, truth.times, truth.values)
    assert len(inside) >= 19
    assert recorded / inside.values - 1.0 == pytest.approx(np.full(len(inside), -8.34 * end**2), rel=1e-3)


def test_truth_of_excluded_weighings_does_not_count(result: Result) -> None:
    """Nor do cycles that are not in the result."""
    truth = true_bl(result)
    late = [w for w in result.readings.select("current_voltmeter", phase="weighing", cycle=0) if w.labels["weighing"]]
    out = tuple(Excluded(0, "weighing", int(w.labels["weighing"]), "test") for w in late)  # type: ignore[call-overload]
    first = next(iter(result.readings.select("current_voltmeter", phase="weighing", cycle=0, weighing=0))).schedule
    changed = replace(result, mass=replace(result.mass, excluded=out, cycles=result.mass.cycles[:2]))
    found = true_at_weighings(changed)
    at = (first.start + (np.arange(16) + 0.5) / 16 * (first.end - first.start)) / 1e9
    assert len(found) == 2 and found.values[0] == pytest.approx(
        np.interp(at, truth.times, truth.values).mean(), rel=1e-14
    )
    assert found.values[0] != true_at_weighings(result).values[0]


def test_without_truth(result: Result) -> None:
    """The same pictures of a run that nobody simulated, without what only a simulation knows."""
    real = replace(result, truth=Blocks())
    assert len(axes_of(pictures_magnet.bl_in_time(real))) == 1
    for picture in (pictures_magnet.bl_in_time(real), pictures_magnet.bl_profile(real)):
        assert picture is not None and "truth" not in picture.caption
        with pytest.raises(AssertionError):
            points(picture, "truth")


def test_periodic_error_is_taken_out(result: Result) -> None:
    """What the fit leaves is noise of the size of its error bars; with the periodic error it is ten times that."""
    found = pictures_magnet._binned(result)
    assert found is not None
    _, left, u = found
    assert np.mean((left / u) ** 2) < 3.0 and np.all(u > 0.0)
    fits = tuple(replace(fit, periodic=(0.0, 0.0)) for fit in result.mass.velocity)
    kept = pictures_magnet._binned(replace(result, mass=replace(result.mass, velocity=fits)))
    assert kept is not None and np.sqrt(np.mean(kept[1] ** 2)) > 5.0 * np.sqrt(np.mean(left**2))
    assert "periodic error, fitted with the profile to" in pictures_magnet.bl_profile(result).caption  # type: ignore[union-attr]


def test_profile_has_error_bars_of_the_readings(result: Result) -> None:
    """White noise that is added to the voltages makes them as long as it should, with one group too."""
    rng, sigma, changed = np.random.default_rng(5), 1e-3, []
    for each in result.readings:
        if each.channel == "induced_voltmeter" and each.labels.get("phase") == "velocity":
            each = replace(each, values=each.values + sigma * rng.normal(size=each.values.shape))
        changed.append(each)
    mass = replace(result.mass, velocity=result.mass.velocity[:1])
    found = pictures_magnet._binned(replace(result, readings=Blocks(changed), mass=mass))
    assert found is not None
    volts = next(iter(result.readings.select("induced_voltmeter", phase="velocity"))).values
    expected = sigma / np.abs(volts).mean() / np.sqrt(volts.shape[0])  # a reading of each sweep is in a stretch
    assert found[2] == pytest.approx(np.full(len(found[0]), expected), rel=0.4)
    assert found[2].mean() == pytest.approx(expected, rel=0.1)


def test_excluded_weighings_do_not_spoil_the_scale(result: Result) -> None:
    """A current that is far off and was left out is not among the means."""
    whole = points(currents(result), "mass on")[1]
    changed = [
        replace(b, values=b.values * 0.99)
        if b.channel == "current_voltmeter" and b.has(phase="weighing", cycle=1, weighing=2)
        else b
        for b in result.readings
    ]
    out = (Excluded(1, "weighing", 2, "test"),)
    odd = replace(result, readings=Blocks(changed))
    spoiled, left_out = (axes_of(currents(r))[1] for r in (odd, replace(odd, mass=replace(result.mass, excluded=out))))
    assert np.ptp(spoiled.get_ylim()) > 1000.0 > 100.0 * np.ptp(left_out.get_ylim())
    assert len(left_out.lines[0].get_xdata()) == len(spoiled.lines[0].get_xdata()) - 1
    assert len(whole) and "excluded" in currents(replace(odd, mass=replace(result.mass, excluded=out))).caption  # type: ignore[union-attr]


def test_profile_is_in_the_data(result: Result) -> None:
    """A linear profile that is laid into the voltages is in the picture's data, and not in what the fit leaves."""
    slope, changed = 1.0, []  # 1 ppm in 1 µm
    for each in result.readings:
        if each.channel == "induced_voltmeter" and each.labels.get("phase") == "velocity":
            where = next(
                b
                for b in result.readings.select("interferometer", phase="velocity", cycle=each.labels["cycle"])
                if b.schedule.start == each.schedule.start
            )
            z = 0.5 * (where.values[:, 1:] + where.values[:, :-1])
            each = replace(each, values=each.values * (1.0 + slope * z))
        changed.append(each)
    fits = tuple(
        replace(fit, coefficients=fit.coefficients + np.array([0.0, slope * fit.bl, 0.0]))
        for fit in result.mass.velocity
    )
    other = replace(result, readings=Blocks(changed), mass=replace(result.mass, velocity=fits))
    plain, fitted, missed = (pictures_magnet._binned(r) for r in (result, other, replace(other, mass=result.mass)))
    assert plain is not None and fitted is not None and missed is not None
    assert np.polyfit(plain[0], missed[1] - plain[1], 1)[0] == pytest.approx(slope, rel=1e-3)
    assert fitted[1] == pytest.approx(plain[1], abs=1e-3 * slope * np.ptp(plain[0]))
    z, shown = points(pictures_magnet.bl_profile(other), "data")
    assert np.polyfit(z, shown, 1)[0] == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("most", [24, 4])
def test_bars_of_the_budget(result: Result, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Largest first, as long as the contributions, Type A hatched; all that is left is the last bar."""
    monkeypatch.setattr(pictures_uncertainty, "BARS", most)
    axes = axes_of(pictures_uncertainty.budget(result))[0]
    u = result.mass.u_relative
    lines = sorted((x for x in result.mass.budget.lines if x.contribution > 0.01 * u), key=lambda x: -x.contribution)
    lines = lines[:most]
    rest = np.sqrt(u**2 - sum(line.contribution**2 for line in lines))
    bars = sorted(axes.patches, key=lambda bar: bar.get_y())
    factor = bars[0].get_width() / lines[0].contribution
    assert factor in (pytest.approx(1e6), pytest.approx(1e9))
    assert [b.get_width() for b in bars[:-1]] == pytest.approx([line.contribution * factor for line in lines])
    assert bars[-1].get_width() == pytest.approx(rest * factor, rel=1e-6)
    assert [bool(bar.get_hatch()) for bar in bars] == [*(line.kind == "A" for line in lines), False]
    assert (
        axes.get_yticklabels()[-1].get_text() == f"{len(result.mass.budget.lines) - len(lines)} smaller ones together"
    )


def test_allan_curves(result: Result) -> None:
    """All curves, with both limits as error bars, on logarithmic axes."""
    curves = [c for c in result.mass.allan if np.any(np.asarray(c.deviation) > 0)]
    panels = axes_of(pictures_uncertainty.allan(result))
    assert sum(len(axes.containers) for axes in panels) == len(curves) > 0
    assert all(axes.get_xscale() == axes.get_yscale() == "log" for axes in panels)
    curve = curves[0]
    bars = next(c for axes in panels for c in axes.containers if c.get_label() == "Bl of single sweeps")
    ends = np.array([segment[:, 1] for segment in bars[2][0].get_segments()])
    sigma = np.asarray(bars[0].get_ydata())
    good = np.asarray(curve.deviation) > 0
    assert ends[:, 0] / sigma == pytest.approx((curve.low / curve.deviation)[good])
    assert ends[:, 1] / sigma == pytest.approx((curve.high / curve.deviation)[good])


@pytest.mark.parametrize("make", [currents, temperatures, pictures_magnet.bl_profile, pictures_mass.weighings])
def test_nothing_to_show(result: Result, make: object) -> None:
    """A run without these readings has no such picture."""
    bare = replace(result, readings=Blocks(), truth=Blocks(), mass=replace(result.mass, cycles=(), velocity=()))
    assert make(bare) is None  # type: ignore[operator]


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_same_bytes_whatever_the_user_has_set(result: Result) -> None:
    """Neither date nor chance nor the user's own settings enter; those are left as they were."""
    first = render(currents(result))  # type: ignore[arg-type]
    with matplotlib.rc_context({"font.size": 30.0, "svg.fonttype": "path"}):
        second = render(currents(result))  # type: ignore[arg-type]
        assert matplotlib.rcParams["font.size"] == 30.0
    assert (first.svg, first.png) == (second.svg, second.png)
    assert first.png.startswith(b"\x89PNG") and b"<dc:date" not in first.svg
    width = int.from_bytes(first.png[16:20], "big")
    assert width == round(WIDTH * DPI)


def test_inline(result: Result) -> None:
    """In a page a picture scales, says what it shows, and its ids are its own."""
    rendered = replace(render(currents(result)), alt='a "quoted" <alt>')  # type: ignore[arg-type]
    text = inline(rendered)
    head = text[: text.index(">")]
    assert text.startswith("<svg") and 'role="img"' in head and "viewBox" in head
    assert " width=" not in head and " height=" not in head
    assert "a &quot;quoted&quot; &lt;alt&gt;" in text
    assert 'id="currents-' in text and "url(#currents-" in text and "url(#p" not in text


def test_without_pyplot() -> None:
    """Nothing global is touched: pyplot is not even imported."""
    program = "import scenarios.report, sys, matplotlib.figure; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_sweeps_that_were_left_out_are_not_in_the_profile(result: Result) -> None:
    """A voltage that is a per cent off in one sweep, the first that is not skipped: nothing is seen of it."""
    plain, changed = pictures_magnet._binned(result), []
    for each in result.readings:
        if each.channel == "induced_voltmeter" and each.has(phase="velocity", cycle=1):
            values = each.values.copy()
            values[3] *= 1.01
            each = replace(each, values=values)
        changed.append(each)
    odd = replace(result, readings=Blocks(changed))
    mass = replace(result.mass, excluded=(Excluded(1, "sweep", 3, "test"),))
    spoilt, found = (pictures_magnet._binned(r) for r in (odd, replace(odd, mass=mass)))
    assert plain is not None and spoilt is not None and found is not None
    assert np.abs(spoilt[1] - plain[1]).max() > 1e-5
    assert np.abs(found[1] - plain[1]).max() < 1e-6


def test_a_logarithmic_axis_of_zeros_is_a_plain_one() -> None:
    line = Line("nothing", np.array([1.0, 2.0]), np.zeros(2))
    axes = _drawn(Curve("c", "", ("frequency", "Hz"), ("noise", "V"), (line,), "xy")).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")


# --- an oscillation --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def driven() -> Result:
    """A hinge driven through two minutes, with voltages that are late."""
    keys = {"campaign.cycles": 2, "campaign.velocity.cycles": 60, "campaign.weighing.reading_step": 1.0}
    late = {"thermal.start": "ambient", "balance.induced_voltmeter.trigger_latency": 2e-3}
    found: Result = scenarios.load("kbmini_oscillating").with_({**keys, **late}).run()
    return found


def test_an_oscillation_is_read_where_the_truth_is(driven: Result) -> None:
    velocity, drive, left = axes_of(oscillation(driven))
    (at, read), (fine, true) = (points(oscillation(driven), name) for name in ("read, mean of all cycles", "truth"))
    assert len(at) == 24 and velocity.get_ylabel() == "velocity / µm/s" and drive.get_ylabel() == "drive / µA"
    # 2 ms at up to 1 mm/s² are 2 µm/s: positions are drawn where the voltages belong, and the truth where it is.
    assert read == pytest.approx(np.interp(at, fine + 2e-3, true, period=1.0), abs=8.0)
    assert np.abs(drive.lines[0].get_ydata()).max() == pytest.approx(600.0, rel=0.01)
    errors = left.containers[0]
    shown, bars = errors[0].get_ydata(), [np.ptp(segment[:, 1]) / 2 for segment in errors[2][0].get_segments()]
    assert np.sqrt(np.mean((shown / bars) ** 2)) < 2.0


def test_the_caption_of_an_oscillation_tells_its_skew(driven: Result, result: Result) -> None:
    picture, plain = oscillation(driven), oscillation(result)
    assert picture is not None and plain is not None
    told, unit = picture.caption.split("positions (")[1].split(" later")[0].split(" ± ")
    assert float(told.replace("\u202f", "")) == pytest.approx(2.0, abs=3e-3) and unit.endswith(") ms")
    speed = np.abs(points(picture, "read, mean of all cycles")[1])
    assert f"standard deviation of {100 * speed.std() / speed.mean():.2g} %" in picture.caption
    assert "later" not in plain.caption and len(axes_of(plain)) == 2


def test_the_truth_in_a_driven_hinge_is_taken_where_the_coil_was(driven: Result) -> None:
    """A steep field: 1/m over 50 µm are 5e-5, and of the truth at the weighing position nothing of it is left."""
    steep = scenarios.load("kbmini_oscillating").with_(
        {"campaign.cycles": 2, "campaign.velocity.cycles": 60, "thermal.start": "ambient"}
    )
    found = steep.with_({"balance.magnet.profile": [1.0, 0.0]}).run()
    for inside, fit in zip(true_in_groups(found), found.mass.bl_groups.bl_Tm, strict=True):
        assert np.ptp(inside.values) < 1e-6 * fit
        assert inside.values.mean() == pytest.approx(fit, rel=1e-6)
