"""From a scenario to a twin with a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from components.environment import Environment
from components.thermal_mass import ThermalMass
from scenarios.schema import Scenario
from twin.clock import Clock
from twin.component import Component
from twin.errors import SimulationError
from twin.steps import Step
from twin.times import NS
from twin.twin import Probe, Twin

Array = NDArray[np.float64]
TRUTH = (
    Probe("thermal_mass.magnet_temperature_rise", "temperature_rise"),
    Probe("coil.power", "power"),
    Probe("coil.bl", "geometric_factor"),
)
"""What is recorded as truth, once a second."""


@runtime_checkable
class MassCampaign(Protocol):
    """What a run needs to know of a mass campaign, whatever its scheme."""

    cycles: int

    @property
    def period(self) -> int:
        """Of a cycle (ns)."""

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""

    def steps(self, components: Any, clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign, step by step."""

    def weighing_windows(self) -> Array:
        """Data windows of the weighing phases (s), shape (windows, 2)."""

    def mass_on(self) -> NDArray[np.bool_]:
        """Whether the mass is on, for each of these windows."""

    def velocity_windows(self) -> Array:
        """Data windows of the velocity phases (s), shape (windows, 2)."""


@dataclass(frozen=True)
class Setup:
    """A twin and the steps it is to run."""

    twin: Twin
    campaign: MassCampaign
    steps: list[Step]


def build(scenario: Scenario, *, rehearsal: bool = False) -> Setup:
    """Wire the scenario's balance as it truly is, and list its campaign's steps.

    Parameters
    ----------
    rehearsal : one cycle, in which nothing is read or recorded and nothing goes wrong.

    Raises
    ------
    WiringError
        If the balance cannot be wired or lacks an instrument that the campaign needs.
    """
    components = scenario.true_components()
    if rehearsal:
        for part in components.values():
            part.plan_faults(())
    _start_at_ambient(scenario, components)
    probes = tuple(probe for probe in TRUTH if probe.port.split(".")[0] in components)
    twin = Twin(
        components,
        scenario.wiring,
        seed=scenario.seed,
        probes=probes,
        fingerprint=scenario.hash,
        rehearsal=rehearsal,
    )
    campaign: Any = scenario.campaign
    if rehearsal:
        campaign = campaign.model_copy(update={"cycles": 1})
    position = float(getattr(components.get("flexure"), "weighing_position", 0.0))
    return Setup(twin, campaign, campaign.steps(components, twin.clock, position))


def _start_at_ambient(scenario: Scenario, components: dict[str, Component]) -> None:
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
    rehearsal = build(scenario, rehearsal=True)
    rehearsal.twin.run(rehearsal.steps)
    end = rehearsal.twin.clock.now
    if end != rehearsal.campaign.period:
        raise SimulationError(f"a cycle takes {end / NS} s, not its period of {rehearsal.campaign.period / NS} s")
    twin.start_from(rehearsal.twin.periodic_states(end))
