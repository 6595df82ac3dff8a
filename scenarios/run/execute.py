"""Run a scenario to its result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from components.external_flux import ExternalFlux
from components.magnet import Magnet
from components.test_mass import TestMass
from scenarios.reduction import (
    Certificates,
    Estimate,
    ReductionSettings,
    ThermalResult,
    ThermalSettings,
    reduce,
    thermal_analysis,
)
from scenarios.run.beside import Beside
from scenarios.run.build import build, start_in_steady_state
from scenarios.run.epsilon import Windows, bl_of_windings, epsilon, series
from scenarios.run.measured import Measured, known_to, own_reduction, true_values
from scenarios.run.result import Result, Truth
from scenarios.run.shadow import good
from scenarios.schema import Scenario
from twin import plugins
from twin.command import record_commands
from twin.component import Component
from twin.errors import InputError
from twin.recorder import Blocks
from twin.steps import Step
from twin.store import RunStore
from twin.times import NS, to_ns
from twin.twin import Twin

Array = NDArray[np.float64]
MODELS: dict[str, Any] = {"reduction": ReductionSettings, "thermal": ThermalSettings}
"""Further sections of a scenario file, with the models that validate them."""

HIGHEST_ORDER = 16
"""Of the polynomial that is fitted to a tabulated or computed profile."""

Progress = Callable[[Step | None, int, int], None]
"""Called with None before the first step, then after each step; with how many have finished, and how many there are."""


def execute(
    scenario: Scenario,
    *,
    store: Path | RunStore | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    arm: bool = False,
    shadow: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Result | Measured:
    """Run the campaign and reduce what it recorded.

    Parameters
    ----------
    store : in which the run is kept under way, step by step; of a folder, one is made.
    resume : continue the run that is in `store`; no step that had finished runs again.
    progress : told how far the run is.
    arm : whether the outputs of real instruments are really switched; otherwise they are only checked. A run with real
        instruments that is resumed has to be armed as it was.
    shadow : whether twins beside the run judge what is read, as it is read; see `scenarios.run.shadow`.
    tell : takes what somebody has to know while it runs, line by line.

    Raises
    ------
    WiringError, SimulationError, ReductionError, CheckpointError
        As their names say.
    """
    with ExitStack() as opened:
        # Our matrices are small: several threads would wait for each other, and sum in another order on every machine.
        opened.enter_context(threadpool_limits(limits=1, user_api="blas"))
        keeper = store if isinstance(store, RunStore) else None
        if isinstance(store, Path):  # a power failure costs a simulation no more than its time
            keeper = opened.enter_context(RunStore(store, durable=bool(scenario.hardware)))
        how = {"arm": arm, "shadow": shadow}
        if resume and keeper is not None:
            how = resumed_as(keeper.state(), arm=arm, shadow=shadow, logged=bool(scenario.hardware))
        beside = opened.enter_context(Beside(scenario, tell)) if how["shadow"] else None
        if not scenario.hardware:
            return _executed(scenario, keeper, resume, progress, how, beside)
        with plugins.load(plugins.BRIDGES, "bridge")(scenario, arm=arm) as bridge:
            made = _executed(scenario, keeper, resume, progress, how, beside, bridge)
        return replace(made, hardware=bridge.account())


def resumed_as(state: Mapping[str, Any], *, arm: bool, shadow: bool, logged: bool) -> dict[str, bool]:
    """How an interrupted run goes on: as it began.

    Parameters
    ----------
    state : of its last checkpoint.
    arm, shadow : as it is to go on.
    logged : whether what its instruments were told was kept in any case.

    Raises
    ------
    InputError
        If it is to be armed and was not, or the other way round: nobody switches outputs without saying so. If it is to
        have a shadow, and nobody knows what its instruments were told.
    """
    how = state.get("how", {})
    if how.get("arm", arm) != arm:
        raise InputError(
            "the run was armed: say --arm to go on" if how["arm"] else "the run was a dry one: go on without --arm"
        )
    had = bool(how.get("shadow"))
    if shadow and not (had or logged):
        raise InputError("the run began without --shadow: let it go on without; kibble-twin shadow judges it then")
    return {"arm": arm, "shadow": had or shadow}


def _executed(
    scenario: Scenario,
    keeper: RunStore | None,
    resume: bool,
    progress: Progress | None,
    how: Mapping[str, bool],
    shadow: Beside | None,
    bridge: Any = None,
) -> Result | Measured:
    """Run, or go on, with whatever is recorded kept in the store."""
    begin = time.perf_counter()
    own = own_reduction(scenario)
    if shadow is not None:
        shadow.ready()
    setup = (
        build(scenario)
        if bridge is None
        else build(scenario, parts=bridge.parts, clock=bridge.clock, instruments=bridge.instruments)
    )
    known = known_to(scenario)
    writing, recorder = 0.0, setup.twin.recorder
    if keeper is not None and resume:
        state, recorder.readings, recorder.truth = keeper.load()
        recorder.log = keeper.blocks("log")
        setup.twin.restore(state)
        if bridge is not None:
            _pass_the_gap(setup.twin, state, bridge)
    elif own is None and scenario.section("thermal", ThermalSettings).start == "steady_state":
        start_in_steady_state(scenario, setup.twin)

    if keeper is not None:
        keeper.follow(recorder)
    if shadow is not None:
        shadow.follow(setup.twin)
    elif bridge is not None:
        record_commands(setup.twin)
    resumed = setup.twin.finished_steps

    def keep(step: Step | None) -> None:
        nonlocal writing
        mark = time.perf_counter()
        if keeper is not None and not (resume and step is None):
            keeper.save({**setup.twin.state(), **_about(how, bridge)})
        if progress is not None:
            progress(step, setup.twin.finished_steps, len(setup.steps))
        writing += time.perf_counter() - mark

    keep(None)
    if bridge is not None:
        bridge.start()
        if resume and resumed < len(setup.steps):
            bridge.take_up()
    if resumed < len(setup.steps):
        setup.twin.run(setup.steps, keep)
    if bridge is not None:
        bridge.end()
    told = {} if shadow is None else shadow.concluded()
    made = concluded(scenario, known, good(recorder.readings, recorder.log), recorder.truth)
    return replace(
        made,
        log=recorder.log,
        shadow=told,
        virtual_s=setup.twin.clock.now / NS,
        wall_s=time.perf_counter() - begin - writing,
        events=setup.twin.clock.events,
        steps_total=len(setup.steps),
        steps_resumed=resumed,
    )


def _about(how: Mapping[str, bool], bridge: Any) -> dict[str, Any]:
    """What a checkpoint says beside the state of the twin: how to go on, and when this was."""
    real = {} if bridge is None else {"began_s": bridge.began}
    interruptions = [] if bridge is None else bridge.interruptions
    return {"how": dict(how), "wall_s": time.time(), "interruptions": interruptions, **real}


def _pass_the_gap(twin: Twin, state: Mapping[str, Any], bridge: Any) -> None:
    """Let the time pass in which nobody ran the campaign: real things went on."""
    gap = max(time.time() - float(state["wall_s"]), 0.0)
    bridge.began = state.get("began_s")
    bridge.interruptions = [*state["interruptions"], {"at_s": twin.clock.seconds, "gap_s": gap}]
    bridge.tell(f"interrupted for {gap:.0f} s at {twin.clock.seconds:.6g} s of the run")
    twin.clock.jump(twin.clock.now + to_ns(gap), twin.clock.events)


def concluded(
    scenario: Scenario, known: Certificates | Mapping[str, Estimate], readings: Blocks, truth: Blocks
) -> Result | Measured:
    """The result of what a run has recorded: by the campaign's own reduction, or a mass.

    Of the same blocks it is the same, whenever and wherever.

    Parameters
    ----------
    known : what the reduction is told of the balance, see `known_to`.
    truth : may be empty, as of a blind campaign: then nothing is said to be true.

    Raises
    ------
    ReductionError
        If the blocks do not suffice.
    """
    own: Any = own_reduction(scenario)
    if own is not None:
        findings = own.findings(readings, known)
        return Measured(
            scenario=scenario,
            findings=findings,
            true=true_values(scenario, findings, truth),
            readings=readings,
            truth=truth,
        )
    assert isinstance(known, Certificates), "a mass campaign has certificates"
    parts = scenario.true
    real = scenario.hardware
    known_truth = len(truth) > 0 and "test_mass" not in real  # nobody knows that of a real mass
    warmed = not {"magnet", "coil", "thermal_mass"} & real.keys()  # nor how warm a real magnet is inside
    return Result(
        scenario=scenario,
        true=_truth(scenario, parts, truth) if known_truth else Truth(*[math.nan] * 4),
        mass=reduce(readings, known, _settings(scenario)),
        thermal=_thermal(scenario, parts, truth) if warmed else None,
        readings=readings,
        truth=truth,
    )


def _settings(scenario: Scenario) -> ReductionSettings:
    """Those of the scenario; a profile that is no polynomial is fitted with as many orders as it needs."""
    settings, magnet = scenario.section("reduction", ReductionSettings), scenario.balance.parts.get("magnet")
    if "highest_profile_order" in settings.model_fields_set or not (isinstance(magnet, Magnet) and magnet.is_tabulated):
        return settings
    return settings.model_copy(update={"highest_profile_order": HIGHEST_ORDER})


def _thermal(scenario: Scenario, parts: Mapping[str, Component], truth: Blocks) -> ThermalResult | None:
    """The thermal analysis, if the balance has a thermal mass."""
    channel = "thermal_mass.magnet_temperature_rise"
    magnet = parts.get("magnet")
    if not len(truth.select(channel)) or not isinstance(magnet, Magnet):
        return None
    times, rise = series(truth, channel)
    _, power = series(truth, "coil.power")
    campaign: Any = scenario.campaign
    return thermal_analysis(
        times,
        rise,
        power,
        campaign.period / NS,
        campaign.weighing_windows(),
        campaign.velocity_windows(),
        scenario.section("thermal", ThermalSettings),
        magnet.alpha,
        campaign.mass_on(),
        campaign.thermal_harmonics,
    )


def _truth(scenario: Scenario, parts: Mapping[str, Component], truth: Blocks) -> Truth:
    """The true mass, the true Bl averaged over the weighing windows, and what acts on the mass, uncorrected."""
    mass = parts["test_mass"]
    assert isinstance(mass, TestMass)
    times, bl = series(truth, "coil.bl")
    campaign: Any = scenario.campaign
    windows = Windows(
        campaign.weighing_windows(), campaign.mass_on(), campaign.comparisons, campaign.velocity_windows()
    )
    start, end = windows.weighing.T
    middles = (np.arange(32) + 0.5) / 32
    both = bl_of_windings(scenario, parts)
    weighed = both * float(np.interp(start[:, None] + (end - start)[:, None] * middles, times, bl).mean())
    flux, error = parts.get("external_flux"), 0.0
    if isinstance(flux, ExternalFlux):
        position = float(getattr(parts.get("flexure"), "weighing_position", 0.0))
        error = flux.epsilon(weighed / both, position, magnet_moves=getattr(campaign, "moves", "coil") == "magnet")
    acting = epsilon(scenario, parts, truth, windows, mass.mass, weighed)
    return Truth(mass.mass, weighed, error, (1.0 + acting) * (1.0 + error) - 1.0)
