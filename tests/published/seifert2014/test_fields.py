"""Seifert2014: the gap field of NIST-4 from its remanence and an inferred set of dimensions."""

from __future__ import annotations

from components.fields.catalogue import NIST4
from components.fields.profile import profile
from tests.published.values import published


def test_gap_field() -> None:
    published()["seifert2014.gap_field"].check(profile(NIST4, cached=False).gap_field)
