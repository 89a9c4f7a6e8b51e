"""What is made ahead is the operator's choice, and nothing is one of them."""
import pytest

from glimpse_server import Server


@pytest.mark.parametrize("config", [{"pool": 0, "warm": 0}, {"pool": 0, "warm": 1}, {"pool": 1, "warm": 0}], ids=str)
def test_any_pool_serves(config):
    with Server(config=config) as server:
        for n in range(5):
            for language, code in (("bash", f"echo {n}"), ("python", f"print({n})")):
                assert server.run({"language": language, "code": code})["stages"]["run"]["stdout"] == f"{n}\n"
