"""One object for what is the same: compositions of the same signals are found again instead of made again."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any
from weakref import WeakValueDictionary

_KNOWN: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


class Same(ABCMeta):
    """Of classes whose objects of equal arguments are one object, as long as somebody holds it.

    Components in a loop are wired twice, and several may write down the same sum: it is evaluated once.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        key = (cls, args, *kwargs.items())
        try:
            found = _KNOWN.get(key)
        except TypeError:  # an argument that cannot be a key
            return super().__call__(*args, **kwargs)
        if found is None:
            found = _KNOWN[key] = super().__call__(*args, **kwargs)
        return found
