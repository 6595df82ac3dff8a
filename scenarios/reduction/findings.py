"""What a campaign other than a mass campaign finds: quantities with their uncertainties, and curves to look at.

A reduction of such a campaign is a class whose fields are its settings (the section ``reduction`` of a scenario file)
and whose method ``findings`` makes of recorded blocks and certificates what is declared here. It is registered in the
entry points ``kibble_twin.reductions`` by the name of its campaign. One that weighs all the same, such as several
masses in turn, says so by a class variable ``weighs = True`` and is handed `scenarios.reduction.Certificates` in place
of the mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.reduction.certificates import Estimate
from twin.recorder import Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quantity:
    """A measured quantity, or a series of them.

    Parameters
    ----------
    key : under ``result`` of a summary, with its unit as the last part: ``bl_Tm``. Its uncertainty is ``u_`` + key.
    value, u : in `unit`; a number, or an array for a series. `u` is a standard uncertainty, None if there is none.
    unit : SI, as in ``T*m``.
    symbol, meaning : for a reader.
    """

    key: str
    value: float | Array
    unit: str
    symbol: str
    meaning: str
    u: float | Array | None = None


@dataclass(frozen=True, eq=False)
class Line:
    """A line or points in a curve: `x` and `y`, with the standard uncertainties `u` of y; dots, if `points`."""

    name: str
    x: Array
    y: Array
    u: Array | None = None
    points: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """A picture of what was found.

    Parameters
    ----------
    name : of its files.
    caption : what is shown.
    x, y : what the axes are, each a pair of quantity and unit.
    lines : in it.
    logarithmic : axes that are, of "x" and "y".
    """

    name: str
    caption: str
    x: tuple[str, str]
    y: tuple[str, str]
    lines: tuple[Line, ...]
    logarithmic: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a reduction has found."""

    quantities: tuple[Quantity, ...]
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __getitem__(self, key: str) -> Quantity:
        """The quantity of a key.

        Raises
        ------
        KeyError
            If there is none, naming those there are.
        """
        for quantity in self.quantities:
            if quantity.key == key:
                return quantity
        raise KeyError(f"no quantity {key!r}; there are {', '.join(q.key for q in self.quantities)}")

    def plain(self) -> dict[str, Any]:
        """Values and uncertainties by key, as plain numbers and lists."""
        found: dict[str, Any] = {}
        for q in self.quantities:
            found[q.key] = _plain(q.value)
            if q.u is not None:
                found[f"u_{q.key}"] = _plain(q.u)
        return found

    def about(self) -> dict[str, dict[str, str]]:
        """Unit, symbol and meaning of each quantity by key."""
        return {q.key: {"unit": q.unit, "symbol": q.symbol, "meaning": q.meaning} for q in self.quantities}


@runtime_checkable
class OwnReduction(Protocol):
    """What a campaign's own reduction can do."""

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Reduce what was recorded.

        Parameters
        ----------
        readings : all blocks; they may be simulated or real.
        certificates : what the laboratory believes of its instruments, by ``component.parameter``.

        Raises
        ------
        ReductionError
            If the blocks do not suffice.
        """


def _plain(value: ArrayLike) -> Any:
    found = np.asarray(value, dtype=float)
    return float(found) if found.ndim == 0 else found.tolist()
