"""What `onsale gateway` and `onsale up` make of a certificate, a plain port and a public address."""

from pathlib import Path

from click.testing import CliRunner

from groundwork.keys import KeyRing
from onsale.cli import main
from onsale.data_dir import DataDir
from onsale.stores import Stores
from onsale.up import environment
from onsale.up_options import UpOptions

CERTIFICATE = {"tls_certificate": "/etc/fullchain.pem", "tls_key": "/etc/privkey.pem"}


def options(folder: Path, **changes: object) -> UpOptions:
    given: dict[str, object] = {
        "host": "0.0.0.0", "port": 8443, "operator_port": 9090, "provider_port": 8082,
        "data_dir": folder, "workers": 1, "is_demo": False,
    }  # fmt: skip
    return UpOptions(**{**given, **changes})  # type: ignore[arg-type]


def told(folder: Path, environ: dict[str, str], **changes: object) -> dict[str, str]:
    """What the processes of `onsale up` are told."""
    data_dir = DataDir(path=folder, id="one", lock=-1, run=folder)
    if not data_dir.keys_file.exists():
        KeyRing.generate(data_dir.keys_file)
    stores = Stores("unix:///redis", "postgresql:///db", servers=(), origins=("here", "here"))
    return environment(options(folder, **changes), environ, data_dir, stores, folder / "metrics")


def test_with_a_certificate_all_of_it_is_over_https(tmp_path: Path) -> None:
    with_tls = options(tmp_path, **CERTIFICATE, redirect_port=8080)
    assert with_tls.gateway_url == "https://localhost:8443"
    assert with_tls.near_url == "https://127.0.0.1:8443"
    assert with_tls.redirect_arguments == ("--redirect-port", "8080")
    plain = options(tmp_path)
    assert (plain.gateway_url, plain.redirect_arguments) == ("http://localhost:8443", ())


def test_up_answers_to_its_own_number_and_to_what_fans_type(tmp_path: Path) -> None:
    environ = told(tmp_path, {}, **CERTIFICATE)
    assert environ["PUBLIC_URL"] == environ["SHOP_URL"] == "https://localhost:8443"
    assert environ["HOSTS"] == "127.0.0.1"
    assert environ["PRACTICE_WEBHOOK_CERTIFICATE"] == CERTIFICATE["tls_certificate"]
    asked = {"PUBLIC_URL": "https://fans.example", "HOSTS": "tickets.example"}
    environ = told(tmp_path, asked, **CERTIFICATE)
    assert environ["PUBLIC_URL"] == environ["SHOP_URL"] == "https://fans.example"
    assert environ["HOSTS"] == "tickets.example,127.0.0.1"
    assert told(tmp_path, {})["PUBLIC_URL"] == ""
    assert told(tmp_path, {"SHOP_URL": ""})["SHOP_URL"] == "http://localhost:8443"


def test_nobody_is_sent_to_https_that_is_not_there(tmp_path: Path) -> None:
    environ = {
        "REDIS_URL": "unix:///nowhere/redis.sock",
        "DATABASE_URL": "postgresql:///onsale?host=/nowhere",
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "PUBLIC_URL": "http://fans.example",
    }
    result = CliRunner().invoke(main, ["gateway", "--redirect-port", "8080"], env=environ)
    assert result.exit_code == 1
    assert "--redirect-port needs a PUBLIC_URL that begins with https://" in result.output
