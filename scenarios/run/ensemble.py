"""What the readings of a run may be: of the twin as certified, of twins that are wrong in their own way, of noise.

The spread of readings between balances that differ as much as their certificates allow is the part of the band that
errors of parameters have, that between runs which differ by their noise the other (JCGM 101:2008: distributions are
propagated by drawing from them).

Where simulated parts follow real readings, what was read may be wrong, too: twins that stand for what is real take each
reading for what their own instrument would have shown (`scenarios.run.doubt`). What is simulated has followed it as it
was read, and is predicted by twins that do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.run.replay import Replay, certain, drawn, in_order, noisy
from scenarios.schema import Scenario
from twin.command import is_command
from twin.recorder import Block, Blocks
from twin.times import to_ns

Array = NDArray[np.float64]
MEMBERS = 16
"""Of each kind."""


class Prediction(NamedTuple):
    """What a block may be.

    Parameters
    ----------
    expected : readings of the twin as certified, without noise, shape (readings,).
    errors : what errors of parameters add, shape (balances, readings); none if no uncertainty is stated.
    noise : what noise adds, shape (runs, readings).
    timing : what the largest error of time does, shape (readings,); zero for what is simulated.
    """

    expected: Array
    errors: Array
    noise: Array
    timing: Array


class Members(NamedTuple):
    """Twins that differ.

    Parameters
    ----------
    balances : each with its own errors, quiet; none if the scenario states no uncertainty.
    runs : as certified, each with its own noise.
    """

    balances: tuple[Replay, ...]
    runs: tuple[Replay, ...]

    @classmethod
    def of(cls, scenario: Scenario, members: int, *, doubting: bool) -> Members:
        """So many of each kind."""
        stated = any(part.uncertainties for part in scenario.balance.parts.values())
        stated |= doubting and any(hardware.calibration.u for hardware in scenario.hardware.values())
        numbers = range(members if stated else 0)
        balances = [Replay(drawn(scenario, k), quiet=True, doubting=doubting) for k in numbers]
        runs = [Replay(noisy(scenario, members + k), doubting=doubting) for k in range(members)]
        return cls(tuple(balances), tuple(runs))


@dataclass(frozen=True)
class Ensemble:
    """Twins that follow the same commands.

    Parameters
    ----------
    sure : as certified, quiet.
    members : that what comes from each source is predicted by, ``real`` or ``simulated``.
    shifted : as certified, quiet, and read too early or too late by `timing`; none if nothing is real.
    timing : within which it is known when real instruments act and read (ns).
    """

    sure: Replay
    members: Mapping[str, Members]
    shifted: tuple[Replay, ...] = ()
    timing: int = 0

    @classmethod
    def of(cls, scenario: Scenario, members: int = MEMBERS) -> Ensemble:
        """Of a scenario.

        Raises
        ------
        WiringError, SimulationError
            If a twin cannot be built.
        """
        timing = to_ns(max((hardware.timing for hardware in scenario.hardware.values()), default=0.0))
        sure, *shifted = (Replay(certain(scenario), quiet=True) for _ in range(3 if timing else 1))
        real = Members.of(scenario, members, doubting=sure.follows_readings)
        exact = sure.follows_readings and sure.reads_itself
        simulated = Members.of(scenario, members, doubting=False) if exact else real
        return cls(sure, {"real": real, "simulated": simulated}, tuple(shifted), timing)

    @property
    def all(self) -> tuple[Replay, ...]:
        """All twins."""
        different = {id(found): found for found in self.members.values()}.values()
        return self.sure, *(one for found in different for kind in found for one in kind), *self.shifted

    def follow(self, command: Block) -> None:
        """Tell all of them what the run was told."""
        for one in self.all:
            one.follow(command)

    def campaign(self) -> None:
        """Run the campaign with all of them, where no commands were recorded."""
        for one in self.all:
            one.campaign()

    def predict(self, block: Block) -> Prediction | None:
        """What a block may be; None if the twin has no such reading."""
        expected = self.sure.read(block)
        if expected is None:
            return None
        e = expected.ravel()
        balances, runs = self.members[block.source]
        return Prediction(e, _off(balances, block, e), _off(runs, block, e), self._timing(block, e))

    def _timing(self, block: Block, expected: Array) -> Array:
        if not self.shifted or block.source != "real":
            return np.zeros(len(expected))
        found = []
        for one, sign in zip(self.shifted, (-1, 1), strict=True):
            start = max(block.schedule.start + sign * self.timing, 0)
            values = one.read(replace(block, schedule=replace(block.schedule, start=start)))
            assert values is not None, "all twins have the same parts"
            found.append(np.abs(values.ravel() - expected))
        return np.maximum(*found)

    def predictions(self, readings: Blocks, log: Blocks) -> list[tuple[Block, Prediction]]:
        """Those of a recorded run, by its commands if it has any and by its campaign otherwise."""
        found = []
        for block in as_told(self.all, readings, log):
            if is_command(block):
                self.follow(block)
            elif (prediction := self.predict(block)) is not None:
                found.append((block, prediction))
        return found


def as_told(twins: Iterable[Replay], readings: Blocks, log: Blocks) -> Iterable[Block]:
    """What was recorded, in order; where nobody kept commands, the twins have run the campaign themselves.

    With real instruments commands are always kept: if there is none, none was given, as where a meter reads alone.
    """
    if not any(is_command(block) for block in log):
        for one in twins:
            if not one.is_real:
                one.campaign()
    return in_order(readings, log)


def _off(twins: tuple[Replay, ...], block: Block, expected: Array) -> Array:
    """By how much the readings of twins differ from what is expected."""
    found = np.zeros((len(twins), len(expected)))
    for row, one in zip(found, twins, strict=True):
        values = one.read(block)
        assert values is not None, "all twins have the same parts"
        row[:] = values.ravel() - expected
    return found
