"""Bundled feature extractors of MNIST (data files only)."""
