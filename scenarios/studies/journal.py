"""What a sweep has finished, kept as it comes: one line of JSON a point, so that an interruption loses nothing.

A point is known by the hash of its resolved scenario: a study that has grown or shrunk finds again what it had.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from scenarios.run.output import OutputError

DIED = "the process that computed it died"
"""How the error of a point begins that was lost with its process."""


@dataclass(frozen=True)
class Row:
    """A finished point.

    Parameters
    ----------
    number : of the point in the study.
    key : hash of its resolved scenario, or of its values where they make no scenario.
    values : by output; empty if it failed.
    error : what went wrong; empty if nothing did.
    seconds : that it took.
    """

    number: int
    key: str
    values: dict[str, float]
    error: str = ""
    seconds: float = 0.0

    def holds(self, outputs: Sequence[str]) -> bool:
        """Whether it tells all that is wanted, or that there is nothing to tell; a lost process tells neither."""
        if self.error:
            return not self.error.startswith(DIED)
        return all(name in self.values for name in outputs)


class Journal:
    """The finished points of a sweep in a file.

    Parameters
    ----------
    path : of the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._stream: IO[bytes] | None = None

    def read(self) -> dict[str, Row]:
        """The rows that are there, by key; a line that was cut off as the sweep was killed is not believed.

        Raises
        ------
        OutputError
            If it is no journal.
        """
        if self.path is None or not self.path.exists():
            return {}
        found: dict[str, Row] = {}
        lines = self.path.read_bytes().split(b"\n")
        for place, line in enumerate(lines):
            try:
                row = _row(json.loads(line)) if line else None
            except (ValueError, KeyError, TypeError, AttributeError):
                if place < len(lines) - 1:
                    raise OutputError(f"{self.path}:{place + 1}: is no line of a sweep; move the file away") from None
                row = None
            if row is not None:
                found[row.key] = row
        return found

    def write(self, row: Row) -> None:
        """Add a row.

        Raises
        ------
        OutputError
            If it cannot be written, such as on a full disk; what was there stays.
        """
        if self.path is None:
            return
        values = {name: value if math.isfinite(value) else None for name, value in row.values.items()}
        plain: dict[str, Any] = {
            "number": row.number,
            "key": row.key,
            "values": values,
            "seconds": round(row.seconds, 6),
        }
        if row.error:
            plain["error"] = row.error
        try:
            if self._stream is None:
                self._stream = self._opened(self.path)
            self._stream.write(json.dumps(plain, ensure_ascii=False).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"{self.path}: {reason}; what is there is kept: go on with --resume") from error

    @staticmethod
    def _opened(path: Path) -> IO[bytes]:
        """The file, at its end; half a line there is cut off."""
        stream = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115  closed by `__exit__`
        data = stream.read()
        whole = data.rfind(b"\n") + 1
        stream.truncate(whole)
        stream.seek(whole)
        return stream

    def close(self) -> None:
        """Make it durable."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            try:
                stream.flush()
                os.fsync(stream.fileno())
            finally:
                stream.close()

    def remove(self) -> None:
        """Take it away, when the results are somewhere else."""
        self.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except OSError:
            if error is None:
                raise


def _row(plain: dict[str, Any]) -> Row:
    values = {name: math.nan if value is None else float(value) for name, value in plain["values"].items()}
    return Row(int(plain["number"]), str(plain["key"]), values, str(plain.get("error", "")), float(plain["seconds"]))
