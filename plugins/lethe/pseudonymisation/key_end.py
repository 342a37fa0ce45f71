"""The end of keys: what they made can then no more be undone, once the backups have aged out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.pseudonymisation.key_guards import held_months, held_now, require_within_limit
from lethe.pseudonymisation.key_life import DueKey, LogKeys, LogRoom


@dataclass(slots=True)
class KeysEnded:
    """What became of the keys whose window has ended.

    held  month → why its keys stay
    """

    destroyed: list[DueKey] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)


def destroy_due(room: LogRoom) -> KeysEnded:
    """Destroy every key whose window has ended and on which nothing stands.

    Raises  GuardStop where this warehouse may not be destroyed from, or more are due than the
            policy lets a night destroy without an approval
    """
    return _destroy(room, LogKeys(room).due())


def destroy_month(room: LogRoom, period: str) -> KeysEnded:
    """Destroy the keys of one month, whose windows must have ended.

    Raises  UsageError where there is none; GuardStop before its time, or where a hold or an open
            case stands on the month
    """
    keys = LogKeys(room)
    chosen = [each for each in keys.due() if each.record.period == period]
    if not chosen:
        keys.refuse(period)
    ended = _destroy(room, chosen)
    if ended.held:
        raise GuardStop(f"the key of {period} stays: {ended.held[period]} stands on that month")
    return ended


def _destroy(room: LogRoom, due: list[DueKey]) -> KeysEnded:
    ended = KeysEnded()
    if not due:
        return ended
    room.require_destruction_allowed()
    held = held_now(room)
    ended.held = {e.record.period: held[e.record.period] for e in due if e.record.period in held}
    free = [each for each in due if each.record.period not in held]
    require_within_limit(room, [each.record for each in free])
    for each in free:
        _destroy_one(room, each, ended)
    return ended


def _destroy_one(room: LogRoom, each: DueKey, ended: KeysEnded) -> None:
    """Lock out new holds, look again, and only then destroy."""
    key = each.record
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(statement("guards/lock_holds_shared"))
    if (why := held_months(room).get(key.period)) is not None:
        room.connection.rollback()
        ended.held[key.period] = why
        return
    gone = room.ring.destroy(key.purpose, key.period, each.final_at)
    told = {
        "key": str(key.key_id),
        "purpose": key.purpose,
        "period": key.period,
        "window_ended": each.window_ended.isoformat(),
        "final_at": each.final_at.isoformat(),
    }
    room.add(LedgerRow("log_key_destroyed", told))
    ended.destroyed.append(replace(each, record=gone))
