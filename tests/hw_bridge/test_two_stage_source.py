"""Two sources as one: how a current is divided between them, zero, limits, and what becomes of half of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bridge.drivers.two_stage_source import TwoStageSource
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.subjects import LIMITS, bench, driver, opened, two_stages
from tests.hw_bridge.wired import Wired

COARSE_STEP, FINE_RANGE, FINE_STEP = 100e-9, 2e-6, 100e-12


@pytest.fixture
def source(wired: Wired) -> Iterator[TwoStageSource]:
    with opened(driver("current_source", "two_stage_source", "", bench(), stages=two_stages(wired))) as made:
        assert isinstance(made, TwoStageSource)
        yield made


def levels(wired: Wired) -> tuple[float, float]:
    """Of the served sources."""
    return tuple(wired.station.core(name).source.level for name in ("current_source", "current_source_fine"))  # type: ignore[return-value]


def go(source: TwoStageSource, current: float, duration: float = 0.0) -> None:
    source.clock.run(source.set(current, duration))  # type: ignore[attr-defined]


def test_they_are_finer_together_than_either(wired: Wired, source: TwoStageSource) -> None:
    go(source, 0.123456789e-3)
    coarse, fine = levels(wired)
    assert coarse == pytest.approx(0.1235e-3, abs=1e-15), "to its step"
    assert coarse + fine == pytest.approx(0.123456789e-3, abs=0.51 * FINE_STEP)
    assert source.statement().step == FINE_STEP and source.statement().highest == LIMITS["current"]


@settings(max_examples=10)
@given(st.lists(st.floats(-1e-3, 1e-3), min_size=1, max_size=3))
def test_any_current_within_the_limit_is_delivered(wired: Wired, source_of_all: Any, currents: list[float]) -> None:
    for current in currents:
        go(source_of_all, current)
        coarse, fine = levels(wired)
        assert coarse + fine == pytest.approx(current, abs=0.51 * FINE_STEP)
        assert abs(fine) <= FINE_RANGE and abs(coarse) <= LIMITS["current"]


@pytest.fixture(scope="module")
def source_of_all(wired: Wired) -> Iterator[Any]:
    with opened(driver("current_source", "two_stage_source", "", bench(), stages=two_stages(wired))) as made:
        yield made


def test_through_zero_nothing_but_the_fine_stage_moves(wired: Wired, source: TwoStageSource) -> None:
    sent: list[float] = []
    for current in np.linspace(1.5e-6, -1.5e-6, 7):
        go(source, float(current))
        coarse, fine = levels(wired)
        assert coarse == 0.0
        sent.append(fine)
    assert np.all(np.diff(sent) < 0) and abs(sent[3]) < FINE_STEP


def test_a_current_that_lingers_at_a_half_step_does_not_make_the_coarse_stage_chatter(
    wired: Wired, source: TwoStageSource
) -> None:
    go(source, 0.5e-3)
    for wander in (0.4e-7, 0.6e-7, 0.4e-7, -0.6e-7, 1.9e-6, -1.9e-6):
        go(source, 0.5e-3 + wander)
        assert levels(wired)[0] == 0.5e-3
    go(source, 0.5e-3 + 2.1e-6)
    assert levels(wired)[0] == pytest.approx(0.5021e-3)


def test_on_no_way_it_is_beyond_its_limit(wired: Wired, source: TwoStageSource) -> None:
    """All that has ever flowed together, message by message."""
    flowed: list[float] = []
    for name in ("current_source", "current_source_fine"):
        core = wired.station.core(name)
        before = core.current

        def heard(value: str, before: Any = before) -> None:
            before(value)
            flowed.append(sum(levels(wired)))

        for path, handler in list(core._commands.items()):
            if handler == before:
                core._commands[path] = heard
    for current in (0.9999e-3, 1e-3, 0.99996e-3, -1e-3, -0.99834e-3, 1e-3, 0.0):
        go(source, current)
    assert flowed and max(map(abs, flowed)) <= LIMITS["current"] + FINE_STEP


@pytest.mark.parametrize("current", [1.0000001e-3, -5.0, float("nan")])
def test_beyond_its_limit_neither_is_sent_anything(wired: Wired, source: TwoStageSource, current: float) -> None:
    go(source, 0.1e-3)
    before = levels(wired)
    with pytest.raises(SafetyError, match="nothing was sent"):
        go(source, current)
    assert levels(wired) == before


def test_what_the_coarse_stage_truly_delivers_is_filled_up(wired: Wired) -> None:
    """Its certificate says that it delivers 0.1 % less than it shows."""
    stages = two_stages(wired)
    stages["coarse"]["calibration"] = {"gain": 1e-3}
    with opened(driver("current_source", "two_stage_source", "", bench(), stages=stages)) as made:
        go(made, 0.5e-3)  # type: ignore[arg-type]
        coarse, fine = levels(wired)
        assert coarse == pytest.approx(0.5005e-3), "in steps of 100 nA"
        assert coarse / 1.001 + fine == pytest.approx(0.5e-3, abs=0.51 * FINE_STEP)


def test_both_are_switched_and_the_safe_state_is_that_of_both(wired: Wired, source: TwoStageSource) -> None:
    go(source, 0.1234567e-3)
    source.connect()
    names = ("current_source", "current_source_fine")
    assert all(wired.station.core(name).source.is_connected for name in names)
    told = source.make_safe()
    assert told.count("output off, level 0 A, read back") == 2 and levels(wired) == (0.0, 0.0)
    assert not any(wired.station.core(name).source.is_connected for name in names)


def test_one_output_that_goes_off_by_itself_is_found(wired: Wired, source: TwoStageSource) -> None:
    source.connect()
    with wired.connect("socket", "current_source_fine") as peer:
        assert peer.query(":OUTP OFF;:OUTP?") == "0"
    with pytest.raises(BridgeError, match="one of its outputs is on and the other off"):
        source.check(0, 1)


def test_a_stage_that_changes_after_the_other_was_set_is_found(
    source: TwoStageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was read back as it was set; together they are not what was asked for."""
    read, levels_read = source.coarse.read_state, list[float]()

    def changing(wire: Wire) -> tuple[bool, float]:
        on, level = read(wire)
        levels_read.append(level)
        return on, level + (COARSE_STEP if len(levels_read) > 1 else 0.0)

    monkeypatch.setattr(source.coarse, "read_state", changing)
    with pytest.raises(BridgeError, match="its stages read back"):
        go(source, 0.5e-3)
    assert len(levels_read) == 2


@pytest.mark.parametrize("dead", ["coarse", "fine"])
def test_when_one_does_not_answer_the_other_is_switched_off_all_the_same(wired: Wired, dead: str) -> None:
    lives = {"coarse": "current_source_fine", "fine": "current_source"}[dead]
    made = driver("current_source", "two_stage_source", "", bench(), stages=two_stages(wired), timeout=0.2)
    made.open()
    there: Any = made
    there.connect()
    go(there, 0.1e-3 + 1.23e-6)
    with Improper(lambda line: None) as server:
        wire = getattr(there, dead).wire
        wire._address = ("127.0.0.1", int(server.resource.split("::")[2]))
        wire.dirty = True
        with pytest.raises(BridgeError, match=rf"could NOT be verified: {dead}: "):
            made.make_safe()
    alive = wired.station.core(lives).source
    assert (alive.is_connected, alive.level) == (False, 0.0)
    assert made.close()
    with wired.connect("socket", "current_source") as one, wired.connect("socket", "current_source_fine") as two:
        one.query("*RST;*OPC?"), two.query("*RST;*OPC?")


def test_a_stage_that_is_another_instrument_is_left_alone_and_its_partner_is_not(wired: Wired) -> None:
    with Improper(lambda line: b"FLUKE,5730A,0,1.0\n" if line == b"*IDN?" else None) as server:
        stages = two_stages(wired)
        stages["coarse"]["resource"] = server.resource
        made = driver("current_source", "two_stage_source", "", bench(), stages=stages)
        with pytest.raises(BridgeError, match="is no 6221"):
            made.open()
        assert made.make_safe() == (
            "coarse: 'FLUKE,5730A,0,1.0' is another instrument: nothing was switched; "
            "fine: output off, level 0 A, read back"
        )
        assert made.close()
    assert set(server.lines) == {b"*IDN?"}


ONE = {"driver": "keithley6221", "resource": NOBODY}
WEAK = {**ONE, "limits": {"current": "0.1 mA"}}
FINE = {**ONE, "limits": {"current": "2 uA"}}


@pytest.mark.parametrize(
    ("stages", "text"),
    [
        ({}, "needs hardware.stages coarse and fine"),
        ({"coarse": ONE, "finer": ONE}, "needs hardware.stages coarse and fine"),
        ({"coarse": ONE, "fine": ONE}, "both stages are at"),
        ({"coarse": ONE, "fine": {**ONE, "limits": {"current": "20 nA"}}}, "its fine stage reaches 2e-08 A"),
        (
            {"coarse": {**ONE, "limits": {"current": "0.1 mA"}}, "fine": {**ONE, "limits": {"current": "2 uA"}}},
            "do not",
        ),
        (
            {"coarse": ONE, "fine": {"driver": "hp3458a", "resource": NOBODY}},
            "is no driver of a current",
        ),
        (
            {"coarse": ONE, "fine": {"driver": "two_stage_source", "resource": NOBODY}},
            "is no driver of a current",
        ),
    ],
)
def test_what_makes_no_source_of_two_stages_is_refused(stages: dict[str, Any], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        driver("s", "two_stage_source", "", bench(), stages=stages)
