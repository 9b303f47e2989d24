"""A ring and a clock of its own for each test."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from groundwork.device_proof import DeviceProofs
from groundwork.keys import KeyRing
from groundwork.tokens import Tokens


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def ring(key_file: Path) -> KeyRing:
    return KeyRing.generate(key_file)


@pytest.fixture
def tokens(ring: KeyRing, clock: ManualClock) -> Tokens:
    return Tokens(ring, clock)


@pytest.fixture
def proofs(clock: ManualClock) -> DeviceProofs:
    return DeviceProofs(clock)
