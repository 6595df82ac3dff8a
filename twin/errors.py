"""What can go wrong, told apart by who has to act.

A `WiringError` is for whoever wired the components, a `SimulationError` for whoever chose the parameters, a
`ComponentError` for the author of a component. Errors about scenario files live in `scenarios`, errors about hardware
in `hw_bridge`. Every error is one sentence that names the place and says what to do.
"""

from __future__ import annotations


class TwinError(Exception):
    """Base of every error this project raises on purpose."""


class InputError(TwinError):
    """Base of the errors about what the user has given: it cannot be used as it is."""


class WiringError(InputError):
    """The component graph cannot be built as wired.

    Parameters
    ----------
    message : what is wrong and what to do.
    ends : the ports involved, as ``component.port``, so that a caller can point at the line that wired them.
    """

    def __init__(self, message: str, ends: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.ends = ends


class SimulationError(TwinError):
    """The physics could not be solved to its tolerance; the message names the component, the time and the cure."""


class ComponentError(TwinError):
    """A component breaks the contract of `twin.component`: for its author to mend."""


class CheckpointError(InputError):
    """A checkpoint cannot be read, or belongs to another scenario."""
