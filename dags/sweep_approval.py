"""# Approval of what the sweep may not do alone

Asks a person about every set that is over a limit of the policy, and works off what is approved.

**When** as soon as a night leaves something waiting. The night itself does not wait: what is not
flagged has gone on.

**What it does** one Required Action a rule, with the figures to judge by (how many, how old, how
many are usual, who is among them) → the answer is recorded in the warehouse, under the approver's
own database role and bound to the digest of the frozen set → what is approved is worked off, oldest
first, at most the cap a day; `retention_sweep` goes on with it in the following nights.

**Who answers** the approvers whom the policy names, never whoever started the run by hand. A
question closes after a day: the next night's plan has taken its place and asks anew.

**If it fails** `record_answer` says why an answer was not taken; the others count all the same.
Marking a task as successful approves nothing. From a shell: `bin/lethe sweep run --approve DIGEST`.
"""

import pendulum
from airflow.sdk import dag
from lethe.tasks import (
    MANNERS,
    WAITING,
    ask_approvers,
    list_questions,
    record_answer,
    tell_answers,
    work_off_approved,
)


@dag(
    schedule=[WAITING],
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    default_args=MANNERS,
    tags=["lethe", "retention", "approval", "§9"],
    doc_md=__doc__,
)
def sweep_approval():
    questions = list_questions()
    answers = ask_approvers(questions)
    recorded = record_answer.expand(question=questions)
    answers >> recorded >> work_off_approved.override(trigger_rule="all_done")()
    tell_answers(recorded)


sweep_approval()
