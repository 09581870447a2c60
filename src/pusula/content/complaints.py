"""What Liquid and MJML complain of, and what is said in their name here."""

from __future__ import annotations

from pusula.lib.complaints import Complaints
from pusula.lib.sayings import Saying

SENTENCES = (
    Saying("line %(line)s: %(problem)s"),
    # reading Liquid
    Saying("expected %(what)s, found %(found)s"),
    Saying("expected %(what)s"),
    Saying("missing expression"),
    Saying("missing tag name or closing delimiter"),
    Saying("missing or unexpected path segment"),
    Saying("unbalanced parentheses"),
    Saying("unexpected tag %(given)s"),
    Saying("unexpected token %(given)s"),
    Saying("unknown operator %(given)s"),
    Saying("unexpected %(given)s"),
    Saying("unexpected expression"),
    Saying("invalid identifier"),
    Saying("comment tag was never closed"),
    Saying("unknown filter %(given)s"),
    # filling it
    Saying('%(field)s is empty; say what to print then: {{ %(field)s | default: "…" }}'),
    Saying("more than %(most)s characters"),
    Saying("a range of more than %(most)s steps"),
    Saying("%(filter)s makes too much"),
    Saying("takes longer than %(most)s s"),
    Saying("nested too deeply"),
    Saying("money: %(given)s is not a number"),
    Saying("date: %(given)s is not known; for names of months use date_tr"),
    Saying("%(given)s is not a date such as 2026-11-09"),
    Saying("the subject is empty for this person"),
    Saying("the message is empty for this person"),
    Saying("the customer is not there any more"),
    # MJML
    Saying("MJML: %(why)s"),
    Saying("MJML has no place for %(piece)s here: use mj-raw"),
    Saying("MJML is nested too deeply"),
    Saying("<%(tag)s> is not known here"),
    Saying("more than 65,000 pieces of Liquid"),
    Saying("unexpected end of stream"),
    Saying("unexpected element"),
    Saying("unexpected token"),
    Saying("unable to parse next template"),
    Saying("invalid attribute"),
)
_WORDS = (
    Saying("end of expression"), Saying("end of file"), Saying("a primitive expression"),
    Saying("an infix expression"), Saying("an identifier"), Saying("an integer"),
    Saying("a name"), Saying("a dot or bracket notation"), Saying("an argument name"),
    Saying("a parameter list"), Saying("a comma separated list of arguments"),
    Saying("a path with multiple segments"),
)  # fmt: skip


known = Complaints(SENTENCES, _WORDS).known
