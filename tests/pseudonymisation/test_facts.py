"""What the report hears of logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lethe.connections import acting_as
from lethe.pseudonymisation.facts import log_facts

from tests.kit import Kit, MakeKit
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY, night, write


def test_the_report_hears_counts_by_source_and_whether_the_limits_are_kept(
    make_kit: MakeKit,
) -> None:
    kit: Kit = make_kit("CREATE TABLE person (id bigint PRIMARY KEY)", POLICY)
    (kit.home / "raw").mkdir()
    write(kit, "a.log", combined_line() * 20 + "rubbish\n")
    write(kit, "b.log", combined_line(url="/b") * 3)
    night(kit)
    now = datetime.now(UTC)
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        (facts,) = log_facts(
            connection, kit.loaded.policy, now - timedelta(hours=1), now + timedelta(hours=1)
        ) or (None,)
        assert log_facts(connection, kit.loaded.policy, now + timedelta(hours=1), now) == ()
    assert facts is not None
    assert (facts.files, facts.read, facts.written, facts.quarantined) == (
        2, 24, 23, {"format-mismatch": 1},
    )  # fmt: skip
    assert (facts.smallest_group, facts.is_within) == (3, True)
    write(kit, "c.log", combined_line(url="/c"))
    night(kit.under(POLICY.replace("unique_share: 1.0", "unique_share: 0.1")))
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        (worse,) = log_facts(
            connection, kit.loaded.policy, now - timedelta(hours=1), now + timedelta(hours=1)
        ) or (None,)
    assert worse is not None and not worse.is_within
