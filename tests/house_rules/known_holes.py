"""Ask whether any pinned version has a published hole: `python -m tests.house_rules.known_holes`.

Fails for a hole that was found. Where nobody can be asked it says so, and fails nothing: checks must run
without the internet, too.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).parents[2] / "constraints.txt"
# Longer than an answer takes; a network that answers nothing should not hold up every check.
ANSWER_SECONDS = 5
AUDIT_SECONDS_MAX = 240
# What the tool ends with when there is no way to the service.
NO_WAY = re.compile(
    r"^(requests\.exceptions\.\w*(Connection|Proxy|Timeout|SSL)\w*|pip_audit\.\S*ConnectionError)\b",
    re.MULTILINE,
)


def verdict(exit_code: int, output: str, errors: str) -> tuple[int, str]:
    """Return the exit code and the sentence for what the tool came to."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        if NO_WAY.search(errors):
            return 0, "Known holes: NOT CHECKED, the advisory service cannot be reached."
        return 1, f"Known holes: pip-audit failed ({exit_code}):\n{errors[-2000:]}"
    holes = [
        f"  {package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in packages
        for hole in package.get("vulns", ())
    ]
    if holes:
        return 1, "Known holes:\n" + "\n".join(holes)
    asked = sum("skip_reason" not in package for package in packages)
    if asked == 0:
        return 0, "Known holes: NOT CHECKED, the index in use publishes no advisories."
    return 0, f"Known holes: none in {asked} packages, {len(packages) - asked} not checked."


def audit(pins: Path) -> tuple[int, str]:
    """Ask about the pins of a file; return the exit code and the sentence."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--no-deps"),
        *("--disable-pip", "--format", "json", "--progress-spinner", "off"),
        *("--timeout", str(ANSWER_SECONDS), "--cache-dir", str(pins.parent / ".cache/pip-audit")),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=AUDIT_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return 0, "Known holes: NOT CHECKED, the advisory service does not answer in time."
    return verdict(done.returncode, done.stdout, done.stderr)


if __name__ == "__main__":
    code, sentence = audit(PINS)
    sys.stdout.write(sentence + "\n")
    sys.exit(code)
