"""What Schemathesis needs to get past the doors: tickets, passes, proofs of keys, names that exist.

Runs inside of Schemathesis, which reads it by SCHEMATHESIS_HOOKS; FUZZ_FACTS names a file with what
the test has made for it. Nothing here looks at answers: what counts is the published document.
"""

import json
import os
import random
import re
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import requests
import schemathesis
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import MissingHeaderNotRejected

from tests.support.solving import solve

FACTS = json.loads(Path(os.environ["FUZZ_FACTS"]).read_text())
SEEN = Path(FACTS["seen"])
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Which fan asks and whether they say who they are; the seed is the run's own.
RNG = random.Random(FACTS["seed"])
# So often each of these is as a client that means well would have it; else as it was generated.
MEANT_WELL = 0.8
RESERVATION_NAMES = {"reservation", "booking"}


def fan_of(case: schemathesis.Case) -> dict[str, Any]:
    """Whoever asks: the same for everything about a case."""
    found: dict[str, Any] = FACTS["fans"][sum(case.id.encode()) % len(FACTS["fans"])]
    return found


@schemathesis.auth(refresh_interval=None)  # each case has a fan of its own
class TicketOrPass:
    """What the call asks for, if the fan shows it this time; Schemathesis also tries without."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str | None:
        needed = case.operation.definition.raw.get("security")
        if not needed or RNG.random() > MEANT_WELL:
            return None
        return str(fan_of(case)[next(iter(needed[0]))])

    def set(self, case: schemathesis.Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]
) -> None:
    """Make some of the generated cases ones that get further than the door."""
    fan = fan_of(case)
    name_what_exists(case)
    hold_anew(case, fan)
    if RNG.random() < MEANT_WELL:
        fill_in(case, fan)
    takes_proof = "DPoP" in {parameter.name for parameter in case.operation.headers}
    if takes_proof and RNG.random() < MEANT_WELL:
        case.headers["DPoP"] = proof(fan, case.method, case.formatted_path)


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response
) -> None:
    """Note what was answered: the test looks whether anything got past the doors."""
    problem = response.headers.get("content-type", [""])[0].startswith("application/problem")
    code = response.json().get("code", "") if problem and response.content else ""
    with SEEN.open("a") as seen:
        called = case.operation.definition.raw["operationId"]
        seen.write(json.dumps([called, case.method, response.status_code, code]) + "\n")


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case,
    response: schemathesis.Response,
) -> bool:
    """Keep every failure but one opinion.

    Schemathesis wants 401 for a call without a pass. The interface says 403 `not-admitted` and where
    the waiting room is: nobody can sign in here, and a browser would ask for a password.
    """
    is_about_a_pass = isinstance(failure, MissingHeaderNotRejected) and (
        failure.header_name.lower() == "authorization"
    )
    return not (is_about_a_pass and response.status_code == 403)


def name_what_exists(case: schemathesis.Case) -> None:
    for name, value in (case.path_parameters or {}).items():
        is_slug = isinstance(value, str) and SLUG.fullmatch(value)
        is_name = name in FACTS["names"] and (is_slug or name not in ("sale", "event"))
        if is_name and RNG.random() < MEANT_WELL:
            case.path_parameters[name] = RNG.choice(FACTS["names"][name])


def hold_anew(case: schemathesis.Case, fan: dict[str, Any]) -> None:
    """Let a call about a reservation be about a live one of the fan's, now and then."""
    wants_one = RESERVATION_NAMES & (case.path_parameters or {}).keys()
    body = case.body if isinstance(case.body, dict) else {}
    if (not wants_one and "reservation_id" not in body) or RNG.random() > MEANT_WELL:
        return
    held = requests.post(
        f"{FACTS['url']}/api/bookings/reserve",
        json={"event_id": FACTS["names"]["event"][0], "stock": {"tier": "print", "quantity": 1}},
        headers={"Authorization": f"Bearer {fan['pass']}"},
        timeout=10,
    )
    if held.status_code != 201:
        return
    for name in wants_one:
        case.path_parameters[name] = held.json()["reservation_id"]
    if "reservation_id" in body:
        body["reservation_id"] = held.json()["reservation_id"]


def fill_in(case: schemathesis.Case, fan: dict[str, Any]) -> None:
    body = case.body
    if not isinstance(body, dict):
        return
    for name, values in FACTS["fields"].items():
        if isinstance(body.get(name), str):
            body[name] = RNG.choice(values)
    if isinstance(body.get("seat_ids"), list):
        body["seat_ids"] = RNG.sample(FACTS["seats"], k=min(len(body["seat_ids"]), 4))
    if case.operation.path == "/api/bookings/complete":
        # Else most orders end where a key or an address is missed, and none is ever paid.
        body["idempotency_key"], body["email"] = uuid.uuid4().hex, "fan@mail.example"
    if isinstance(body.get("ticket"), str):
        body["ticket"] = fan["ticket"]
    if isinstance(body.get("user_id"), str):
        body["user_id"] = fan["fan_id"]
    if isinstance(body.get("altcha"), str) or isinstance(body.get("answer"), str):
        sale = case.path_parameters["sale"]
        challenge = requests.get(f"{FACTS['url']}/api/sales/{sale}/challenge", timeout=10)
        if challenge.status_code == 200:
            body["altcha" if "altcha" in body else "answer"] = solve(challenge.json())


def proof(fan: dict[str, Any], method: str, path: str) -> str:
    claims = {
        "htm": method, "htu": FACTS["url"] + path, "iat": int(time.time()), "jti": uuid.uuid4().hex,
    }  # fmt: skip
    key = load_pem_private_key(fan["key"].encode(), None)
    headers = {"typ": "dpop+jwt", "jwk": fan["jwk"]}
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)  # type: ignore[arg-type]
