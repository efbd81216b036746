"""Evaluation of samples: scores beside those of real images, verdicts, comparisons and reports."""
