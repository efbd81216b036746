"""The configuration of a run: recipe schema, recipe files, overrides and plugins."""
