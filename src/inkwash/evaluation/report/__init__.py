"""Reports: an evaluation or a comparison as one HTML file with its images as PNG and its table as CSV beside it."""

from inkwash.evaluation.report.page import require_report_folder

__all__ = ["require_report_folder"]
