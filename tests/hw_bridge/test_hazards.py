"""What has bitten elsewhere: docs/safety.md names tests for each hazard, and those that fit nowhere else are here."""

from __future__ import annotations

import ast
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from components.motion import glide
from hw_bridge.drivers.wire import WireError, wire
from hw_bridge.errors import BridgeError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import reference
from tests.hw_bridge.subjects import bench, driver, opened
from tests.hw_bridge.terminal import Serial, terminals
from tests.hw_bridge.wired import Wired
from twin.times import NS

ROOT = Path(__file__).parents[2]
EXACT = 0.00012345678901234567
"""More digits than six, or than nine."""


def test_each_hazard_has_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "::test_" in line]
    assert len(rows) == 7, "the hazards that are known"
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
        assert named
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


# --- all digits ------------------------------------------------------------------------------------------------------


def generic(lines: list[str]) -> Any:
    """A driver, what it is to send, and who answers it."""
    level = ["0"]

    def answer(line: bytes) -> bytes:
        text = line.decode()
        if text.startswith("SET "):
            level[0] = text.split()[1]
            lines.append(level[0])
        return {"ID": b"X\n", "LEV": level[0].encode() + b"\n", "OUT": b"0\n"}.get(text, b"")

    words = {"identify": "ID", "set": "SET {value}", "level": "LEV", "on": "ON", "off": "OFF", "output": "OUT"}
    words |= {"output_on": "1", "output_off": "0"}
    return answer, words


def test_every_driver_sends_all_digits() -> None:
    sent: list[str] = []
    answer, words = generic(sent)
    with (
        Improper(answer) as server,
        opened(driver("s", "generic_source", server.resource, bench(), commands=words)) as made,
    ):
        made.clock.run(made.set(EXACT, 0.0))  # type: ignore[attr-defined]
        assert float(sent[-1]) == EXACT
    with Wired() as wired:
        reference(wired)
        core, heard = wired.station.core("flexure"), list[str]()
        line = core._line
        core._line = lambda text: (heard.append(text), line(text))[1]
        with opened(driver("f", "pi_gcs", wired.row("flexure", "socket")["address"], bench())) as made:
            now = made.clock.now
            made.clock.run(made.move(glide(0.0, EXACT, now, now + NS)))  # type: ignore[attr-defined]
        moved = next(text for text in heard if text.startswith("MOV 1 "))
        assert float(moved.split()[2]) == pytest.approx(EXACT / 1e-3, rel=1e-15)


# --- threads and connections -----------------------------------------------------------------------------------------


def test_each_connection_has_one_thread_and_one_job_at_a_time() -> None:
    words = {"identify": "I", "read": "R"}
    made = [driver(name, "generic_meter", "TCPIP::127.0.0.1::1::SOCKET", bench(), commands=words) for name in "ab"]
    at_work, seen, most = [0, 0], [set[str](), set[str]()], [0, 0]

    def job(k: int) -> None:
        at_work[k] += 1
        most[k] = max(most[k], at_work[k])
        seen[k].add(threading.current_thread().name)
        at_work[k] -= 1

    for _ in range(20):
        for k in (0, 1):
            made[k].worker.do(lambda k=k: job(k), 10.0)  # type: ignore[misc]
    for one in made:
        assert one.close()
    assert seen == [{"driver a"}, {"driver b"}] and most == [1, 1]


def test_a_connection_that_has_failed_is_opened_anew_before_it_is_used() -> None:
    """Whatever has gone wrong: here a reply that is no reply, while the rest of it is still on the way."""
    connections: list[int] = []

    def answer(line: bytes) -> bytes:
        connections.append(1)
        return b"garbage\nand more\n" if len(connections) == 1 else b"7\n"

    with Improper(answer) as server:
        made = wire(server.resource, 20.0)
        with pytest.raises(WireError, match="garbled"):
            made.converse(lambda w: float(w.query("A?")))
        before = made._socket  # type: ignore[attr-defined]
        assert made.dirty and made.converse(lambda w: float(w.query("A?"))) == 7.0
        assert made._socket is not before and not made.dirty  # type: ignore[attr-defined]
        made.close()


def test_a_driver_whose_job_hangs_is_not_asked_again() -> None:
    held = threading.Event()
    made = driver("x", "generic_meter", "TCPIP::127.0.0.1::1::SOCKET", bench(), commands={"identify": "I", "read": "R"})
    made.worker.do(held.wait, 10.0)
    with pytest.raises(BridgeError, match=r"x: does not come back within 0\.05 s"):
        made.worker.call(lambda: None, 0.05)
    assert made.worker.busy
    held.set()
    assert made.close()


def test_a_thread_that_did_not_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of a thread that there is not would never be done."""

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made = driver("x", "generic_meter", "TCPIP::127.0.0.1::1::SOCKET", bench(), commands={"identify": "I", "read": "R"})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            made.worker.call(lambda: None, 60.0)
        assert not made.worker.busy and made.worker.stop()
    assert made.worker.call(lambda: 7, 60.0) == 7
    assert made.close()


# --- serial lines ----------------------------------------------------------------------------------------------------


@terminals
def test_on_a_serial_line_an_answer_that_nobody_asked_for_is_not_the_next_one() -> None:
    """Neither one too many nor one that comes after the time-out."""
    instrument = Serial()
    made = wire(instrument.resource, 0.5)
    try:
        made.check()
        assert made.converse(lambda w: w.query("A?")) == "answer to A?"
        instrument.more = b"and more\n"
        assert made.converse(lambda w: w.query("B?")) == "answer to B?"
        instrument.more = b""
        while not made.unread():
            pass
        assert made.converse(lambda w: w.query("C?")) == "answer to C?" and made.stale == 1
        instrument.mute = True
        with pytest.raises(WireError, match="no answer in time"):
            made.converse(lambda w: w.query("D?"))
        assert made.dirty
        instrument.mute = False
        os.write(instrument._ours, b"answer to D?\n")
        instrument._kept = b""
        assert made.converse(lambda w: w.query("E?")) == "answer to E?"
    finally:
        made.close()
        instrument.close()
