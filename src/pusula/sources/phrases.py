"""What is wrong with what came in, in the reader's language.

Reasons are stored as English sentences: logs, programs and the command line read them as they are,
and so do rows that are older than a sentence of today. The sentence is the code, what stands in the
place of its names are the values. What nobody knows is shown as it stands.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop

from pusula.pipeline.understood import PARTLY

_IN_PART = gettext_noop("in part: %(why)s")
# ``why`` is another sentence. The place that stands before a colon is the name of a field.
SENTENCES = (
    # whom an entry speaks of
    gettext_noop("says of no profile: profile, key, email or phone is needed"),
    gettext_noop("speaks of nobody: userId or anonymousId is needed"),
    gettext_noop("several profiles hold this address and there is no key"),
    gettext_noop("there is no %(number)s"),
    gettext_noop("holds a character that nobody can see"),
    gettext_noop("a number of ours stands alone, without key, email, phone"),
    gettext_noop("the number of the profile that was merged is needed"),
    gettext_noop("a merge names people by profile or key"),
    gettext_noop("one of them is needed"),
    gettext_noop("%(number)s was never merged"),
    gettext_noop("only a server key joins two people who are known"),
    gettext_noop("userId and previousId are needed"),
    gettext_noop("not an e-mail address"),
    gettext_noop("not a phone number"),
    gettext_noop("not the address of a person"),
    gettext_noop("not an identity number: the check digits do not fit"),
    gettext_noop("Excel has shortened this number: format its column as text"),
    gettext_noop("erased"),
    # what it says
    gettext_noop("there is no %(given)s; there are %(known)s"),
    gettext_noop("longer than %(n)s characters"),
    gettext_noop("not in the years %(first)s to %(last)s"),
    gettext_noop("holds a NUL character"),
    gettext_noop("a name holds a NUL character"),
    gettext_noop("a number beyond 64 bits"),
    gettext_noop("not a finite number"),
    gettext_noop("deeper than %(n)s levels"),
    gettext_noop("is one of %(known)s"),
    gettext_noop("is none of %(known)s"),
    gettext_noop("%(given)s is none of %(known)s"),
    gettext_noop("%(name)s is no name: letters, digits, spaces, _ . -"),
    gettext_noop("the name of what happened, not %(given)s"),
    gettext_noop("a part of the stay ends before it begins"),
    gettext_noop("the stay ends before it begins"),
    gettext_noop("a line_no stands twice"),
    gettext_noop("a guest_no stands twice"),
    gettext_noop("is needed of an order in %(currency)s"),
    gettext_noop("a text or a whole number, not %(given)s"),
    gettext_noop("a whole number, not %(given)s"),
    gettext_noop("a text, not %(given)s"),
    gettext_noop("an amount such as 1299.90, not %(given)s"),
    gettext_noop("a day such as 2026-05-31, not %(given)s"),
    gettext_noop("at most %(n)s visible characters"),
    gettext_noop("%(least)s to %(n)s visible characters"),
    gettext_noop("at most %(n)s characters, none of them NUL"),
    gettext_noop("by the clock of its sender in no year that can be meant"),
    gettext_noop("%(given)s is no time: write 2026-05-31T10:00:00Z"),
    gettext_noop("%(given)s is no time of İYS: 2026-11-20 14:05:33"),
    gettext_noop("%(given)s is no day: write 2026-05-31"),
    gettext_noop("%(given)s is a day that nobody can mean"),
    gettext_noop("a day that nobody can mean"),
    gettext_noop("no day such as 1990-05-31"),
    gettext_noop("no text, number, yes or no, or list of texts"),
    gettext_noop("%(given)s is no text, number, yes or no, list of texts, or {'day': ...}"),
    gettext_noop("is a %(known)s trait, not %(given)s"),
    gettext_noop("is not kept"),
    gettext_noop("is set by Pusula alone"),
    gettext_noop("a text is meant"),
    gettext_noop("a new name, and there are as many as may be: %(n)s (%(half)s from browsers)"),
    gettext_noop("is no part of a proof; there are %(known)s"),
    gettext_noop("a text of at most %(n)s characters"),
    # orders
    gettext_noop("%(event)s names no order_id or booking_id"),
    gettext_noop("order %(number)s: %(why)s"),
    gettext_noop("the amount of a refund is above 0"),
    gettext_noop("no amount: revenue, subtotal, total, value, or products with prices"),
    gettext_noop(
        "in %(code)s: say exchange_rate (%(base)s for 1 %(again)s) or set rates of the source"
    ),
    gettext_noop("a list of products"),
    gettext_noop("%(least)s to %(most)s"),  # nights
    gettext_noop("only a server key changes orders"),
    gettext_noop("%(source)s has not told of it yet"),
    gettext_noop("what it is worth only a browser has told yet"),
    gettext_noop("is in %(currency)s, the refund in %(other)s"),
    gettext_noop("the refund is more than is left of the order"),
    # systems that are asked, and what they send
    gettext_noop("%(status)s, the key or password is not taken"),
    gettext_noop("%(status)s, too much was asked at once"),
    gettext_noop("%(status)s, it asks for patience"),
    gettext_noop("no answer (%(name)s)"),
    gettext_noop("the answer is larger than %(n)s bytes"),
    gettext_noop("the answer is no JSON"),
    gettext_noop("the answer is no object"),
    gettext_noop("the answer holds no list"),
    gettext_noop("the answer holds no reservation"),
    gettext_noop("the log-in brought no token"),
    gettext_noop("the sign-in brought no access_token"),
    gettext_noop("signing in brought no access_token"),
    gettext_noop("a value of an unknown shape (%(name)s)"),
    gettext_noop("%(name)s is missing: write it to %(file)s or set %(variable)s"),
    gettext_noop("%(name)s is missing"),
    gettext_noop("is missing"),
    gettext_noop("is missing or withheld"),
    gettext_noop("is no time such as %(example)s"),
    gettext_noop("is no day such as %(example)s"),
    gettext_noop("is no amount such as %(example)s"),
    gettext_noop("is no number up to %(most)s"),
    gettext_noop("%(given)s is no rate"),
    gettext_noop("%(given)s is no number"),
    gettext_noop("a day is 2026-05-31: %(error)s"),
    gettext_noop("needs amounts in one Currency"),
    gettext_noop("needs one CurrencyCode"),
    gettext_noop("%(system)s says %(word)s, which its crosswalk.toml does not know"),
    gettext_noop("a source with secrets is named by letters, digits, dashes"),
    gettext_noop("settings.hotels does not say which hotel %(number)s is; it has %(known)s"),
    gettext_noop("there is no property %(code)s: make it with `pusula orders property %(again)s`"),
    gettext_noop("larger than %(n)s bytes"),
    gettext_noop("not well-formed XML at line %(line)s, column %(column)s"),
    gettext_noop("XML with a document type, entities or an unknown encoding"),
    gettext_noop("a SOAP envelope without a body"),
    gettext_noop("more than %(n)s elements or %(deep)s levels"),
    gettext_noop("this is no notification of bookings"),
    gettext_noop("the document holds no HotelReservation"),
    gettext_noop("the booking has no number of type 14"),
    gettext_noop("is cancelled before it was told: send it again later"),
    gettext_noop("the event is not a JSON object"),
    gettext_noop("the event has %(n)s bytes, more than %(most)s"),
    # which purpose: as ``consent.purposes`` says it
    gettext_noop(
        "there is no purpose “%(purpose)s”; there are: %(known)s. Another one is set up with "
        "`pusula consent purposes add`"
    ),
    gettext_noop(
        "“%(purpose)s” is not one consent: each purpose needs a decision and a proof of "
        "its own, apart from membership and contract"
    ),
    # the reader of JSON
    gettext_noop("Expected `%(wanted)s`, got `%(given)s` - at `%(place)s`"),
    gettext_noop("Expected `%(wanted)s`, got `%(given)s`"),
    gettext_noop("Expected `%(wanted)s` - at `%(place)s`"),
    gettext_noop("Object missing required field `%(name)s` - at `%(place)s`"),
    gettext_noop("Object missing required field `%(name)s`"),
    gettext_noop("Object contains unknown field `%(name)s` - at `%(place)s`"),
    gettext_noop("Object contains unknown field `%(name)s`"),
    gettext_noop("Invalid enum value %(given)s - at `%(place)s`"),
    gettext_noop("Input data was truncated"),
)  # fmt: skip
_BLANK = re.compile(r"%\((\w+)\)s")


def shown(reason: str) -> str:
    """Return a stored reason in the language of the page; one nobody knows as it stands."""
    is_english = (get_language() or "en").startswith("en")
    return reason if is_english else said(reason) or reason


def said(reason: str) -> str | None:
    """Return ``reason`` translated; ``None`` if nothing in it is a sentence of ours."""
    if reason.startswith(PARTLY):
        why = reason.removeprefix(PARTLY)
        return gettext(_IN_PART) % {"why": said(why) or why}
    if (found := _sentence(reason)) is not None:
        return found
    parts = reason.split("; ")
    told = [_placed(part) for part in parts]
    if all(told):
        return "; ".join(filter(None, told))
    if (found := _placed(reason)) is not None:
        return found
    known = [one or part for one, part in zip(told, parts, strict=True)]
    return "; ".join(known) if any(told) else None


def _placed(reason: str) -> str | None:
    """Return a sentence with the place it speaks of before it: a field, or a system's address."""
    if (found := _sentence(reason)) is not None:
        return found
    place, colon, rest = reason.partition(": ")
    inner = _placed(rest) if colon else None
    return f"{place}: {inner}" if inner is not None else None


def _sentence(reason: str) -> str | None:
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(reason):
            values = found.groupdict()
            if "why" in values:
                values["why"] = said(values["why"]) or values["why"]
            return gettext(sentence) % values
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences as patterns, those with the most words of their own first."""
    ordered = sorted(SENTENCES, key=lambda one: -len(_BLANK.sub("", one)))
    return [(re.compile(_pattern(one), re.DOTALL), one) for one in ordered]


def _pattern(sentence: str) -> str:
    pieces = _BLANK.split(sentence)  # words, name, words, name ...
    return "".join(
        f"(?P<{piece}>.+?)" if position % 2 else re.escape(piece)
        for position, piece in enumerate(pieces)
    )
