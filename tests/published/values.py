"""The published values, and how a figure of the twin is compared with one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scenarios.studies.published import Published as Row
from scenarios.studies.published import published_rows


@dataclass(frozen=True)
class Published(Row):
    """A published result that a test compares with."""

    def check(self, found: float) -> None:
        """Fail if the twin's figure is outside the band, or beyond the limit."""
        accepted = self.accepts(found)
        assert accepted is not None, f"{self.id} is not asserted"
        if self.gate == "limit":
            expected = f"at most {self.value:g} {self.unit}"
        elif self.tolerance == "at least":
            expected = f"at least {self.value:g} {self.unit}"
        else:
            expected = f"published {self.value:g} ± {self.band:g} {self.unit}"
        assert accepted, f"{self.id} ({self.where}): {expected}, found {found:g}"


@lru_cache(maxsize=1)
def published() -> dict[str, Published]:
    """All published values by id."""
    return {row["id"]: Published(**row) for row in published_rows()}
