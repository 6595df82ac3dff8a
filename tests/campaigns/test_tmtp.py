"""The TMTP campaign: its steps, its windows, what it reads, and what the balance does meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.build import build
from scenarios.schema import ScenarioError
from tests.campaigns.runs import short
from twin.errors import SimulationError
from twin.recorder import Block
from twin.times import NS


def blocks(result: Any, channel: str, **labels: Any) -> list[Block]:
    return list(result.readings.select(channel, **labels))


@pytest.mark.parametrize(
    ("name", "hours", "weighings", "period"),
    [("kbmini_tmtp", 8, 5, 3600), ("tsinghua_tmtp", 8, 20, 7200), ("nist4_tmtp", 8, 20, 7200)],
)
def test_steps_and_times_of_the_shipped_campaigns(name: str, hours: int, weighings: int, period: int) -> None:
    setup = build(scenarios.load(name).scenario)
    cycles = hours * 3600 // period
    assert sum(step.duration for step in setup.steps) == setup.campaign.duration == hours * 3600 * NS
    assert setup.campaign.period == period * NS
    assert [step.phase for step in setup.steps] == (["weighing"] * weighings + ["velocity"]) * cycles
    assert [step.cycle for step in setup.steps] == [c for c in range(cycles) for _ in range(weighings + 1)]
    names = [step.name for step in setup.steps]
    assert len(set(names)) == len(names)
    assert names[1] == f"cycle 1: weighing 2 of {weighings}, mass off"
    assert names[weighings + 1] == f"cycle 2: weighing 1 of {weighings}, mass on"
    weighing = sum(step.duration for step in setup.steps if step.phase == "weighing")
    assert weighing == setup.campaign.duration // 2


def test_readings_lie_in_the_windows() -> None:
    result = short("kbmini_tmtp").run()
    campaign: Any = result.scenario.campaign
    weighings = blocks(result, "current_voltmeter", phase="weighing")
    found = [(b.schedule.start / NS, b.schedule.end / NS) for b in weighings]
    assert np.array_equal(found, campaign.weighing_windows())
    assert [b.labels["state"] for b in weighings] == ["on", "off", "on", "off", "on"] * 2
    positions = blocks(result, "interferometer", phase="weighing")
    assert [b.schedule for b in positions] == [b.schedule for b in weighings]
    velocity = blocks(result, "induced_voltmeter", phase="velocity")
    edges = blocks(result, "interferometer", phase="velocity")
    windows = []
    for block, edge in zip(velocity, edges, strict=True):
        first = block.schedule.instants()[:, 0]
        windows += [(t / NS, (t + block.schedule.step * block.schedule.count) / NS) for t in first.tolist()]
        assert edge.values.shape == (block.values.shape[0], block.values.shape[1] + 1)
        assert np.array_equal(edge.schedule.instants()[:, :-1], block.schedule.instants())
        assert block.aperture == block.schedule.step
    assert np.array_equal(windows, campaign.velocity_windows())
    assert all(a[1] <= b[0] for a, b in pairwise(windows))


def test_each_voltmeter_reads_the_reference_at_the_start_and_when_it_is_idle() -> None:
    result = short("kbmini_tmtp").run()
    for channel, gain in (("current_voltmeter", 0.3e-6), ("induced_voltmeter", -0.2e-6)):
        found = blocks(result, channel, phase="calibration")
        assert [b.labels["cycle"] for b in found] == [0, 0, 1]
        assert found[0].schedule.end <= 45 * NS < found[1].schedule.start + 1
        for block in found:
            assert block.values.mean() == pytest.approx(10.0 * (1 + gain), rel=5e-8)


def test_nothing_is_read_before_the_first_weighing_if_there_is_no_time() -> None:
    result = short("kbmini_tmtp", campaign__weighing__window_start=8.5).run()
    for channel in ("current_voltmeter", "induced_voltmeter"):
        assert [b.labels["cycle"] for b in blocks(result, channel, phase="calibration")] == [0, 1]


def test_current_flows_while_weighing_only_and_alternates() -> None:
    result = short("nist4_tmtp", campaign__weighing__ramp=2.0).ideal().run()
    on, off = (blocks(result, "current_voltmeter", state=state)[0].values.mean() for state in ("on", "off"))
    assert on == pytest.approx(-off, rel=1e-12)
    assert on > 0
    power = np.concatenate([b.values.ravel() for b in result.truth if b.channel == "coil.power"])
    full = (0.5 * 9.80665 / 695.9) ** 2 * 110.78
    assert power[75:135] == pytest.approx(np.full(60, full), rel=1e-9)
    assert power[181] == pytest.approx(0.0, abs=1e-3 * full)  # in the middle of the reversal, in 2 s
    assert power[1] == pytest.approx(full / 4, rel=0.01)  # taking over from the arrest, in 2 s
    assert power[182:359] == pytest.approx(np.full(177, full), rel=1e-3)  # flat between the reversals
    assert power[3599] == pytest.approx(full / 4, rel=0.01)
    assert np.all(power[3600 : 3600 + 8 * 90] == 0.0)


def test_ramped_current_ramps_each_weighing_from_zero_and_back() -> None:
    result = short("nist4_tmtp_ramped").ideal().run()
    power = np.concatenate([b.values.ravel() for b in result.truth if b.channel == "coil.power"])
    full = (0.5 * 9.80665 / 695.9) ** 2 * 110.78
    for k in (0, 1, 19):
        weighing = power[180 * k : 180 * (k + 1)]
        assert weighing[0] == pytest.approx(0.0, abs=1e-12)
        # the load is on (or off) within 1 s; from then on the current follows its ramp
        assert weighing[[9, 18, 36, 45, 90, 134, 162, 171]] == pytest.approx(
            full * np.array([0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 0.4, 0.2]) ** 2, rel=2e-3
        )


@pytest.mark.parametrize("count", [4, 5])
def test_the_mass_is_off_while_the_coil_moves(count: int) -> None:
    """A flexure that gives under its load shows where the mass is."""
    shift = 1e-6 * 9.80665
    keys = {"campaign__weighing__count": count, "campaign__velocity__cycles": 10}
    result = short("kbmini_tmtp", **keys).ideal().with_({"balance.flexure.compliance": 1e-6}).run()
    for block in blocks(result, "interferometer", phase="weighing"):
        expected = shift if block.labels["state"] == "on" else 0.0
        assert block.values == pytest.approx(np.full(block.values.shape, expected), abs=1e-15)
    for block in blocks(result, "interferometer", phase="velocity"):
        late = block.values[4:]  # after the transfer time of 1 s: pairs of half cycles about the symmetry plane
        assert late.mean() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("weighing.window_end", 360.0, "expected ramp <= window_start < window_end <= duration - ramp"),
        ("weighing.window_start", 0.5, "expected ramp <= window_start"),
        ("weighing.reading_step", 296.0, "expected reading_step within the window"),
        ("weighing.count", 1, "2"),
        ("velocity.window", 0.5, "expected reading_step <= window < half a cycle"),
        ("velocity.frequency", 0.7, "quarter period is a whole number of ns"),
        ("velocity.harmonics", [1, 2], "odd harmonics"),
        ("cycles", 0, "1"),
    ],
)
def test_times_that_do_not_fit_are_refused(key: str, value: Any, expected: str) -> None:
    with pytest.raises(ScenarioError, match=expected):
        scenarios.load("kbmini_tmtp").with_({f"campaign.{key}": value})


@pytest.mark.parametrize(("start", "end"), [(4.0, 75.0), (15.0, 86.0), (75.0, 15.0)])
def test_a_sweep_is_read_at_constant_velocity_only(start: float, end: float) -> None:
    with pytest.raises(ScenarioError, match="expected acceleration_time <= window_start < window_end"):
        scenarios.load("nist4_tmtp").with_(
            {"campaign.velocity.window_start": start, "campaign.velocity.window_end": end}
        )


def test_sweeps_are_read_in_their_middle_minute() -> None:
    campaign: Any = scenarios.load("nist4_tmtp").scenario.campaign
    expected = [(7200.0 * c + 3600 + 90 * k + 15, 7200.0 * c + 3600 + 90 * k + 75) for c in range(4) for k in range(40)]
    assert np.array_equal(campaign.velocity_windows(), expected)


def test_half_cycles_are_read_in_their_middle_where_the_velocity_is_flat() -> None:
    result = short("kbmini_tmtp").ideal().run()
    (edge,) = blocks(result, "interferometer", phase="velocity", cycle=0)
    (voltage,) = blocks(result, "induced_voltmeter", phase="velocity", cycle=0)
    speed = np.diff(edge.values, axis=1) / 0.025
    assert speed.shape == voltage.values.shape == (120, 12)
    signs = np.where(np.arange(120) % 2 == 0, 1.0, -1.0)[:, None]
    assert np.abs(speed * signs / 3e-4 - 1).max() < 8e-4
    middle = edge.schedule.instants()[:, 0] + 0.15 * NS
    assert np.array_equal(middle, (1800 + 0.25 + 0.5 * np.arange(120)) * NS)
    # Symmetric about its middle, and as far below the weighing position as above.
    assert speed == pytest.approx(speed[:, ::-1], rel=1e-10)
    assert edge.values.mean() == pytest.approx(0.0, abs=1e-15)


def test_the_source_is_disconnected_while_the_coil_moves() -> None:
    setup = build(short("nist4_tmtp", campaign__cycles=1).scenario)
    setup.twin.run(setup.steps)
    source: Any = setup.twin.graph.components["current_source"]
    assert source.timeline("connected")(setup.campaign.duration - NS) == 0.0


def test_a_current_beyond_the_sources_limit_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"current_source: 3\.50\d+ mA is wanted .* limit of 1 mA"):
        short("kbmini_tmtp", balance__current_source__limit=1e-3).run()


@pytest.mark.parametrize(
    "port", ["current_voltmeter.reference", "current_source.demand", "coil.current", "magnet.temperature_rise"]
)
def test_an_input_left_open_is_refused(port: str) -> None:
    with pytest.raises(ScenarioError, match=f"{port} .* is not connected"):
        scenarios.load("kbmini_tmtp", [f"balance.wiring.{port}=null"]).check()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["thermal.periods=9"], "thermal.periods: must not be more than the 8 cycles"),
        (["campaign.weighing.count=3"], "the reduction cannot use it: .*weighings"),
        (["reduction.drift_order=9"], "the reduction cannot use it: .*weighings"),
    ],
)
def test_an_analysis_that_the_campaign_cannot_fill_is_refused_before_it_runs(
    settings: list[str], expected: str
) -> None:
    with pytest.raises(ScenarioError, match=expected):
        scenarios.load("kbmini_tmtp", settings).run()


def test_the_true_bl_is_known_for_windows_shorter_than_its_samples() -> None:
    result = short("nist4_tmtp", campaign__weighing__window_start=45.3, campaign__weighing__window_end=46.7).run()
    assert result.true.bl_Tm == pytest.approx(695.9, rel=1e-6)


def test_instruments_beyond_the_necessary_are_read_if_they_are_there() -> None:
    """A displacement sensor and a fluxgate beside the balance, in every phase; without them nothing else changes."""
    more = {
        "balance.displacement_sensor": {"lever": 5.0, "range": 1e-3},
        "balance.fluxgate": {"range": 2e-3},
        "balance.wiring": {
            "displacement_sensor.position": "flexure.position",
            "fluxgate.field": "magnet.stray_field",
            "fluxgate.temperature_rise": "environment.temperature_rise",
        },
    }
    plain = short("kbmini_tmtp").ideal()
    without, with_ = plain.run(), plain.with_(more).with_({"balance.magnet.stray_field": 45e-6}).run()
    assert with_.mass.mass_kg == without.mass.mass_kg
    for channel, quantity in (("displacement_sensor", "position"), ("fluxgate", "field")):
        read = list(with_.readings.select(channel))
        assert len(read) == 2 * (5 + 1)
        assert {block.quantity for block in read} == {quantity}
        assert not len(without.readings.select(channel))
    assert all(np.all(b.values == 45e-6) for b in with_.readings.select("fluxgate"))


def test_the_sideways_motion_is_read_in_the_first_sweeps() -> None:
    result = short("kbmini_tmtp").ideal().with_({"balance.alignment.drift_x": 2e-2}).run()
    (x,) = (b for b in blocks(result, "position_detector", phase="velocity", cycle=0) if b.quantity == "x")
    (edge,) = blocks(result, "interferometer", phase="velocity", cycle=0)
    assert x.values.shape[0] == 2
    middles = 0.5 * (edge.values[:2, 1:] + edge.values[:2, :-1])
    assert x.values == pytest.approx(2e-2 * middles, abs=2e-3 * np.abs(x.values).max())


@pytest.mark.parametrize(
    ("volts", "more", "told"),
    [
        (6.0, {}, True),
        (6.3, {}, False),
        (6.3, {"balance__current_source__series_resistance": 20.0}, True),
    ],
)
def test_the_source_drives_the_standard_resistor_too(volts: float, more: dict[str, float], told: bool) -> None:
    """12.26 mA take 4.9 V through the coil's 400 Ω and the leads, and 1.2 V through the standard's 100 Ω."""
    experiment = short("tsinghua_tmtp", balance__current_source__compliance_voltage=volts, campaign__cycles=1, **more)
    if not told:
        experiment.ideal().run()
        return
    with pytest.raises(SimulationError, match=r"current_source: 12\.2\d+ mA through its load takes 6\.\d+ V"):
        experiment.ideal().run()


def test_the_mass_can_be_exchanged_before_any_current_flows() -> None:
    """As an interlock on the current wants it: when the pan takes the load over, nothing flows yet."""
    weighing = {"current": "ramped", "exchange_first": True, "exchange_time": "20 s", "ramp": "10 s"}
    experiment = short("kbmini_tmtp", **{f"campaign.weighing.{key}": value for key, value in weighing.items()})
    setup = build(experiment.scenario)
    for step in setup.steps[:3]:  # by themselves: a run drops what nobody reads any more
        setup.twin.clock.run(step.operation())
    times = np.arange(0.0, 3 * 360.0, 0.5)
    load = setup.twin.signal("mass_exchanger.load")(times)
    changing = np.flatnonzero(np.diff(load))
    assert changing.size > 100
    assert np.max(np.abs(setup.twin.signal("current_source.current")(times[changing]))) < 1e-12
    held = [100.0, 460.0, 820.0]
    assert np.min(np.abs(setup.twin.signal("current_source.current")(np.array(held)))) > 1e-3
    with pytest.raises(ScenarioError, match="with exchange_first"):
        experiment.with_({"campaign.weighing.exchange_time": "40 s"})


def test_a_coil_that_somebody_has_locked_is_unlocked_before_it_moves() -> None:
    wiring = short("kbmini_tmtp").scenario.wiring
    lock = {"clamp.coil": "flexure.position", "flexure.locked": "clamp.locked"}
    setup = build(short("kbmini_tmtp", **{"balance.clamp": {}, "balance.wiring": {**wiring, **lock}}).scenario)
    for step in setup.steps[:6]:
        setup.twin.clock.run(step.operation())
    assert setup.twin.signal("clamp.locked")(np.array([0.5, 2.0, 2000.0])).tolist() == [1.0, 0.0, 0.0]
