"""The published values, and how a figure of the twin is compared with one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Published:
    """A published result.

    Parameters
    ----------
    where : section, table or figure of the paper.
    gate : ``"test"``, ``"limit"`` (asserted: not above), ``"calibration"`` or ``"report"``.
    tolerance : relative, absolute after ``"abs:"``, or ``"at least"``; None if nothing is asserted.
    """

    id: str
    value: float
    unit: str
    where: str
    gate: str
    tolerance: float | str | None = None

    @property
    def band(self) -> float:
        """Half width of what the twin may differ by, in `unit`."""
        assert self.tolerance is not None, f"{self.id} is not asserted"
        if isinstance(self.tolerance, str):
            return float(self.tolerance.removeprefix("abs:"))
        return abs(self.value) * self.tolerance

    def check(self, found: float) -> None:
        """Fail if the twin's figure is outside the band, or above the limit."""
        if self.gate == "limit":
            assert abs(found) <= self.value, (
                f"{self.id} ({self.where}): at most {self.value:g} {self.unit}, found {found:g}"
            )
            return
        if self.tolerance == "at least":
            assert found >= self.value, (
                f"{self.id} ({self.where}): at least {self.value:g} {self.unit}, found {found:g}"
            )
            return
        text = f"{self.id} ({self.where}): published {self.value:g} ± {self.band:g} {self.unit}, found {found:g}"
        assert abs(found - self.value) <= self.band, text


@lru_cache(maxsize=1)
def published() -> dict[str, Published]:
    """All published values by id."""
    rows: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("published.yaml"))
    found = {row["id"]: Published(**row) for row in rows}
    assert len(found) == len(rows), "an id is there twice"
    return found
