"""The pages that are looked at in every theme and width; add each new page here.

The names in braces are those of ``world.World.names``.
"""

from __future__ import annotations

PAGES = {
    "overview": "/",
    "overview-year": "/?days=364",
    "customers": "/customers/",
    "customers-found": "/customers/?q=elif",
    "customers-none": "/customers/?q=Elf+Dogan",
    "card": "/customers/{elif}/",
    "card-contact": "/customers/{elif}/?show=contact",
    "card-empty": "/customers/{nobody}/",
    "segments": "/segments/",
    "segments-archived": "/segments/+archived/",
    "segments-compare": "/segments/+compare/?key=lapsing&key=repeat-guests&key=high-value",
    "segment": "/segments/lapsing/",
    "segment-then": "/segments/lapsing/?on=2026-06-01",
    "segment-new": "/segments/+new/",
    "segment-edit": "/segments/wide/edit/",
    "segment-change": "/segments/wide/change/",
    "segment-why": "/segments/lapsing/why/?q=elif",
    "segment-why-one": "/segments/lapsing/why/?profile={elif}",
    "rfm": "/rfm/",
    "rfm-people": "/rfm/{run}/people/?group=champions",
    "campaigns": "/campaigns/",
    "campaign-new": "/campaigns/+new/",
    "campaign-draft": "/campaigns/yaz/",
    "campaign-edit": "/campaigns/yaz/edit/",
    "campaign-send": "/campaigns/yaz/send/",
    "campaign-sending": "/campaigns/guz/",
    "campaign-result": "/campaigns/bahar/",
    "campaign-unsent": "/campaigns/bahar/unsent/?reason=no_consent",
    "imports": "/imports/",
    "import": "/imports/{import}/",
    "inbox": "/sent-mail/",
    "inbox-mail": "/sent-mail/{mail}/",
}
# The doors: seen before anybody signs in.
DOORS = {"login": "/login/", "login-link": "/login/link/{link}/"}
