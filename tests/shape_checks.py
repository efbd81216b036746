"""Check the annotated types and tensor shapes of PACKAGES at run time, in tests only.

Importing this module installs the checks; they apply to modules that are imported afterwards.
"""

from __future__ import annotations

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

PACKAGES = ("inkwash.core", "inkwash.nets", "inkwash.objectives", "inkwash.metrics", "inkwash.sampling")

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Decorator that checks arguments and results; an int is accepted for a float, as PEP 484 does."""

install_import_hook(PACKAGES, "shape_checks.checked")
