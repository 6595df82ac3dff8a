"""What a fit has found: parameters with their uncertainties, residuals, and a scenario with the fitted values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.schema import Scenario
from scenarios.schema.emit import emit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A parameter.

    Parameters
    ----------
    path, unit : of the parameter in the scenario.
    start, value : before and after.
    u : standard uncertainty.
    u_noise, u_certificates : its parts.
    """

    path: str
    unit: str
    start: float
    value: float
    u: float
    u_noise: float
    u_certificates: float


@dataclass(frozen=True)
class Residuals:
    """Of a channel, block by block: mean of reading − model before and after, and the standard uncertainty of it."""

    channel: str
    quantity: str
    unit: str
    time_s: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    u: tuple[float, ...]


@dataclass(frozen=True)
class Fit:
    """The result.

    Parameters
    ----------
    parameters : in the order they were asked for.
    correlation : between them, shape (parameters, parameters).
    chi2 : reduced, at the end.
    expected_chi2 : its mean over the ensemble; 1 where nothing but noise is uncertain.
    readings : that were fitted.
    residuals : by channel.
    members : of the ensemble, of each kind.
    """

    scenario: Scenario
    parameters: tuple[Fitted, ...]
    correlation: Array
    chi2: float
    expected_chi2: float
    readings: int
    residuals: tuple[Residuals, ...]
    members: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know."""
        if self.chi2 <= 2.0 * self.expected_chi2:
            return ()
        return (
            f"the readings scatter more than the twin says (reduced χ² {self.chi2:.3g}, {self.expected_chi2:.3g} is "
            "expected): the noise of each channel is enlarged to what it shows; see what the residuals tell",
        )

    def overlay(self, base: str) -> str:
        """A scenario file that sets the fitted values over another one."""
        tree: dict[str, Any] = {"schema": 1, "extends": base, "name": f"{self.scenario.name}_fitted"}
        comments: dict[tuple[str | int, ...], str] = {}
        for found in self.parameters:
            keys, node = found.path.split("."), tree
            for key in keys[:-1]:
                node = node.setdefault(key, {})
            node[keys[-1]] = found.value
            comments[tuple(keys)] = f"{found.unit}, fitted: u = {found.u:.2g}, from {found.start!r}".lstrip(", ")
        return emit(tree, comments)

    def plain(self) -> dict[str, Any]:
        """As plain values, in SI units."""
        return {
            "scenario": self.scenario.name,
            "parameters": [vars(parameter) for parameter in self.parameters],
            "correlation": self.correlation.tolist(),
            "reduced_chi2": self.chi2,
            "expected_chi2": self.expected_chi2,
            "readings": self.readings,
            "members": self.members,
            "residuals": [vars(residuals) for residuals in self.residuals],
            "notes": list(self.notes),
        }
