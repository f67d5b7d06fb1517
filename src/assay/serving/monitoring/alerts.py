"""Alerts: alarms are told to a webhook, each once; one that is down stops nothing.

The body is JSON. Where `ASSAY_WEBHOOK_SECRET` is set, the header X-Assay-Signature is 'sha256=' and
the HMAC-SHA256, by that secret, of the header X-Assay-Timestamp, a dot and the body, so that
the receiver knows who speaks and that it is not an old message. Redirects are not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from assay.errors import InputError
from assay.serving.monitoring.alarms import QUIET_H, Alarm
from assay.workspace import atomic_write

SECRET_VARIABLE = "ASSAY_WEBHOOK_SECRET"
TOLD_FILE = "told.json"
_TIMEOUT_S = 5.0
_WAITS_S = (1.0, 4.0)
_TOO_MANY = 429


@dataclass(frozen=True)
class Delivery:
    """What became of a message.

    Attributes:
        to: The host it went to.
        n_alarms: How many alarms it told.
        tries: How often it was sent.
        failure: Why it did not arrive; empty if it did.
    """

    to: str
    n_alarms: int
    tries: int
    failure: str

    @property
    def arrived(self) -> bool:
        return not self.failure


def check_webhook(url: str) -> None:
    """Refuse an address that alarms must not go to.

    Raises:
        InputError: It is none, or would be sent unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.scheme in ("http", "https")
        _ = parts.port
    except ValueError:
        is_address = False
    if not is_address:
        raise InputError(
            "The webhook is no address that alarms can be sent to.",
            where="--webhook",
            mend="--webhook https://HOST/PATH",
        )
    if "@" in parts.netloc:
        raise InputError(
            "The webhook's address holds a name or a password.",
            where="--webhook",
            mend=f"leave it out; {SECRET_VARIABLE} signs what is sent",
        )
    if parts.scheme == "http" and not _is_loopback(str(parts.hostname)):
        raise InputError(
            f"The webhook would be told unencrypted: http to {parts.hostname}.",
            where="--webhook",
            mend="use https; http is for this machine only, as http://127.0.0.1:8080/alarms",
        )


def news(version: str, alarms: Sequence[Alarm], folder: Path) -> list[Alarm]:
    """The open alarms that were not yet told.

    Args:
        version: The model's.
        alarms: All of it.
        folder: Where is written down what was told.
    """
    told = _told(folder).get(version, {})
    return [each for each in alarms if each.is_open and each.raised > _known_until(each, told)]


def remember(version: str, alarms: Sequence[Alarm], told: Sequence[Alarm], folder: Path) -> None:
    """Write down what was told, so that it is told once, however long it lasts.

    Args:
        version: The model's.
        alarms: All that there are: of those that were told before, that they go on.
        told: Those that were told now.
        folder: Where to.
    """
    every = _told(folder)
    known = every.setdefault(version, {})
    for each in alarms:
        if each in told or each.raised <= _known_until(each, known):
            known[_key(each)] = max(each.last, int(known.get(_key(each), 0)))
    atomic_write(folder / TOLD_FILE, json.dumps(every), mode=0o600)


def send(
    url: str,
    message: Mapping[str, Any],
    n_alarms: int,
    wait: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Post a message; tries again where that may help.

    Args:
        url: As `check_webhook` has let pass.
        message: What to say, as JSON.
        n_alarms: How many alarms it tells.
        wait: Waits for so many seconds.
    """
    body = json.dumps(message, default=str).encode()
    host = str(urlsplit(url).hostname)
    handlers: list[Any] = [_NoRedirect()]
    if _is_loopback(host):
        handlers.append(ProxyHandler({}))
    opener = build_opener(*handlers)
    failure = ""
    for number, pause in enumerate((*_WAITS_S, None), start=1):
        try:
            with opener.open(_request(url, body), timeout=_TIMEOUT_S):
                return Delivery(host, n_alarms, number, "")
        except HTTPError as error:
            failure = f"it answers {error.code}"
            error.close()
            if error.code < 500 and error.code != _TOO_MANY:
                return Delivery(host, n_alarms, number, failure)
        except (OSError, HTTPException, ValueError) as error:
            failure = str(getattr(error, "reason", "") or error or type(error).__name__)
        if pause is not None:
            wait(pause)
    return Delivery(host, n_alarms, number, failure)


def _request(url: str, body: bytes) -> Request:
    headers = {"Content-Type": "application/json", "User-Agent": "assay-monitor"}
    secret = os.environ.get(SECRET_VARIABLE, "")
    if secret:
        at = str(int(time.time()))
        signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers |= {"X-Assay-Timestamp": at, "X-Assay-Signature": f"sha256={signed}"}
    return Request(url, data=body, headers=headers, method="POST")


class _NoRedirect(HTTPRedirectHandler):
    """Whoever answers with another address gets nothing there."""

    def redirect_request(self, *args: Any) -> None:  # noqa: ARG002
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(alarm: Alarm) -> str:
    return json.dumps([alarm.role, alarm.name, alarm.what])


def _known_until(alarm: Alarm, told: Mapping[str, Any]) -> float:
    """The last hour in which an alarm that begins is still the one that was told."""
    return float(told[_key(alarm)]) + QUIET_H if _key(alarm) in told else float("-inf")


def _told(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / TOLD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
