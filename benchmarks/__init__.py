"""Measurements of inkwash that are run by hand: speed, quality records, results, claims, scaling and load."""
