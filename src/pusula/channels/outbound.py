"""The one way out: HTTPS calls to addresses that others chose, which never reach our own network.

A name is resolved once, all its addresses are looked at, and the connection goes to one of those
that were looked at, so a name that points elsewhere a moment later changes nothing. Redirects are
not followed. Every call is bounded: in time, whatever the other end does, and in size.

What went wrong says how far it got: ``NotSentError`` means that nothing of the request left,
``InDoubtError`` that it may have arrived.
"""

from __future__ import annotations

import email.utils
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpcore

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

CONNECT_S = 5.0
TOTAL_S = 10.0
LARGEST = 64 * 2**10  # bytes of an answer that are read
KEPT_OPEN_S = 15.0
_LONGEST_WAIT_S = 86_400
_AGENT = "Pusula"
# Beside what Python knows as not global: addresses that carry an IPv4 address of our choosing.
_CARRIERS = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class CallError(PusulaError):
    """A call did not get an answer."""

    code = "call"
    status = 502


class NotSentError(CallError):
    """Nothing of the request left: it may be tried again."""

    code = "call_not_sent"


class ForbiddenError(NotSentError):
    """The address is one that Pusula does not call."""

    code = "call_forbidden"


class InDoubtError(CallError):
    """The request, or part of it, left; nobody knows what became of it."""

    code = "call_in_doubt"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of ``headers`` in lower case. ``is_whole``: nothing was cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True

    @property
    def is_good(self) -> bool:
        """Whether the other end says that it took the request."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own classes

    @property
    def retry_after_s(self) -> int | None:
        """How long ``Retry-After`` asks to wait, ``None`` if it says nothing."""
        return _seconds(self.headers.get("retry-after", ""))


Resolver = Callable[[str, int], Iterable[str]]


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of ``host``; raise ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass
class Outbound:
    """Calls other systems. ``trusted`` hosts are those an operator configured, and no others.

    ``own_hosts`` are our own names: nothing calls itself. ``ca`` is a file of certificates to
    trust beside those of the system.
    """

    own_hosts: Collection[str] = ()
    trusted: Collection[str] = ()
    connect_s: float = CONNECT_S
    total_s: float = TOTAL_S
    largest: int = LARGEST
    ca: str = ""
    n_connections: int = 16
    resolve: Resolver = resolved
    _pool: httpcore.ConnectionPool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open nothing yet."""
        context = ssl.create_default_context()
        if self.ca:
            context.load_verify_locations(self.ca)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=self.n_connections,
            keepalive_expiry=KEPT_OPEN_S,
            http2=False,
            retries=0,
            network_backend=_Guarded(self),
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def check(self, url: str) -> None:
        """Raise ``ForbiddenError`` if ``url`` is one that is never called, whatever it resolves to.

        For the moment at which somebody saves an address; a call checks again.
        """
        host, port = self._target(url)
        if host not in self.trusted:
            self._allowed(host, port)

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Return the answer to one request, a redirect as it is.

        Raises ``NotSentError`` (``ForbiddenError``) or ``InDoubtError``; neither quotes what was
        sent, nor the path, which may hold a secret.
        """
        host, _port = self._target(url)
        told = {"user-agent": _AGENT, "accept-encoding": "identity", **(headers or {})}
        call = _Call(time.monotonic() + self.total_s)
        try:
            with self._pool.stream(
                method,
                url,
                headers=[(k.encode(), v.encode()) for k, v in told.items()],
                content=body,
                extensions={
                    "timeout": {
                        "connect": self.connect_s,
                        "pool": self.total_s,
                        "write": self.total_s,
                        "read": self.total_s,
                    },
                    "trace": call.trace,
                },
            ) as answer:
                return self._read(answer, call)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise NotSentError(
                Saying(
                    "%(host)s cannot be reached (%(name)s)",
                    {"host": host, "name": type(error).__name__},
                )
            ) from None
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            if call.began_to_send:
                raise InDoubtError(
                    Saying(
                        "%(host)s did not answer (%(name)s)",
                        {"host": host, "name": type(error).__name__},
                    )
                ) from None
            raise NotSentError(
                Saying(
                    "%(host)s cannot be reached (%(name)s)",
                    {"host": host, "name": type(error).__name__},
                )
            ) from None

    def _read(self, answer: httpcore.Response, call: _Call) -> Answer:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
        parts: list[bytes] = []
        size = 0
        is_whole = True
        for part in answer.iter_stream():
            parts.append(part)
            size += len(part)
            if size > self.largest or time.monotonic() > call.ends_at:
                is_whole = False
                break
        return Answer(answer.status, headers, b"".join(parts)[: self.largest], is_whole)

    def _target(self, url: str) -> tuple[str, int]:
        """Return host and port of ``url``; raise ``ForbiddenError`` for what is never called."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise ForbiddenError(Saying("the address is no URL")) from None
        if not host or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise ForbiddenError(Saying("the address is no URL"))
        is_trusted = host in self.trusted
        if parts.scheme != "https" and not (is_trusted and parts.scheme == "http"):
            raise ForbiddenError(
                Saying(
                    "%(host)s is not called: the address must begin with https://", {"host": host}
                )
            )
        if parts.username is not None or parts.password is not None:
            raise ForbiddenError(
                Saying("%(host)s is not called: the address holds a password", {"host": host})
            )
        if host.rstrip(".") in self.own_hosts and not is_trusted:
            raise ForbiddenError(Saying("%(host)s is our own address", {"host": host}))
        return host, port or (443 if parts.scheme == "https" else 80)

    def _allowed(self, host: str, port: int) -> list[str]:
        """Return the addresses of ``host``, if all of them are public; raise ``NotSentError``."""
        try:
            found = list(self.resolve(host, port))
        except (OSError, UnicodeError):
            raise NotSentError(Saying("%(host)s has no address", {"host": host})) from None
        if not found:
            raise NotSentError(Saying("%(host)s has no address", {"host": host}))
        if not all(is_public(one) for one in found):
            raise ForbiddenError(
                Saying("%(host)s is not called: it leads into a private network", {"host": host})
            )
        return found


def is_public(address: str) -> bool:
    """Return whether ``address`` belongs to the open internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    is_carrier = any(ip in net for net in _CARRIERS if net.version == ip.version)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or is_carrier)


class _Call:
    """How far one request is."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at  # monotonic
        self.began_to_send = False

    def trace(self, name: str, _info: Mapping[str, Any]) -> None:
        """Take in what httpcore says it is doing."""
        if name.endswith("send_request_headers.started"):
            self.began_to_send = True


class _Guarded(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, and bounds each exchange as a whole."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that answers."""
        out = self._outbound
        is_trusted = host.lower() in out.trusted
        addresses = [host] if is_trusted else out._allowed(host, port)  # noqa: SLF001 - its own
        ends_at = time.monotonic() + min(timeout or out.connect_s, out.connect_s)
        last: Exception = httpcore.ConnectTimeout("no time left")
        for address in addresses:
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                break
            try:
                stream = self._real.connect_tcp(
                    address, port, left_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _Bounded(stream, out.total_s)
        raise last

    def sleep(self, seconds: float) -> None:
        """Wait; httpcore does so between tries, of which there are none."""
        self._real.sleep(seconds)


class _Bounded(httpcore.NetworkStream):
    """A stream on which one exchange, however slowly it drips, ends in time."""

    def __init__(self, stream: httpcore.NetworkStream, total_s: float) -> None:
        self._stream = stream
        self._total_s = total_s
        self._ends_at = time.monotonic() + total_s
        self._is_reading = True

    def _left_s(self, timeout: float | None) -> float:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("no time left")
        return left_s if timeout is None else min(timeout, left_s)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, within what is left of this exchange."""
        self._is_reading = True
        return self._stream.read(max_bytes, self._left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write; the first write after an answer begins another exchange."""
        if self._is_reading:
            self._ends_at = time.monotonic() + self._total_s
            self._is_reading = False
        self._stream.write(buffer, self._left_s(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Begin TLS with the name that was asked for, whatever address it is at."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left_s(timeout))
        return _Bounded(stream, self._total_s)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore wants to know of the socket."""
        return self._stream.get_extra_info(info)


def _seconds(told: str) -> int | None:
    told = told.strip()
    if told.isdecimal():
        return min(int(told[:9]), _LONGEST_WAIT_S)
    try:
        until = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return None
    wait = clock.from_datetime(until) - clock.now()
    return min(max(0, -(-wait // clock.SECOND)), _LONGEST_WAIT_S)
