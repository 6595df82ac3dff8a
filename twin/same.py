"""One object for what is the same: compositions of the same signals are found again instead of made again."""

from __future__ import annotations

from abc import ABCMeta
from types import MethodType
from typing import Any
from weakref import WeakValueDictionary, ref

_KNOWN: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


class Same(ABCMeta):
    """Of classes whose objects of equal arguments are one object, as long as somebody holds it.

    Components in a loop are wired twice, and several may write down the same sum: it is evaluated once. What is known
    holds nothing: an operand that leads back to its composition, as in a loop, would hold it for good.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        key = (cls, *map(_mark, args), *map(_mark, kwargs.items()))
        try:
            found = _KNOWN.get(key)
        except TypeError:  # an argument that cannot be a key
            return super().__call__(*args, **kwargs)
        if found is None:
            found = _KNOWN[key] = super().__call__(*args, **kwargs)
        return found


def _mark(argument: Any) -> Any:
    """What tells an argument from others without holding it: a value tells itself."""
    kind: Any = type(argument)
    if kind is float:
        return argument
    if kind is tuple:
        return tuple([_mark(item) for item in argument])
    if kind is MethodType:  # which the composition holds
        return argument.__func__, id(argument.__self__)
    return ref(argument) if kind.__hash__ is object.__hash__ and kind.__weakrefoffset__ else argument
