"""What is installed is what was tested: every package that may be taken has its version written down."""

import re
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.+!-]+)$")
HOW = "run `make pins`, then the tests"


def canonical(name: str) -> str:
    """The name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [PIN.match(line) for line in lines if line and not line.startswith("#")]
    assert all(found), "one `name==version` a line, and nothing of where it came from"
    return {canonical(each["name"]): each["version"] for each in found if each}


def test_every_package_we_name_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {canonical(re.split(r"[\[<>=~ ]", each, maxsplit=1)[0]) for each in named}
    assert names <= set(pins()), HOW


def test_what_only_older_pythons_take_is_pinned_too() -> None:
    debian = {**default_environment(), "python_version": "3.11", "python_full_version": "3.11.2"}
    wanted = set()
    for each in metadata.distributions():
        for requirement in map(Requirement, each.requires or ()):
            marker = requirement.marker
            if marker and marker.evaluate({**debian, "extra": ""}):
                wanted.add(canonical(requirement.name))
    assert wanted <= set(pins()), HOW


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = pins()
    installed = {canonical(each.name): each.version for each in metadata.distributions()}
    for tool in ("onsale", "pip", "setuptools", "wheel"):
        installed.pop(tool, None)
    assert {
        name: version for name, version in installed.items() if pinned.get(name) != version
    } == {}, HOW
