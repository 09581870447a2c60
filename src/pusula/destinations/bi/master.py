"""The master table: one row for each customer, with all that is known of them as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from django.utils.translation import gettext_lazy as _

from pusula.consent import purposes
from pusula.consent import relations as consents
from pusula.consent.models import Channel
from pusula.destinations.bi.pivots import Pivot, Wanted, pivots
from pusula.destinations.bi.tables import (
    Column,
    Kind,
    Names,
    Owned,
    Table,
    profile,
)
from pusula.orders import machine
from pusula.outbox import policies
from pusula.outbox.rules.weigh import is_held_out
from pusula.profiles.relations import Ids

_ALIVE = ", ".join(f"'{state}'" for state in sorted(machine.ALIVE))


def master_table(wanted: Wanted) -> Table:
    """Return the table of customers."""
    first = (*_PEOPLE, *(_IDENTIFIERS if wanted.with_identifiers else ()), *_ORDERS, *_RFM)
    last = (*_messages(), *_reach(), _CONTROL)
    names = Names(column.name for column in (*first, *last))
    turned = pivots(wanted, names)
    columns = [column for pivot in turned for column in pivot.columns]
    return Table(
        "master_table",
        _("One row for each customer"),
        partial(_rows, turned, with_identifiers=wanted.with_identifiers),
        "p.id",
        "p.id",
        (*first, *columns, *last),
    )


_LATEST_RUN = """(select id, as_of_on from rfm_rfmrun where is_whole
    order by as_of_on desc, created_at desc, id desc limit 1)"""


def _rows(turned: Sequence[Pivot], owned: Owned, *, with_identifiers: bool) -> str:
    sent = ", ".join(
        f"max(case when channel = '{channel}' then settled_at end) as {channel}_at"
        for channel in Channel.values
    )
    held = "".join(
        f"""
left join (select profile_id, max(value) as value from profiles_identifier i where kind = '{kind}'
    and {owned("profile_id")} and not exists (select 1 from profiles_identifier later
      where later.profile_id = i.profile_id and later.kind = i.kind and later.id > i.id)
  group by profile_id) {kind} on {kind}.profile_id = p.id"""
        for kind in ("email", "phone")
        if with_identifiers
    )
    return f"""profiles_profile p
left join (select profile_id,
    sum(case when status in ({_ALIVE}) then 1 else 0 end) as n_alive,
    sum(case when status in ({_ALIVE}) then 0 else 1 end) as n_dead,
    min(case when status in ({_ALIVE}) then ordered_at end) as first_at,
    max(case when status in ({_ALIVE}) then ordered_at end) as last_at,
    cast(sum(case when status in ({_ALIVE}) then net_base_minor else 0 end) as bigint) as net
  from orders_order where {owned("profile_id")} group by profile_id) o on o.profile_id = p.id
left join {_LATEST_RUN} latest on 1 = 1
left join rfm_rfmscore f on f.profile_id = p.id and f.run_id = latest.id
left join (select profile_id, {sent} from outbox_message
  where state = 'sent' and {owned("profile_id")} group by profile_id) m on m.profile_id = p.id
left join (select sent.profile_id,
    max(case when r.kind = 'opened' then r.at end) as opened_at,
    max(case when r.kind = 'clicked' then r.at end) as clicked_at
  from outbox_message sent join outbox_receipt r on r.message_id = sent.id
  where not r.is_machine and {owned("sent.profile_id")} group by sent.profile_id) r
  on r.profile_id = p.id{held}{"".join(pivot.joined(owned) for pivot in turned)}"""


_PEOPLE = (
    profile("p.id"),
    Column(
        "created_at",
        Kind.MOMENT,
        "p.created_at",
        _("Since when the customer is one"),
        source="profiles_profile.created_at",
    ),
)
_IDENTIFIERS = (
    Column(
        "first_name",
        Kind.TEXT,
        "p.first_name",
        _("First name"),
        source="profiles_profile.first_name",
    ),
    Column(
        "last_name", Kind.TEXT, "p.last_name", _("Last name"), source="profiles_profile.last_name"
    ),
    Column(
        "email",
        Kind.TEXT,
        "email.value",
        _("E-mail address, the newest"),
        source="profiles_identifier.value",
    ),
    Column(
        "phone",
        Kind.TEXT,
        "phone.value",
        _("Phone number, the newest"),
        source="profiles_identifier.value",
    ),
)
_ORDERS = (
    Column(
        "first_order_at",
        Kind.MOMENT,
        "o.first_at",
        _("First order, without cancelled ones"),
        source="orders_order.ordered_at",
    ),
    Column(
        "last_order_at",
        Kind.MOMENT,
        "o.last_at",
        _("Last order, without cancelled ones"),
        source="orders_order.ordered_at",
    ),
    Column(
        "n_orders",
        Kind.COUNT,
        "coalesce(o.n_alive, 0)",
        _("Orders, without cancelled ones and no-shows"),
        source="orders_order",
    ),
    Column(
        "n_cancelled",
        Kind.COUNT,
        "coalesce(o.n_dead, 0)",
        _("Orders that were cancelled, and no-shows"),
        source="orders_order",
    ),
    Column(
        "revenue",
        Kind.MONEY,
        "coalesce(o.net, 0)",
        _("Net amount of those orders in the company’s currency"),
        source="orders_order.net_base_minor",
    ),
    Column(
        "average_order",
        Kind.MONEY,
        "case when o.n_alive > 0 then o.net / o.n_alive end",
        _("Revenue for each order, without fractions of the smallest coin"),
        source="orders_order.net_base_minor",
    ),
)
_RFM = (
    Column(
        "rfm_as_of_on",
        Kind.DAY,
        "case when f.id is not null then latest.as_of_on end",
        _("Day of the newest RFM run; empty: the customer is not in it"),
        source="rfm_rfmrun.as_of_on",
    ),
    Column(
        "rfm_recency_days",
        Kind.COUNT,
        "f.recency_days",
        _("Days since the last order, in the newest RFM run"),
        unit=_("days"),
        source="rfm_rfmscore.recency_days",
    ),
    Column(
        "rfm_frequency",
        Kind.COUNT,
        "f.frequency",
        _("Orders, in the newest RFM run"),
        source="rfm_rfmscore.frequency",
    ),
    Column(
        "rfm_monetary",
        Kind.MONEY,
        "f.monetary_minor",
        _("Revenue, in the newest RFM run"),
        source="rfm_rfmscore.monetary_minor",
    ),
)


def _messages() -> Iterator[Column]:
    for channel in Channel.values:
        yield Column(
            f"last_{channel}_at",
            Kind.MOMENT,
            f"m.{channel}_at",
            _("When the last message of this channel left"),
            source="outbox_message.settled_at",
        )
    yield Column(
        "last_open_at",
        Kind.MOMENT,
        "r.opened_at",
        _("Last opening, without machines"),
        source="outbox_receipt.at",
    )
    yield Column(
        "last_click_at",
        Kind.MOMENT,
        "r.clicked_at",
        _("Last click, without machines"),
        source="outbox_receipt.at",
    )


def _reach() -> Iterator[Column]:
    marketing = next(slug for slug, one in purposes.BUILT_IN.items() if one.is_commercial)
    for channel in Channel.values:
        yield Column(
            f"reach_{channel}",
            Kind.TEXT,
            "",
            _(
                "Whether a marketing message would arrive: reachable, no_address, suppressed, "
                "no_consent or not_in_iys"
            ),
            source="consent",
            counted=partial(_reached, channel, marketing),
        )


def _reached(channel: str, purpose: str, ids: Ids) -> pa.Array:
    return consents.reach(ids, [(channel, purpose)])["state"].combine_chunks()


def _held_out(ids: Ids) -> pa.Array:
    policy = policies.current().policy
    drawn = [is_held_out(policy, number) for number in ids.tolist()]
    return pa.array(drawn, pa.bool_())


_CONTROL = Column(
    "in_control_group",
    Kind.BOOL,
    "",
    _("In the control group of all messages: gets nothing commercial"),
    source="outbox_policy",
    counted=_held_out,
)
