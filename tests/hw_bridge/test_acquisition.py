"""Sensors that share a card: one task for all of them, each with its channels, its steps and its times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Semaphore, Thread
from threading import enumerate as threads
from time import sleep
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_bridge.drivers.acquisition import Acquisition, acquisition
from hw_bridge.drivers.card_stream import HISTORY, Column, Reader, Stream
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.steps import means_of
from hw_bridge.errors import BridgeError
from tests.hw_bridge.sensors import DAQ, VOLTS
from tests.hw_bridge.standin_daq import Card
from tests.hw_bridge.subjects import bench, driver, opened
from twin.recorder import LATE, Schedule
from twin.times import NS

MS = NS // 1000


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """Whose channels say the number of each sample, in millivolt and above their own volts."""
    made = Card(VOLTS).install(monkeypatch)
    made.volts = {line: lambda n, v=v: v + 1e-3 * n for line, v in VOLTS.items()}
    return made


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def sensor(kind: str, name: str = "", settings: Any = (), **more: Any) -> Any:
    """One at the card."""
    return driver(name or kind, kind, "Dev1", bench(), settings={**DAQ[kind], **dict(settings)}, **more)


def fluxgate(**settings: Any) -> Any:
    return sensor("daq_fluxgate", "b", settings)


def beam(**settings: Any) -> Any:
    return sensor("daq_displacement_sensor", "d", settings)


def burst(made: Any, step: int, count: int, behind: int = 0) -> Any:
    """From `behind` (ns) before now on."""
    return made.wire.converse(lambda wire: made.burst(wire, made.present() - behind, step, count))


def at_once(pool: ThreadPoolExecutor, card: Card, *wanted: tuple[Driver, int, int]) -> list[Future[Any]]:
    """Bursts that are all asked for before the first sample is there; (driver, step, count)."""
    card.gate = Semaphore(0)
    found = []
    for k, (made, step, count) in enumerate(wanted, 1):
        found.append(pool.submit(burst, made, step, count))
        while not (stream := made.card._stream) or len(stream.windows) < k:  # type: ignore[attr-defined]
            sleep(1e-3)
    return found


def go_on(card: Card, looks: int = 5000) -> None:
    """Let samples come."""
    assert card.gate is not None
    card.gate.release(looks)


# --- one task --------------------------------------------------------------------------------------------------------


def test_sensors_at_one_card_are_sampled_together(card: Card, pool: ThreadPoolExecutor) -> None:
    """A short burst within a long one: the same samples, at the same time."""
    with opened(fluxgate()) as field, opened(beam()) as position:
        before = card.started
        long, short = at_once(pool, card, (field, 10 * MS, 20), (position, 5 * MS, 3))
        go_on(card)
        (fields, _, _), (positions, edges, _) = long.result(10.0), short.result(10.0)
        assert card.started == before + 1
        assert fields[0] == pytest.approx(0.25 + 1e-3 * np.arange(200), abs=1e-12)
        assert positions[0] == pytest.approx(-1.5 + 1e-3 * np.arange(15), abs=1e-12)
        assert edges.tolist() == [0, 5, 10, 15]
        assert card.made[-1] == ({"ai0": "DIFF", "ai1": "DIFF"}, 1000.0)
    assert card.opened == card.closed and card.reserved is None
    assert not [thread for thread in threads() if thread.name == "card Dev1"]


def test_who_comes_later_joins_in_and_knows_when(card: Card, pool: ThreadPoolExecutor) -> None:
    with opened(fluxgate()) as field, opened(beam()) as position:
        (long,) = at_once(pool, card, (field, 10 * MS, 20))
        go_on(card, 3)  # looks of 20 ms
        while position.card._stream._total < 60:
            sleep(1e-3)
        short = pool.submit(burst, position, 5 * MS, 2, 30 * MS)  # to begin 30 ms ago
        go_on(card)
        samples, _, late = short.result(10.0)
        assert samples[0] == pytest.approx(-1.5 + 1e-3 * np.arange(30, 40), abs=1e-12), "those of 30 to 40 ms"
        assert late == 0
        assert long.result(10.0)[0].shape == (1, 200)


def test_the_fastest_sets_the_rate_and_means_are_over_the_same_time(card: Card) -> None:
    alone = list[Any]()
    card.volts["ai0"] = lambda n: np.sin(n / 50.0)
    with opened(fluxgate(rate="10 kHz")) as field:
        alone.append(field.clock.run(field.read(Schedule(field.clock.now, 10 * MS, 5), {})).values)
        assert card.made[-1][1] == 1e4
    with opened(fluxgate(rate="1 kHz")) as field, opened(beam(rate="10 kHz")):
        assert card.made[-1][1] == 1e4
        alone.append(field.clock.run(field.read(Schedule(field.clock.now, 10 * MS, 5), {})).values)
    assert np.array_equal(*alone) and np.ptp(alone[0]) > 0


def test_the_task_stays_committed_between_readings_and_is_made_anew_for_another_sensor(card: Card) -> None:
    with opened(fluxgate()) as field:
        for _ in range(3):
            burst(field, 10 * MS, 2)
        assert (card.opened, card.closed, card.started) == (1, 0, 4) and card.reserved is not None
        with opened(beam()):
            assert (card.opened, card.closed) == (2, 1)
        burst(field, 10 * MS, 2)
        assert card.made[-1][0] == {"ai0": "DIFF"}, "without what is there no more"
        assert card.opened == card.closed + 1
    assert card.opened == card.closed


def test_a_channel_that_two_of_them_read_is_there_once(card: Card, pool: ThreadPoolExecutor) -> None:
    detector = sensor("daq_position_detector")
    with opened(detector), opened(fluxgate(field="AI0")) as field:
        assert list(card.made[-1][0]) == ["ai0", "ai1", "ai2", "ai3"]
        four, one = at_once(pool, card, (detector, 10 * MS, 1), (field, 10 * MS, 1))
        go_on(card)
        assert np.array_equal(four.result(10.0)[0][:1], one.result(10.0)[0])
        assert four.result()[0][:, 0] == pytest.approx(list(VOLTS.values()))
    with opened(fluxgate()) as one_of_them, opened(fluxgate()) as twin:
        found = at_once(pool, card, (one_of_them, 10 * MS, 2), (twin, 10 * MS, 2))
        go_on(card)
        assert np.array_equal(*(burst.result(10.0)[0] for burst in found))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"wires": "single_ended"}, r"b: Dev1/ai1 is DIFF up to 10 V for d, and cannot be RSE up to 10 V too"),
        ({"span": "5 V"}, r"b: Dev1/ai1 is DIFF up to 10 V for d, and cannot be DIFF up to 5 V too"),
    ],
)
def test_a_channel_cannot_be_two_things(card: Card, settings: dict[str, str], text: str) -> None:
    other = fluxgate(field="ai1", **settings)
    with opened(beam()) as first:
        with pytest.raises(BridgeError, match=text):
            other.open()
        assert other.close()
        assert burst(first, MS, 1)[0] == pytest.approx(-1.5), "which the first does not hear of"


def test_channels_may_have_spans_and_wirings_of_their_own(card: Card) -> None:
    with opened(fluxgate(wires="single_ended", span="5 V")), opened(beam()):
        assert card.made[-1][0] == {"ai0": "RSE", "ai1": "DIFF"}


def test_a_channel_that_reads_no_negative_voltages_is_refused(card: Card) -> None:
    card.unipolar = True
    made = fluxgate()
    with pytest.raises(BridgeError, match=r"b: Dev1/ai0: the card's span is 0 V to 10 V"):
        made.open()
    assert made.close() and card.opened == card.closed


def test_names_of_cards_know_no_capitals(card: Card) -> None:
    assert acquisition("Dev1") is acquisition("dev1") and acquisition("Dev2") is not acquisition("Dev1")


# --- times -----------------------------------------------------------------------------------------------------------


def test_steps_need_not_be_whole_samples(card: Card) -> None:
    """At 1 kHz steps of 1.5 ms have one and two samples in turn, and no reading drifts away from its step."""
    with opened(fluxgate()) as field:
        samples, edges, _ = burst(field, 3 * MS // 2, 6)
        assert edges.tolist() == [0, 2, 3, 5, 6, 8, 9]
        assert means_of(samples, edges)[0] == pytest.approx(0.25 + 1e-3 * np.array([0.5, 2.0, 3.5, 5.0, 6.5, 8.0]))
        with pytest.raises(BridgeError, match=r"b: a step of 0\.0005 s is shorter than a sample"):
            burst(field, MS // 2, 2)
        assert burst(field, MS, 2)[1].tolist() == [0, 1, 2]


def test_a_burst_that_is_longer_than_what_is_kept_has_all_its_samples(card: Card) -> None:
    with opened(fluxgate()) as field:
        samples, _, _ = burst(field, NS, round(3 * HISTORY))
        assert samples[0] == pytest.approx(np.minimum(0.25 + 1e-3 * np.arange(3000 * HISTORY), 10.2), abs=1e-12)


def test_a_rate_that_the_card_rounds_is_what_times_are_counted_by(card: Card) -> None:
    """1005 Hz for 1 kHz: after a second, five samples more."""
    card.coerced = 1.005
    with opened(fluxgate()) as field:
        assert burst(field, NS, 2)[1].tolist() == [0, 1005, 2010]


@pytest.mark.parametrize(("pace", "apart"), [(1.004, "-95.6"), (0.996, "56.3"), (1.0015, ""), (0.997, "")])
def test_a_clock_that_leaves_the_computers_is_told(card: Card, pace: float, apart: str) -> None:
    """24 s at 4e-3, and 14.02 s: the smallest of the last 500 looks, as samples may be fetched late and never early."""
    card.pace = pace
    with opened(fluxgate(rate="100 Hz")) as field:
        burst(field, NS, 9)  # not known yet
        if not apart:
            burst(field, NS, 24)
            return
        with pytest.raises(BridgeError, match=rf"are {apart} ms apart after 24 s, and hardware.timing is 50 ms"):
            burst(field, NS, 24)


def test_a_burst_that_starts_the_task_is_as_late_as_it_is_told(card: Card) -> None:
    with opened(fluxgate()) as field:
        assert burst(field, MS, 1, 40 * MS)[2] == 40 * MS
        block = field.clock.run(field.read(Schedule(field.clock.now, MS, 2), {}))
        assert block.labels[LATE] == 0.0


COLUMNS = [Column("ai0", "DIFF", 10.0), Column("ai1", "DIFF", 10.0)]


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 40), st.integers(1, 20), st.booleans()), max_size=12),
    st.sampled_from([50.0, 100.0, 333.0, 1000.0]),
)
def test_everybody_gets_the_samples_of_their_time(asked: list[tuple[int, int, int, bool]], rate: float) -> None:
    """Whenever it is asked for; samples say their numbers, so that their times are known."""
    stream, now = Stream(COLUMNS, rate, 7 * NS), 0
    windows = list[Any]()
    for wait, step, count, second in asked:
        for _ in range(round(wait / 1e3 * rate / stream.chunk)):
            numbers = np.arange(now, now + stream.chunk)
            stream.arrived(np.array([numbers, numbers + 0.5]), 7 * NS + round((now + stream.chunk) / rate * NS))
            now += stream.chunk
        start = 7 * NS + round(now / rate * NS) - 50 * MS
        reader = Reader("r", (COLUMNS[second],), rate, 1.0)
        step = MS * max(step, math.ceil(1e3 / rate))
        windows.append((start, step, count, second, stream.open(reader, start, step, count)))
    while stream.windows:
        numbers = np.arange(now, now + stream.chunk)
        stream.arrived(np.array([numbers, numbers + 0.5]), 7 * NS + round((now + stream.chunk) / rate * NS))
        now += stream.chunk
    for start, step, count, second, window in windows:
        (samples,) = window.samples.result(0)
        first = samples[0] - 0.5 * second
        assert np.array_equal(samples, first + np.arange(len(samples)) + 0.5 * second)
        since = first / rate - max(start - 7 * NS, 0) / NS
        assert -1e-6 / rate <= since < 1.0 / rate, "the first sample in its time"
        assert stream.begun(window) == pytest.approx(7 * NS + first / rate * NS, abs=1)
        within = (np.arange(len(samples))[:, None] / rate >= (np.arange(count) * step / NS)[None] - 1e-9).sum(1) - 1
        assert np.array_equal(np.searchsorted(window.edges, np.arange(len(samples)), side="right") - 1, within)
    assert stream._total - stream._base <= HISTORY * rate + 2 * stream.chunk


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("lost", r"^Dev1: DaqError: .*keep up.*samples were lost.*lower settings\.rate"),
        ("gone", r"^Dev1: DaqError: Device identifier is invalid"),
        ("short", r"^Dev1: 20 samples were asked for, 19 came"),
    ],
)
def test_all_who_read_hear_of_what_went_wrong(card: Card, pool: ThreadPoolExecutor, wrong: str, text: str) -> None:
    with opened(fluxgate()) as field, opened(beam()) as position:
        found = at_once(pool, card, (field, 10 * MS, 20), (position, 10 * MS, 20))
        go_on(card, 2)
        setattr(card, wrong, True)
        go_on(card)
        for one in found:
            with pytest.raises(BridgeError, match=text):
                one.result(10.0)
        setattr(card, wrong, False)
        assert card.reserved is None, "the task is not used again"
        for made in (field, position):
            assert burst(made, 10 * MS, 2)[0].shape == (1, 20)
        for made in (field, position):
            assert not list(made.bench.recorder.readings)
    assert card.opened == card.closed


def test_a_task_that_does_not_start_is_made_anew(card: Card) -> None:
    with opened(fluxgate()) as field:
        card.gone = True
        with pytest.raises(BridgeError, match="Device identifier is invalid"):
            burst(field, MS, 1)
        assert card.opened == card.closed and card.reserved is None
        card.gone = False
        assert burst(field, MS, 1)[0] == pytest.approx(0.25)


def test_without_a_thread_that_fetches_samples_the_task_is_given_back(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with opened(fluxgate()) as field:
        with monkeypatch.context() as patched:
            patched.setattr(Thread, "start", none_left)
            with pytest.raises(BridgeError, match=r"^Dev1: RuntimeError: can't start new thread"):
                burst(field, MS, 1)
        assert card.opened == card.closed and card.reserved is None
        assert not field.card._stream, "nobody waits for what does not come"
        assert burst(field, MS, 1)[0] == pytest.approx(0.25)
    assert card.opened == card.closed


def test_a_burst_is_measured_with_all_channels_that_are_sampled_beside_it(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are held with it, whoever reads them, and at the highest rate."""
    monkeypatch.setattr("hw_bridge.drivers.daq.MOST", 100)
    with opened(fluxgate()) as field:
        whole, more = (Schedule(field.clock.now, 10 * MS, count) for count in (10, 11))
        assert field.clock.run(field.read(whole, {})).values.shape == (1, 10)
        with pytest.raises(BridgeError, match=r"b: a burst of 11 x 0.01 s has more than 100 samples of all channels"):
            field.clock.run(field.read(more, {}))
        with opened(beam()), pytest.raises(BridgeError, match="more than 100 samples of all channels"):
            field.clock.run(field.read(whole, {}))
        with opened(fluxgate()):  # the same channel is held once
            assert field.clock.run(field.read(Schedule(field.clock.now, 10 * MS, 10), {})).values.shape == (1, 10)


def test_channels_of_a_sensor_that_has_left_count_until_its_task_ends(card: Card, pool: ThreadPoolExecutor) -> None:
    with opened(fluxgate()) as field, opened(sensor("daq_position_detector")) as leaving:
        (long,) = at_once(pool, card, (field, 10 * MS, 20))
        assert field.card.flow == 4e3
        field.card.leave(leaving.reader, 1.0)
        assert (len(field.card.columns), field.card.flow) == (1, 4e3)
        go_on(card)
        long.result(10.0)
        field.card.enter(leaving.reader)


def test_an_instant_at_which_a_channel_is_saturated_has_no_reading(card: Card) -> None:
    card.volts["ai1"] = lambda n: np.where(n == 10, -9.995, 0.5)
    with opened(beam()) as position:
        block = position.clock.run(position.read(Schedule(position.clock.now, 10 * MS, 3), {}, instantaneous=True))
        assert np.isnan(block.values).tolist() == [[False, True, False]]


def test_inputs_that_another_program_has_are_told(card: Card) -> None:
    card.reserved = object()  # type: ignore[assignment]
    made = fluxgate()
    with pytest.raises(BridgeError, match=r"b: Dev1: DaqError: .*-50103 \(another program, or another module"):
        made.open()
    card.reserved = None
    made.open()
    assert made.close() and card.opened == card.closed == 2


def test_a_sensor_that_comes_while_another_is_read_waits_for_its_channels(
    card: Card, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(fluxgate()) as field:
        (long,) = at_once(pool, card, (field, 10 * MS, 20))
        position = beam()
        monkeypatch.setattr(position, "patience", 0.02)
        with pytest.raises(BridgeError, match=r"without the channels of this sensor .* 0\.02 s; connect to all"):
            position.open()
        monkeypatch.setattr(position, "patience", 20.0)
        opening = pool.submit(position.open)
        go_on(card)
        opening.result(10.0)
        assert long.result(10.0)[0].shape == (1, 200)
        assert burst(position, MS, 1)[0] == pytest.approx(-1.5)
        assert position.close()


def test_one_that_is_faster_than_the_task_does_not_join_it(card: Card, pool: ThreadPoolExecutor) -> None:
    with opened(fluxgate()) as field, opened(beam()):
        (long,) = at_once(pool, card, (field, 10 * MS, 20))
        quick = beam(rate="5 kHz")
        opening = pool.submit(quick.open)
        sleep(0.02)
        assert not opening.done()
        go_on(card)
        opening.result(10.0)
        assert long.result(10.0)[0].shape == (1, 200) and card.made[-1][1] == 5e3
        assert quick.close()


def test_a_card_that_hangs_is_given_up(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(fluxgate()) as field:
        monkeypatch.setattr(field, "patience", 0.02)
        card.gate = Semaphore(0)
        with pytest.raises(BridgeError, match="Dev1: no samples in time"):
            burst(field, MS, 2)
        assert not field.card._stream.windows, "nobody waits for them any more"
        field.wire.dirty = False  # and it is let go of while it hangs
        assert field.close()
        assert any("its task does not end" in line for line in field.log)
        go_on(card)
        while card.opened > card.closed:
            sleep(1e-3)


def test_a_sensor_that_was_let_go_of_connects_again_to_be_read(card: Card) -> None:
    made = fluxgate()
    assert made.card.rate == 0.0, "nobody is there"
    with pytest.raises(BridgeError, match=r"more than \d+ samples"):
        made.clock.run(made.read(Schedule(made.clock.now, NS, 10_000), {}))
    block = made.clock.run(made.read(Schedule(made.clock.now, 10 * MS, 2), {}))
    assert block.values.shape == (1, 2)
    assert made.close() and card.opened == card.closed


def test_closing_ends_what_is_read(card: Card, pool: ThreadPoolExecutor) -> None:
    made: Acquisition = acquisition("Dev1")
    with opened(fluxgate()) as field:
        (long,) = at_once(pool, card, (field, 10 * MS, 20))
        leaving = pool.submit(made.leave, field.reader, 10.0)
        go_on(card)
        leaving.result(10.0)
        with pytest.raises(BridgeError, match="Dev1: closed"):
            long.result(10.0)
        assert card.opened == card.closed
        made.enter(field.reader)
