"""Bundled recipes in TOML (data files only)."""
