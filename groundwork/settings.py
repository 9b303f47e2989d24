"""Read settings from the environment, once, and list every wrong one at once."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

SettingsType = TypeVar("SettingsType", bound=msgspec.Struct)


class SettingsError(Exception):
    """One or more settings are wrong; the text has a line for each."""


def read_settings(kind: type[SettingsType], environ: Mapping[str, str]) -> SettingsType:
    """Return the settings found in the environment (field `redis_url` is REDIS_URL).

    An unset or empty variable means the default. Raises SettingsError naming every wrong one.
    """
    values: dict[str, object] = {}
    wrong: list[str] = []
    for field in msgspec.structs.fields(kind):
        name = field.name.upper()
        text = environ.get(name, "")
        if text == "":
            if field.required:
                wrong.append(f"{name} is not set")
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            wrong.append(f"{name}={text!r}: {error}")
    if wrong:
        raise SettingsError("\n".join(wrong))
    try:
        # Built, not converted: the relations between fields are checked in __post_init__.
        return kind(**values)
    except ValueError as error:
        raise SettingsError(str(error)) from error
