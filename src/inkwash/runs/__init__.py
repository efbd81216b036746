"""Runs: a trainer in a folder that can be interrupted and resumed."""
