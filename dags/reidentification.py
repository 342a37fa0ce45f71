"""# Re-identification

Has a second person approve that pseudonymised addresses are undone: for fraud alone (policy §2).

**When** by hand, when somebody has opened a case at a shell: `bin/lethe logs reveal --case NUMBER
--source SOURCE --period YYYY-MM --from FILE` names the digest of exactly what is asked.

**What it does** the form takes that digest, and nothing else → one Required Action for the
approvers whom the policy names, never for whoever asked → the answer is recorded in the warehouse
under the approver's own database role, bound to the digest. The person who asked then sees the
values by calling the same command again; the ledger knows before, and the DPO is told by mail.

**What never comes here** a pseudonym, a value, a name: a digest tells none of them.

**If it fails** `describe_case` says why nobody can be asked: the case is closed or unknown, or the
policy names no other approver. `record_case` says why an answer was not taken; marking a task as
successful approves nothing. The same from a shell: `bin/lethe logs reveal --approve DIGEST`.
"""

import pendulum
from airflow.sdk import Param, dag
from lethe.tasks import MANNERS, ask_approvers, describe_case, record_case


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    default_args=MANNERS,
    tags=["lethe", "logs", "approval", "§2"],
    doc_md=__doc__,
    params={
        "digest": Param(
            "0" * 64, type="string", pattern="^[0-9a-f]{64}$", title="Digest of the question"
        ),
    },
)
def reidentification():
    questions = describe_case()
    answers = ask_approvers(questions)
    answers >> record_case.expand(question=questions)


reidentification()
