"""Patterns of paths without regular expressions: whole segments, `*`, `**` at the end, `{event}`."""

import re
from dataclasses import dataclass
from typing import Final

# An event's name as the catalogue has them.
EVENT: Final = r"([a-z0-9][a-z0-9-]{0,62})"
# `{event}` is a segment that names an event; `{event}.*` is one that begins with an event's name.
SPECIAL: Final = {"*": r"[^/]+", "{event}": EVENT, "{event}.*": EVENT + r"\.[^/]+"}
# At the end: everything under a folder, and everything under a name that begins with an event's.
SPECIAL_LAST: Final = {"**": r"[\s\S]*", "{event}.**": EVENT + r"\.[\s\S]*"}
LITERAL: Final = re.compile(
    r"[A-Za-z0-9._~!$&'()+,;=:@%-]*\*?[A-Za-z0-9._~!$&'()+,;=:@%-]*", re.ASCII
)
PATTERN_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern; matching takes time in proportion to the path's length, whatever the path."""

    text: str
    expression: str

    @classmethod
    def of(cls, text: str) -> "PathPattern":
        """Return the pattern. Raises ValueError for what is none."""
        if not text.startswith("/") or len(text) > PATTERN_CHARACTERS_MAX:
            raise ValueError(f"{text!r} must begin with / and have 200 characters at most")
        *segments, last = text[1:].split("/")
        parts = [_segment(text, segment) for segment in segments]
        # With the slash before it: `/a/**` is everything under /a/, and not /a itself.
        parts.append(SPECIAL_LAST.get(last) or _segment(text, last))
        return cls(text, "/" + "/".join(parts))


def _segment(pattern: str, segment: str) -> str:
    if segment in SPECIAL:
        return SPECIAL[segment]
    # One star a segment: with more, a long path could take long to refuse.
    if not LITERAL.fullmatch(segment):
        raise ValueError(f"{pattern!r}: {segment!r} is no segment: text with at most one *, or **")
    return r"[^/]*".join(re.escape(part) for part in segment.split("*"))
