"""A source and a meter with ranges: what they refuse, what they round to, what the compliance voltage leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.ranged_source import KEITHLEY_6221, RangedSource
from components.ranged_voltmeter import RANGES, RangedVoltmeter
from tests.components.bench import bench, readings
from twin.times import NS
from twin.twin import Twin


def source_on(load: float = 1000.0, **parameters: Any) -> tuple[Twin, RangedSource]:
    source = RangedSource(limit=0.105, compliance_voltage=105.0, **parameters)
    twin = bench(source, load_resistance=load)
    source.connect()
    return twin, source


def current(twin: Twin) -> float:
    return float(twin.signal("part.current")(np.array([twin.clock.now]))[0])


@pytest.mark.parametrize("k", range(len(KEITHLEY_6221)))
def test_a_current_is_delivered_in_the_steps_of_its_range(k: int) -> None:
    full_scale, step, _ = KEITHLEY_6221[k]
    twin, source = source_on()
    source.select(full_scale)
    twin.clock.run(source.set(0.123456789 * full_scale, 0.0))
    assert current(twin) == source.level
    assert source.level == pytest.approx(round(0.123456789 * full_scale / step) * step, rel=1e-12)
    assert abs(source.level - 0.123456789 * full_scale) <= 0.5 * step


def test_what_is_beyond_the_range_is_refused_and_changes_nothing() -> None:
    twin, source = source_on()
    source.select(2e-3)
    twin.clock.run(source.set(2.1e-3, 0.0))  # 105 %
    for wrong in (2.11e-3, -2.11e-3, float("nan")):
        with pytest.raises(ValueError, match="beyond its limit of"):
            twin.clock.run(source.set(wrong, 0.0))
    assert current(twin) == source.level == 2.1e-3
    with pytest.raises(ValueError, match="does not hold"):
        source.select(200e-6)
    with pytest.raises(ValueError, match=r"no range holds 0\.2 A"):
        source.select(0.2)
    assert source.range.full_scale == 2e-3


def test_the_limit_of_the_balance_holds_whatever_the_range() -> None:
    source = RangedSource(limit=1e-3)
    twin = bench(source)
    with pytest.raises(ValueError, match=r"limit of 0\.001 A"):
        twin.clock.run(source.set(1.1e-3, 0.0))
    assert source.level == 0.0


def test_the_compliance_voltage_drives_no_more_through_the_load() -> None:
    twin, source = source_on(load=1000.0)
    source.set_compliance(5.0)
    twin.clock.run(source.set(-8e-3, 0.0))
    assert source.in_compliance and current(twin) == pytest.approx(-5e-3, rel=1e-12) and source.level == -8e-3
    source.set_compliance(10.0)
    assert not source.in_compliance and current(twin) == -8e-3
    source.disconnect()
    assert current(twin) == 0.0 and not source.in_compliance
    for wrong in (0.05, 106.0, float("nan")):
        with pytest.raises(ValueError, match="is not from"):
            source.set_compliance(wrong)


def test_noise_is_that_of_the_range_and_only_while_it_delivers() -> None:
    twin, source = source_on(white_noise=1e-9, noise_step=0.05)
    source.select(20e-3)
    noise = twin.signal("part.noise")
    times = np.arange(0, 4000) * (NS // 20)
    assert noise(times).std() == pytest.approx(0.4e-6, rel=0.1)  # rms, held over 50 ms: up to 10 Hz

    def later() -> Any:
        yield twin.clock.until(200 * NS)

    twin.clock.run(later())
    source.select(2e-3)
    assert noise(times + 200 * NS).std() == pytest.approx(40e-9, rel=0.1)
    source.disconnect()
    assert not noise(times + 200 * NS).any()


def test_a_source_without_noise_is_quiet_on_every_range() -> None:
    twin, _ = source_on()
    assert not twin.signal("part.noise")(np.arange(100) * NS).any()


def meter_at(voltage: float, **parameters: Any) -> tuple[Twin, RangedVoltmeter]:
    meter = RangedVoltmeter(range=10.0, digits=[[0.0, 6.5]], **parameters)
    return bench(meter, input=voltage, reference=10.0), meter


def read(twin: Twin, meter: RangedVoltmeter) -> float:
    start = twin.clock.now / NS
    return float(twin.clock.run(meter.read(readings(0.1, 1, start), {})).values[0, 0])


def test_digits_follow_the_selected_range() -> None:
    twin, meter = meter_at(0.012345678912)
    shown = {}
    for full_scale in RANGES:
        meter.select(full_scale)
        assert meter.full_scale == full_scale
        shown[full_scale] = read(twin, meter)
    assert [shown[r] for r in RANGES] == pytest.approx([0.0123457, 0.012346, 0.01235, 0.0123, 0.012], abs=1e-12)
    with pytest.raises(ValueError, match="none of its ranges"):
        meter.select(3.0)


@pytest.mark.parametrize(("voltage", "lowest"), [(0.1, 0.1), (-0.12, 0.1), (0.13, 1.0), (11.9, 10.0), (900.0, 1000.0)])
def test_the_range_for_what_is_there_is_the_lowest_that_shows_it(voltage: float, lowest: float) -> None:
    twin, meter = meter_at(voltage)
    assert meter.fitting(voltage) == lowest
    meter.select_for_input()
    assert meter.full_scale == lowest and read(twin, meter) == pytest.approx(voltage, rel=1e-4)


@pytest.mark.parametrize(("voltage", "shown"), [(12.1, np.inf), (-12.1, -np.inf), (11.9, 11.9)])
def test_an_overload_reads_infinite(voltage: float, shown: float) -> None:
    twin, meter = meter_at(voltage)
    assert read(twin, meter) == shown
    with pytest.raises(ValueError, match="no range shows"):
        meter.fitting(1051.0)


def test_the_zero_reading_can_be_switched() -> None:
    twin, meter = meter_at(1.0, offset=1e-3)
    assert not meter.zeroing and read(twin, meter) == pytest.approx(1.001)
    meter.zero(True)
    assert meter.zeroing and read(twin, meter) == 1.0
