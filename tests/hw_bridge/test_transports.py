"""The ways in, byte by byte, over real sockets on the loopback; and that no bytes bring them down."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_bridge.transports.hislip import LARGEST
from hw_bridge.transports.listener import CONNECTIONS
from tests.hw_bridge.wired import HISLIP, HislipPeer, RpcPeer, Wired

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 6221"
FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def alive(wired: Wired) -> bool:
    """Whether a new client is served, at every port."""
    with wired.connect("socket") as raw, wired.connect("prologix") as bus:
        bus.send(b"++addr 12\n*OPC?\n++read eoi\n")
        served = raw.query("*OPC?") == "1" and bus.line() == b"1\n"
    with RpcPeer(wired.port("vxi11")) as rpc:
        error, link = rpc.create("inst0")
        served &= error == 0 and rpc.write(link, b"*OPC?") == 0 and rpc.read(link) == (0, 4, b"1\n")
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.send(7, 0, 100, b"*OPC?\n")
        return served and hislip.receive() == (7, 0, 100, b"1\n")


def test_all_is_well_to_begin_with(wired: Wired) -> None:
    assert alive(wired)


# --- raw socket ------------------------------------------------------------------------------------------------------


def test_each_connection_has_its_own_replies(wired: Wired) -> None:
    with wired.connect("socket") as first, wired.connect("socket") as second:
        first.send(b"*IDN?\n")
        second.send(b"*OPC?\n")
        assert second.line() == b"1\n" and first.line().decode().startswith(IDENTITY)


def test_replies_come_in_the_order_of_the_questions(wired: Wired) -> None:
    with wired.connect("socket") as peer:
        peer.send(b"*OPC?\n*ID")
        peer.send(b"N?\n*OPC?;*OPC?\n")
        assert [peer.line()[:8] for _ in range(3)] == [b"1\n", b"KEITHLEY", b"1;1\n"]


def test_who_reconnects_finds_nothing_of_before(wired: Wired) -> None:
    """Hazard: after a time-out the next query got the previous answer; a new connection is a new session."""
    with wired.connect("socket") as peer:
        peer.send(b"*IDN?\n")
    with wired.connect("socket") as peer:
        assert peer.query("*OPC?") == "1"


def test_who_has_only_closed_his_half_gets_his_replies(wired: Wired) -> None:
    with wired.connect("socket") as peer:
        peer.send(b"*OPC?\n*OPC?\n")
        assert peer.rest() == b"1\n1\n"


def test_too_many_connections_are_closed_and_the_others_go_on(wired: Wired) -> None:
    peers = [wired.connect("socket") for _ in range(CONNECTIONS)]
    try:
        assert peers[0].query("*OPC?") == "1"
        assert peers[-1].query("*OPC?") == "1"
        with wired.connect("socket") as extra:
            assert extra.rest() == b""
    finally:
        for peer in peers:
            peer.socket.close()


def test_who_takes_nothing_and_goes_leaves_the_instrument_to_the_others(wired: Wired) -> None:
    """16 million readings that nobody reads: the meter waits, the other instruments do not."""
    with wired.connect("socket", "induced_voltmeter") as greedy:
        greedy.send(b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 0;NRDGS 16000000,AUTO;TARM SGL\n")
        assert len(greedy.exactly(1000)) == 1000
        with wired.connect("socket") as other:
            assert other.query("*OPC?") == "1"
    with wired.connect("socket", "induced_voltmeter") as next_one:
        assert next_one.query("RESET;TARM HOLD;ID?") == "HP3458A"


@FUZZ
@given(st.binary(max_size=5000))
def test_a_raw_socket_survives_any_bytes(wired: Wired, data: bytes) -> None:
    with wired.connect("socket") as peer:
        peer.send(data)
        peer.rest()
    with wired.connect("socket") as peer:
        assert peer.query("*CLS;*OPC?") == "1"


# --- Prologix --------------------------------------------------------------------------------------------------------


def test_every_instrument_is_at_its_address_on_one_port(wired: Wired) -> None:
    with wired.connect("prologix") as bus:
        for address, query, reply in ((12, "*IDN?", b"KEITHLEY"), (22, "END ON;ID?", b"HP3458A"), (23, "ID?", b"HP")):
            bus.send(f"++addr {address}\n{query}\n++read 10\n".encode())
            assert bus.line().startswith(reply)
        assert bus.query("++addr") == "23"


def test_the_controller_is_told_and_asked(wired: Wired) -> None:
    with wired.connect("prologix") as bus:
        assert "Prologix GPIB-ETHERNET" in bus.query("++ver")
        for name, value in (("auto", 0), ("eoi", 0), ("eos", 2), ("read_tmo_ms", 300), ("mode", 1), ("eot_char", 7)):
            bus.send(f"++{name} {value}\n".encode())
            assert bus.query(f"++{name}") == str(value)
        for wrong in ("nonsense", "addr 31", "eos 4", "auto x", "read_tmo_ms 99999"):
            assert bus.query(f"++{wrong}") == "Unrecognized command"


def test_a_read_that_waits_too_long_gives_nothing(wired: Wired) -> None:
    """50 ms, as pyvisa-py sets it, for a reading of 40 s; and, a hazard, the next query gets its own answer."""
    with Wired(scale=1.0) as real, real.connect("prologix") as bus:
        bus.send(b"++addr 22\n++read_tmo_ms 50\nEND ALWAYS;TARM HOLD;TRIG AUTO;DCV 10;NPLC 1000;TARM SGL\n++read eoi\n")
        assert bus.query("++ver").startswith("Prologix")
        assert int(bus.query("++spoll")) & 16 == 0, "busy"
        bus.send(b"++clr\n++read_tmo_ms 3000\nID?\n++read eoi\n")
        assert bus.line() == b"HP3458A\r\n"
        bus.send(b"++read_tmo_ms 1\n++addr 9\n*IDN?\n++read eoi\n++ver\n")
        assert bus.line().startswith(b"Prologix"), "there is nobody at that address"


def test_read_after_write_and_an_end_character(wired: Wired) -> None:
    with wired.connect("prologix") as bus:
        bus.send(b"++addr 12\n++auto 1\n++eot_enable 1\n++eot_char 35\n*OPC?\n")
        assert bus.exactly(3) == b"1\n#"


def test_what_is_escaped_goes_to_the_instrument(wired: Wired) -> None:
    with wired.connect("prologix") as bus:
        bus.send(b"++addr 12\n*CLS\n\x1b+\x1b+ver\nSYST:ERR?\n++read eoi\n")
        assert bus.line().startswith(b"-102,"), "the source does not understand ++ver"
        bus.send(b"*OPC?\x1b\n*OPC?\n++read eoi\n")
        assert bus.line() == b"1\n", "of two messages in one line the replies came together"


def test_serial_poll_clear_and_trigger(wired: Wired) -> None:
    with wired.connect("prologix") as bus:
        bus.send(b"++addr 12\n*CLS;*SRE 4\nNONSENSE\n")
        assert int(bus.query("++spoll")) & 0x44 == 0x44 and bus.query("++srq") == "1"
        bus.send(b"*CLS;*SRE 0\n*IDN?\n++clr\n++trg 12\nSYST:ERR?\n++read eoi\n")
        assert bus.line() == b'-221,"Settings conflict"\n'
        assert bus.query("++spoll 12") == "0" and bus.query("++srq") == "0"


CONTROLLER = st.sampled_from([b"++", b"\n", b"\r", b"\x1b", b"read", b" eoi", b"addr 22", b"spoll", b"auto 1"])


@FUZZ
@given(st.lists(st.one_of(CONTROLLER, st.binary(max_size=30)), max_size=40))
def test_a_prologix_survives_any_bytes(wired: Wired, parts: list[bytes]) -> None:
    with wired.connect("prologix") as bus:
        bus.send(b"".join(parts))
        bus.rest()
    with wired.connect("prologix") as bus:
        assert bus.query("++addr") == "5"


# --- VXI-11 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["inst0", "INST0", "gpib0,12"])
def test_a_link_to_an_instrument(wired: Wired, device: str) -> None:
    with RpcPeer(wired.port("vxi11")) as rpc:
        error, link = rpc.create(device)
        assert error == 0 and rpc.write(link, b"*IDN?\n") == 0
        error, reason, data = rpc.read(link)
        assert (error, reason) == (0, 4) and data.decode().startswith(IDENTITY)
        assert rpc.call(23, struct.pack(">I", link)) == (0, bytes(4))
        assert rpc.write(link, b"*IDN?") == 4, "a link that has been destroyed"


def test_a_read_ends_with_the_count_the_character_or_the_time(wired: Wired) -> None:
    with RpcPeer(wired.port("vxi11")) as rpc:
        _, link = rpc.create("inst0")
        rpc.write(link, b"*IDN?\n")
        assert rpc.read(link, size=8) == (0, 1, b"KEITHLEY")
        status, results = rpc.call(12, struct.pack(">6I", link, 100, 1000, 0, 128, ord(",")))
        assert status == 0 and rpc.parsed(results) == (0, 2, b" INSTRUMENTS INC.,")
        assert rpc.read(link)[1] == 4
        assert rpc.read(link, milliseconds=50) == (15, 0, b"")


def test_after_a_time_out_the_next_query_gets_its_own_answer(wired: Wired) -> None:
    """Hazard, over VXI-11: the meter integrates for a second, the client waits a tenth of it."""
    with RpcPeer(wired.port("vxi11")) as rpc:
        _, link = rpc.create("gpib0,22")
        rpc.write(link, b"RESET;TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;APER 1;END ALWAYS")
        rpc.write(link, b"TARM SGL")
        rpc.write(link, b"ID?")
        assert rpc.read(link, milliseconds=10_000) == (0, 4, b"HP3458A\r\n")


def test_status_trigger_clear_and_what_there_is_not(wired: Wired) -> None:
    with RpcPeer(wired.port("vxi11")) as rpc:
        _, link = rpc.create("inst0")
        rpc.write(link, b"*CLS\n*IDN?\n")
        generic = struct.pack(">4I", link, 0, 0, 0)
        assert rpc.call(13, generic) == (0, struct.pack(">2I", 0, 16))
        assert rpc.call(15, generic) == (0, bytes(4)) and rpc.call(13, generic) == (0, bytes(8))
        assert rpc.call(14, generic) == (0, bytes(4))
        rpc.write(link, b"SYST:ERR?")
        assert rpc.read(link)[2].startswith(b"-221,")
        for procedure in (16, 17):
            assert rpc.call(procedure, generic) == (0, bytes(4))
        assert rpc.call(20, generic)[1] == struct.pack(">I", 8)
        assert rpc.call(22, bytes(32))[1][:4] == struct.pack(">I", 8)
        assert rpc.call(0, b"") == (0, b"")
        assert rpc.call(99, b"")[0] == 3 and rpc.call(10, b"", program=1)[0] == 1
        assert rpc.call(10, b"", version=7) == (2, struct.pack(">2I", 1, 1))
        assert rpc.call(12, b"\x00")[0] == 4, "arguments that end too early"


def test_a_lock_keeps_others_out(wired: Wired) -> None:
    with RpcPeer(wired.port("vxi11")) as first, RpcPeer(wired.port("vxi11")) as second:
        _, link = first.create("inst0", lock=1)
        error, other = second.create("inst0")
        assert error == 0 and second.write(other, b"*OPC?") == 11
        assert second.create("inst0", lock=1)[0] == 11
        assert second.call(19, struct.pack(">I", other))[1] == struct.pack(">I", 12)
        assert first.write(link, b"*CLS") == 0
        assert first.call(19, struct.pack(">I", link)) == (0, bytes(4))
        assert second.write(other, b"*OPC?") == 0 and second.read(other)[2] == b"1\n"
        assert first.call(18, struct.pack(">3I", link, 0, 0)) == (0, bytes(4))
    with RpcPeer(wired.port("vxi11")) as third:
        _, link = third.create("inst0")
        head = struct.pack(">5I", link, 1000, 60_000, 8 | 1, 4)
        assert third.call(11, head + b"*CLS")[1] == struct.pack(">2I", 0, 4), "who goes takes his locks along"


def test_a_read_can_be_aborted_from_another_connection(wired: Wired) -> None:
    """On a stepped clock no read waits in real time; so one that waits for nothing, on a clock that is real."""
    with Wired(scale=1.0) as real, RpcPeer(real.port("vxi11")) as rpc, RpcPeer(real.port("vxi11")) as abort:
        _, link = rpc.create("inst0")
        rpc.post(12, struct.pack(">6I", link, 100, 600_000, 0, 0, 0))
        status = -1
        while status != 0:
            status = struct.unpack(">I", abort.call(1, struct.pack(">I", link), program=0x0607B0)[1])[0]
            rpc.socket.settimeout(0.2)
            try:
                error = rpc.parsed(rpc.answer()[1])[0]
            except TimeoutError:
                status = -1  # the read had not begun
        assert error == 23
        assert abort.call(1, struct.pack(">I", 99), program=0x0607B0)[1] == struct.pack(">I", 4)


def test_no_instrument_of_that_name(wired: Wired) -> None:
    with RpcPeer(wired.port("vxi11")) as rpc:
        for device in ("inst9", "gpib0,5", "", "hislip0", "\xff"):
            assert rpc.create(device)[0] == 3


@FUZZ
@given(st.one_of(st.binary(max_size=300), st.lists(st.integers(0, 2**32 - 1), max_size=30)), st.booleans())
def test_vxi11_survives_any_bytes(wired: Wired, data: bytes | list[int], framed: bool) -> None:
    payload = data if isinstance(data, bytes) else b"".join(struct.pack(">I", word) for word in data)
    with wired.connect("vxi11") as peer:
        peer.send((struct.pack(">I", 0x80000000 | len(payload)) if framed else b"") + payload)
        peer.rest()


@FUZZ
@given(st.integers(0, 30), st.binary(max_size=100), st.integers(0, 2))
def test_vxi11_survives_any_arguments(wired: Wired, procedure: int, arguments: bytes, link: int) -> None:
    with RpcPeer(wired.port("vxi11")) as rpc:
        rpc.create("inst0")
        rpc.post(procedure, struct.pack(">I", link) + arguments)
        rpc.rest()


# --- HiSLIP ----------------------------------------------------------------------------------------------------------


def test_a_reply_bears_the_number_of_its_question(wired: Wired) -> None:
    """Hazard: a client that gave up drops what bears the number of its old question."""
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.send(7, 0, 0xFFFFFF00, b"*IDN?\n")
        hislip.send(7, 0, 0xFFFFFF02, b"*OPC?\n")
        replies = [hislip.receive()]
        while replies[-1][2] != 0xFFFFFF02:
            replies.append(hislip.receive())
        assert replies[-1] == (7, 0, 0xFFFFFF02, b"1\n") and len(replies) <= 2
        assert all(parameter == 0xFFFFFF00 for _, _, parameter, _ in replies[:-1])


def test_a_message_may_come_in_parts(wired: Wired) -> None:
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.send(6, 0, 2, b"*OP")
        hislip.send(7, 0, 4, b"C?")
        assert hislip.receive() == (7, 0, 4, b"1\n")


def test_the_asynchronous_channel(wired: Wired) -> None:
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.send(7, 0, 2, b"*CLS\n*IDN?\n")
        assert hislip.receive()[0] == 7
        assert hislip.ask(21, 0, 2)[:2] == (22, 16), "the reply has not been read by the client's program"
        assert hislip.ask(21, 1, 2)[:2] == (22, 0), "now it has"
        assert hislip.ask(15, 0, 0, struct.pack(">Q", 1000)) == (16, 0, 0, struct.pack(">Q", LARGEST))
        assert hislip.ask(10, 1)[0] == 11
        assert hislip.ask(4, 1, 0)[:2] == (5, 1) and hislip.ask(4, 1, 0)[:2] == (5, 3)
        assert hislip.ask(24)[:3] == (25, 1, 1)
        with HislipPeer(wired.port("hislip")) as other:
            assert other.ask(4, 1, 0)[:2] == (5, 0), "locked by another"
        assert hislip.ask(4, 0)[:2] == (5, 1) and hislip.ask(4, 0)[:2] == (5, 3)
        assert hislip.ask(77)[:2] == (3, 1) and hislip.ask(200)[:2] == (3, 3)


def test_a_device_clear(wired: Wired) -> None:
    with HislipPeer(wired.port("hislip"), "hislip1") as hislip:
        hislip.send(7, 0, 2, b"RESET;TARM HOLD;DCV 10;TRIG AUTO;NRDGS 10000,AUTO;NPLC 1000;TARM SGL")
        assert hislip.ask(19)[0] == 23
        hislip.send(7, 0, 4, b"ID?")  # on its way when the clear came: dropped
        hislip.send(8)
        while (message := hislip.receive())[0] != 9:
            pass
        assert message[0] == 9
        hislip.send(7, 0, 6, b"RESET;TARM HOLD;ID?")
        assert hislip.receive() == (7, 0, 6, b"HP3458A\r\n")


def test_a_trigger_is_a_message(wired: Wired) -> None:
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.send(7, 0, 2, b"*CLS")
        hislip.send(12, 0, 4)
        hislip.send(7, 0, 6, b"SYST:ERR?")
        assert hislip.receive()[3].startswith(b"-221,")
        hislip.send(26)
        assert hislip.receive()[0] == 27


def test_a_client_that_does_not_keep_to_the_protocol_is_told(wired: Wired) -> None:
    with wired.connect("hislip") as peer:
        peer.send(b"GET / HTTP/1.1\r\n\r\n")
        assert HISLIP.unpack(peer.exactly(16))[1:3] == (2, 1)
    with wired.connect("hislip") as peer:
        peer.send(HISLIP.pack(b"HS", 7, 0, 0, 0))
        assert HISLIP.unpack(peer.exactly(16))[1:3] == (2, 3)
    with wired.connect("hislip") as peer:
        peer.send(HISLIP.pack(b"HS", 0, 0, 0x01006B74, 7) + b"hislip0" + HISLIP.pack(b"HS", 7, 0, 0, 0))
        assert HISLIP.unpack(peer.exactly(16))[1] == 1
        assert HISLIP.unpack(peer.exactly(16))[1:3] == (2, 2), "one channel is not enough"
    with HislipPeer(wired.port("hislip"), "hislip9") as nobody:
        assert nobody.refused
    with HislipPeer(wired.port("hislip")) as hislip:
        hislip.sync.send(HISLIP.pack(b"HS", 7, 0, 2, LARGEST + 1) + bytes(LARGEST + 1))
        assert hislip.receive()[:2] == (3, 4)
        hislip.send(7, 0, 4, b"*OPC?")
        assert hislip.receive() == (7, 0, 4, b"1\n"), "and goes on"


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=40))))
def test_hislip_survives_any_messages(wired: Wired, messages: list[tuple[int, int, int, bytes]]) -> None:
    with HislipPeer(wired.port("hislip")) as hislip:
        data = b"".join(HISLIP.pack(b"HS", k, c, p, len(payload)) + payload for k, c, p, payload in messages)
        hislip.sync.send(data)
        hislip.sync.rest()


@FUZZ
@given(st.binary(max_size=200))
def test_hislip_survives_any_bytes(wired: Wired, data: bytes) -> None:
    with wired.connect("hislip") as peer:
        peer.send(data)
        peer.rest()


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_opens_what_can_carry_one() -> None:
    with Wired(token="sesame") as guarded:
        with RpcPeer(guarded.port("vxi11")) as rpc:
            for wrong in ("inst0", "inst0@", "inst0@sesam", "gpib0,12@SESAME"):
                assert rpc.create(wrong)[0] == 3
            assert rpc.create("inst0@sesame")[0] == 0 and rpc.create("gpib0,22@sesame")[0] == 0
        with (
            HislipPeer(guarded.port("hislip")) as refused,
            HislipPeer(guarded.port("hislip"), "hislip0@sesame") as good,
        ):
            assert refused.refused and not good.refused


def test_nothing_has_brought_it_down(wired: Wired) -> None:
    assert alive(wired)
