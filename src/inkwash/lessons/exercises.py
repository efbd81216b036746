"""The exercises of the lessons, by the number of the lesson: each checks an answer against what the package computes."""

from __future__ import annotations

from collections.abc import Callable

from inkwash.errors import UsageError
from inkwash.lessons import path_exercises, sampling_exercises, schedule_exercises, training_exercises
from inkwash.lessons.verdict import Verdict


def check(lesson: int, answer: object) -> Verdict:
    """Return whether `answer` solves the exercise of `lesson`; a likely mistake gets a hint.

    Raises `UsageError` for a lesson without an exercise. An answer that is a function is called; what it raises is raised.
    """
    if lesson not in EXERCISES:
        numbers = ", ".join(map(str, EXERCISES))
        raise UsageError(f"lesson {lesson} has no exercise: give one of {numbers}", code="unknown-name", field="lesson")
    return EXERCISES[lesson](answer)


EXERCISES: dict[int, Callable[[object], Verdict]] = {
    1: schedule_exercises.level_of_equal_power,
    2: training_exercises.denoiser_of_ten_points,
    3: schedule_exercises.schedule_of_300_steps,
    4: training_exercises.noise_from_v,
    5: training_exercises.loss_of_each_point,
    6: sampling_exercises.step_of_a_path,
    7: path_exercises.rule_of_second_order,
    8: sampling_exercises.guided_prediction,
    9: sampling_exercises.fraction_of_copies,
    10: path_exercises.end_of_a_path,
}
