"""The thermal-magnetic error of a scenario without noise, and nothing else: what design studies ask thousands of times.

A run of the engine follows the magnet's temperature through every law of a cycle, to the last digit. Here a cycle is
rehearsed with temperatures that are assumed; what the coil's power is under them makes other temperatures, and so on
until they agree. Each round is one evaluation of the power on all pieces of the period, and one linear answer of the
heat's modes. No instrument reads, nothing is drawn, no fault occurs; the power still follows the warm coil's resistance
and the warm magnet's field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from components.environment import Environment
from components.fields.periodic_heating import PeriodicPower, PeriodicResponse
from components.magnet import Magnet
from components.thermal_mass import ThermalMass
from scenarios.reduction import ThermalResult, ThermalSettings, thermal_analysis
from scenarios.run.build import MassCampaign, Setup, build, kept_currents
from scenarios.run.experiment import Experiment
from scenarios.schema import Scenario
from scenarios.studies.assumed import READERS, Assumed, AssumedTemperatures, Unread
from scenarios.studies.pieces import breakpoints, divided, subdivided
from twin.component import Component, StateSpace
from twin.errors import InputError, SimulationError
from twin.modes import decompose
from twin.signal import Constant
from twin.tape import Tape
from twin.times import NS, Times

Array = NDArray[np.float64]
POWER, CURRENT = "thermal_mass.power", "current_source.current"
PIECES = 48
"""Of a period, at least; each is halved until the power on it is a polynomial."""
ORDERS = 5
"""Of time in that polynomial: where force and load both come along a line, the power is of fourth order."""
HALVINGS = 12
SAMPLES = 720
"""That the analysis looks at, of the period of its fastest sine."""
CLOSE = 1e-11
"""Relative change of the temperatures below which they agree."""
SMOOTH = 1e-7
"""Heat on a piece by which the power may differ from its polynomial, relative to the largest power through a period."""
ROUNDS = 60
REHEARSALS = 8
_NODES, _WEIGHTS = 0.5 * np.array(np.polynomial.legendre.leggauss(ORDERS)) + [[0.5], [0.0]]
_TO_COEFFICIENTS = np.linalg.inv(np.vander(_NODES, ORDERS, increasing=True))
_PLACES = np.sort(np.concatenate([_NODES, [0.01, 0.35, 0.99]]))
_AT_NODES = np.searchsorted(_PLACES, _NODES)
_POWERS = np.vander(_PLACES, ORDERS, increasing=True).T


class NotPeriodicError(SimulationError):
    """The temperatures do not repeat with the period of the campaign."""


@dataclass(frozen=True)
class Thermal:
    """What the heat of a campaign does, in its periodic steady state.

    Parameters
    ----------
    analysis : as of a run: δT_f, δT_m, ε.
    power_W : mean of the coil's power over the weighing windows.
    mean_power_W : over the period.
    magnet_rise_K, coil_rise_K : mean over the period, above the reference temperature.
    """

    analysis: ThermalResult
    power_W: float
    mean_power_W: float
    magnet_rise_K: float
    coil_rise_K: float
    _cycle: ThermalCycle = field(repr=False, compare=False)

    @property
    def epsilon(self) -> float:
        """Relative error of the mass, α_m δT_m."""
        return self.analysis.epsilon

    @property
    def coil_hour_rise_K(self) -> float:
        """What an hour of the weighing's power warms the coil, if no heat leaves it."""
        return self._cycle.hour_rise(self.power_W)

    @cached_property
    def current_A(self) -> float:
        """Mean size of the source's current over the weighing windows; NaN for a balance without source."""
        return self._cycle.weighing_current()


def thermal(experiment: Experiment, fineness: int = 1) -> Thermal:
    """The thermal-magnetic error of a scenario, as its certificates say it is, without noise, errors and faults.

    Parameters
    ----------
    fineness : factor on the numbers of pieces and samples, to see what they matter.

    Raises
    ------
    SimulationError
        If it has no thermal mass, or its temperatures do not repeat or do not converge.
    """
    return ThermalCycle(experiment.scenario, fineness).result()


def room_rise(scenario: Scenario) -> float:
    """What the room is warmer than the reference (K), of a scenario that has a thermal-magnetic error.

    Raises
    ------
    InputError
        If there is nothing to heat.
    SimulationError
        If the room's temperature changes.
    """
    name, parts = scenario.name, scenario.sized
    if not isinstance(scenario.campaign, MassCampaign):
        raise InputError(f"{name}: its campaign weighs nothing, so that it has no thermal-magnetic error")
    if "thermal" not in scenario.sections:
        raise InputError(
            f"{name}: its campaign weighs masses in turn, each with an error of its own; ask it of a scenario that "
            "weighs one, with balance.test_mass.mass"
        )
    if not isinstance(parts.get("thermal_mass"), ThermalMass) or not isinstance(parts.get("magnet"), Magnet):
        raise InputError(f"{name}: it has no thermal-magnetic error without a thermal_mass and a magnet")
    if scenario.section("thermal", ThermalSettings).start != "steady_state":
        raise NotPeriodicError(
            f"{name}: it starts at ambient; its periodic steady state is asked for: thermal.start=steady_state"
        )
    source = scenario.wiring.get("thermal_mass.ambient_rise")
    room: Any = parts.get((source or "").partition(".")[0])
    if source is None or room is None:
        return 0.0
    temperature = room.temperature_signal() if isinstance(room, Environment) else None
    if not isinstance(temperature, Constant):
        raise NotPeriodicError(
            f"{name}: the temperature of the room changes, so that no state is periodic; switch off its drift and "
            "swing, or run the campaign"
        )
    return temperature.value - float(room.reference_temperature)


class ThermalCycle:
    """A cycle of a campaign with temperatures that are found by relaxation of the whole period."""

    def __init__(self, scenario: Scenario, fineness: int = 1) -> None:
        self.scenario, self.fineness = scenario, fineness
        self.parts = scenario.sized
        self.room = room_rise(scenario)
        self.campaign = cast(MassCampaign, cast(Any, scenario.campaign).model_copy(update={"cycles": 1}))
        self.period = self.campaign.period / NS
        space = cast(ThermalMass, self._part("thermal_mass")).state_space()
        self.rates, self.gains, self.outputs = _modes(space)
        self._heating = _upstream(scenario.wiring, self.parts, "thermal_mass")
        self._power: PeriodicPower | None = None
        self._solve()

    def _part(self, name: str) -> Component:
        """A new instance of a component: it is of one twin only."""
        return self.parts[name].fresh().named(name)

    # --- temperatures that agree with the power they make -------------------------------------------------------------

    def rises(self, seconds: NDArray[Any]) -> Array:
        """Temperature rises of magnet, coil and sensor, as found so far (K), shape (3, times)."""
        if self._power is None:
            return np.zeros((3, len(seconds)))
        return PeriodicCourse(self, self._power)(seconds)

    def _rises(self, response: PeriodicResponse, coefficients: Array) -> Array:
        heating, air = self.gains
        forced = response.modes(coefficients, heating)
        if self.room:
            forced = forced + response.modes(np.full((len(coefficients), 1), self.room), air)
        found: Array = self.outputs @ forced.T
        return found

    def _solve(self) -> None:
        currents: dict[str, float] | None = None
        for _ in range(REHEARSALS):  # currents that the source keeps follow from the temperatures found before
            setup = self._rehearsed(currents)
            self._twin = setup.twin
            self._relax(setup)
            before, currents = currents, kept_currents(self.scenario, setup.twin)
            agree = before is not None and all(abs(currents[k] - before[k]) <= CLOSE * abs(before[k]) for k in currents)
            if agree or not currents:
                return
        raise SimulationError(f"{self.scenario.name}: the currents of its cycle do not converge; run the campaign")

    def _rehearsed(self, currents: Mapping[str, float] | None) -> Setup:
        """A cycle under the temperatures found so far."""
        ports = list(ThermalMass.outputs)
        course = self.rises if self._power is None else PeriodicCourse(self, self._power)
        self._assumed = {port: Assumed(course, row) for row, port in enumerate(ports)}

        def parts() -> dict[str, Any]:
            made: dict[str, Any] = dict.fromkeys(self.parts, Unread())
            made |= {name: self._part(name) for name in self._heating}
            made["thermal_mass"] = AssumedTemperatures().assume(self._assumed).named("thermal_mass")
            return made

        wanted = self.scenario.wiring.get(POWER), CURRENT if "current_source" in self._heating else None
        setup = build(
            self.scenario,
            rehearsal=True,
            currents=currents,
            parts=parts,
            instruments=lambda _: READERS,
            wanted=[port for port in wanted if port],
        )
        setup.twin.run(setup.steps)
        return setup

    def _relax(self, setup: Setup) -> None:
        """Find the power and the temperatures that agree with it, under the laws of a rehearsal."""
        power = setup.twin.signal(self.scenario.wiring[POWER])
        tape = Tape([power], list(self._assumed.values()))
        edges, known = breakpoints(setup.steps, power)
        edges, known = subdivided(edges, known, self.period / (self.fineness * PIECES))
        for _ in range(HALVINGS):
            self._power, misfit = self._agreed(tape, edges, known)
            rough = misfit * np.diff(edges) > SMOOTH * self.period / self.fineness
            if not rough.any():
                return
            edges, known = divided(edges, known, np.where(rough, 2, 1))
        raise SimulationError(
            f"{self.scenario.name}: the power of its coil is not smooth enough for a thermal study; run the campaign"
        )

    def _agreed(self, tape: Tape, edges: Array, known: Array) -> tuple[PeriodicPower, Array]:
        """The power that makes the temperatures under which it is this power, and by how much it differs from its
        polynomial between the nodes of each piece, relative to the largest.

        Where it is `known` (W, for each piece; else NaN), nothing is evaluated.
        """
        open_ = np.isnan(known)
        lengths = np.diff(edges)[:, None]
        times = (edges[:-1, None] + lengths * _PLACES)[open_].ravel()
        response = PeriodicResponse(self.rates, edges, times, ORDERS)
        scales = lengths ** np.arange(ORDERS)
        scaled = np.zeros((len(known), ORDERS))
        scaled[~open_, 0] = known[~open_]
        rises = np.zeros((3, len(times)))
        if self._power is not None:
            scaled[open_] = self._power.at(times).reshape(-1, len(_PLACES))[:, _AT_NODES] @ _TO_COEFFICIENTS.T
            rises = self._rises(response, scaled / scales)
        play = tape.at(Times.of(times))
        last = np.inf
        for _ in range(ROUNDS):
            values = np.broadcast_to(play(*rises)[0], times.shape).reshape(-1, len(_PLACES))
            scaled[open_] = values[:, _AT_NODES] @ _TO_COEFFICIENTS.T
            found = self._rises(response, scaled / scales)
            change, rises = _change(rises, found), found
            if change <= CLOSE:
                misfit = np.zeros(len(known))
                misfit[open_] = np.abs(values - scaled[open_] @ _POWERS).max(axis=1)
                largest = max(np.abs(values).max(initial=1e-300), np.abs(known[~open_]).max(initial=0.0))
                return PeriodicPower(edges, scaled / scales), misfit / largest
            if not change < 2.0 * last:
                break
            last = change
        raise SimulationError(
            f"{self.scenario.name}: the temperatures of its cycle do not converge; its coil heats itself without end"
        )

    # --- result ------------------------------------------------------------------------------------------------------

    def result(self) -> Thermal:
        """The thermal analysis, as of a run."""
        assert self._power is not None
        settings = self.scenario.section("thermal", ThermalSettings)
        samples = self.fineness * SAMPLES * max(settings.harmonics or self.campaign.thermal_harmonics)
        step = self.period / samples
        times = step * np.arange(samples)
        rises = self.rises(times)
        means = self._power.means(np.concatenate([[0.0], times + 0.5 * step, [self.period]]))
        power = np.concatenate([[0.5 * (means[0] + means[-1])], means[1:-1]])  # about each sample
        periods = 1
        if settings.polynomial_order is not None:  # to which a sine over one period is less at right angles
            periods = settings.periods or cast(Any, self.scenario.campaign).cycles
        campaign = cast(Any, self.scenario.campaign).model_copy(update={"cycles": periods})
        analysis = thermal_analysis(
            step * np.arange(samples * periods),
            np.tile(rises[0], periods),
            np.tile(power, periods),
            self.period,
            campaign.weighing_windows(),
            campaign.velocity_windows(),
            settings.model_copy(update={"periods": None}),
            cast(Magnet, self.parts["magnet"]).alpha,
            campaign.mass_on(),
            campaign.thermal_harmonics,
        )
        windows = self.campaign.weighing_windows()
        weighing = self._power.means(windows.ravel())[::2]
        lengths = np.diff(windows, axis=1)[:, 0]
        return Thermal(
            analysis=analysis,
            power_W=float(weighing @ lengths / lengths.sum()),
            mean_power_W=self._power.mean,
            magnet_rise_K=float(rises[0].mean()),
            coil_rise_K=float(rises[1].mean()),
            _cycle=self,
        )

    def hour_rise(self, power: float) -> float:
        """What an hour of a power (W) warms the coil, if no heat leaves it (K)."""
        return 3600.0 * power / cast(ThermalMass, self.parts["thermal_mass"]).heated_capacity

    def weighing_current(self) -> float:
        """Mean size of the source's current in the weighing windows (A), by Gauss's rule."""
        if "current_source" not in self._heating:
            return float("nan")
        windows = self.campaign.weighing_windows()
        current = self._twin.signal(CURRENT)
        times = (windows[:, :1] + np.diff(windows, axis=1) * _NODES).ravel()
        values = Tape([current], list(self._assumed.values())).at(Times.of(times))(*self.rises(times))[0]
        sizes = np.abs(np.broadcast_to(values, times.shape)).reshape(len(windows), ORDERS) @ _WEIGHTS
        lengths = np.diff(windows, axis=1)[:, 0]
        return float(sizes @ lengths / lengths.sum())


@dataclass(frozen=True)
class PeriodicCourse:
    """The temperature rises of a cycle under a power that has been found, for the next rehearsal."""

    cycle: ThermalCycle
    power: PeriodicPower

    def __call__(self, seconds: Array) -> Array:
        orders = self.power.coefficients.shape[1]
        response = PeriodicResponse(self.cycle.rates, self.power.edges, seconds, orders)
        return self.cycle._rises(response, self.power.coefficients)


def _upstream(wiring: Mapping[str, str], parts: Mapping[str, Component], name: str) -> set[str]:
    """A component and all that act on it."""
    deaf = {to: part.neutral_inputs() for to, part in parts.items()}
    feeding: dict[str, set[str]] = {}
    for target, source in wiring.items():
        to, _, port = target.partition(".")
        if port not in deaf[to]:
            feeding.setdefault(to, set()).add(source.partition(".")[0])
    found, new = {name}, {name}
    while new:
        new = {source for target in new for source in feeding.get(target, ())} - found
        found |= new
    return found


def _modes(space: StateSpace) -> tuple[Array, Array, Array]:
    """Decay rates (n,), gains of power and room (2, n), and outputs (3, n) of a thermal mass."""
    a = np.asarray(space.a, dtype=float)
    if not np.any(a - np.diag(np.diag(a))):
        return -np.diag(a), np.asarray(space.b, dtype=float).T, np.asarray(space.c, dtype=float)
    modes = decompose(space.a)
    rates = np.array(modes.rates)
    if modes.coupling is not None or np.iscomplexobj(rates):
        raise SimulationError("thermal_mass: its network has no modes that are apart; run the campaign")
    return -rates, (modes.to_modes @ space.b).T, space.c @ modes.to_states


def _change(before: Array, after: Array) -> float:
    """The largest, relative to what is there."""
    return float(np.abs(after - before).max(initial=0.0) / np.abs(after).max(initial=1e-300))
