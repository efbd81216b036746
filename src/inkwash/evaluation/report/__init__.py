"""Reports: an evaluation or a comparison as one HTML file with its images as PNG and its table as CSV beside it."""

from inkwash.evaluation.report.page import check_free

__all__ = ["check_free"]
