"""The published document of an API (OpenAPI 3.1), written from its declared calls."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
import msgspec.inspect

from groundwork.errors import BookingError
from groundwork.operations import PATH_NAME, Credential, Operation, UndeclaredRoute
from groundwork.problem_json import INTERNAL_ERROR, STATUS_OF

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"
PROBLEM_JSON: Final = "application/problem+json"
# RFC 9457 and what ours all have; `code` is the end of `type`, for who would rather not cut it off.
PROBLEM_MEMBERS: Final[Mapping[str, Schema]] = {
    "type": {"type": "string", "format": "uri"},
    "title": {"type": "string"},
    "instance": {"type": "string", "description": "Names the request, as our logs do."},
}
SECURITY_SCHEMES: Final[Mapping[str, Schema]] = {
    "ticket": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The ticket for the line, as join gave it; or the cookie that came with it.",
    },
    "pass": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The admission pass, as admit gave it; or the cookie that came with it.",
    },
}


def document_of(
    title: str,
    version: str,
    description: str,
    operations: Sequence[Operation],
    path_names: Mapping[str, Schema],
    security_schemes: Mapping[str, Schema] = SECURITY_SCHEMES,
) -> Schema:
    """Return the document of these calls. Raises UndeclaredRoute where they contradict each other."""
    types = Types(operations)
    paths: dict[str, Schema] = defaultdict(dict)
    names: set[str] = set()
    for operation in operations:
        path, method = paths[operation.path], operation.method.lower()
        if method in path or operation.name in names:
            raise UndeclaredRoute(f"{operation.method} {operation.path} is declared twice")
        names.add(operation.name)
        path[method] = _call(operation, types, path_names)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in operations)],
        "paths": dict(paths),
        "components": {"schemas": types.schemas, "securitySchemes": dict(security_schemes)},
    }


class Types:
    """The schemas of all types that the calls name, each under one name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        bodies = [each.body for each in operations if each.body]
        queries = [each.query for each in operations if each.query]
        contents = [
            answer.content
            for each in operations
            for answer in each.answers
            if answer.content is not None
        ]
        refusals = [kind for each in operations for kind in each.refusals]
        kinds = list(dict.fromkeys([*bodies, *queries, *contents, *refusals]))
        found, self.schemas = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
        self._references: dict[Any, Schema] = dict(zip(kinds, found, strict=True))
        for kind in set(refusals):
            name = self._name(kind)
            self.schemas[name] = problem_schema(kind.code, STATUS_OF[kind], self.schemas[name])
        self.schemas["InternalError"] = problem_schema(INTERNAL_ERROR, 500, {})
        # Parameters are written out where they belong.
        self._queries: dict[Any, Schema] = {
            kind: self.schemas.pop(self._name(kind)) for kind in set(queries)
        }

    def reference(self, kind: Any) -> Schema:
        """Return what stands for the type."""
        return self._references[kind]

    def needs_something(self, kind: type[msgspec.Struct]) -> bool:
        """Say whether the type has a field that must be there."""
        return bool(self.schemas[self._name(kind)].get("required"))

    def query(self, kind: type[msgspec.Struct]) -> Schema:
        """Return the schema of a query."""
        return self._queries[kind]

    def _name(self, kind: Any) -> str:
        return str(self._references[kind]["$ref"].rpartition("/")[2])


def problem_schema(code: str, status: int, fields: Schema) -> Schema:
    """Return the schema of a refusal as problem+json: what all have, and its own fields, all there."""
    own = fields.get("properties", {})
    members: Schema = {
        **PROBLEM_MEMBERS,
        "status": {"const": int(status)},
        "code": {"const": code},
        **own,
    }
    told = {"description": fields["description"]} if "description" in fields else {}
    return {
        "title": code,
        **told,
        "type": "object",
        "properties": members,
        "required": sorted(members),
    }


def _call(operation: Operation, types: Types, path_names: Mapping[str, Schema]) -> Schema:
    told, _, more = operation.description.partition("\n\n")
    call: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": told.replace("\n", " "),
        "parameters": [*_parameters(operation, types, path_names)],
        "responses": _responses(operation, types),
        "security": _security(operation.credential),
    }
    if more:
        call["description"] = more
    if operation.body is not None:
        call["requestBody"] = {
            # An empty body is {}.
            "required": types.needs_something(operation.body),
            "content": {"application/json": {"schema": types.reference(operation.body)}},
        }
    elif operation.takes_json:
        call["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    return call


def _parameters(
    operation: Operation, types: Types, path_names: Mapping[str, Schema]
) -> Iterable[Schema]:
    for name in PATH_NAME.findall(operation.path):
        told = dict(path_names[name])
        means = told.pop("description")
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": means,
            "schema": told,
        }
    if operation.query is not None:
        query = types.query(operation.query)
        for name, schema in query["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "required": name in query["required"],
                # A form sends every field it has; see bodies.read_query.
                "allowEmptyValue": True,
                "schema": schema,
            }
    for header in operation.headers:
        yield {
            "name": header.name,
            "in": "header",
            "required": header.required,
            "description": header.means,
            "schema": {"type": "string"},
        }


def _security(credential: Credential | None) -> list[dict[str, list[str]]]:
    if credential is None:
        return []
    needed: list[dict[str, list[str]]] = [{credential.name: []}]
    return needed if credential.required else [*needed, {}]


def _responses(operation: Operation, types: Types) -> Schema:
    responses: dict[str, Schema] = {}
    for answer in operation.answers:
        response = responses.setdefault(
            str(answer.status), {"description": HTTPStatus(answer.status).phrase}
        )
        if answer.media_type is not None:
            schema = {} if answer.content is None else types.reference(answer.content)
            response["content"] = {answer.media_type: {"schema": schema}}
    refusals: dict[int, list[type[BookingError]]] = defaultdict(list)
    for kind in dict.fromkeys(operation.refusals):
        refusals[STATUS_OF[kind]].append(kind)
    for status, kinds in sorted(refusals.items()):
        choices = [types.reference(kind) for kind in kinds]
        responses[str(int(status))] = {
            "description": " ".join(f"`{kind.code}`: {_first_line(kind)}" for kind in kinds),
            "content": {
                PROBLEM_JSON: {"schema": choices[0] if len(choices) == 1 else {"anyOf": choices}}
            },
        }
    responses["500"] = {
        "description": "`internal-error`: a bug of ours; what was asked for may have been done.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": REFERENCE.format(name="InternalError")}}},
    }
    return dict(sorted(responses.items()))


def _first_line(kind: type[BookingError]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
