"""Other fans in a line, for pictures of a waiting room that is not empty."""

import http.client
import re
import time
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

# A form without a proof of work is taken ten seconds after it was shown.
WAIT_SECONDS: Final = 10.5
TOKEN: Final = re.compile(rb'name="wait_token" value="([^"]+)"')


# So few forms of one address are taken at once; the crowd comes from as many as it needs.
FANS_PER_ADDRESS: Final = 5


def join_crowd(port: int, sale_id: str, fans: int) -> None:
    """Put so many fans into the line, as browsers without JavaScript come in."""
    homes = [
        http.client.HTTPConnection("127.0.0.1", port, source_address=(f"127.0.1.{number}", 0))
        for number in range(1, 2 + fans // FANS_PER_ADDRESS)
    ]
    waiting = [(home, wait_token(home, sale_id)) for home in homes for _ in range(FANS_PER_ADDRESS)]
    time.sleep(WAIT_SECONDS)
    for home, token in waiting[:fans]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"wait_token": token})
        home.request("POST", f"/sales/{sale_id}/join", body, headers)
        answer = home.getresponse()
        answer.read()
        assert answer.status == HTTPStatus.SEE_OTHER, answer.status
    for home in homes:
        home.close()


def wait_token(home: http.client.HTTPConnection, sale_id: str) -> str:
    """Look at the page, and take what its form would send."""
    home.request("GET", f"/sales/{sale_id}", headers={"Accept": "text/html"})
    found = TOKEN.search(home.getresponse().read())
    assert found, "the page offers no form to those without a script"
    return found[1].decode()
