# SPDX-License-Identifier: Apache-2.0
"""Hooks that call the compute service (contract section 1).

Over HTTP by any library, as a keystoneauth session sends it before there is
a connection, or through a handle of the kit's own Nova.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.watch import calls
from conformance.watch.calls import Sort

_PATH = re.compile(
    r"/os-assisted-volume-snapshots(?:/|$)"
    r"|/v2(?:\.\d+)?/(?:[0-9a-f-]{32,36}/)?"
    r"(?:servers|os-server-external-events|os-volumes_boot)(?:/|$)"
)
"""Paths of Nova's API that a storage back end's do not have."""

SERVICES = frozenset({"compute", "nova"})
"""What Nova is called in a catalogue of services."""


def is_novas(url: str) -> bool:
    """Whether a URL, or a path of one, is of Nova's API."""
    return _PATH.search(urlsplit(url).path) is not None


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
