"""What a new edition of the policy changes, said in the language of whoever decides about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lethe.policy.diff import Change, Place
from lethe.policy.periods import Period
from lethe.reporting.papers.durations import spell
from lethe.reporting.words import Wording, choose, wording

_PERIOD: Final = re.compile(r"P(?=\d)(\d+[YMWD])+")
_TESTS: Final = (
    "is", "equals", "not_equals", "in", "not_in", "before", "after", "older_than", "like",
)  # fmt: skip
_STARTS: Final = ("latest", "earliest", "first_known")


def say_policy_change(change: Change, language: str) -> str:
    """Say one difference of two editions in a language of the reports.

    Names of rules, tables and columns stay as the file writes them. What is approved is bound to
    the change itself, not to these words.
    """
    return _Teller(wording(language, "changes")).tell(change)


class _Teller:
    def __init__(self, words: Wording) -> None:
        self.words = words
        self.papers = wording(words.language)

    def tell(self, change: Change) -> str:
        section, rest = change.place[0], change.place[1:]
        if not rest or not self.words.has(f"name.{section}"):
            return self._plainly(".".join(change.place), change)
        name, inner = self._say(f"name.{section}", name=rest[0]), rest[1:]
        if not inner:
            return self._whole(section, name, change)
        said = None
        if section == "rules":
            said = self._of_rule(name, inner, change)
        elif section == "tables":
            said = self._of_table(name, inner, change)
        elif inner == ("control",):
            said = self._both("control", name, self._control, change)
        elif inner == ("promise",):
            said = self._both("promise", name, self._text, change)
        if said is None and inner[-1] == "where":
            said = self._both("claims", name, self._conditions, change)
        return said or self._plainly(self._say("inside", name=name, inner=".".join(inner)), change)

    def _say(self, key: str, **values: object) -> str:
        return self.words.say(key, **values)

    def _text(self, text: Any) -> str:
        return choose(text, self.words.language) or self._say("none")

    def _both(self, key: str, name: str, said: Any, change: Change) -> str:
        before, after = said(change.before).rstrip("."), said(change.after).rstrip(".")
        return self._say(key, name=name, before=before, after=after)

    def _plainly(self, what: str, change: Change) -> str:
        before, after = self._value(change.before), self._value(change.after)
        kind = change.kind if change.kind in ("added", "removed") else "changed"
        return self._say(f"plain.{kind}", what=what, before=before, after=after)

    def _value(self, value: Any) -> str:
        if value is None or value == [] or value == {}:
            return self._say("none")
        if isinstance(value, bool):
            return self._say("yes" if value else "no")
        if isinstance(value, Mapping):
            if set(value) <= {"en", "fr"}:
                return self._say("quoted", text=self._text(value))
            return ", ".join(f"{key} {self._value(part)}" for key, part in value.items() if part)
        if isinstance(value, list | tuple):
            return ", ".join(self._value(part) for part in value)
        if isinstance(value, str):
            is_period = _PERIOD.fullmatch(value)
            return self._period(value) if is_period else self._say("quoted", text=value)
        return self.words.number(value) if isinstance(value, int | float) else str(value)

    def _period(self, period: str) -> str:
        return spell(Period.parse(period), self.papers)

    def _whole(self, section: str, name: str, change: Change) -> str:
        value = change.before if change.kind == "removed" else change.after
        detail = self._detail(section, value).rstrip(".")
        return self._say(f"whole.{change.kind}", name=name, detail=detail or self._say("none"))

    def _detail(self, section: str, value: Mapping[str, Any]) -> str:
        if section == "rules":
            return self._say(
                "detail.rules",
                title=self._text(value["title"]),
                cluster=value["cluster"],
                clause=value["clause"],
                period=self._period(value["period"]),
                start=self._start(value["starting_point"]),
            )
        if section == "clauses":
            promise = self._text(value["promise"]).rstrip(".")
            return self._say(
                "detail.clauses", promise=promise, control=self._control(value["control"])
            )
        if section == "tables":
            clusters = value["cluster"] or [part["cluster"] for part in value["rows"]]
            count = len(value["columns"])
            return self.words.count("detail.tables", count, cluster=self._value(clusters))
        if section == "processors":
            gets = [self.papers.code("record.class", each) for each in value["receives"]]
            country = self.words.locale.territories.get(value["country"], value["country"])
            receives = self.words.list(gets) or self._say("nothing")
            name = value["name"]
            return self._say("detail.processors", name=name, country=country, receives=receives)
        told = {
            "clusters": ("subject", value.get("subject")),
            "purposes": ("basis", self.papers.code("record.basis", str(value.get("basis")))),
            "subjects": ("table", value.get("table") or self._say("query")),
            "systems": ("kind", self.papers.code("system", str(value.get("kind")))),
        }
        if section not in told:
            return ""
        key, said = told[section]
        return self._say(f"detail.{section}", title=self._text(value["title"]), **{key: said})

    def _of_rule(self, name: str, inner: Place, change: Change) -> str | None:
        if inner == ("period",):
            kind = change.kind if change.kind in ("longer", "shorter") else "otherwise"
            before, after = self._period(change.before), self._period(change.after)
            return self._say(f"rule.{kind}", name=name, before=before, after=after)
        if inner[0] == "at_least" and len(inner) >= 2:
            return self._of_minimum(name, inner, change)
        if inner == ("starting_point",):
            return self._both("rule.starts", name, self._start, change)
        if inner == ("newer_rows",) and change.after in ("stop", "ignore"):
            return self._say(f"rule.newer.{change.after}", name=name)
        return None

    def _of_minimum(self, name: str, inner: Place, change: Change) -> str | None:
        country = self.words.locale.territories.get(inner[1], inner[1])
        if len(inner) == 2:
            is_gone = change.after is None
            value = change.before if is_gone else change.after
            return self._say(
                "minimum.removed" if is_gone else "minimum.added",
                name=name,
                country=country,
                period=self._period(value["period"]),
                law=value["law"],
            )
        if inner[2:] == ("period",):
            before, after = self._period(change.before), self._period(change.after)
            return self._say(
                "minimum.changed", name=name, country=country, before=before, after=after
            )
        return None

    def _of_table(self, name: str, inner: Place, change: Change) -> str | None:
        if inner == ("when_due",):
            return self._both("table.when_due", name, self._action, change)
        if inner == ("cluster",):
            return self._both("table.cluster", name, self._value, change)
        if inner[0] != "columns":
            return None
        if len(inner) == 2:
            kind = "removed" if change.after is None else "added"
            value = change.before if kind == "removed" else change.after
            sort = self.papers.code("record.class", str(value["class"]))
            return self._say(f"column.{kind}", name=name, column=inner[1], sort=sort)
        if inner[2:] == ("class",):
            before = self.papers.code("record.class", str(change.before))
            after = self.papers.code("record.class", str(change.after))
            return self._say(
                "column.changed", name=name, column=inner[1], before=before, after=after
            )
        return None

    def _control(self, control: Mapping[str, Any] | None) -> str:
        if not control:
            return self._say("control.none")
        wings = [self.papers.code("wing", each) for each in control.get("by") or ()]
        said = [self._say(f"control.{control['kind']}", by=self.words.list(wings))]
        if control.get("rules"):
            said.append(self._say("control.rules", rules=self.words.list(list(control["rules"]))))
        if control.get("planned"):
            said.append(self._say("control.planned"))
        if control.get("because"):
            said.append(self._say("because", why=self._text(control["because"]).rstrip(".")))
        return ", ".join(said)

    def _action(self, action: Mapping[str, Any]) -> str:
        if action["do"] in ("erase", "skeleton"):
            return self._say(f"action.{action['do']}")
        said = [self._say("action.keep")]
        for key in ("blank", "replace"):
            if action[key]:
                said.append(self._say(f"action.{key}", columns=self.words.list(list(action[key]))))
        if action.get("because"):
            said.append(self._say("because", why=self._text(action["because"]).rstrip(".")))
        return ", ".join(said)

    def _start(self, point: Mapping[str, Any]) -> str:
        event = self._say("quoted", text=self._text(point["event"]))
        choice = next((each for each in _STARTS if point.get(each)), None)
        if choice is None:
            return event
        columns = self.words.list([self._event(each) for each in point[choice]])
        said = self._say(f"start.{choice}", columns=columns)
        if point.get("not_before"):
            said += self._say("start.not_before", column=self._event(point["not_before"]))
        return f"{event} ({said})"

    def _event(self, event: Mapping[str, Any]) -> str:
        column = f"{event['table']}.{event['column']}" if event.get("table") else event["column"]
        if event.get("where"):
            column = self._say("where", what=column, test=self._conditions(event["where"]))
        if event.get("running"):
            test = self._conditions(event["running"])
            column = self._say("start.running", column=column, test=test)
        return str(column)

    def _conditions(self, conditions: Sequence[Mapping[str, Any]] | None) -> str:
        if not conditions:
            return self._say("test.none")
        return self._say("test.and").join(self._condition(each) for each in conditions)

    def _condition(self, condition: Mapping[str, Any]) -> str:
        for name, word in (("any", "test.or"), ("all", "test.and")):
            if condition.get(name) is not None:
                parts = [self._condition(each) for each in condition[name]]
                return f"({self._say(word).join(parts)})"
        if condition.get("not") is not None:
            return self._say("test.not", test=self._condition(condition["not"]))
        if condition.get("exists") is not None:
            found = condition["exists"]
            row = self._say("test.exists", table=found["table"])
            if not found["where"]:
                return row
            return self._say("where", what=row, test=self._conditions(found["where"]))
        for test in _TESTS:
            if condition.get(test) is not None:
                value = condition[test]
                said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                return self._say(f"test.{test}", column=condition["column"], value=said)
        return str(condition.get("column"))
