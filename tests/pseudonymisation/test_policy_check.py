"""What of a policy's logs cannot work is said when the policy is checked, not by the night."""

from __future__ import annotations

import pytest
import yaml
from lethe.policy.model.logs import Logs
from lethe.pseudonymisation.policy_check import check_logs


def found(fields: str, **source: object) -> list[tuple[str, str, str]]:
    named = {"files": "raw/*.log", "fields": yaml.safe_load(fields), **source}
    logs = Logs.model_validate({"clause": "retention", "sources": {"web": named}})
    return [
        (each.level, ".".join(map(str, each.place[3:])), each.message) for each in check_logs(logs)
    ]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"(?P<ip>\S+) (?P<ip>\S+)", "duplicate capture group name"),
        (r"(?P<ip>\S+", "unclosed group"),
        (r"(?P<ip>\S+)(?=x)", "look-around"),
        (r"\S+", "no named groups"),
    ],
    ids=["name twice", "open group", "look-ahead", "no names"],
)
def test_a_pattern_that_cannot_work_is_a_fault_with_its_reason(pattern: str, said: str) -> None:
    ((level, place, message),) = found("{ip: {method: token}}", format="pattern", pattern=pattern)
    assert (level, place) == ("fault", "pattern")
    assert said in message


def test_a_format_that_is_none_is_a_fault() -> None:
    ((level, place, message),) = found("{ip: {method: token}}", format="combinedd")
    assert (level, place) == ("fault", "format")
    assert "combined" in message


@pytest.mark.parametrize(
    "source",
    [
        {"format": "combined"},
        {"format": "detect"},
        {"format": "json", "json_fields": {"ip": "remote"}},
        {"format": "pattern", "pattern": r"(?P<ip>\S+)"},
    ],
    ids=["combined", "detect", "json", "pattern"],
)
def test_a_misspelt_field_is_told_for_it_would_be_dropped(source: dict[str, object]) -> None:
    fields = "{ip: {method: ipcrypt-deterministic}, adress: {method: token}}"
    ((level, place, message),) = found(fields, **source)
    wanted = "advice" if source["format"] == "detect" else "alarm"
    assert (level, place) == (wanted, "fields.adress")
    assert "ip" in message


@pytest.mark.parametrize("named", ["common", "combined", "haproxy", "syslog", "w3c", "detect"])
def test_fields_that_a_format_may_have_are_right(named: str) -> None:
    fields = "{ip: {method: ipcrypt-pfx}, time: {method: time}, agent: {method: user-agent}}"
    assert found(fields, format=named) == []


UNFIT = ("status: {method: url}", "time: {method: token}", "ip: {method: time}")


@pytest.mark.parametrize("written", UNFIT)
def test_a_method_that_does_not_fit_is_told_at_its_field(written: str) -> None:
    ((level, place, message),) = found(f"{{{written}}}", format="combined")
    assert (level, place) == ("fault", f"fields.{written.partition(':')[0]}")
    assert "method" in message


def test_a_source_without_fields_and_a_broken_template_are_told() -> None:
    assert [each[:2] for each in found("{}", format="combined")] == [("alarm", "fields")]
    for template in ("{", "/x/{}", "", "customer/{id}"):
        ((level, place, _),) = found(
            f"{{url: {{method: url, path_templates: ['{template}']}}}}", format="combined"
        )
        assert (level, place) == ("fault", "fields.url.path_templates.0")
