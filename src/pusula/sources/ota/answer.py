"""What an OTA sender is answered: Success, or Errors that say why it may send again."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from pusula.lib import clock
from pusula.sources.ota.document import name, said
from pusula.sources.ota.read import Read

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
# Code list ERR: 448 system error, 450 unable to process, 400 invalid property.
UNABLE, TROUBLE = "450", "448"
_ANSWERS = {
    "OTA_HotelResNotifRQ": "OTA_HotelResNotifRS",
    "OTA_HotelResModifyNotifRQ": "OTA_HotelResModifyNotifRS",
    "OTA_HotelResRQ": "OTA_HotelResRS",
    "OTA_CancelRQ": "OTA_CancelRS",
}


def taken(root: Element, read: Iterable[Read], at: int) -> bytes:
    """Return the answer to a document whose bookings were ``read``; refused ones are named."""
    read = list(read)
    answer = _answer(root, at)
    refused = [one for one in read if one.error]
    if len(refused) == len(read):
        _errors(answer, [(UNABLE, one.number, str(one.error)) for one in refused])
    else:
        SubElement(answer, "Success")
        if refused:
            warnings = SubElement(answer, "Warnings")
            for one in refused:
                row = SubElement(warnings, "Warning", Type="3", Code=UNABLE, RecordID=one.number)
                row.text = str(one.error)
    numbers = SubElement(answer, "HotelReservations")
    for one in read:
        if not one.error:
            booking = SubElement(numbers, "HotelReservation")
            SubElement(booking, "UniqueID", Type="14", ID=one.number)
    return _bytes(answer)


def refused(root: Element | None, message: str, at: int, code: str = UNABLE) -> bytes:
    """Return the answer to a document of which nothing was taken."""
    answer = _answer(root, at)
    _errors(answer, [(code, "", message)])
    return _bytes(answer)


def _answer(root: Element | None, at: int) -> Element:
    asked = "" if root is None else name(root)
    answer = Element(_ANSWERS.get(asked, "OTA_HotelResNotifRS"), xmlns=NAMESPACE, Version="1.0")
    answer.set("TimeStamp", f"{clock.to_datetime(at):%Y-%m-%dT%H:%M:%SZ}")
    if token := said(root, "EchoToken"):
        answer.set("EchoToken", token[:128])
    return answer


def _errors(answer: Element, told: Iterable[tuple[str, str, str]]) -> None:
    errors = SubElement(answer, "Errors")
    for code, number, message in told:
        row = SubElement(errors, "Error", Type="3", Code=code)
        if number:
            row.set("RecordID", number[:64])
        row.text = message


def _bytes(answer: Element) -> bytes:
    written: bytes = tostring(answer, encoding="utf-8", xml_declaration=True)
    return written
