"""The published document says all that programs may ask, and is held against what is answered."""

import json
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import web
from msgspec import Struct

from booking_core.app import OPERATIONS
from gateway.api_docs.published import PATH_NAMES, Published
from gateway.api_docs.through_the_gate import through_the_gate
from gateway.app import own_operations
from gateway.edge.shop_policy import OUR_SHOP
from groundwork.errors import (
    BookingError,
    EventNotFound,
    NotAdmitted,
    OrderNotFound,
    PassExpired,
    RequestInvalid,
)
from groundwork.openapi import document_of
from groundwork.operations import ApiRoutes, UndeclaredRoute, add_operations, prove_all_declared
from groundwork.problem_json import STATUS_OF
from groundwork.typed_answers import Created, Json, NoContent
from tests.support.documented import Documented, Undocumented
from tests.support.fan import Fan
from tests.support.shop import Shop

# Met by operators alone.
ELSEWHERE = {"not-signed-in", "not-allowed"}


@pytest.fixture(scope="module")
async def document(shop: Shop) -> dict[str, Any]:
    reply = await Fan(shop).call("GET", "/api/openapi.json")
    assert reply.status == 200
    return reply.json


async def test_who_has_the_document_is_told_so(shop: Shop) -> None:
    reply = await Fan(shop).call("GET", "/api/openapi.json")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-cache"
    tag = reply.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await Fan(shop).call("GET", "/api/openapi.json", headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    other = await Fan(shop).call("GET", "/api/openapi.json", headers={"If-None-Match": '"other"'})
    assert other.body == reply.body
    packed = await shop.session.get(f"{shop.url}/api/openapi.json")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.json() == reply.json


async def test_everything_that_programs_may_ask_is_in_it(
    shop: Shop, document: dict[str, Any]
) -> None:
    routed = {
        (route.method.lower(), resource.canonical)
        for app in (shop.gateway, shop.core)
        for resource in app.router.resources()
        if resource.canonical.startswith(("/api/", "/webhooks/", "/.well-known/"))
        for route in resource
        if route.method not in ("HEAD", "*")
    }
    told = {(method, path) for path, calls in document["paths"].items() for method in calls}
    assert told == routed
    assert len(told) >= 26


def test_it_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    text = json.dumps(document)
    for name in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"], name


def kinds() -> list[type[BookingError]]:
    return [kind for kind in STATUS_OF if kind.code not in ELSEWHERE]


def told_codes(document: dict[str, Any]) -> dict[str, set[int]]:
    """Every code of the document, and the statuses it is answered with."""
    found: dict[str, set[int]] = {}
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for call in path.values():
            for status, response in call["responses"].items():
                content = response.get("content", {}).get("application/problem+json")
                if content is None:
                    continue
                choices = content["schema"].get("anyOf", [content["schema"]])
                for choice in choices:
                    members = schemas[choice["$ref"].rpartition("/")[2]]["properties"]
                    assert members["status"]["const"] == int(status)
                    found.setdefault(members["code"]["const"], set()).add(int(status))
    return found


def test_every_code_is_documented_and_every_documented_code_is_one(
    document: dict[str, Any],
) -> None:
    codes = {kind.code: {int(STATUS_OF[kind])} for kind in kinds()}
    codes["internal-error"] = {500}
    # A method that is not there has no place among those that are.
    assert codes.pop("method-not-allowed") == {405}
    assert told_codes(document) == codes


async def test_other_methods_are_told_what_there_is(shop: Shop, document: dict[str, Any]) -> None:
    for path, calls in document["paths"].items():
        plain = path.replace("{", "").replace("}", "")
        allowed = {method.upper() for method in calls}
        if "GET" in allowed:
            allowed.add("HEAD")
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"} - allowed:
            reply = await Fan(shop).call(method, plain)
            assert (reply.status, reply.code) == (405, "method-not-allowed"), (method, path)
            assert set(reply.headers["Allow"].split(", ")) == allowed, (method, path)


def test_the_gate_stands_before_what_the_policy_says() -> None:
    by_name = {each.name: each for each in through_the_gate(OPERATIONS, OUR_SHOP)}
    assert {NotAdmitted, PassExpired} <= set(by_name["reserve"].refusals)
    assert PassExpired not in by_name["show_event"].refusals
    assert [header.name for header in by_name["complete"].headers] == ["Idempotency-Key", "DPoP"]
    # What looks like a reservation is behind the gate; an order is its owner's.
    assert {OrderNotFound, PassExpired} <= set(by_name["show_booking"].refusals)


def test_another_shop_has_no_part_in_it() -> None:
    document = json.loads(Published(own_operations()).plain)
    assert "/api/sales/{sale}/join" in document["paths"]
    assert not [path for path in document["paths"] if path.startswith(("/api/events", "/webhooks"))]


async def test_streams_are_what_the_document_says(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    fan = Fan.inside(shop, sale)
    for path in (f"/api/sales/{sale}/events", f"/api/events/{event}/seats/changes"):
        for headers in ({}, {"Last-Event-ID": "nonsense"}):
            headers |= {"Authorization": f"Bearer {fan.admission}"}
            async with shop.session.get(shop.url + path, headers=headers) as stream:
                assert stream.status == 200
                kind = stream.headers["Content-Type"]
                shop.documented.check("GET", path, stream.status, kind, b"")
    for path in ("/api/sales/nobody/events", "/api/events/nobody/seats/changes"):
        assert (await fan.call("GET", path)).status == 404
    assert (await Fan(shop).call("GET", f"/api/events/{event}/seats/changes")).status == 403


class Wanted(Struct):
    number: int


class Given(Struct):
    double: int


def some_routes() -> ApiRoutes:
    routes = ApiRoutes("some")

    @routes.post("/api/double", refuses=[EventNotFound])
    async def double(request: web.Request, body: Wanted) -> Created[Given] | NoContent:
        """Double it."""
        return Created(Given(2 * body.number))

    return routes


def test_a_call_is_told_of_by_its_types() -> None:
    document = document_of("Some", "1", "", some_routes().operations, PATH_NAMES)
    call = document["paths"]["/api/double"]["post"]
    assert call["summary"] == "Double it."
    assert list(call["responses"]) == ["201", "204", "400", "404", "413", "500"]
    assert RequestInvalid.code in call["responses"]["400"]["description"]
    assert document["components"]["schemas"]["Given"]["properties"] == {
        "double": {"type": "integer"}
    }


def test_what_nobody_has_declared_is_not_routed() -> None:
    routes = ApiRoutes("some")
    with pytest.raises(UndeclaredRoute):

        @routes.get("/api/something")
        async def something(request: web.Request) -> web.Response:
            """Answer something."""
            return web.Response()

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    declared = some_routes().operations
    app = web.Application()
    add_operations(app, declared)
    prove_all_declared(app, declared)
    app.router.add_get("/sales/{sale}", handler)  # a page
    prove_all_declared(app, declared)
    app.router.add_get("/api/other", handler)
    with pytest.raises(UndeclaredRoute, match="/api/other"):
        prove_all_declared(app, declared)


def test_two_calls_of_one_name_are_refused() -> None:
    twice = [*some_routes().operations, *some_routes().operations]
    with pytest.raises(UndeclaredRoute, match="twice"):
        document_of("Some", "1", "", twice, PATH_NAMES)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (202, "application/json", b'{"double": 2}'),
        (201, "text/plain", b"2"),
        (201, "application/json", b'{"double": "2"}'),
        (201, "application/json", b"{}"),
        (204, "", b"2"),
        (404, "application/problem+json", b'{"code": "sale-not-found"}'),
    ],
)
def test_an_answer_that_is_not_in_it_is_seen(status: int, kind: str, body: bytes) -> None:
    document = document_of("Some", "1", "", some_routes().operations, PATH_NAMES)
    documented = Documented(json.dumps(document).encode())
    documented.check("POST", "/api/double?x=1", 201, "application/json", b'{"double": 2}')
    documented.check("POST", "/elsewhere", status, kind, body)
    with pytest.raises(Undocumented):
        documented.check("POST", "/api/double", status, kind, body)
    with pytest.raises(Undocumented):
        documented.check("PUT", "/api/double", 200, "", b"")


def test_json_that_was_made_before_is_sent_as_it_is() -> None:
    assert Json({"a": 1}).body == b'{"a":1}'
