"""Reports: an evaluation or a comparison as one HTML page."""
