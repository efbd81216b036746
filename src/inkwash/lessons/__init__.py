"""The exercises of the lessons in docs/learn: `check(3, answer)` computes the right answer and compares."""

from inkwash.lessons.exercises import EXERCISES, check
from inkwash.lessons.verdict import Verdict

__all__ = ["EXERCISES", "Verdict", "check"]
