"""One server that speaks like each CAPTCHA provider: what it takes, and what it answers."""

import asyncio
import json
from collections import Counter
from typing import Any

from aiohttp import web

SECRET = "secret of the tests"
SITE_KEY = "site key of the tests"
# What a token is named after decides what comes of it; "good-..." passes once.
FAILURES = {
    "turnstile": {"late": "timeout-or-duplicate", "spent": "timeout-or-duplicate",
                  "forged": "invalid-input-response", "ours": "invalid-input-secret",
                  "theirs": "internal-error"},
    "hcaptcha": {"late": "expired-input-response", "spent": "invalid-or-already-seen-response",
                 "forged": "invalid-input-response", "ours": "sitekey-secret-mismatch",
                 "theirs": "bad-request"},
    "recaptcha": {"late": "timeout-or-duplicate", "spent": "timeout-or-duplicate",
                  "forged": "invalid-input-response", "ours": "invalid-input-secret",
                  "theirs": "bad-request"},
    "friendly": {"late": "response_timeout", "spent": "response_duplicate",
                 "forged": "response_invalid", "ours": "auth_invalid", "theirs": "bad_request"},
}  # fmt: skip


class CaptchaServer:
    """Counts what it was asked, remembers what was used, and can be slow or broken for a while."""

    def __init__(self) -> None:
        self.used: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.is_broken = 0
        self.loses_answers = 0
        self.app = web.Application()
        self.app.router.add_post("/{kind}", self.verify)

    async def verify(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        self.asked[kind] += 1
        if self.is_broken:
            self.is_broken -= 1
            return web.Response(status=502, text="<html>bad gateway</html>")
        fields = await self._fields(request, kind)
        response = self._answer(kind, fields)
        if self.loses_answers:
            self.loses_answers -= 1
            assert request.transport
            request.transport.close()
            await asyncio.sleep(0)
        return response

    async def _fields(self, request: web.Request, kind: str) -> dict[str, str]:
        """Take what the provider takes, and nothing else."""
        if kind == "friendly":
            assert request.content_type == "application/json"
            content = await request.json()
            assert set(content) == {"response", "sitekey"}
            return {**content, "secret": request.headers.get("X-API-Key", "")}
        assert request.content_type == "application/x-www-form-urlencoded"
        fields = {name: str(value) for name, value in (await request.post()).items()}
        more = {"turnstile": {"idempotency_key"}, "hcaptcha": {"sitekey"}}.get(kind, set())
        assert set(fields) == {"secret", "response"} | more
        return fields

    def _answer(self, kind: str, fields: dict[str, str]) -> web.Response:
        token, once = fields["response"], fields.get("idempotency_key", "")
        word = token.partition("-")[0]
        if fields["secret"] != SECRET or fields.get("sitekey", SITE_KEY) != SITE_KEY:
            word = "ours"
        elif token in self.used and not (once and self.used[token] == once):
            word = "spent"
        self.used[token] = once
        if word == "garbage":
            return web.Response(text="<html>maintenance</html>", content_type="application/json")
        if word in FAILURES[kind]:
            return self._failure(kind, FAILURES[kind][word])
        host = "evil.example" if word == "elsewhere" else "tickets.example"
        if kind == "friendly":
            return _json({"success": True, "data": {
                "event_id": "ev_1", "challenge": {"timestamp": "2026-11-26T12:00:00Z", "origin": host},
                "risk_intelligence": None,
            }})  # fmt: skip
        answer: dict[str, Any] = {
            "success": True, "challenge_ts": "2026-11-26T12:00:00Z", "hostname": host,
        }  # fmt: skip
        if kind == "turnstile":
            answer |= {"error-codes": [], "action": "step-up", "cdata": token.partition("@")[2]}
        if kind == "hcaptcha":
            answer |= {"credit": True}
        return _json(answer)

    @staticmethod
    def _failure(kind: str, code: str) -> web.Response:
        if kind != "friendly":
            return _json({"success": False, "error-codes": [code]})
        status = 401 if code.startswith("auth") else 400 if code == "bad_request" else 200
        return _json(
            {"success": False, "error": {"error_code": code, "detail": "in words"}}, status
        )


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(content), status=status, content_type="application/json")
