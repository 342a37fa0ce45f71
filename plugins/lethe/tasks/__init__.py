"""The hinge between DAGs and duties: one @task for each thing that a DAG may ask for.

Every other import stands inside the bodies: a DAG file is parsed every few seconds.
"""

from lethe.tasks.alarms import MANNERS, late_alarms, ring_if_late, tell_failure
from lethe.tasks.approval import ask_approvers, list_questions, record_answer, tell_answers
from lethe.tasks.archive import (
    archive_documents,
    begin_archive,
    close_archive,
    expire_archive,
    list_documents,
)
from lethe.tasks.assets import ARCHIVED, CHECKED, LOGS_DONE, SWEPT, WAITING
from lethe.tasks.logs import begin_logs, close_logs, list_logs, pseudonymise_log
from lethe.tasks.quality import run_suites, scan_leaks, tell_suite
from lethe.tasks.report import make_report, plan_reports, report_alarms, send_report
from lethe.tasks.reveal import describe_case, record_case
from lethe.tasks.sweep import (
    announce_waiting,
    check_inputs,
    erase_due,
    guard_sweep,
    list_rest,
    plan_sweep,
    verify_sweep,
    work_off_approved,
)

__all__ = [
    "ARCHIVED",
    "CHECKED",
    "LOGS_DONE",
    "MANNERS",
    "SWEPT",
    "WAITING",
    "announce_waiting",
    "archive_documents",
    "ask_approvers",
    "begin_archive",
    "begin_logs",
    "check_inputs",
    "close_archive",
    "close_logs",
    "describe_case",
    "erase_due",
    "expire_archive",
    "guard_sweep",
    "late_alarms",
    "list_documents",
    "list_logs",
    "list_questions",
    "list_rest",
    "make_report",
    "plan_reports",
    "plan_sweep",
    "pseudonymise_log",
    "record_answer",
    "record_case",
    "report_alarms",
    "ring_if_late",
    "run_suites",
    "scan_leaks",
    "send_report",
    "tell_answers",
    "tell_failure",
    "tell_suite",
    "verify_sweep",
    "work_off_approved",
]
