"""Folders for servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.processes import open_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that other users may pass; a test's own."""
    with open_folder() as path:
        yield path
