"""A reading that is garbled into another number: found by a second read, or by the shadow's band.

Three ways to read a 3458A: its own driver, which recalls each burst twice; the generic driver that asks for each
reading once more (``again``); and the generic driver alone, whose instrument's word is all that there is. Nothing but
the band of the shadow can find a wrong number then, and not one that is wrong by less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.hw_bridge.faulty_wire import Fault
from tests.hw_bridge.injected import CURRENTS, METER, ONE_BY_ONE, Outcome, once
from tests.hw_bridge.wired import Wired

KINDS = ("misread", "garbled", "truncated")
"""Faults that may make a number of a number."""
PATIENCE = "20 s"
"""Of the drivers: these faults hold nothing up."""
READERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "recalled twice": ("hp3458a", {}),
    "asked again": ("generic_meter", {**ONE_BY_ONE, "read": "MEM FIFO;TARM SGL;RMEM 1", "again": "RMEM 1"}),
    "read once": ("generic_meter", ONE_BY_ONE),
}
"""Driver and commands."""


@pytest.fixture(scope="module")
def faultless(wired: Wired, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The campaign without faults, read in each way."""
    found = {}
    for reader, (meter, words) in READERS.items():
        found[reader] = once(wired, tmp_path_factory.mktemp("faultless"), {}, meter, words, PATIENCE)
        assert found[reader].error is None
        assert len(found[reader].kept) == len(found[reader].true) == len(CURRENTS)
        assert not any(verdict.alarm for verdict in found[reader].verdicts)
    return found


def numbers(line: bytes) -> list[float]:
    """The readings that a reply holds; none if it is about something else."""
    with suppress(ValueError):
        if b"." in line:
            return [float(word) for word in line.split(b",")]
    return []


def told_readings(outcome: Outcome) -> list[int]:
    """Which replies tell readings."""
    read = {value for block in outcome.true for value in block}
    return [k for k, line in enumerate(outcome.replies) if (there := numbers(line)) and set(there) <= read]


def struck(seed: int, reader: str, wired: Wired, faultless: Outcome, folder: Path) -> tuple[str, float]:
    """A fault in a reply that tells readings: what became of it, and how wrong a reading is that counts as good.

    Whatever becomes of it, nothing counts as good that is further from what was really read than the band is wide.
    """
    rng = np.random.default_rng(seed)
    fault = Fault("reply", KINDS[seed % len(KINDS)], int(rng.choice(told_readings(faultless))), seed)
    meter, words = READERS[reader]
    found = once(wired, folder, {METER: fault}, meter, words, PATIENCE)
    told = f"seed {seed}, {reader}: {fault}: {found.error}"
    assert fault.happened and len(found.kept) == len(found.true) == len(found.good) == len(found.verdicts), told
    for verdict, good, true in zip(found.verdicts, found.good, found.true, strict=True):
        off = np.abs(good.values - [true])
        assert verdict.reading_band > 0.0, told
        assert not np.any(off > 2.0 * verdict.reading_band), told  # each is within one of what was expected
        assert np.array_equal(np.isnan(good.values), verdict.doubtful), told
    if found.error is not None:
        return ("second read" if "and then by" in str(found.error) else "no number"), 0.0
    assert len(found.kept) == len(CURRENTS), told
    wrong = [np.abs(block.values - [true]) for block, true in zip(found.kept, found.true, strict=True)]
    if not np.any(wrong):
        return "the same number", 0.0
    assert reader == "read once", f"{told}: two reads were alike"
    left = max(
        float(np.nanmax(np.abs(g.values - [t]), initial=0.0)) for g, t in zip(found.good, found.true, strict=True)
    )
    return ("less than the band" if left else "band"), left


def tally(seeds: range, wired: Wired, faultless: Mapping[str, Outcome], folder: Path) -> Counter[tuple[str, str]]:
    """What found faults, by the way of reading."""
    found: Counter[tuple[str, str]] = Counter()
    largest = 0.0
    for seed in seeds:
        reader = list(READERS)[seed // len(KINDS) % len(READERS)]
        what, left = struck(seed, reader, wired, faultless[reader], folder / str(seed))
        found[reader, what] += 1
        largest = max(largest, left)
        print(f"seed {seed}, {reader}: {what}, {left:.2g} V")
    print(*(f"{reader}: {what}: {count}" for (reader, what), count in sorted(found.items())), sep="\n")
    widest = max(v.reading_band for outcome in faultless.values() for v in outcome.verdicts)
    print(f"wrong by {largest:.2g} V at most and good, band ±{widest:.2g} V")
    return found


def test_a_wrong_number_is_found_by_a_second_read_or_by_the_band(
    wired: Wired, faultless: dict[str, Outcome], tmp_path: Path
) -> None:
    found = tally(range(12), wired, faultless, tmp_path)
    assert found["recalled twice", "second read"] == 6 and found["asked again", "second read"] == 3
    assert found["read once", "band"] >= 1


@pytest.mark.nightly
def test_a_thousand_wrong_numbers_are_found_by_a_second_read_or_by_the_band(
    wired: Wired, faultless: dict[str, Outcome], tmp_path: Path
) -> None:
    found = tally(range(12, 1012), wired, faultless, tmp_path)
    assert sum(found.values()) == 1000
    assert found["read once", "band"] > found["read once", "less than the band"]
