"""An OTA document from its bytes: bounded, without entities, and without payment cards.

Cards are cut out of the tree before anybody else sees it; the bytes themselves are dropped, and no
error quotes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

LARGEST = 4 * 2**20  # bytes
_MOST_ELEMENTS = 100_000
_DEEPEST = 60
# Elements that hold, or lead to, a card: number, series code (CVV), magnetic stripe, 3-D Secure.
_CARDS = frozenset(
    {"PaymentCard", "PaymentForm", "GuaranteeAccepted", "GuaranteesAccepted", "AcceptedPayment",
     "AcceptedPayments", "CardNumber", "SeriesCode", "MagneticStripe", "CardHolderName",
     "ThreeDomainSecurity", "ThreeDSecure", "SecurityCode", "Token", "DepositPayments"}
)  # fmt: skip


class DocumentError(PusulaError):
    """The bytes are no OTA document we can read; the message never quotes them."""

    code = "ota_document"


def parse(body: bytes) -> Element:
    """Return the root of a document without its cards; raise ``DocumentError``."""
    if len(body) > LARGEST:
        raise DocumentError(Saying("larger than %(n)s bytes", {"n": f"{LARGEST:,}"}))
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        told = {"line": line, "column": column}
        raise DocumentError(
            Saying("not well-formed XML at line %(line)s, column %(column)s", told)
        ) from None
    except (DefusedXmlException, ValueError, LookupError):
        raise DocumentError(
            Saying("XML with a document type, entities or an unknown encoding")
        ) from None
    _check(root)
    if name(root) == "Envelope":  # SOAP
        bodies = [child for child in root if name(child) == "Body" and len(child)]
        if not bodies:
            raise DocumentError(Saying("a SOAP envelope without a body"))
        root = bodies[0][0]
    _cut(root)
    return root


def name(element: Element) -> str:
    """Return the local name of an element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def every(element: Element | None, *path: str) -> Iterator[Element]:
    """Yield the elements that ``path`` leads to, whatever their namespace."""
    if element is None:
        return
    if not path:
        yield element
        return
    for child in element:
        if name(child) == path[0]:
            yield from every(child, *path[1:])


def first(element: Element | None, *path: str) -> Element | None:
    """Return the first element that ``path`` leads to."""
    return next(every(element, *path), None)


def said(element: Element | None, attribute: str) -> str:
    """Return an attribute, trimmed; empty where there is none."""
    return "" if element is None else element.get(attribute, "").strip()


def text(element: Element | None) -> str:
    """Return the text of an element, trimmed; empty where there is none."""
    return "" if element is None or element.text is None else element.text.strip()


def _check(root: Element) -> None:
    waiting, n = [(root, 1)], 0
    while waiting:
        element, depth = waiting.pop()
        n += 1
        if depth > _DEEPEST or n > _MOST_ELEMENTS:
            most = {"n": f"{_MOST_ELEMENTS:,}", "deep": _DEEPEST}
            raise DocumentError(Saying("more than %(n)s elements or %(deep)s levels", most))
        waiting.extend((child, depth + 1) for child in element)


def _cut(root: Element) -> None:
    waiting = [root]
    while waiting:
        element = waiting.pop()
        for child in list(element):
            if name(child) in _CARDS:
                element.remove(child)
            else:
                waiting.append(child)
