"""Why nothing was started, in one sentence for whoever typed the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotStart(Exception):
    """Something is missing or in the way. The text is one sentence that says what to do."""


@contextmanager
def named_file(path: Path) -> Iterator[None]:
    """Use a file that whoever typed the command has named. Raises CannotStart when that cannot be."""
    try:
        yield
    except OSError as error:
        raise CannotStart(f"{path} cannot be used: {error.strerror or error}.") from error
