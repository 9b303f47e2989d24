"""Reads Stripe's request parameters: form-encoded, nested with brackets, none overlooked."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from booking_core.practice_provider.stripe_errors import InvalidRequest, missing

Pairs = Sequence[tuple[str, str]]
Value = TypeVar("Value")
Node = dict[str, "Node | str"]

# Metadata alone may have 50 fields (Stripe's limit); nothing here needs as many again.
FIELDS_MAX: Final = 150
# `a[b][c]`: Stripe's own deepest parameters here have two levels; one more costs nothing.
DEPTH_MAX: Final = 3
NAME: Final = re.compile(r"([A-Za-z0-9_.-]{1,64})((?:\[[^\[\]]{0,64}\])*)")
# What Stripe allows an order's notes to be.
METADATA_FIELDS_MAX: Final = 50
METADATA_NAME_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
# Digits of the largest amount Stripe takes.
INTEGER_DIGITS_MAX: Final = 8
INTEGER: Final = re.compile(rf"-?[0-9]{{1,{INTEGER_DIGITS_MAX}}}")
TEXT_MAX: Final = 500
URL_MAX: Final = 2048
URL: Final = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]{1,260}(?:[/?#][!-~]*)?")


def parse_pairs(text: str | bytes) -> Pairs:
    """Return names and values in order. Raises InvalidRequest for what is not form-encoded."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:  # a UnicodeDecodeError is one, too
        raise InvalidRequest(
            "Invalid request (check that your POST content type is "
            "application/x-www-form-urlencoded and has at most "
            f"{FIELDS_MAX} fields)"
        ) from error


def parse_nested(pairs: Pairs) -> Node:
    """Return `a[b]=1` as {"a": {"b": "1"}}; lists have their numbers as names."""
    root: Node = {}
    for name, value in pairs:
        match = NAME.fullmatch(name)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
        if not 1 <= len(path) <= DEPTH_MAX:
            raise InvalidRequest(f"Invalid parameter name: {name[:64]}", param=name[:64])
        node = root
        for step in path[:-1]:
            inner = node.setdefault(step or str(len(node)), {})
            if isinstance(inner, str):
                raise InvalidRequest(f"Invalid object: {path[0]}", param=path[0])
            node = inner
        last = path[-1] or str(len(node))
        if isinstance(node.get(last), dict):
            raise InvalidRequest(f"Invalid string: {path[0]}", param=path[0])
        node[last] = value
    return root


class Params:
    """The parameters of one request. Each is taken once; `done` refuses what is left over."""

    def __init__(self, pairs: Pairs) -> None:
        self._left = parse_nested(pairs)
        expand = self.mapping("expand")
        self.expand: Final = frozenset(expand.values())

    def text(self, name: str, text_max: int = TEXT_MAX) -> str | None:
        """Return a text, or None when it is absent or empty."""
        value = self._left.pop(name, "")
        if isinstance(value, dict):
            raise InvalidRequest(f"Invalid string: {name}", param=name)
        if len(value) > text_max:
            raise InvalidRequest(
                f"Invalid string: {name} must be at most {text_max} characters",
                "parameter_invalid_string",
                name,
            )
        return value or None

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return one of the words Stripe knows there, or None."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise InvalidRequest(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return value

    def flag(self, name: str) -> bool:
        """Return whether it was said to be true."""
        return self.choice(name, ("true", "false")) == "true"

    def url(self, name: str) -> str | None:
        """Return an absolute http(s) address, or None."""
        value = self.text(name, URL_MAX)
        if value is not None and not URL.fullmatch(value):
            raise InvalidRequest("Not a valid URL", "url_invalid", name)
        return value

    def integer(self, name: str, minimum: int, maximum: int) -> int | None:
        """Return a whole number within bounds, or None when it is absent."""
        value = self.text(name)
        if value is None:
            return None
        if not INTEGER.fullmatch(value) or not minimum <= int(value) <= maximum:
            raise InvalidRequest(
                f"Invalid integer: {name} must be {minimum} to {maximum}",
                "parameter_invalid_integer",
                name,
            )
        return int(value)

    def mapping(self, name: str) -> Mapping[str, str]:
        """Return a flat object or list, without its empty values."""
        node = self._left.pop(name, {})
        if isinstance(node, str):
            if node:
                raise InvalidRequest(f"Invalid object: {name}", param=name)
            return {}
        flat: dict[str, str] = {}
        for key, value in node.items():
            if isinstance(value, dict):
                raise InvalidRequest(f"Invalid string: {name}[{key}]", param=name)
            if value:
                flat[key] = value
        return flat

    def metadata(self) -> Mapping[str, str]:
        """Return the notes kept with an object, within Stripe's limits."""
        metadata = self.mapping("metadata")
        if len(metadata) > METADATA_FIELDS_MAX or any(
            len(name) > METADATA_NAME_MAX or len(value) > METADATA_VALUE_MAX
            for name, value in metadata.items()
        ):
            raise InvalidRequest(
                f"Metadata can have {METADATA_FIELDS_MAX} fields, names of {METADATA_NAME_MAX} "
                f"and values of {METADATA_VALUE_MAX} characters",
                param="metadata",
            )
        return metadata

    def done(self) -> None:
        """Refuse parameters nobody asked for: most of them are misspelt."""
        for name in self._left:
            raise InvalidRequest(f"Received unknown parameter: {name}", "parameter_unknown", name)


def needed(value: Value | None, param: str) -> Value:
    """Return the value, or refuse the request for lack of it."""
    if value is None:
        raise missing(param)
    return value
