"""Whether what the system answers is what its published document says it answers."""

import json
import re
from typing import Any

import jsonschema_rs

PATH_NAME = re.compile(r"\{\w+\}")


class Undocumented(AssertionError):
    """An answer that the document does not have."""


class Documented:
    """A published document to hold answers against."""

    def __init__(self, document: bytes) -> None:
        self._document = json.loads(document)
        # Plain paths come before those with names in them, as the document's readers have it.
        paths = sorted(self._document["paths"], key=lambda path: "{" in path)
        self._paths = [
            (
                re.compile(
                    PATH_NAME.sub("[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))
                ),
                path,
            )
            for path in paths
        ]
        self._validators: dict[tuple[str, ...], Any] = {}

    def path_of(self, path: str) -> str | None:
        """The documented path that this is one of."""
        path = path.partition("?")[0]
        return next((each for form, each in self._paths if form.fullmatch(path)), None)

    def check(self, method: str, path: str, status: int, content_type: str, body: bytes) -> None:
        """Raises Undocumented; what is no documented path is somebody else's business."""
        found = self.path_of(path)
        if found is None:
            return
        what = f"{method} {found} answered {status} {content_type} {body[:300]!r}"
        call = self._document["paths"][found].get(method.lower().replace("head", "get"))
        if call is None:
            # What is no method at all makes no request.
            if status not in (405, 400):
                raise Undocumented(f"{what} to a method that is not there")
            return
        response = call["responses"].get(str(status))
        if response is None:
            raise Undocumented(what)
        if method == "HEAD" or status == 304:
            return
        content = response.get("content")
        if content is None:
            if body:
                raise Undocumented(f"{what}, and says nothing of a body")
            return
        kind = content_type.partition(";")[0]
        if kind not in content:
            raise Undocumented(f"{what}, which should be {list(content)}")
        if kind.endswith("json"):
            self._validate(what, (found, method, str(status), kind), content[kind], body)

    def _validate(self, what: str, key: tuple[str, ...], content: Any, body: bytes) -> None:
        if key not in self._validators:
            schema = {**content["schema"], "components": self._document["components"]}
            self._validators[key] = jsonschema_rs.validator_for(schema)
        error = next(self._validators[key].iter_errors(json.loads(body)), None)
        if error is not None:
            raise Undocumented(f"{what}: {error.message} at {list(error.instance_path)}")
