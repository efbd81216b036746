"""Metrics on features, predicted classes, pixels and likelihood; independent of models and of how samples were made."""
