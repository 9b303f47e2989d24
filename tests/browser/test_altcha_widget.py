"""The widget that others use with ALTCHA passes at our endpoints, unmodified, under our CSP."""

import re

from playwright.sync_api import Route, expect

from tests.browser.conftest import Profile
from tests.support.npm_packages import npm_packages

PAGE = """<!doctype html><html lang="en"><title>widget</title>
<link rel="stylesheet" href="/widget/external/altcha.css">
<script type="module" src="/widget/register.js"></script>
<form><altcha-widget challenge="/api/sales/demo/challenge" auto="onload"></altcha-widget></form>
</html>"""
REGISTER = """import "/widget/external/altcha.min.js";
$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker("/widget/workers/pbkdf2.js"));
"""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'"
)
TYPES = {".js": "text/javascript", ".css": "text/css"}


def test_the_unmodified_widget_passes(profile: Profile) -> None:
    def serve(route: Route) -> None:
        """Serve the widget's own files from this origin, as a page of the sale would."""
        path = route.request.url.partition("/widget/")[2]
        headers = {"Content-Security-Policy": CSP}
        if path == "page":
            route.fulfill(body=PAGE, content_type="text/html", headers=headers)
        elif path == "register.js":
            route.fulfill(body=REGISTER, content_type="text/javascript")
        else:
            file = npm_packages() / "altcha" / "dist" / path
            route.fulfill(path=file, content_type=TYPES[file.suffix])

    profile.context.route("**/widget/**", serve)
    page = profile.new_page()
    page.goto("/widget/page")
    field = page.locator("input[name=altcha]")
    expect(field).to_have_value(re.compile(".+"))
    payload = field.input_value()

    answer = profile.context.request.post("/api/sales/demo/join", data={"altcha": payload})
    assert answer.status == 201, answer.text()
    assert answer.json()["place"] >= 1

    # Spent: a copy gets nobody in.
    stranger = profile.context.browser
    assert stranger is not None
    context = stranger.new_context(base_url=page.url.partition("/widget/")[0])
    copied = context.request.post("/api/sales/demo/join", data={"altcha": payload})
    assert (copied.status, copied.json()["reason"]) == (403, "replayed")
    context.close()
