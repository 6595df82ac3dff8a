"""The published results that the twin is validated against, and what of the twin stands beside each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Published:
    """A published result.

    Parameters
    ----------
    where : section, table or figure of the paper.
    gate : ``"test"``, ``"limit"`` (asserted: not above), ``"calibration"`` or ``"report"``.
    tolerance : relative, absolute after ``"abs:"``, or ``"at least"``; None if nothing is asserted.
    command, result : of ``kibble-twin``, and where in its JSON the twin's figure is; empty if no command tells it.
    tested : the test that asserts what no command tells.
    reason : why the two differ.
    magnitude : whether the sizes are compared, not the signs.
    """

    id: str
    value: float
    unit: str
    where: str
    gate: str
    tolerance: float | str | None = None
    command: str = ""
    result: str = ""
    tested: str = ""
    reason: str = ""
    magnitude: bool = False

    @property
    def band(self) -> float | None:
        """Half width of what the twin may differ by, in `unit`; None where nothing says."""
        if self.tolerance is None or self.tolerance == "at least":
            return None
        if isinstance(self.tolerance, str):
            return float(self.tolerance.removeprefix("abs:"))
        return abs(self.value) * self.tolerance

    def accepts(self, found: float) -> bool | None:
        """Whether the twin's figure is inside the band, or within the limit; None if nothing is asserted."""
        if self.gate == "limit":
            return abs(found) <= self.value
        if self.tolerance == "at least":
            return found >= self.value
        band = self.band
        return None if band is None else abs(found - self.value) <= band


def published_rows() -> list[dict[str, Any]]:
    """The rows of the file, as they stand there.

    Raises
    ------
    ValueError
        If an id is there twice.
    """
    from ruamel.yaml import YAML

    text = files("scenarios.studies").joinpath("published.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(text)
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise ValueError(f"published.yaml: {next(i for i in ids if ids.count(i) > 1)} is there twice")
    return rows


def published() -> list[Published]:
    """All published results, in the order of the file."""
    return [Published(**row) for row in published_rows()]
