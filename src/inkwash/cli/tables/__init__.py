"""Terminal output of `inkwash show`, `evaluate` and `lab`, one module per kind of object."""
