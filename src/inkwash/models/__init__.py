"""Bundled models, each a folder with weights, recipe and card (data files only)."""
