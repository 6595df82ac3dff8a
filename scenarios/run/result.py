"""The result of a mass campaign, with its provenance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scenarios.reduction import MassResult, ThermalResult
from scenarios.run.record import Record


@dataclass(frozen=True)
class Truth:
    """What only a simulation knows; NaN where it was not recorded, as of a blind campaign.

    Parameters
    ----------
    mass_kg : the mass (kg).
    bl_Tm : Bl averaged over the weighing windows (T·m).
    external_flux_epsilon : relative error of the mass by sources of flux beside the magnet, as they are at the start.
    epsilon : (Bl)_v/(Bl)_w − 1, the relative error of the mass with nothing corrected, by temperatures, currents and
        this flux, weighted as a reduction weights them: `scenarios.run.epsilon`.
    """

    mass_kg: float
    bl_Tm: float
    external_flux_epsilon: float = 0.0
    epsilon: float = 0.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(Record):
    """A finished run of a mass campaign.

    Parameters
    ----------
    true : what the simulation knows.
    mass : what the reduction found, from readings alone.
    thermal : the analysis of the true magnet temperature; None for a balance without thermal mass.
    """

    true: Truth
    mass: MassResult
    thermal: ThermalResult | None

    @property
    def notes(self) -> tuple[str, ...]:
        return *super().notes, *self.mass.notes

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

    def findings_summary(self) -> dict[str, Any]:
        m, thermal = self.mass, self.thermal
        return {
            "true": asdict(self.true),
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
                **m.with_zeros,
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
