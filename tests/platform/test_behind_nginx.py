"""deploy/nginx.conf as it is, in a real nginx, in front of a real system."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.counted_soon import TOLD_EVERY_SECONDS
from groundwork.networks import trusted_networks
from tests.platform.processes import REPOSITORY, open_folder, wait_until
from tests.platform.whole_system import Buyer, Up, ask, started_up
from tests.running_system import free_port

pytestmark = pytest.mark.timeout(300)

CONFIG = REPOSITORY / "deploy/nginx.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
POLLS = 200
# The board lives for a second; so many seconds may 200 polls take on a busy machine.
ASKED_MAX = 20


@pytest.fixture(scope="module")
def system() -> Iterator[Up]:
    with open_folder() as folder, started_up(folder / "data", "--demo") as up:
        yield up


@contextmanager
def edge(gateway_url: str) -> Iterator[str]:
    """Run nginx, with the configuration moved to this machine's ports and folders; its address."""
    if not Path(NGINX).exists():
        pytest.skip("nginx is not installed")
    with open_folder() as folder:
        port = free_port()
        config = CONFIG.read_text("utf-8")
        temporary = " ".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        for ours, theirs in (
            ("http://gateway:8080", gateway_url),
            ("listen 8080", f"listen 127.0.0.1:{port}"),
            ("/tmp/onsale-boards", f"{folder}/boards"),
            ("worker_rlimit_nofile 65536;", ""),
            ("access_log off;", f"access_log off; {temporary}"),
        ):
            assert ours in config, ours
            config = config.replace(ours, theirs)
        (folder / "nginx.conf").write_text(config)
        settings = f"daemon off; pid {folder}/pid; error_log stderr;"
        with subprocess.Popen((NGINX, "-c", str(folder / "nginx.conf"), "-g", settings)) as nginx:
            url = f"http://127.0.0.1:{port}"
            wait_until("nginx answers", lambda: ask(f"{url}/")[0] == 200)
            yield url
            nginx.terminate()


@pytest.fixture(scope="module")
def edge_url(system: Up) -> Iterator[str]:
    with edge(system.url) as url:
        yield url


class Echo(BaseHTTPRequestHandler):
    """Answers what it was asked with."""

    def do_GET(self) -> None:
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo_url() -> Iterator[str]:
    """nginx in front of a server that answers what it was asked with."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        Thread(target=echo.serve_forever, daemon=True).start()
        with edge(f"http://127.0.0.1:{echo.server_port}") as url:
            yield url
        echo.shutdown()


def passed_on_with(url: str, headers: dict[str, str]) -> Message:
    """The headers that get through nginx; urllib says `Connection: close` of itself."""
    port = int(url.rpartition(":")[2])
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/sales/demo", headers=headers)
    told = connection.getresponse().read().decode()
    connection.close()
    return message_from_string(told)


def test_a_websocket_is_asked_for_and_every_other_connection_may_be_kept(echo_url: str) -> None:
    asked = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}
    passed_on = passed_on_with(echo_url, asked)
    assert passed_on.get_all("Connection") == ["upgrade"]
    assert passed_on.get_all("Upgrade") == ["websocket"]
    for other in ({}, {"Connection": "close"}, {"Connection": "Upgrade", "Upgrade": "h2c"}):
        passed_on = passed_on_with(echo_url, other)
        assert passed_on.get_all("Connection") is passed_on.get_all("Upgrade") is None


def test_a_body_may_be_as_long_as_the_gateway_passes_on(echo_url: str) -> None:
    longest = bytes(OriginSettings().origin_body_bytes_max)
    with urlopen(Request(f"{echo_url}/upload", data=longest)) as answer:
        assert answer.status == 200
    with pytest.raises(HTTPError, match="413"):
        urlopen(Request(f"{echo_url}/upload", data=longest + b"x"))


def test_who_asks_is_nginxs_word_and_not_the_clients(echo_url: str) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with urlopen(Request(f"{echo_url}/sales/demo", headers=claimed)) as answer:
        passed_on = message_from_string(answer.read().decode())
    assert passed_on.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert passed_on.get_all("X-Forwarded-Proto") == ["http"]


def boards_asked_for(system: Up) -> float:
    text = ask(f"http://127.0.0.1:{system.operator_port}/metrics")[1].decode()
    counts = re.findall(r'onsale_http_requests_total\{.*/status".*\} ([0-9.]+)', text)
    return sum(map(float, counts))


def test_a_crowd_of_polls_is_a_few_for_the_gateway(system: Up, edge_url: str) -> None:
    before = boards_asked_for(system)
    answers = [ask(f"{edge_url}/api/sales/demo/status") for _ in range(POLLS)]
    assert {status for status, _ in answers} == {200}
    # Each gateway counts what it answered within a moment.
    wait_until("the polls are counted", lambda: boards_asked_for(system) > before)
    time.sleep(2 * TOLD_EVERY_SECONDS)
    assert boards_asked_for(system) - before <= ASKED_MAX


def test_a_fan_buys_through_it(edge_url: str) -> None:
    Buyer(edge_url).buy()


def test_streams_come_at_once(edge_url: str) -> None:
    host, _, port = edge_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET /api/sales/demo/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received = b""
        while b"event: board" not in received:
            received += connection.recv(65_536)
    assert received.startswith(b"HTTP/1.1 200")


class _Override(yaml.SafeLoader):
    """Knows compose's `!reset`, which takes out what the other file says."""


_Override.add_constructor("!reset", lambda *_: [])


def test_the_override_suits_the_compose_file() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
    text = (REPOSITORY / "deploy/behind-nginx.yml").read_text("utf-8")
    override = yaml.load(text, Loader=_Override)
    gateway = override["services"]["gateway"]
    assert gateway["ports"] == []
    assert trusted_networks(gateway["environment"]["TRUSTED_PROXIES"])
    edge = override["services"]["edge"]
    check = edge["healthcheck"]["test"]
    asked = check[check.index("--header") + 1].removeprefix("Host: ")
    names = compose["services"]["gateway"]["environment"]["HOSTS"]
    public = GatewaySettings(public_url="https://fans.example", hosts=names)
    assert public.allowed_hosts().takes(asked)
    assert edge["ports"] == compose["services"]["gateway"]["ports"]
    assert set(edge["depends_on"]) <= set(compose["services"])
    for volume in edge["volumes"]:
        assert (REPOSITORY / volume.partition(":")[0]).exists()
