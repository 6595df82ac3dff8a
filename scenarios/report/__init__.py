"""The report of a run: a page that needs nothing else, and its pictures."""

from scenarios.report.files import add_report

__all__ = ["add_report"]
