"""Reading what operators give us as JSON: typed and bounded, each thing that is wrong named by path."""

import types
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec

from booking_core.catalog.refusals import PlanInvalid

# Enough to see the pattern of what is wrong; a file of another kind has thousands.
PROBLEMS_SHOWN_MAX: Final = 20
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # some editors of Windows put one in front

T = TypeVar("T", bound=msgspec.Struct)


def read_document(
    raw: bytes, type_: type[T], *, bytes_max: int, ignore_unknown: bool = False, root: str = "$"
) -> tuple[T, tuple[str, ...]]:
    """Return the document in the bytes, and the paths of keys that its type does not have.

    Paths begin with `root`. Raises PlanInvalid naming every unknown key (unless they are to be
    ignored), else every value that breaks the type; long lists are cut and say so.
    """
    if len(raw) > bytes_max:
        raise PlanInvalid((root, f"has {len(raw)} bytes, at most {bytes_max} are read"))
    try:
        document = msgspec.json.decode(raw.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanInvalid((root, f"is not JSON: {error}")) from error
    except RecursionError as error:
        raise PlanInvalid((root, "is nested too deeply to be a plan")) from error
    unknown = tuple(_unknown_keys(document, type_, root))
    if unknown and not ignore_unknown:
        raise_problems([(path, "is not a key of the format") for path in unknown])
    try:
        return msgspec.convert(document, type_), unknown
    except msgspec.ValidationError as error:
        first = _split(error, root)
        found = list(islice(_value_problems(document, type_, root), PROBLEMS_SHOWN_MAX + 1))
        raise PlanInvalid(*_cut(found or [first])) from error


def raise_problems(problems: list[tuple[str, str]]) -> None:
    """Raise PlanInvalid with the first of the problems, if there is any."""
    if problems:
        raise PlanInvalid(*_cut(problems))


def _cut(problems: list[tuple[str, str]]) -> list[tuple[str, str]]:
    more = len(problems) - PROBLEMS_SHOWN_MAX
    tail = [("$", f"has {more} more problem{'s' if more > 1 else ''}")] if more > 0 else []
    return problems[:PROBLEMS_SHOWN_MAX] + tail


def _unknown_keys(value: Any, hint: Any, path: str) -> Iterator[str]:
    """Yield the paths of keys that nothing reads; large plans are mostly what has no parts at all."""
    struct, items = _struct_of(hint), _items_of(hint)
    if struct and isinstance(value, dict):
        known = _fields_of(struct)
        for key, one in value.items():
            if key not in known:
                yield f"{path}.{key}"
            elif isinstance(one, dict | list):
                yield from _unknown_keys(one, known[key].type, f"{path}.{key}")
    elif items:
        for one, item, inner_path in _parts(value, hint, path):
            yield from _unknown_keys(one, item, inner_path)


def _value_problems(value: Any, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield everything that is wrong, from the outside in."""
    parts = list(_parts(value, hint, path))
    struct = _struct_of(hint)
    if struct and isinstance(value, dict):
        for key, field in _fields_of(struct).items():
            if field.required and key not in value:
                yield path, f"Object missing required field {key}"
    elif parts:
        yield from _problem(value, _shallow(hint), path)
    if not parts and not (struct and isinstance(value, dict)):
        yield from _problem(value, hint, path)
    for part in parts:
        yield from _value_problems(*part)


def _parts(value: Any, hint: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield what a value consists of with the type that each part should have."""
    struct, items = _struct_of(hint), _items_of(hint)
    if struct and isinstance(value, dict):
        for key, field in _fields_of(struct).items():
            if key in value:
                yield value[key], field.type, f"{path}.{key}"
    elif items and isinstance(value, list) and get_origin(items) is tuple:
        item = get_args(items)[0]
        yield from ((one, item, f"{path}[{index}]") for index, one in enumerate(value))
    elif items and isinstance(value, dict) and get_origin(items) is dict:
        item = get_args(items)[1]
        yield from ((one, item, f"{path}[{key!r}]") for key, one in value.items())


def _problem(value: Any, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        yield _split(error, path)


def _split(error: msgspec.ValidationError, path: str) -> tuple[str, str]:
    """Return where and what of msgspec's sentence, which ends with a path if it is an inner one."""
    rule, found, inner = str(error).rpartition(" - at ")
    where = path + inner.strip("`").removeprefix("$") if found else path
    return where, (rule or str(error)).replace("`", "")


def _plain(hint: Any) -> Iterator[Any]:
    """Yield the types of a hint without their bounds; a union has several."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _plain(get_args(hint)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(hint):
            yield from _plain(one)
    else:
        yield hint


@cache
def _fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


@cache
def _struct_of(hint: Any) -> type[msgspec.Struct] | None:
    found = (one for one in _plain(hint) if isinstance(one, type))
    return next((one for one in found if issubclass(one, msgspec.Struct)), None)


@cache
def _items_of(hint: Any) -> Any:
    """Return the list or mapping whose items are objects of their own, None for any other type."""
    for one in _plain(hint):
        arguments = get_args(one)
        if get_origin(one) is tuple and arguments[-1] is Ellipsis and _struct_of(arguments[0]):
            return one
        if get_origin(one) is dict and _struct_of(arguments[1]):
            return one
    return None


def _shallow(hint: Any) -> Any:
    """Return the bounds of a list or mapping without the types of its items."""
    items = _items_of(hint)
    loose: Any = dict[str, Any] if get_origin(items) is dict else tuple[Any, ...]
    if get_origin(hint) is Annotated:
        return Annotated[(loose, *get_args(hint)[1:])]
    return loose
