"""Fixtures of the golden tests: an empty cache, no data of the user, and the input files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_cases import write_inputs


@pytest.fixture(autouse=True, scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty cache for each module, because building feature extractors takes most of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKWASH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("INKWASH_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the images and arrays that the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder
