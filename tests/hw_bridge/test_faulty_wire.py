"""Random faults inside the byte stream of a short campaign with served instruments; each test's name has its seed."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from hw_bridge.drivers.hp3458a import WARMING
from tests.hw_bridge.faulty_wire import FAULTS, Fault
from tests.hw_bridge.injected import CURRENTS, Outcome, once
from tests.hw_bridge.real_bench import SERVED, resources
from tests.hw_bridge.wired import Wired

INSIDE = b"3.600000000E+01"


@pytest.fixture(scope="module")
def faultless(wired: Wired, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The campaign without faults."""
    return once(wired, tmp_path_factory.mktemp("faultless"), {})


def drawn(seed: int, faultless: Outcome) -> tuple[str, Fault]:
    """A fault at one of the instruments."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(SERVED)))
    way, kind = FAULTS[seed % len(FAULTS)]
    return name, Fault(way, kind, int(rng.integers(0, faultless.lines[name][way])), seed)


def sound(seed: int, wired: Wired, faultless: Outcome, folder: Path) -> str:
    """What has to hold whatever goes wrong; returns what became of it."""
    name, fault = drawn(seed, faultless)
    found = once(wired, folder, {name: fault})
    for block, readings in zip(found.kept, found.true, strict=True):  # what the meter has read, to the last digit
        assert block.values.tolist() == [readings]
    assert not any(verdict.alarm for verdict in found.verdicts), "an alarm about a good reading"
    assert found.settings[: len(found.kept)] == faultless.settings[: len(found.kept)], "a reading at wrong settings"
    if found.error is not None:
        assert fault.happened, f"an error without a fault: {found.error}"
        assert fault.kind != "split", f"a line in two pieces is a line: {found.error}"
        return "ended the run"
    assert len(found.kept) == len(CURRENTS)
    assert found.settings == faultless.settings, f"{name}: {fault} has left something behind"
    if any(i["log"] or i["stale_replies"] for i in found.account["instruments"].values()):
        return "noticed"
    last = found.lines[name][fault.way] == fault.number + 1
    assert not fault.happened or harmless(fault, last), f"{name}: {fault} went unnoticed"
    return "did nothing" if fault.happened else "did not happen"


def harmless(fault: Fault, last: bool) -> bool:
    """Whether a fault that nobody noticed makes no difference: all settings and readings being what they should."""
    if fault.kind == "split" or (last and fault.kind in ("doubled", "half-closed")):
        return True
    if fault.way == "command":  # one that asks for nothing, or still says the same
        return b"?" not in fault.struck or [meaning(piece) for piece in fault.became] == [meaning(fault.struck)]
    if fault.kind in ("garbled", "misread", "truncated") and fault.struck == b"0":
        return True  # an old error that a controller forgets by telling it, and nobody looks at
    if fault.kind in ("garbled", "misread"):  # a reply to a poll that is repeated
        return fault.struck in (b"1=0", b"1=1") or alike(fault.struck, fault.became[0])
    return False


def alike(a: bytes, b: bytes) -> bool:
    """Whether two read-backs are one number to the six digits to which settings are compared, or one temperature inside
    the meter, which is for the record alone."""
    with suppress(ValueError):
        return math.isclose(float(a), float(b), rel_tol=1e-6) or (a == INSIDE and abs(float(a) - float(b)) <= WARMING)
    return False


def meaning(line: bytes) -> list[bytes]:
    """What a command says: letters are alike, small and capital, and a controller of one axis needs no number of it."""
    words = bytes(c for c in line.upper().strip() if c >= 32).split(b";")
    return [word.lstrip(b":").removesuffix(b" 1").strip() for word in words if word]


def test_without_faults_the_campaign_runs_through(wired: Wired, faultless: Outcome) -> None:
    assert faultless.error is None
    assert faultless.verdicts and not any(verdict.alarm for verdict in faultless.verdicts)
    assert len(faultless.kept) == len(CURRENTS)
    assert faultless.account["unverified"] == []
    assert resources(wired)  # and the instruments are still served


@pytest.mark.parametrize("seed", range(24))
def test_a_fault_does_no_harm(seed: int, wired: Wired, faultless: Outcome, tmp_path: Path) -> None:
    sound(seed, wired, faultless, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(24, 1024))
def test_a_thousand_faults_do_no_harm(seed: int, wired: Wired, faultless: Outcome, tmp_path: Path) -> None:
    print(f"seed {seed}: {sound(seed, wired, faultless, tmp_path)}")  # for pytest -s
