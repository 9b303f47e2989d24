"""Offers the running system to the tests of this folder."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Imported once however many folders ask for it, so that all share one system.
    config.pluginmanager.import_plugin("tests.running_system")
