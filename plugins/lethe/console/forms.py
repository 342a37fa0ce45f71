"""Forms that only our own page can send: a token in the form that matches a cookie and a user.

Airflow's session cookie is SameSite=Lax already; this holds where a browser or a proxy does not
keep to it, and binds a form to the person it was shown to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl

from airflow.configuration import conf
from fastapi import Request, Response

from lethe.errors import UsageError

COOKIE = "lethe_form"
FIELD = "form"
_MOST_BYTES = 16_384


def begin_form(request: Request, user: str) -> tuple[str, str]:
    """Make the token of a form.

    Returns  the cookie to set (the one that is there, if it is) and the token
    """
    cookie = request.cookies.get(COOKIE, "")
    if len(cookie) != 43:
        cookie = secrets.token_urlsafe(32)
    return cookie, _token(cookie, user)


def keep_cookie(request: Request, response: Response, cookie: str) -> None:
    """Let the browser keep the cookie that the forms of this page match."""
    response.set_cookie(
        COOKIE,
        cookie,
        path=request.scope.get("root_path") or "/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


async def read_form(request: Request, user: str) -> dict[str, str]:
    """Read a form that our own page has sent.

    Raises  UsageError if anybody else may have sent it
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin":
        raise UsageError("forged")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise UsageError("too long")
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    cookie = request.cookies.get(COOKIE, "")
    given = fields.pop(FIELD, "")
    if len(cookie) != 43 or not hmac.compare_digest(given.encode(), _token(cookie, user).encode()):
        raise UsageError("forged")
    return fields


def _token(cookie: str, user: str) -> str:
    secret = conf.get("api", "secret_key").encode()
    said = f"lethe form\0{cookie}\0{user}".encode()
    return hmac.new(secret, said, hashlib.sha256).hexdigest()
