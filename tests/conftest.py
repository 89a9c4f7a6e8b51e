import pytest

from glimpse_server import Server


@pytest.fixture(scope="session")
def server():
    """One server for all tests that do not kill it."""
    with Server() as running:
        yield running
