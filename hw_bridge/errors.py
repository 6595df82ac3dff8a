"""What can go wrong between the twin and real instruments.

Both are `TwinError`, so that whoever runs a campaign catches one family. Neither is ever answered by going on with a
simulated instrument instead of the real one.
"""

from __future__ import annotations

from twin.errors import TwinError


class BridgeError(TwinError):
    """An instrument or the connection to it does not do what it was asked.

    Parameters
    ----------
    message : what went wrong and what to do.
    instrument : the component's name in the scenario, if one instrument is concerned.
    address : where it was looked for, such as ``"TCPIP::192.0.2.7::hislip0"``.
    """

    def __init__(self, message: str, instrument: str = "", address: str = "") -> None:
        super().__init__(message)
        self.instrument = instrument
        self.address = address


class SafetyError(TwinError):
    """A limit that protects the balance was reached, or its safe state could not be verified.

    A value beyond a limit is refused, never clipped.

    Parameters
    ----------
    message : which limit, and what to do.
    instrument : the component's name in the scenario.
    quantity : what is limited, such as ``"current"``.
    requested : the refused value (SI), or None if the error is not about a value.
    limit : the violated limit (SI), or None likewise.
    """

    def __init__(
        self,
        message: str,
        instrument: str = "",
        quantity: str = "",
        requested: float | None = None,
        limit: float | None = None,
    ) -> None:
        super().__init__(message)
        self.instrument = instrument
        self.quantity = quantity
        self.requested = requested
        self.limit = limit
