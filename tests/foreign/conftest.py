"""Foreign servers for the tests of this folder."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures here, the running system first: other folders load it as a plugin, too."""
    config.pluginmanager.import_plugin("tests.running_system")
    config.pluginmanager.import_plugin("tests.foreign.servers")
