"""What a scenario tells a driver that is more than words: channels, scales, positions, with their units."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hw_bridge.errors import BridgeError
from twin.parameter import to_si

TEXT = ""
"""The unit of what is no quantity."""


class Settings:
    """See the module.

    Parameters
    ----------
    name : of the instrument.
    given : as the scenario has them: a number is in SI, a string may have a unit.
    known : the unit of each, `TEXT` for words.

    Raises
    ------
    BridgeError
        For what is not known, or has another unit.
    """

    def __init__(self, name: str, given: Mapping[str, str | float], known: Mapping[str, str]) -> None:
        self._name = name
        if unknown := sorted(set(given) - set(known)):
            there = f"known are {', '.join(sorted(known))}" if known else "this driver takes none"
            raise BridgeError(f"{name}: hardware.settings has the unknown {', '.join(unknown)}; {there}", name)
        self._texts = {key: self._word(key, value) for key, value in given.items() if known[key] == TEXT}
        self._values = {key: self._si(key, value, known[key]) for key, value in given.items() if known[key] != TEXT}

    def _word(self, key: str, value: str | float) -> str:
        if not isinstance(value, str):
            raise BridgeError(f"{self._name}: hardware.settings.{key}: expected text, not {value:g}", self._name)
        return value

    def _si(self, key: str, value: str | float, unit: str) -> float:
        try:
            found = to_si(value, unit) if isinstance(value, str) else float(value)
        except ValueError as error:
            raise BridgeError(f"{self._name}: hardware.settings.{key}: {error}", self._name) from None
        if not math.isfinite(found):
            raise BridgeError(f"{self._name}: hardware.settings.{key}: expected a number, not {value!r}", self._name)
        return found

    def __contains__(self, key: str) -> bool:
        return key in self._texts or key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        """A word; an error if it is needed and not there."""
        found = self._texts.get(key, default)
        return self._missing(key) if found is None else found

    def value(self, key: str, default: float | None = None) -> float:
        """A quantity (SI); an error if it is needed and not there."""
        if key in self._values:
            return self._values[key]
        if default is None:
            self._missing(key)
        assert default is not None
        return default

    def choice(self, key: str, default: str, *words: str) -> str:
        """One of several words."""
        found = self._texts.get(key, default)
        if found not in (default, *words):
            known = ", ".join((default, *words))
            raise BridgeError(
                f"{self._name}: hardware.settings.{key}: expected one of {known}, not {found!r}", self._name
            )
        return found

    def _missing(self, key: str) -> str:
        raise BridgeError(f"{self._name}: hardware.settings lacks {key}", self._name)
