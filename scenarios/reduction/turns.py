"""A run of several masses, or of one mass either way up, taken apart: a mass with its budget for each turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.mass import reduce
from scenarios.reduction.result import MassResult
from scenarios.reduction.settings import ReductionSettings
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Turns:
    """What was found of each turn, in their order.

    Parameters
    ----------
    results : masses with their budgets.
    known : masses (kg) as certified; not a number where they are not known.
    upside_down : which way up each was.
    """

    results: tuple[MassResult, ...]
    known: Array
    upside_down: NDArray[np.bool_]

    @classmethod
    def of(cls, readings: Blocks, certificates: Certificates, settings: ReductionSettings) -> Turns:
        """Reduce each turn by itself.

        Parameters
        ----------
        readings : of TMTP, all with the label `turn` (0, 1, …), `upside_down`, and `known_mass_kg` if it is known.

        Raises
        ------
        ReductionError
            If there is no turn, or one of them cannot be reduced; the message names it.
        """
        apart: dict[int, list[Block]] = {}
        for block in readings:
            if "turn" in block.labels:
                apart.setdefault(int(str(block.labels["turn"])), []).append(block)
        if len(apart) < 2:
            raise ReductionError(f"expected at least two turns, by the label 'turn' of the blocks, not {len(apart)}")
        results = []
        for k in sorted(apart):
            try:
                results.append(reduce(apart[k], certificates, settings))
            except ReductionError as error:
                raise ReductionError(f"turn {k + 1}: {error}") from None
        labels = [apart[k][0].labels for k in sorted(apart)]
        return cls(
            tuple(results),
            np.array([float(each.get("known_mass_kg", math.nan)) for each in labels]),
            np.array([bool(each.get("upside_down", False)) for each in labels]),
        )

    @property
    def masses(self) -> Array:
        """(kg), shape (turns,)."""
        return np.array([result.mass_kg for result in self.results])

    @property
    def bl(self) -> Array:
        """(T·m), shape (turns,)."""
        return np.array([result.bl_Tm for result in self.results])

    @property
    def u_scatter(self) -> Array:
        """Relative Type A uncertainty of each, shape (turns,)."""
        return np.array([result.u_type_a for result in self.results])

    def causes(self, counts: Callable[[str], bool]) -> Mapping[str, Array]:
        """Relative error that one standard uncertainty of each Type B input makes in every turn, by label.

        A cause is the same in all turns, and its errors have signs: in differences most of it cancels.

        Parameters
        ----------
        counts : whether an input of this label does.
        """
        found: dict[str, Array] = {}
        for k, result in enumerate(self.results):
            for line in result.inputs:
                if line.kind == "B" and counts(line.label):
                    errors = found.setdefault(line.label, np.zeros(len(self.results)))
                    errors[k] = line.sensitivity * line.u / result.mass_kg
        return found

    def spread(self, estimator: Array, counts: Callable[[str], bool]) -> Array:
        """Standard uncertainty of linear estimates of the relative errors.

        Parameters
        ----------
        estimator : shape (estimates, turns).
        counts : see `causes`.
        """
        variance = (estimator * self.u_scatter) ** 2
        total = variance.sum(axis=1)
        for errors in self.causes(counts).values():
            total = total + (estimator @ errors) ** 2
        return np.sqrt(total)


def corrected(label: str) -> bool:
    """Whether an input of the budget is not an effect that was left uncorrected on purpose."""
    return not label.endswith(", not corrected")
