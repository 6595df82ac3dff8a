"""Into the safe state in order, and none left out."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

import hw_bridge.safe_state
from hw_bridge.errors import BridgeError
from hw_bridge.safe_state import Found, in_order, out_of_order, reach
from tests.hw_bridge.real_bench import bridged, output
from tests.hw_bridge.wired import Wired

PATIENCE = 60.0
ROLES = ("CoilLock", "Voltmeter", "MotionStage", "SwitchBox", "CurrentSource", "MassExchanger", "Servo", "")


def drivers(done: list[str], **otherwise: Any) -> list[Any]:
    """One of each role, called by it; what it does in place of being brought to its safe state, by role."""

    def one(role: str) -> Any:
        def make_safe() -> str:
            otherwise.get(role, str)()
            done.append(role)
            return "safe, read back"

        return SimpleNamespace(name=role, role=role, model=None, make_safe=make_safe)

    return [one(role) for role in ROLES]


def test_who_controls_lets_go_first_then_what_pushes_then_what_moves_then_what_stays() -> None:
    done = list[str]()
    found = reach(drivers(done))
    assert done[:4] == ["Servo", "CurrentSource", "MotionStage", "MassExchanger"]
    assert done[4:] == ["CoilLock", "Voltmeter", "SwitchBox", ""], "as the scenario has them"
    assert found == [Found(role, "safe, read back", True) for role in done]


def test_the_way_back_is_the_other_way_round_for_what_needs_a_current() -> None:
    names = [driver.role for driver in out_of_order(drivers([]))]
    assert names[0] == "CoilLock" and names[-2:] == ["CurrentSource", "Servo"]
    assert [driver.role for driver in in_order(drivers([]))][:2] == ["Servo", "CurrentSource"]


@pytest.mark.parametrize("role", ["Servo", "CurrentSource", "CoilLock"])
@pytest.mark.parametrize("error", [BridgeError("lost"), OSError("gone"), KeyboardInterrupt(), SystemExit(1)])
def test_whatever_becomes_of_one_the_others_have_their_turn(role: str, error: BaseException) -> None:
    def fails() -> None:
        raise error

    done = list[str]()
    found = reach(drivers(done, **{role: fails}))
    assert set(done) == set(ROLES) - {role}
    assert {each.name: each.verified for each in found} == {name: name != role for name in ROLES}
    told = str(next(each for each in found if not each.verified))
    assert told.startswith(f"{role}: ") and ("lost" in told or "could NOT be verified" in told)


def test_one_that_does_not_answer_holds_the_others_up_for_its_head_start_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is gone on with beside the others, and waited for in the end."""
    monkeypatch.setattr(hw_bridge.safe_state, "HEAD_START", 0.05)
    done, others = list[str](), threading.Event()

    def hangs() -> None:
        assert others.wait(PATIENCE)

    last = drivers(done, Servo=hangs, **{"": others.set})
    assert all(each.verified for each in reach(last))
    assert done[0] == "CurrentSource" and sorted(done) == sorted(ROLES)


def test_without_a_thread_it_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done = list[str]()
    made = drivers(done)
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert all(each.verified for each in reach(made)) and done[:2] == ["Servo", "CurrentSource"]


def test_where_nobody_listens_any_more_outputs_are_off_and_connections_closed(
    wired: Wired, real: dict[str, Any]
) -> None:
    """A terminal that has gone."""
    with pytest.raises(BrokenPipeError), bridged(real) as (bridge, _, there):

        def gone(line: str) -> None:
            raise BrokenPipeError(line)

        there["current_source"].connect()
        assert output(wired)[0]
        bridge.tell = gone
    assert output(wired) == (False, 0.0)
    assert set(bridge.safe) == set(bridge.drivers) and not bridge.unverified
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("driver ")]


def test_a_connection_that_does_not_close_keeps_none_of_the_others_open(wired: Wired, real: dict[str, Any]) -> None:
    told = list[str]()
    with bridged(real, told=told) as (bridge, _, there):
        first, *others = bridge.drivers.values()
        closing = first.close

        def fails() -> bool:
            closing()
            raise OSError("stuck")

        first.close = fails  # type: ignore[method-assign]
        closed = list[str]()
        for driver in others:
            monkey = driver.close
            driver.close = lambda name=driver.name, close=monkey: bool(closed.append(name)) or close()  # type: ignore
        assert there
    assert closed == [driver.name for driver in others]
    assert f"{first.name}: OSError: stuck" in told
