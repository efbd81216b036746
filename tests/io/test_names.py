"""Names from outside: valid names, sanitized names, and paths that stay in their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.errors import UsageError
from inkwash.io import names
from inkwash.io.names import MAX_LENGTH, checked_name, path_in, sanitized_name
from inkwash.text.printing import printable

BAD = {
    "": "empty",
    "..": "dot",
    ".hidden": "dot",
    "a.": "dot",
    " a": "space",
    "../../escaped": "'/'",
    "/etc/passwd": "'/'",
    "a\\b": "\\\\",
    "C:a": "':'",
    "a\0b": "\\x00",
    "\x1b[31mred": "\\x1b",
    "a\nb": "\\n",
    "\u202eabc": "u202e",
    "[red]a": "'['",
    "<b>a": "'<'",
    "$x$": "'$'",
    "CON": "reserve",
    "nul.png": "reserve",
    "com1": "reserve",
    "x" * (MAX_LENGTH + 1): "101 characters",
    "汉" * 90: "bytes",
}


@pytest.mark.parametrize("name", ["fast", "cfg-cosine", "a b", "naïve ✓", "v1.2_final", "console", "x" * MAX_LENGTH])
def test_a_valid_name_is_returned_as_it_is(name: str) -> None:
    assert checked_name(name, "field 'name'") == sanitized_name(name) == name


@pytest.mark.parametrize(("name", "reason"), BAD.items())
def test_an_invalid_name_is_refused_in_one_printable_line_that_names_the_field(name: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        checked_name(name, "field 'recipe.name'", "recipe.name")
    assert (error.value.code, error.value.field) == ("invalid-value", "recipe.name")
    assert reason in str(error.value) and str(error.value).isprintable() and len(str(error.value)) < 1000


@given(st.text(max_size=300))
def test_a_sanitized_name_is_valid_and_stays_unchanged(text: str) -> None:
    found = sanitized_name(text)
    assert names.invalid_reason(found) is None
    assert sanitized_name(found) == found


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", "a\0b"])
def test_a_path_is_made_of_one_component(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        path_in(tmp_path, name)


def test_a_path_through_a_symbolic_link_stays_in_its_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "real").mkdir(parents=True)
    outside.mkdir()
    (inside / "within").symlink_to(inside / "real")
    (inside / "away").symlink_to(outside)
    (inside / "dangling").symlink_to(outside / "new")
    (tmp_path / "linked").symlink_to(inside)
    assert path_in(inside, "within") == inside / "within"
    assert path_in(inside, "new.png") == inside / "new.png"
    # the folder that the user gives may itself be a link
    assert path_in(tmp_path / "linked", "new.png") == tmp_path / "linked" / "new.png"
    (inside / "loop").symlink_to(inside / "loop")
    assert path_in(inside, "loop") == inside / "loop"
    for name in ("away", "dangling"):
        with pytest.raises(UsageError) as error:
            path_in(inside, name)
        assert error.value.code == "unsafe-path"
    with pytest.raises(UsageError) as error:
        names.require_contained(inside)
    assert error.value.code == "unsafe-path"


@given(st.text(max_size=100))
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert all(each.isprintable() or each in "\n\t" for each in shown)
    assert printable(shown) == shown
    assert text.isprintable() is False or shown == text
