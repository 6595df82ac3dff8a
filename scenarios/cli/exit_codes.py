"""Exit codes: whether it is done, or who has to act."""

from __future__ import annotations

from twin.errors import InputError, TwinError

DONE, BAD_INPUT, FAILED, ALARM, INTERRUPTED = 0, 2, 3, 4, 130


class InterruptedRunError(TwinError):
    """The user has stopped a run; the text says how it can be resumed."""


class UsageError(InputError):
    """Arguments that do not go together."""


def exit_code(error: TwinError) -> int:
    """The exit code for an error; `FAILED` unless it is about what the user has given."""
    if isinstance(error, InterruptedRunError):
        return INTERRUPTED
    return BAD_INPUT if isinstance(error, InputError) else FAILED
