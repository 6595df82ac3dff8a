"""What can go wrong in a reduction."""

from __future__ import annotations

from twin.errors import TwinError


class ReductionError(TwinError):
    """The recorded blocks, the certificates or the settings do not suffice; the message says what is missing."""
