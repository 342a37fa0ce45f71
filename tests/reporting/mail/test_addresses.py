"""Which addresses lead a reader somewhere."""

from __future__ import annotations

import pytest
from lethe.reporting.mail.addresses import is_loopback


@pytest.mark.parametrize(
    ("url", "is_nearby"),
    [
        ("http://127.0.0.1:8080/plugin/lethe", True),
        ("http://127.8.0.1", True),
        ("http://[::1]:8080", True),
        ("http://0.0.0.0:8080", True),
        ("http://LOCALHOST.:8080", True),
        ("http://airflow.localhost", True),
        ("https://airflow.example.org/plugin/lethe", False),
        ("http://10.0.0.7:8080", False),
        ("https://localhost.example.org", False),
        ("", False),
    ],
)
def test_only_an_address_of_the_very_machine_is_loopback(url: str, *, is_nearby: bool) -> None:
    assert is_loopback(url) is is_nearby
