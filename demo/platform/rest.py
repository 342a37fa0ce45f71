"""The few questions that the platform asks Airflow's REST API, signed in as the engineer."""

from __future__ import annotations

from typing import Any

import httpx

from demo.platform.errors import PlatformError


class Api:
    """One signed-in user of Airflow's API; a token that ran out is fetched anew."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.user = user
        self.password = password
        # trust_env=False: a proxy of this machine must not stand between us and 127.0.0.1.
        self.client = httpx.Client(base_url=address, timeout=60, trust_env=False)

    def close(self) -> None:
        """Hang up; the API server would wait for it when it is stopped."""
        self.client.close()

    def health(self) -> dict[str, Any] | None:
        """Ask how the services are; None while nobody answers."""
        try:
            answer = self.client.get("/api/v2/monitor/health", timeout=15)
        except httpx.TransportError:
            return None
        return dict(answer.json()) if answer.is_success else None

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self._ask("GET", path, params=parameters)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", path, json=body)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, json=body)

    def find(self, path: str) -> dict[str, Any] | None:
        """Get what may not be there."""
        answer = self._request("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._body(path, answer)

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        return self._body(path, self._request(method, path, **arguments))

    def _body(self, path: str, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_success:
            return dict(answer.json())
        raise PlatformError(f"Airflow answered {answer.status_code} to {path}: {answer.text[:500]}")

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self.client.request(method, f"/api/v2{path}", **arguments)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._sign_in()
                answer = self.client.request(method, f"/api/v2{path}", **arguments)
        except httpx.TransportError as error:
            raise PlatformError(f"Airflow's API does not answer: {error}") from error
        return answer

    def _sign_in(self) -> None:
        who = {"username": self.user, "password": self.password}
        answer = self.client.post("/auth/token", json=who)
        if not answer.is_success:
            raise PlatformError(f"Airflow did not let the user {self.user} in: {answer.text[:300]}")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
