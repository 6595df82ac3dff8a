"""Whose a reply is, what a clear and a goodbye do, and that several clients do not disturb each other."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from hw_bridge.session import FULL, Chunk
from tests.hw_bridge.station import Client, Station
from twin.times import NS


def test_after_a_time_out_the_next_query_gets_its_own_answer(shared_station: Station, meter: Client) -> None:
    """Hazard: it got the previous one."""
    meter.write("DCV 10;AZERO OFF;APER 1;TRIG AUTO")
    meter.session.write(b"TARM SGL", True)
    assert meter.read(patience=0.3) == b"", "the client gives up waiting"
    meter.write("ID?")
    assert meter.read() == b"HP3458A\r\n"
    assert meter.read(patience=2.0) == b"", "and the reading does not come after all"


def test_an_unread_reply_is_void_when_something_else_is_asked(source: Client) -> None:
    source.write("*IDN?")
    assert source.query("*OPC?") == "1"
    assert source.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'


def test_two_sessions_do_not_steal_each_others_replies(shared_station: Station) -> None:
    """Hazard: they did, of one output queue."""
    first, second = (shared_station.client("current_source") for _ in range(2))
    first.write("*IDN?")
    second.write("*OPC?")
    assert first.status() & 16 and second.status() & 16
    assert second.read() == b"1\n" and first.read().startswith(b"KEITHLEY")
    assert not first.status() & 16 and not second.status() & 16


def test_sessions_share_the_instrument_and_its_errors(shared_station: Station, source: Client) -> None:
    other = shared_station.client("current_source")
    source.write("CURR 1e-3")
    assert float(other.query("CURR?")) == 1e-3
    other.write("CURR 5")
    assert source.query("SYST:ERR?").startswith("-222,") and other.query("SYST:ERR?").startswith("0,")


def test_messages_of_several_sessions_are_done_one_after_the_other(shared_station: Station, meter: Client) -> None:
    other = shared_station.client("current_voltmeter")
    meter.write("DCV 10;AZERO OFF;APER 1;TRIG AUTO")
    start = shared_station.clock.now
    meter.session.write(b"TARM SGL", True)
    other.session.write(b"ID?", True)
    assert other.read() == b"HP3458A\r\n" and shared_station.clock.now - start >= NS
    assert meter.read(patience=0.0)


def test_a_reply_can_be_read_in_pieces(source: Client) -> None:
    source.write("*IDN?")
    pieces = [source.read(size=10, stop=None) for _ in range(3)] + [source.read(stop=None)]
    assert [len(piece) for piece in pieces[:3]] == [10] * 3 and b"".join(pieces).startswith(b"KEITHLEY INSTRUMENTS")
    source.write("*IDN?")
    assert source.read(stop=ord(",")) == b"KEITHLEY INSTRUMENTS INC.,"
    chunk: Chunk = source.station.clock.run(source.session.read(1000, NS, None))
    assert chunk.end and chunk.data.endswith(b"\n")


def test_nothing_to_read_is_a_time_out(source: Client) -> None:
    before = source.station.clock.now
    assert source.read(patience=0.5) == b""
    assert source.station.clock.now - before == NS // 2


def test_who_gives_up_on_a_flood_gets_the_answer_to_something_else(meter: Client) -> None:
    """The meter waits with a full output; a new question makes that void."""
    meter.write("DCV 10;NPLC 0;TRIG AUTO;END OFF;NRDGS 30000,AUTO")
    meter.session.write(b"TARM SGL", True)
    assert len(meter.read(size=1000, stop=None)) == 1000
    meter.station.wait(1.0)
    assert meter.status() & (128 | 16) == 128, "it is not done"
    assert meter.query("NRDGS 1;ID?") == "HP3458A" and meter.status() & 16


def test_who_writes_questions_and_never_reads_is_in_a_deadlock(source: Client) -> None:
    """8000 questions in one write make 450 kB of replies, more than an output holds: the standard drops them."""
    source.write(b"*IDN?\n" * 8000)
    assert source.session._unread < FULL
    source.session.clear()
    assert source.query("SYST:ERR?") == '-430,"Query DEADLOCKED"'


def test_a_device_clear_stops_what_is_under_way_and_forgets_the_rest(shared_station: Station, meter: Client) -> None:
    meter.write("DCV 10;TRIG AUTO;NRDGS 1000,AUTO;NPLC 100")  # takes more than an hour
    start = shared_station.clock.now
    meter.session.write(b"TARM SGL;ID?", True)
    assert meter.read(patience=1.0) == b""
    meter.session.clear()
    assert meter.query("ID?") == "HP3458A"
    assert shared_station.clock.now - start < 2 * NS and meter.status() & 16


def test_a_clear_leaves_the_messages_of_others_alone(shared_station: Station, meter: Client) -> None:
    other = shared_station.client("current_voltmeter")
    meter.write("DCV 10;TRIG AUTO;AZERO OFF;APER 1")
    meter.session.write(b"TARM SGL", True)
    other.session.write(b"ID?", True)
    other.session.clear()
    assert float(meter.read()) is not None and other.read(patience=1.0) == b""


def test_who_has_gone_gets_nothing_and_what_was_set_stays(shared_station: Station, source: Client) -> None:
    """As on the instrument: a source does not switch off because nobody listens."""
    source.write("CURR 1e-3;:OUTP ON")
    other = shared_station.client("current_source")
    other.session.write(b"*IDN?\nCURR 2e-3\n")
    other.session.close()
    assert source.query("OUTP?") == "1" and float(source.query("CURR?")) == 1e-3
    assert other.read(patience=0.1) == b""


def test_a_stream_gets_every_reply_in_the_order_of_the_questions(shared_station: Station) -> None:
    got: list[tuple[Chunk, int]] = []
    core = shared_station.core("current_source")
    session = core.open(lambda chunk, number: got.append((chunk, number)), stream=True)
    shared_station.clock.run(session.accept(b"*RST\n*OPC?\n*IDN?\nCURR?\n"))
    assert [chunk.data[:4] for chunk, _ in got] == [b"1\n", b"KEIT", b"0.00"]


def test_a_stream_that_is_not_emptied_stops_the_instrument(shared_station: Station, meter: Client) -> None:
    got: list[bytes] = []
    session = meter.core.open(lambda chunk, number: got.append(chunk.data), stream=True)
    meter.write("DCV 10;NPLC 0;TRIG AUTO;NRDGS 30000,AUTO;END OFF")
    session.write(b"TARM SGL\n")
    shared_station.wait(10.0)
    held = sum(map(len, got))
    assert FULL <= held < FULL + 20_000
    session.delivered(held)
    shared_station.wait(10.0)
    assert held < sum(map(len, got)) == 30_000 * 17
    session.close()


def test_memory_does_not_grow_with_what_has_been(shared_station: Station) -> None:
    """Laws, readings and replies of hours leave nothing behind."""
    station = Station()
    source, meter = station.client("current_source"), station.client("induced_voltmeter")
    source.write("CURR:RANG 2e-2;:CURR:COMP 50;:OUTP ON")
    meter.write("DCV 10;NPLC 1;END ALWAYS")

    def hours(count: int) -> None:
        for k in range(count):
            source.write(f"CURR {k % 4 - 1.5}e-3")
            meter.read()
            station.wait(120.0)
            station.served.tidy()

    hours(20)
    gc.collect()
    tracemalloc.start()
    hours(10)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    hours(40)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000
    tracks = [len(g.track.pieces) for g in station.served.twin.assembly.groups]
    assert max(tracks, default=0) < 50


def test_history_is_kept_as_long_as_a_reading_needs_it(shared_station: Station) -> None:
    """A reading of 20 minutes under way while others come and go, and what is past is dropped."""
    station = Station()
    long, short = station.client("induced_voltmeter"), station.client("current_voltmeter")
    source = station.client("current_source")
    source.write("CURR:RANG 2e-2;:CURR:COMP 50;:OUTP ON;:CURR 1e-3")
    long.write("DCV 10;AZERO OFF;APER 1;NRDGS 900,AUTO;TRIG AUTO;MEM FIFO")
    short.write("DCV 10;NPLC 1;END ALWAYS")
    long.session.write(b"TARM SGL", True)
    for k in range(5):
        station.wait(100.0)
        source.write(f"CURR {(k + 2) / 2}e-3")
        assert float(short.read()) == pytest.approx((k + 2) / 2, rel=1e-2)
        station.served.tidy()
    assert long.query("MCOUNT?") == "900"
    first, last = (float(x) for x in long.query("RMEM 1,900").split(",")[::899])
    assert last == pytest.approx(2.4, rel=1e-2) and first == pytest.approx(3 * 2.4, rel=2e-2)
