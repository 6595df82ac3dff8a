"""The result of a run, with its provenance."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from scenarios.reduction import MassResult, ThermalResult
from scenarios.run import notebook
from scenarios.schema import Scenario
from twin.recorder import Blocks


def package_version() -> str:
    """The version of kibble-twin that is running."""
    try:
        return version("kibble-twin")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class Truth:
    """What only a simulation knows: the mass (kg), and Bl averaged over the weighing windows (T·m)."""

    mass_kg: float
    bl_Tm: float


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run.

    Parameters
    ----------
    scenario : as it was run.
    true : what the simulation knows.
    mass : what the reduction found, from readings alone.
    thermal : the analysis of the true magnet temperature; None for a balance without thermal mass.
    readings, truth : all blocks.
    virtual_s : duration of the campaign; wall_s : what it took here, from the loaded scenario to the result.
    events : of the clock.
    steps_total, steps_resumed : of the campaign; of these, how many an earlier, interrupted run had finished.
    """

    scenario: Scenario
    true: Truth
    mass: MassResult
    thermal: ThermalResult | None
    readings: Blocks = field(repr=False)
    truth: Blocks = field(repr=False)
    virtual_s: float = 0.0
    wall_s: float = 0.0
    events: int = 0
    steps_total: int = 0
    steps_resumed: int = 0

    @property
    def relative_error(self) -> float:
        """m/m_true − 1."""
        return self.mass.mass_kg / self.true.mass_kg - 1.0

    @property
    def contacts(self) -> dict[str, Any]:
        """How often the coil pressed against the stop of the flexure, and how hard: the largest force (N), and the
        largest over that at the start of its contact, less 1."""
        blocks = list(self.readings.select(event="contact"))
        forces = [np.abs(block.values.ravel()) for block in blocks]
        return {
            "count": len(blocks),
            "largest_force_N": max((float(force.max()) for force in forces), default=None),
            "largest_overshoot": max((float(f.max() / f[0]) - 1.0 for f in forces if f[0] > 0), default=None),
        }

    def summary(self) -> dict[str, Any]:
        """The result as plain numbers, in SI units; what is not a finite number is None."""
        m, thermal = self.mass, self.thermal
        summary = {
            "scenario": self.scenario.name,
            "campaign": self.scenario.campaign_type,
            "seed": self.scenario.seed,
            "version": package_version(),
            "scenario_hash": self.scenario.hash,
            "parent": self.scenario.parent,
            "differences": [asdict(difference) for difference in self.scenario.differences()],
            "virtual_s": self.virtual_s,
            "wall_s": self.wall_s,
            "events": self.events,
            "samples": self.readings.samples,
            "steps_total": self.steps_total,
            "steps_resumed": self.steps_resumed,
            "steps_run": self.steps_total - self.steps_resumed,
            "true": {"mass_kg": self.true.mass_kg, "bl_Tm": self.true.bl_Tm},
            "result": {
                "mass_kg": m.mass_kg,
                "u_mass_kg": m.u_mass_kg,
                "relative_error": self.relative_error,
                "u_relative": m.u_relative,
                "dof": m.dof,
                "coverage_factor": m.expanded_u_kg / m.u_mass_kg if m.u_mass_kg else m.coverage_factor,
                "confidence": m.confidence,
                "expanded_u_kg": m.expanded_u_kg,
                "bl_Tm": m.bl_Tm,
                "u_bl_Tm": m.u_bl_Tm,
                "type_a": dict(m.type_a),
                "type_b": dict(m.type_b),
                "corrections": dict(m.corrections),
                "budget": [asdict(line) for line in m.inputs],
            },
            "contacts": self.contacts,
            "excluded": [asdict(item) for item in m.excluded],
            "thermal": None
            if thermal is None
            else {
                "delta_t_f_K": thermal.delta_t_f_K,
                "delta_t_m_K": thermal.delta_t_m_K,
                "delay_s": thermal.delay_s,
                "epsilon": thermal.epsilon,
            },
        }
        plain: dict[str, Any] = finite(summary)
        return plain

    def __repr__(self) -> str:
        return notebook.result_text(self.summary())

    def _repr_html_(self) -> str:
        return notebook.result_html(self.summary())


def finite(value: Any) -> Any:
    """A tree of plain values with None in place of NaN and infinities."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
