"""Types of the functions that long operations call to report their progress."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[float], object]
"""Called with the fraction done, or the number of examples done where stated."""
StageProgressCallback = Callable[[str, float], object]
"""Called with a description of the stage and the fraction of it that is done, 0 where that is unknown."""
