"""Parts of a policy, as plain JSON data, in English words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TESTS = {
    "is": "is",
    "equals": "equals",
    "not_equals": "does not equal",
    "in": "is one of",
    "not_in": "is none of",
    "before": "is before",
    "after": "is after",
    "older_than": "is older than",
    "like": "is like",
}


def say_text(text: Mapping[Any, str] | str | None) -> str:
    """Words for people: English if there, else the other language."""
    if text is None or isinstance(text, str):
        return text or "–"
    return text.get("en") or next(iter(text.values()))


def say_value(value: Any) -> str:
    """Any value in short."""
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if set(value) <= {"en", "fr"}:
            return f"'{say_text(value)}'"
        return "; ".join(f"{key} {say_value(part)}" for key, part in value.items() if part)
    if isinstance(value, list | tuple):
        return ", ".join(say_value(part) for part in value)
    return f"'{value}'" if isinstance(value, str) else str(value)


def say_conditions(conditions: Sequence[Mapping[str, Any]] | None) -> str:
    """Conditions that hold together."""
    if not conditions:
        return "(no condition)"
    return " and ".join(_condition(each) for each in conditions)


def _condition(condition: Mapping[str, Any]) -> str:
    for name, word in (("any", " or "), ("all", " and ")):
        if condition.get(name) is not None:
            return f"({word.join(_condition(each) for each in condition[name])})"
    if condition.get("not") is not None:
        return f"not ({_condition(condition['not'])})"
    if condition.get("exists") is not None:
        found = condition["exists"]
        where = f" where {say_conditions(found['where'])}" if found["where"] else ""
        return f"there is a row in {found['table']}{where}"
    for test, words in _TESTS.items():
        if condition.get(test) is not None:
            return f"{condition['column']} {words} {_listed(condition[test])}"
    return str(condition.get("column"))


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def say_start(point: Mapping[str, Any]) -> str:
    """A starting point: the event in words and the columns that it is read from."""
    for choice in ("latest", "earliest", "first_known"):
        if point.get(choice):
            events = ", ".join(_event(each) for each in point[choice])
            words = choice.replace("_", " ")
            break
    else:
        return f"'{say_text(point['event'])}'"
    bound = point.get("not_before")
    after = f", not before {_event(bound)}" if bound else ""
    return f"'{say_text(point['event'])}' ({words} of {events}{after})"


def _event(event: Mapping[str, Any]) -> str:
    column = f"{event['table']}.{event['column']}" if event.get("table") else event["column"]
    where = f" where {say_conditions(event['where'])}" if event.get("where") else ""
    running = event.get("running")
    still = f", still running while {say_conditions(running)}" if running else ""
    return f"{column}{where}{still}"


def say_action(action: Mapping[str, Any]) -> str:
    """What happens to rows that are due."""
    if action["do"] == "erase":
        return "are erased"
    if action["do"] == "skeleton":
        return "are erased, or become skeletons where a row that stays references them"
    parts = []
    if action["blank"]:
        parts.append(f"lose {', '.join(action['blank'])}")
    if action["replace"]:
        parts.append(f"get a replacement in {', '.join(action['replace'])}")
    because = f", because {say_text(action['because'])}" if action.get("because") else ""
    return f"stay{' and ' if parts else ''}{' and '.join(parts)}{because}"


def say_control(control: Mapping[str, Any] | None) -> str:
    """How a promise is kept."""
    if not control:
        return "without control"
    by = f" by {', '.join(control['by'])}" if control.get("by") else ""
    rules = f" (rules: {', '.join(control['rules'])})" if control.get("rules") else ""
    planned = ", not built yet" if control.get("planned") else ""
    because = f", because {say_text(control['because'])}" if control.get("because") else ""
    return f"{control['kind']}{by}{rules}{planned}{because}"
