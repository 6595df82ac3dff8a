"""Exit codes: whether it is done, or who has to act."""

from __future__ import annotations

from twin.errors import CheckpointError, TwinError, WiringError
from twin.plugins import PluginError

DONE, BAD_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130


class InterruptedRunError(TwinError):
    """The user has stopped a run; the text says how it can be resumed."""


class UsageError(TwinError):
    """Arguments that do not go together."""


def exit_code(error: TwinError) -> int:
    """The exit code for an error; `FAILED` unless it is about what the user has given."""
    if isinstance(error, InterruptedRunError):
        return INTERRUPTED
    from scenarios.run.output import OutputError
    from scenarios.schema.errors import ScenarioError
    from scenarios.studies.executors import ClusterError
    from scenarios.studies.sensitivity import SensitivityError

    scenario = (ScenarioError, WiringError, CheckpointError, PluginError)
    given = (UsageError, *scenario, OutputError, ClusterError, SensitivityError)
    return BAD_INPUT if isinstance(error, given) else FAILED
