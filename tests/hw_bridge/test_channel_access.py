"""EPICS Channel Access: names, limits, alarms, puts in their turn, and what a bad client can and cannot do."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("caproto", reason="the extra epics is not installed")

from caproto import CaprotoError
from caproto.sync import client

import hw_bridge.server
from hw_bridge.errors import BridgeError
from hw_bridge.records import NO_YES, Record, alarm, records
from hw_bridge.server import WireServer
from hw_bridge.transports import channel_access
from hw_bridge.transports.channel_access import MESSAGE, RefusedError, State
from tests.hw_bridge.station import Station
from tests.hw_bridge.wired import PATIENCE, Wired

MAJOR, NO_ALARM, WRITE, HIHI, STATE = 2, 0, 2, 3, 7


@pytest.fixture(autouse=True)
def here(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients search here, and nowhere else."""
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", wired.row("current_source", "epics")["ca_addr_list"])
    monkeypatch.setenv("EPICS_CA_AUTO_ADDR_LIST", "NO")


def get(name: str) -> Any:
    """A value with all that belongs to it."""
    return client.read(f"kibble:{name}", data_type="control", timeout=PATIENCE, repeater=False)


def value(name: str) -> Any:
    """A value."""
    found = client.read(f"kibble:{name}", timeout=PATIENCE, repeater=False).data[0]
    return found.decode() if isinstance(found, bytes) else found


def put(name: str, wanted: Any) -> Any:
    """Put, and wait until it is done; a put that is refused raises."""
    return client.write(f"kibble:{name}", wanted, notify=True, timeout=PATIENCE, repeater=False)


def port(wired: Wired) -> int:
    return int(wired.row("current_source", "epics")["ca_addr_list"].partition(":")[2])


# --- what there is ---------------------------------------------------------------------------------------------------


def test_every_instrument_has_its_variables(wired: Wired) -> None:
    for instrument in wired.station.served.instruments:
        row = wired.row(instrument.core.name, "epics")
        made = records(instrument.core)
        assert list(row["pvs"]) == [f"kibble:{instrument.core.name}:{record.field}" for record in made]
        assert all(told["put"] == (r.put is not None) for told, r in zip(row["pvs"].values(), made, strict=True))
        for name in row["pvs"]:
            value(name.removeprefix("kibble:"))


def test_nothing_is_open_but_the_address_that_is_bound(wired: Wired) -> None:
    channels = wired.server.listeners[-1]._channels  # type: ignore[attr-defined]
    names = [s.getsockname()[0] for s in (*channels.tcp_sockets.values(),)]
    names += [wrapper.transport.get_extra_info("sockname")[0] for wrapper in channels.udp_socks.values()]
    assert set(names) == {"127.0.0.1"} and not channels.beacon_socks


def test_a_port_that_is_free_for_datagrams_alone_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches and connections share a number, and each kind has its own list of those in use: such as a number that
    somebody is connected from."""
    tried: list[int] = []
    bound = channel_access._bound

    def taken_twice(host: str, port: int) -> socket.socket:
        tried.append(port)
        if len(tried) < 3:
            raise OSError("Address already in use")
        return bound(host, port)

    monkeypatch.setattr(channel_access, "_bound", taken_twice)
    assert channel_access._free("127.0.0.1") == tried[-1] and len(tried) == 3
    monkeypatch.setattr(channel_access, "_bound", lambda host, port: socket.create_server(("256.0.0.1", 0)))
    with pytest.raises(OSError, match="Address already in use"):
        channel_access._free("127.0.0.1")


def test_a_quantity_has_its_unit_and_its_limits() -> None:
    put("current_source:range", 2e-3)
    told = get("current_source:current").metadata
    assert (told.units, told.precision) == (b"A", 9)
    assert (told.lower_ctrl_limit, told.upper_ctrl_limit) == pytest.approx((-2.1e-3, 2.1e-3))
    assert (told.lower_alarm_limit, told.upper_alarm_limit) == pytest.approx((-2.1e-3, 2.1e-3))
    put("current_source:range", 20e-3)
    assert get("current_source:current").metadata.upper_ctrl_limit == pytest.approx(21e-3), "that of the range"


# --- puts ------------------------------------------------------------------------------------------------------------


def test_a_put_is_what_a_message_would_do(wired: Wired) -> None:
    put("current_source:range", 20e-3)
    put("current_source:current", 1.2345678e-3)
    assert value("current_source:current") == pytest.approx(1.235e-3, abs=1e-15), "in the steps of the range"
    with wired.connect("socket") as peer:
        assert float(peer.query(":SOUR:CURR?")) == pytest.approx(1.235e-3)
        peer.query(":SOUR:CURR 2e-3;*OPC?")
    assert value("current_source:current") == pytest.approx(2e-3)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("current_source:current", 5.0),
        ("current_source:current", float("nan")),
        ("current_source:current", float("inf")),
        ("current_source:compliance", 1000.0),
        ("current_voltmeter:aperture", 100.0),
        ("flexure:velocity", -1.0),
        ("flexure:target", 1.0),
    ],
)
def test_what_an_instrument_refuses_changes_nothing_and_is_an_alarm(name: str, wanted: float) -> None:
    before = value(name)
    with pytest.raises(CaprotoError):
        put(name, wanted)
    after = get(name)
    assert value(name) == before
    assert (after.metadata.status, after.metadata.severity) == (WRITE, MAJOR)
    if name == "current_source:current":
        put(name, 1e-3)
        assert get(name).metadata.severity == NO_ALARM


def test_a_servo_engages_reads_and_trips() -> None:
    put("current_source:output", 0)
    with pytest.raises(CaprotoError):
        put("servo:engaged", 1)
    with pytest.raises(CaprotoError):
        put("servo:duration", 5000.0)
    put("current_source:compliance", 50.0)
    for name, wanted in (("current_source:output", 1), ("servo:duration", 0.5), ("servo:engaged", 1)):
        put(name, wanted)
    assert value("servo:engaged") == "Yes" and abs(value("servo:current")) > 1e-3
    put("current_source:output", 0)
    assert (value("servo:tripped"), value("servo:current")) == ("Yes", 0.0)
    assert get("servo:tripped").metadata.severity == MAJOR
    put("servo:engaged", 0)
    assert value("servo:tripped") == "No"


def test_sensors_read_and_scanners_switch(wired: Wired) -> None:
    put("environment:read", 1)
    assert value("environment:pressure") == pytest.approx(101325.0, rel=1e-2)
    assert get("environment:pressure").metadata.units == b"Pa"
    put("current_voltmeter_scanner:channel", 1)
    assert wired.station.core("current_voltmeter").terminals == {"channel": "reference"}
    put("current_voltmeter_scanner:channel", 0)
    assert value("current_voltmeter_scanner:channel") == "input"


def test_what_can_only_be_read_is_not_put() -> None:
    with pytest.raises(CaprotoError):
        put("current_source:in_compliance", 1)
    with pytest.raises(CaprotoError):
        put("flexure:position", 0.0)
    with pytest.raises(CaprotoError):
        put("current_source:output", 7)


def test_a_state_is_put_by_its_name_or_its_number() -> None:
    for wanted, shown in (("On", "On"), (0, "Off"), (1, "On"), ("Off", "Off")):
        put("current_source:output", wanted)
        assert value("current_source:output") == shown
    assert get("current_source:output").metadata.enum_strings == (b"Off", b"On")


def test_a_source_that_drives_what_a_meter_reads(wired: Wired) -> None:
    put("current_source:range", 20e-3), put("current_source:compliance", 50.0)
    put("current_source:current", 3e-3), put("current_source:output", "On")
    put("current_voltmeter:range", 10.0), put("current_voltmeter:aperture", 0.1)
    before = wired.station.clock.now
    put("current_voltmeter:read", 1)
    assert wired.station.clock.now - before >= 2e8, "an aperture, and that of the zero"
    assert value("current_voltmeter:reading") == pytest.approx(3.0, rel=1e-3)
    put("current_voltmeter:range", 1.0), put("current_voltmeter:read", 1)
    told = get("current_voltmeter:reading")
    assert told.data[0] == 1e38 and (told.metadata.status, told.metadata.severity) == (HIHI, MAJOR)
    put("current_voltmeter:range", 0.0), put("current_voltmeter:read", 1)
    assert value("current_voltmeter:reading") == pytest.approx(3.0, rel=1e-3), "the meter has chosen"
    put("current_source:compliance", 1.0)
    told = get("current_source:in_compliance")
    assert (told.data[0], told.metadata.status, told.metadata.severity) == (1, STATE, MAJOR)
    put("current_source:output", "Off")
    assert get("current_source:in_compliance").metadata.severity == NO_ALARM


def test_a_thermometer_has_its_resistance() -> None:
    put("coil_thermometer:read", 1)
    assert value("coil_thermometer:reading") == pytest.approx(109.73, abs=0.2)
    assert get("coil_thermometer:reading").metadata.units == b"ohm"


def test_a_stage_arrives_before_its_put_is_done(wired: Wired) -> None:
    put("flexure:servo", "On"), put("flexure:referenced", "Yes"), put("flexure:velocity", 2e-3)
    put("flexure:target", 0.4e-3)
    assert value("flexure:position") == pytest.approx(0.4e-3) and value("flexure:moving") == "No"
    put("flexure:stop", 1)
    put("flexure:servo", "Off")
    with pytest.raises(CaprotoError):
        put("flexure:target", 0.0)


def test_a_put_waits_for_the_messages_before_it() -> None:
    """A reading of 1 s that another client has asked for comes first."""
    station = Station()
    meter, order = station.client("current_voltmeter"), list[str]()

    def operate() -> Any:
        yield from meter.core.perform(meter.core.open(), lambda: order.append(f"put at {station.clock.seconds:.0f} s"))

    def both() -> Any:
        meter.session.write(b"RESET;TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;APER 1;MEM FIFO;NRDGS 3,AUTO;TARM SGL", True)
        yield station.clock.process(operate())

    station.clock.run(both())
    assert order == ["put at 3 s"]


def test_a_mistake_of_ours_is_told_as_one(wired: Wired, caplog: pytest.LogCaptureFixture) -> None:
    source = wired.server.listeners[-1].sources[0]  # type: ignore[attr-defined]
    broken = Record("broken", "A", lambda: 0.0, lambda v: 1 / 0)
    with pytest.raises(RefusedError, match="internal error"):
        wired.server._in_loop(source.put(broken, 1.0))
    assert [record.message for record in caplog.records if record.name == "kibble_twin.serve"] == ["broken"]
    caplog.clear()


def test_alarms_of_records() -> None:
    plain = Record("x", "m", lambda: 0.0, reach=lambda: (-1.0, 1.0))
    assert [alarm(plain, v) for v in (-2.0, -1.0, 1.0, 1.5, float("nan"))] == [-1, 0, 0, 1, 1]
    state = Record("y", "", lambda: 0.0, states=NO_YES, alarming=1)
    assert [alarm(state, v) for v in (0.0, 1.0)] == [0, 1]
    assert State(None, state).meant("Yes") == 1.0  # type: ignore[arg-type]


# --- without it, and other servers -----------------------------------------------------------------------------------


def test_without_caproto_there_is_none_and_who_insists_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hw_bridge.server, "ChannelAccess", None)
    served = Station().served
    server = WireServer(served)
    assert "epics" not in {listener.kind for listener in server.listeners}
    server._loop.close()
    with pytest.raises(BridgeError, match=r"pip install 'kibble-twin\[epics\]'"):
        WireServer(served, epics=True)


def test_a_port_that_answers_searches_already_is_not_shared(wired: Wired) -> None:
    with pytest.raises(OSError):
        wired.server._in_loop(type(wired.server.listeners[-1])(None, []).start("127.0.0.1", port(wired)))  # type: ignore[arg-type]


# --- bad clients -----------------------------------------------------------------------------------------------------


def header(command: int, size: int = 0, count: int = 0, p1: int = 0, p2: int = 0, kind: int = 0) -> bytes:
    """Of a message of Channel Access."""
    return struct.pack(">HHHHII", command, size, kind, count, p1, p2)


FEW = st.integers(0, 9)
HEADERS = st.builds(header, st.integers(0, 30), st.integers(0, 64), FEW, FEW, FEW, st.integers(0, 40))
BYTES = st.lists(st.one_of(HEADERS, st.binary(max_size=100), st.just(header(0, count=13)))).map(b"".join)


@settings(max_examples=40)
@given(BYTES)
def test_a_connection_survives_any_bytes(wired: Wired, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port(wired)), PATIENCE) as peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        try:
            while peer.recv(1 << 16):
                pass
        except ConnectionError:
            pass


@settings(max_examples=40)
@given(BYTES)
def test_a_search_survives_any_bytes(wired: Wired, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(data[:60_000], ("127.0.0.1", port(wired)))


def test_a_message_that_never_ends_is_not_kept(wired: Wired) -> None:
    """A write of 4 GB is announced, and megabytes follow."""
    extended = struct.pack(">HHHHIIII", 4, 0xFFFF, 6, 0, 1, 1, 0xFFFFFFF0, 1)
    with socket.create_connection(("127.0.0.1", port(wired)), PATIENCE) as peer:
        peer.sendall(header(0, count=13) + extended)
        sent = 0
        with pytest.raises(OSError):  # closed by the server
            while sent < 64 * MESSAGE:
                peer.sendall(bytes(4096))
                sent += 4096
    assert sent < 64 * MESSAGE


def test_nothing_has_brought_it_down(wired: Wired) -> None:
    assert value("current_source:output") in ("Off", "On")
    with wired.connect("socket") as peer:
        assert peer.query("*IDN?").startswith("KEITHLEY")
