"""Checksums of records: verified and removed on reading; records without one pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.io.integrity import KEY, verified, with_checksum

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.text().filter(lambda name: name != KEY), PLAIN, max_size=5)


@given(values=RECORDS)
def test_a_record_with_a_checksum_is_equal_after_json(values: dict[str, Any]) -> None:
    assert verified(json.loads(json.dumps(with_checksum(values)))) == json.loads(json.dumps(values))
    assert verified(values) == values


@given(values=RECORDS, name=st.text(min_size=1).filter(lambda name: name != KEY), other=st.integers())
def test_a_changed_value_does_not_match_its_checksum(values: dict[str, Any], name: str, other: int) -> None:
    changed = with_checksum(values) | {name: other}
    if json.dumps(values.get(name, "none")) != json.dumps(other):
        with pytest.raises(ValueError, match="does not match its checksum"):
            verified(changed)


@pytest.mark.parametrize("none", [None, 3, "text", [1], [{}]])
def test_a_value_that_is_not_a_record_is_refused(none: Any) -> None:
    with pytest.raises(ValueError, match="not a record"):
        verified(none)
