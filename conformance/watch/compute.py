# SPDX-License-Identifier: Apache-2.0
"""Hooks that call the compute service (contract section 1).

Over HTTP by any library or none, as a keystoneauth session sends it before
there is a connection, by a command, or through a handle of the kit's own Nova.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from conformance.watch import calls
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sort

_PATH = re.compile(
    r"/os-assisted-volume-snapshots(?:[/?\s'\"]|$)"
    r"|/v2(?:\.\d+)?/(?:[0-9a-f-]{32,36}/)?"
    r"(?:servers|os-server-external-events|os-volumes_boot)(?:[/?\s'\"]|$)"
)
"""Paths of Nova's API that a storage back end's do not have."""

SERVICES = frozenset({"compute", "nova"})
"""What Nova is called in a catalogue of services."""


def is_novas(url: str) -> bool:
    """Whether a URL, or a path of one, is of Nova's API."""
    return _PATH.search(urlsplit(url).path) is not None


CLIENTS = frozenset({"nova", "openstack"})
"""Programs that call it."""

_REQUEST = re.compile(rb"[A-Z]+ (\S+) HTTP/1")


def starting(call: DriverCall, words: Sequence[str]) -> None:
    """A command is started, which may be a client of Nova's."""
    is_client = os.path.basename(words[0]) in CLIENTS if words else False
    if call.is_hook and (is_client or any(map(_PATH.search, words))):
        call.saw(Sort.COMPUTE, f"started {shlex.join(words)}")


def sending(original: Callable[..., Any]) -> Callable[..., Any]:
    """``socket.socket.sendall`` and ``send``."""

    def send(connection: Any, data: Any, *args: Any) -> Any:
        # Of what http.client sends, more is known before.
        if sys._getframe(1).f_globals.get("__name__") != "http.client":
            request = _REQUEST.match(bytes(memoryview(data)[:_LONGEST]))
            if request and is_novas(os.fsdecode(request[1])):
                _saw(f"sent {os.fsdecode(request[0])}")
        return original(connection, data, *args)

    return send


_LONGEST = 4096
"""Bytes of what is sent that a request's first line may be in."""


def _saw(what: str) -> None:
    call = calls.current()
    if call is not None and call.is_hook:
        call.saw(Sort.COMPUTE, what)


def putting_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """``http.client.HTTPConnection.putrequest``."""

    def putrequest(
        connection: Any, method: str, url: str, *args: Any, **kwargs: Any
    ) -> Any:
        if is_novas(url):
            _saw(f"requested {method} {connection.host}{urlsplit(url).path}")
        return original(connection, method, url, *args, **kwargs)

    return putrequest


def session_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """``keystoneauth1.session.Session.request``."""

    def request(
        session: Any, url: str, method: str, *args: Any, **kwargs: Any
    ) -> Any:
        where = kwargs.get("endpoint_filter")
        service = (
            where.get("service_type") if isinstance(where, Mapping) else None
        )
        if service in SERVICES:
            _saw(f"requested {method} {urlsplit(url).path} of {service}")
        return original(session, url, method, *args, **kwargs)

    return request


def handle(original: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the kit's Nova; what it does is not the driver's work."""

    def called(nova: Any, *args: Any, **kwargs: Any) -> Any:
        _saw(f"called {original.__name__} of the compute service")
        with calls.aside():
            return original(nova, *args, **kwargs)

    return called
