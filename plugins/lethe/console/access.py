"""Who may look and who may decide: Airflow's own rights, asked at every route.

Airflow does not authenticate what a plugin mounts. Whoever may open plugins may look; whoever may
answer the Required Actions of `sweep_approval` may decide, if the policy names that person too.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
from fastapi import Depends

APPROVAL_DAG = "sweep_approval"

may_look = requires_access_view(AccessView.PLUGINS)
may_decide = requires_access_dag("PUT", DagAccessEntity.HITL_DETAIL, APPROVAL_DAG)

LOOKING = [Depends(may_look)]
DECIDING = [Depends(may_look), Depends(may_decide)]


def has_right_to_decide(user: Any) -> bool:
    """Say whether Airflow lets a user answer; the policy must name the user as well."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="PUT",
            access_entity=DagAccessEntity.HITL_DETAIL,
            details=DagDetails(id=APPROVAL_DAG),
            user=user,
        )
    )


def name_of(user: Any) -> str:
    """The name under which somebody signs in, as the policy names approvers.

    The id is another thing: FAB's is a number of its database (seen with provider 3.10.2).
    """
    return str(user.get_name())
