"""From a scenario to a twin with a campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from components.environment import Environment
from components.roles import KeepingSource
from components.thermal_mass import ThermalMass
from scenarios.schema import Scenario
from twin.clock import Clock
from twin.component import Component
from twin.errors import SimulationError
from twin.steps import Step
from twin.times import NS
from twin.twin import Probe, Twin, has_converged

Array = NDArray[np.float64]
TRUTH = (
    Probe("thermal_mass.magnet_temperature_rise", "temperature_rise"),
    Probe("thermal_mass.coil_temperature_rise", "temperature_rise"),
    Probe("coil.power", "power"),
    Probe("coil.bl", "geometric_factor"),
)
"""What is recorded as truth, once a second."""
RAMPED = (
    Probe("current_source.current", "current"),
    Probe("compensating_source.current", "current"),
)
"""The same where there is a compensating source: what flows in the ramps."""


REHEARSALS, SETTLED = 12, 2e-9
"""At most so many, until the currents that the source keeps change by less than this, relative, and the temperatures
with them: 4e-8 K of a coil that is 10 K warm."""


@runtime_checkable
class Campaign(Protocol):
    """What a run needs to know of any campaign. Where no reduction is registered for it, it is a `MassCampaign`."""

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""

    def steps(self, components: Any, clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign, step by step."""


@runtime_checkable
class MassCampaign(Campaign, Protocol):
    """What a run needs to know of a mass campaign, whatever its scheme."""

    thermal_harmonics: ClassVar[tuple[int, ...]]
    """Of the period, in the magnet's temperature."""
    kept: ClassVar[tuple[str, ...]]
    """Names that the current source keeps currents under."""
    in_series: ClassVar[bool]
    """Whether two windings weigh together."""
    cycles: int

    @property
    def comparisons(self) -> int:
        """Cycles of the data."""

    @property
    def period(self) -> int:
        """Of a cycle (ns)."""

    def weighing_windows(self) -> Array:
        """Data windows of the weighing phases (s), shape (windows, 2)."""

    def mass_on(self) -> NDArray[np.bool_]:
        """Whether the mass is on, for each of these windows."""

    def velocity_windows(self) -> Array:
        """Data windows of the velocity phases (s), shape (windows, 2)."""


@runtime_checkable
class WithTrial(MassCampaign, Protocol):
    """A campaign that has to know the currents beforehand."""

    def trial(self, components: Any, clock: Clock, weighing_position: float) -> list[Step]:
        """A weighing of either load, whose currents the source keeps."""


@runtime_checkable
class WithRoles(MassCampaign, Protocol):
    """A campaign in which two windings take turns: one weighs, the other is sensed."""

    def winding(self, period: int) -> int:
        """That weighs in a period, 1 or 2."""


@dataclass(frozen=True)
class Setup:
    """A twin and the steps it is to run."""

    twin: Twin
    campaign: Campaign
    steps: list[Step]


def build(
    scenario: Scenario,
    *,
    rehearsal: bool = False,
    currents: Mapping[str, float] | None = None,
    parts: Callable[[], dict[str, Any]] | None = None,
    clock: Clock | None = None,
    instruments: Callable[[Twin], Mapping[str, Any]] | None = None,
    quiet: bool = False,
    wanted: Sequence[str] | None = None,
) -> Setup:
    """Wire the scenario's balance as it truly is, and list its campaign's steps.

    Parameters
    ----------
    rehearsal : one cycle, in which nothing is read or recorded and nothing goes wrong.
    currents : that the source is to keep (A), by name; None: what a trial finds, if the campaign has one.
    parts : makes the components; None: those of the scenario, as they truly are. What is no `Component` plays its role
        in the campaign, and is wired to nothing.
    clock : virtual time by default.
    instruments : gives those that take the place of simulated ones in the campaign; the twin stays whole beside them.
    quiet : without any noise.
    wanted : outputs that somebody will ask the twin for; None: all.

    Raises
    ------
    WiringError
        If the balance cannot be wired or lacks an instrument that the campaign needs.
    """
    made = parts or scenario.true_components
    components = made()
    wired, wiring = _wired(scenario, components)
    if rehearsal:
        for part in wired.values():
            part.plan_faults(())
    start_at_ambient(scenario, wired)
    truth = (*TRUTH, *RAMPED) if {"current_source", "compensating_source"} <= set(wired) else TRUTH
    there = (probe for probe in truth if probe.port.split(".")[0] in wired)
    probes = tuple(probe for probe in there if wanted is None or probe.port in wanted)
    twin = Twin(
        wired,
        wiring,
        seed=None if quiet else scenario.seed,
        probes=probes,
        fingerprint=scenario.hash,
        rehearsal=rehearsal,
        clock=clock,
        wanted=wanted,
    )
    campaign: Any = scenario.campaign
    if rehearsal:
        campaign = campaign.model_copy(update={"cycles": 1})
    position = float(getattr(components.get("flexure"), "weighing_position", 0.0))
    if currents is not None:
        _keep(twin, currents)
    elif isinstance(campaign, WithTrial):
        _try(scenario, made, campaign, twin, position)
    real = {} if instruments is None else instruments(twin)
    return Setup(twin, campaign, campaign.steps({**components, **wired, **real}, twin.clock, position))


def _wired(scenario: Scenario, parts: Mapping[str, Any]) -> tuple[dict[str, Component], dict[str, str]]:
    """The components among some parts, and what of the scenario's wiring is between them."""
    wired = {name: part for name, part in parts.items() if isinstance(part, Component)}
    ends = {name for name in scenario.balance.parts if name not in wired}
    between = {
        target: source
        for target, source in scenario.wiring.items()
        if not ends or not ends.intersection((target.partition(".")[0], source.partition(".")[0]))
    }
    return wired, between


def _try(
    scenario: Scenario, made: Callable[[], dict[str, Any]], campaign: WithTrial, twin: Twin, position: float
) -> None:
    """Weigh before the run, on a twin of its own, and let the source of the run keep the currents that this has
    found."""
    parts = made()
    wired, wiring = _wired(scenario, parts)
    for part in wired.values():
        part.plan_faults(())
    start_at_ambient(scenario, wired)
    trial = Twin(wired, wiring, seed=scenario.seed, rehearsal=True)
    trial.run(campaign.trial({**parts, **wired}, trial.clock, position))
    _keep(twin, {name: _source(trial).kept(name) for name in campaign.kept})


def start_at_ambient(scenario: Scenario, components: dict[str, Component]) -> None:
    """Give the thermal mass the temperature of the room; a steady state found later replaces it."""
    room, mass = components.get("environment"), components.get("thermal_mass")
    if isinstance(room, Environment) and isinstance(mass, ThermalMass):
        rise = mass.initial_rise + room.temperature - room.reference_temperature
        components["thermal_mass"] = mass.model_copy(update={"initial_rise": rise})


def start_in_steady_state(scenario: Scenario, twin: Twin) -> None:
    """Start the twin's states where one cycle of the campaign leaves them unchanged.

    Raises
    ------
    SimulationError
        If there is no such state, or it is not found.
    """
    states: list[Array] | None = None
    rehearsal: Setup | None = None
    currents, last = kept_currents(scenario, twin), np.inf
    for _ in range(REHEARSALS):
        previous, rehearsal = rehearsal, build(scenario, rehearsal=True, currents=currents)
        if previous is not None and states is not None:
            rehearsal.twin.start_from(states, previous.twin)
        rehearsal.twin.run(rehearsal.steps)
        end, period = rehearsal.twin.clock.now, cast(MassCampaign, rehearsal.campaign).period
        if end != period:
            raise SimulationError(f"a cycle takes {end / NS} s, not its period of {period / NS} s")
        if not currents:
            states = rehearsal.twin.periodic_states(end)
            break
        # Currents that the source keeps are those of the temperatures before: both settle together.
        states, moved = rehearsal.twin.nearer_periodic(end)
        before, currents = currents, kept_currents(scenario, rehearsal.twin)
        settled = all(abs(current - before[name]) <= SETTLED * abs(current) for name, current in currents.items())
        if settled and has_converged(moved, last, SETTLED):
            break
        last = moved
    else:
        raise SimulationError("the currents that the source keeps do not settle; start from ambient")
    twin.start_from(states, rehearsal.twin)
    _keep(twin, currents)


def kept_currents(scenario: Scenario, twin: Twin) -> dict[str, float]:
    """What the source keeps for the campaign (A), by name."""
    return {name: _source(twin).kept(name) for name in cast(MassCampaign, scenario.campaign).kept}


def _keep(twin: Twin, currents: Mapping[str, float]) -> None:
    """Let the source keep these currents."""
    for name, current in currents.items():
        _source(twin).keep(name, current)


def _source(twin: Twin) -> KeepingSource:
    source = twin.graph.components["current_source"]
    assert isinstance(source, KeepingSource)
    return source
