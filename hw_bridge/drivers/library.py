"""A connection that is a library of the vendor: calls of functions in place of lines.

Whatever goes wrong leaves it dirty, as any other: it is closed and opened anew before it is used again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hw_bridge.drivers.wire import Wire
from twin.errors import ComponentError


class LibraryWire(Wire):
    """See the module.

    Parameters
    ----------
    resource : what is opened, for messages.
    patience : see `Wire`.
    opening : opens it, and returns whatever the driver needs to call; raises a `BridgeError` or an `OSError`.
    closing : closes that.
    """

    def __init__(
        self, resource: str, patience: float, opening: Callable[[], Any], closing: Callable[[Any], None]
    ) -> None:
        super().__init__(resource, patience)
        self.handle: Any = None
        self._opening, self._closing = opening, closing

    def unread(self) -> bool:
        return False  # each conversation takes what it has started

    def _connect(self) -> None:
        self.handle = self._opening()

    def _disconnect(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            self._closing(handle)

    def _send(self, data: bytes) -> None:
        raise ComponentError("a library has no lines")

    def _line(self, patience: float) -> bytes:
        raise ComponentError("a library has no lines")
