"""Scripts with a guard taken out: edited as they are loaded, so that what is shipped needs no switch."""

from collections.abc import Callable

import pytest

import lua


def take_out(monkeypatch: pytest.MonkeyPatch, name: str, guard: str, instead: str) -> None:
    """Make `lua.read_source` answer one script with `guard` replaced; it must be there."""
    whole: Callable[[str], str] = lua.read_source
    assert guard in whole(name), f"lua/{name}.lua has no {guard!r} any more: mend this test"

    def edited(asked: str) -> str:
        source = whole(asked)
        return source.replace(guard, instead) if asked == name else source

    monkeypatch.setattr(lua, "read_source", edited)
