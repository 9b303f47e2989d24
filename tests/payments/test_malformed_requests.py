"""Whatever is sent to the provider, the answer has Stripe's shape and is not its own fault."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payments_world import SECRET_KEY, World, opened_world

INTENTS = "/v1/payment_intents"
FORM = "application/x-www-form-urlencoded"
GOOD = {"amount": "2500", "currency": "eur"}


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "eur"}, "parameter_missing", "amount"),
        ({"amount": "2500"}, "parameter_missing", "currency"),
        (GOOD | {"amount": "25.00"}, "parameter_invalid_integer", "amount"),
        (GOOD | {"amount": "0"}, "parameter_invalid_integer", "amount"),
        (GOOD | {"amount": "-1"}, "parameter_invalid_integer", "amount"),
        (GOOD | {"amount": "9" * 5000}, "parameter_invalid_string", "amount"),
        (GOOD | {"amount": "٣"}, "parameter_invalid_integer", "amount"),
        (GOOD | {"currency": "euros"}, None, "currency"),
        (GOOD | {"capture_method": "soon"}, None, "capture_method"),
        (GOOD | {"confirm": "maybe"}, None, "confirm"),
        (GOOD | {"return_url": "javascript:alert(1)"}, "url_invalid", "return_url"),
        (GOOD | {"return_url": "https://a b; script-src *"}, "url_invalid", "return_url"),
        (GOOD | {"payment_method": "pm_x"}, "resource_missing", "payment_method"),
        (GOOD | {"amuont": "1"}, "parameter_unknown", "amuont"),
        (GOOD | {"metadata": "order"}, None, "metadata"),
        (GOOD | {"metadata[order][id]": "1"}, None, "metadata"),
        (GOOD | {"metadata[" + "k" * 41 + "]": "1"}, None, "metadata"),
        (GOOD | {"metadata[order]": "v" * 501}, None, "metadata"),
        (GOOD | {f"metadata[{n}]": "1" for n in range(51)}, None, "metadata"),
        (GOOD | {"amount[x]": "1"}, None, "amount"),
        (GOOD | {"a[b][c][d]": "1"}, None, "a[b][c][d]"),
        (GOOD | {"[": "1"}, None, "["),
    ],
)
async def test_a_wrong_parameter_is_named(
    world: World, params: dict[str, str], code: str | None, param: str
) -> None:
    answer = await world.post(INTENTS, params)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert (answer.error.get("code"), answer.error["param"]) == (code, param)
    assert answer.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/payment_intents/pi_nobody", 404),
        ("POST", "/v1/payment_intents/pi_nobody/cancel", 404),
        ("POST", "/v1/payment_intents/pi_nobody/confirm", 404),
        ("GET", "/v1/charges", 404),
        ("DELETE", "/v1/payment_intents", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/payment_intents?limit=101", 400),
        ("GET", "/v1/payment_intents?limit=x&frob=1", 400),
        ("GET", "/v1/payment_intents?%ff=%ff", 400),
        ("POST", "/v1/refunds", 400),
    ],
)
async def test_what_is_not_there_has_the_same_shape(
    world: World, method: str, path: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    async with world.session.request(method, world.url + path, headers=headers) as response:
        body = await response.json()
    assert response.status == status
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["message"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer sk_wrong", "Basic !!", "Basic c2tfd3Jvbmc6", "Digest x", "Bearer ü"],
)
@pytest.mark.parametrize("path", [INTENTS, "/practice/ledger", "/v1/nowhere"])
async def test_nothing_is_told_without_the_key(world: World, authorization: str, path: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with world.session.get(world.url + path, headers=headers) as response:
        assert response.status == 401
        assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_the_key_may_be_a_name_without_a_password(world: World) -> None:
    headers = {"Authorization": "Basic c2tfdGVzdF9wcmFjdGljZTo="}
    async with world.session.get(world.url + INTENTS, headers=headers) as response:
        assert response.status == 200


async def test_a_body_of_another_kind_or_size_is_refused(world: World) -> None:
    for body, kind, status in (
        (b'{"amount":1}', "application/json", 400),
        (b"amount=" + b"1" * 200_000, FORM, 413),
        (b"a=%ff&amount=1", FORM, 400),
        (b"\xff\xfe", FORM, 400),
        (b"&".join(b"a%d=1" % n for n in range(200)), FORM, 400),
    ):
        async with world.session.post(
            world.url + INTENTS,
            data=body,
            headers={"Content-Type": kind, "Authorization": f"Bearer {SECRET_KEY}"},
        ) as response:
            assert response.status == status
            assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_a_confirmation_without_a_payment_method_is_refused(world: World) -> None:
    answer = await world.post(f"{INTENTS}/{await world.new()}/confirm")
    assert answer.status == 400
    assert "payment method" in answer.error["message"]


async def test_the_provider_says_that_it_lives_to_anybody(world: World) -> None:
    async with world.session.get(world.url + "/health/live") as response:
        assert response.status == 200


NAMES = st.sampled_from(
    ["amount", "currency", "metadata[a]", "metadata", "confirm", "expand[]", "expand", "return_url"]
) | st.text(max_size=20)
VALUES = st.sampled_from(["1", "eur", "true", "card_ok", "manual", ""]) | st.text(max_size=20)
FORMS = st.dictionaries(NAMES, VALUES, max_size=8)


@given(forms=st.lists(FORMS, min_size=20, max_size=20), junk=st.lists(st.binary(), max_size=10))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_form_makes_the_provider_fail(forms: list[Any], junk: list[bytes]) -> None:
    async def send_all() -> None:
        async with opened_world(webhooks=False) as world:
            headers = {"Content-Type": FORM, "Authorization": f"Bearer {SECRET_KEY}"}
            intent_id = await world.new()
            for path in (INTENTS, f"{INTENTS}/{intent_id}/confirm", "/v1/refunds"):
                for data in [*forms, *junk]:
                    if isinstance(data, bytes):
                        body: Any = data
                    else:
                        body = "&".join(f"{name}={value}" for name, value in data.items())
                    async with world.session.post(
                        world.url + path, data=body, headers=headers
                    ) as response:
                        assert response.status < 500, data
                        assert isinstance(await response.json(), dict)

    asyncio.run(send_all())
