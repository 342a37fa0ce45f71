"""Who may answer an approval in the Airflow UI: the people named for it, and nobody else.

Airflow's simple auth manager lets every role from 'user' up answer, and no viewer; but a 'user'
may also trigger DAGs. Here the setting `[lethe] approvers` names who answers, whatever their
role, so that the data-protection officer can be a viewer who answers approvals and nothing more.

Set `[core] auth_manager = lethe_sign_in.ApproverAuthManager`. `.airflowignore` names this file:
it is imported by the API server, not executed as a plugin in every task.
"""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.configuration import conf


class ApproverAuthManager(SimpleAuthManager):
    """The simple auth manager, with the answering of approvals kept for named approvers."""

    def is_authorized_dag(
        self,
        *,
        method: ResourceMethod,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """Let approvers, and only them, write the answer of a human-in-the-loop task."""
        if access_entity is DagAccessEntity.HITL_DETAIL and method != "GET":
            return user.get_id() in approvers()
        allowed: bool = super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
        return allowed


def approvers() -> frozenset[str]:
    """Read the user names in `[lethe] approvers`; nobody if the setting is missing."""
    names = conf.get("lethe", "approvers", fallback="") or ""
    return frozenset(name.strip() for name in names.split(",") if name.strip())
