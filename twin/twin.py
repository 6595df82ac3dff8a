"""The twin: graph, clock and recorder, assembled; it runs steps, records truth and can be checkpointed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.assembly import Assembly
from twin.checkpoint import FORMAT, check_format
from twin.clock import Clock, Process
from twin.component import Component
from twin.errors import SimulationError
from twin.graph import Graph
from twin.group import StateGroup
from twin.instrument import Bench, Instrument
from twin.noise import Streams
from twin.recorder import Block, Recorder, Schedule
from twin.steps import Step
from twin.times import NS, Times, forget_shared

Array = NDArray[Any]
PERIODIC = 1e-12
"""Relative change over a period below which a state counts as periodic."""
DELAYED = NS // 1000
"""Longest delay of a signal that may be read right after history was dropped (ns)."""


@dataclass(frozen=True)
class Probe:
    """A signal recorded as truth, on a grid from the start of the run.

    Parameters
    ----------
    port : ``component.port``.
    quantity : what it is.
    step : from sample to sample (ns).
    """

    port: str
    quantity: str
    step: int = NS


class Twin:
    """A simulated instrument, ready to run a campaign.

    Parameters
    ----------
    components : by name; they are bound to this twin's clock and noise streams.
    wiring : input port to output port, as ``component.port``.
    seed : of all noise; None: none, every reading is what is expected of it.
    probes : signals to record as truth.
    fingerprint : of what the twin was built from, so that a checkpoint is not resumed with something else.
    rehearsal : operations take their time and set their laws, but nothing is read or recorded.
    clock : that it runs on; virtual time by default.
    recorder : that keeps what is read; one of its own by default.
    concurrent : readings may overlap in any way, as without a campaign; see `drop_history`.
    wanted : outputs that somebody will ask for, as ``component.port``; what these do not follow from is not made. None:
        all.

    Raises
    ------
    WiringError
        If the graph cannot be built.
    """

    def __init__(
        self,
        components: Mapping[str, Component],
        wiring: Mapping[str, str],
        *,
        seed: int | None = 0,
        probes: Sequence[Probe] = (),
        fingerprint: str = "",
        rehearsal: bool = False,
        clock: Clock | None = None,
        recorder: Recorder | None = None,
        concurrent: bool = False,
        wanted: Sequence[str] | None = None,
    ) -> None:
        self.graph = Graph(components, wiring)
        self.clock = Clock() if clock is None else clock
        self.recorder = Recorder() if recorder is None else recorder
        self.probes = tuple(probes)
        self.finished_steps = 0
        self._fingerprint = fingerprint
        self._probed = 0
        self._keep_history = rehearsal
        self.bench = Bench(self.clock, self.recorder, Streams(seed), rehearsal, concurrent)
        for name, component in self.graph.components.items():
            component.named(name)
            if isinstance(component, Instrument):
                component.attach(self.bench)
        self.assembly = Assembly(self.graph, wanted)
        read = {by for by, _, to, _ in self.graph.connections(neutral=False) if by != to}
        read |= {probe.port.partition(".")[0] for probe in self.probes}
        groups = zip(self.assembly.groups, self.assembly.members, strict=True)
        self._read_groups = [group for group, names in groups if read.intersection(names)]

    def signal(self, port: str) -> Any:
        """The signal (or field) of an output, ``component.port``."""
        return self.assembly.signals[port]

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, steps: Sequence[Step], after_step: Callable[[Step], None] | None = None) -> None:
        """Run the steps that have not finished yet, each as one process of the clock.

        Parameters
        ----------
        after_step : called when a step has finished and its truth has been recorded.
        """
        try:
            self.clock.run(self._campaign(steps, after_step))
        finally:
            forget_shared()

    def _campaign(self, steps: Sequence[Step], after_step: Callable[[Step], None] | None) -> Process:
        for step, following in list(zip(steps, [*steps[1:], None], strict=True))[self.finished_steps :]:
            end = self.clock.now + step.duration
            for group in self.assembly.groups:
                group.lookahead = end
            yield self.clock.process(step.operation())
            late = self.clock.real and self.clock.now > end  # something real took longer
            if self.clock.now != end and not late:
                raise SimulationError(
                    f"step {step.name!r} was planned to end at {end / NS} s and ended at {self.clock.seconds} s"
                )
            self.finished_steps += 1
            if following is None or (following.phase, following.cycle) != (step.phase, step.cycle):
                self._record_truth()  # phase by phase: long arrays cost little more than short ones
                self._forget()
            if after_step is not None:
                after_step(step)

    def _record_truth(self) -> None:
        if self._keep_history:
            return
        grids: dict[int, tuple[Schedule, Times]] = {}
        for probe in self.probes:
            first, last = -(-self._probed // probe.step), -(-self.clock.now // probe.step)
            if last > first:
                if probe.step not in grids:  # probes of one grid share what they have in common
                    schedule = Schedule(first * probe.step, probe.step, last - first)
                    grids[probe.step] = schedule, Times(schedule.instants())
                schedule, times = grids[probe.step]
                component, _, port = probe.port.partition(".")
                values = self.signal(probe.port).at(times)
                unit = self.graph.components[component].outputs[port].unit
                self.recorder.record_truth(Block(probe.port, probe.quantity, unit, schedule, 0, values))
        self._probed = self.clock.now

    def drop_history(self, instant: int) -> None:
        """Without a campaign: record the truth, and drop the history before `instant` (ns), where no reading began."""
        self._record_truth()
        for group in self._read_groups:
            group.resolve(instant)
        self._forget(instant)

    def _forget(self, instant: int | None = None) -> None:
        """Drop the history that nobody will ask for; states that lag behind, not read yet, need the laws."""
        if self._keep_history:
            return
        asked = self._probed if instant is None else min(instant, self._probed)
        instant = max(min([asked, *(group.frontier for group in self._read_groups)]) - DELAYED, 0)
        for component in self.graph.components.values():
            if isinstance(component, Instrument):
                component.forget_before(instant)
        for group in self.assembly.groups:
            group.forget_before(instant)

    # --- periodic steady state ---------------------------------------------------------------------------------------

    def periodic_states(self, period: int) -> list[Array]:
        """The states that return to themselves after `period` (ns), under the laws that a rehearsal has set.

        What nobody reads keeps the state that it starts from.

        Shooting with the known decay of the linear modes as Jacobian: exact in one step for a linear group, and
        contracting by the strength of its nonlinearity otherwise.

        Raises
        ------
        SimulationError
            If a mode does not decay (nothing is periodic then) or the iteration does not converge.
        """
        states = []
        for group in self.assembly.groups:
            if group not in self._read_groups:
                states.append(group.modal_state(0))
                continue
            last = np.inf
            for k in range(30):
                group.rough = k == 0  # the first correction is the largest, and leaves most to the others
                modal, moved = _corrected(group, period)
                group.restart(modal)
                if not group.rough and has_converged(moved, last):
                    break
                last = moved
            else:
                raise SimulationError(f"{group.name}: the periodic steady state did not converge; start from ambient")
            states.append(modal)
        return states

    def nearer_periodic(self, period: int) -> tuple[list[Array], float]:
        """The states after one correction towards `periodic_states`, and the largest of them, relative to the states.

        For who changes the laws as the states settle: what the rehearsal has solved is not solved again.

        Raises
        ------
        SimulationError
            If a mode does not decay.
        """
        states, largest = [], 0.0
        for group in self.assembly.groups:
            if group in self._read_groups:
                modal, moved = _corrected(group, period)
                largest = max(largest, moved)
            else:
                modal = group.modal_state(0)
            states.append(modal)
        return states, largest

    def start_from(self, states: Sequence[Array], rehearsal: Twin | None = None) -> None:
        """Start the groups from modal states found by a rehearsal of the same graph, and with what it has learnt."""
        for k, (group, modal) in enumerate(zip(self.assembly.groups, states, strict=True)):
            group.restart(modal)
            if rehearsal is not None:
                group.learn_from(rehearsal.assembly.groups[k])

    # --- checkpoint --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The state of the run between two steps, as plain data."""
        instruments = {n: c.state() for n, c in self.graph.components.items() if isinstance(c, Instrument)}
        return {
            "format": FORMAT,
            "fingerprint": self._fingerprint,
            "now": self.clock.now,
            "events": self.clock.events,
            "finished_steps": self.finished_steps,
            "probed": self._probed,
            "instruments": instruments,
            "groups": [group.state() for group in self.assembly.groups],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` gave; the components and the wiring must be the same.

        Raises
        ------
        CheckpointError
            If the state is of another scenario.
        """
        check_format(state, self._fingerprint)
        self.clock.jump(state["now"], state["events"] - 1)  # the start of the campaign counts once
        self.finished_steps, self._probed = state["finished_steps"], state["probed"]
        for name, data in state["instruments"].items():
            component = self.graph.components[name]
            if isinstance(component, Instrument):
                component.restore(data)
        for group, data in zip(self.assembly.groups, state["groups"], strict=True):
            group.restore(data)


def _corrected(group: StateGroup, period: int) -> tuple[Array, float]:
    """The states that would return after a period if the group were linear; and by how much those that it starts from
    have changed after it, relative to their size."""
    decay = np.exp(np.array(group.modes.rates) * (period / NS))
    if np.any(np.abs(1.0 - decay) < 1e-12):
        raise SimulationError(
            f"{group.name} has no periodic steady state: a mode of it does not decay; start from ambient"
        )
    modal = group.modal_state(0)
    change = group.modal_state(period) - modal
    size = float(np.abs(modal + change).max(initial=0.0))
    moved = float(np.abs(change).max(initial=0.0))
    return modal + change / (1.0 - decay), moved / size if size > 0.0 else 0.0


def has_converged(moved: float, last: float, left: float = PERIODIC) -> bool:
    """Whether a correction by `moved` leaves no more than `left`: it leaves its size times the contraction, which it
    tells with the one before it; all relative."""
    return moved <= left or moved * moved <= left * last
