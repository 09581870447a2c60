"""A run over orders in the database: what counts, what is written, what is said."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.rfm import actions, config, moves, queries, words
from pusula.rfm.models import RfmRun
from pusula.rfm.purchases import purchases
from pusula.rfm.rules import Config

pytestmark = pytest.mark.django_db
ZONE = "Europe/Istanbul"
TODAY = date(2026, 3, 1)


def at(day: date, hour: int = 12) -> int:
    return clock.start_of(day, ZONE) + hour * clock.HOUR


def guest(key: str) -> Profile:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    Identifier.objects.create(profile=profile, kind="key", value=key, source="pms", recorded_at=0)
    return profile


def order(profile: Profile, day: date, amount: int, *, status="completed", hour=12) -> Order:
    n = Order.objects.count() + 1
    made = Order.objects.create(
        profile=profile,
        source="pms",
        source_id=str(n),
        status=status,
        ordered_at=at(day, hour),
        status_at=at(day, hour),
        currency="TRY",
        gross_minor=amount,
        net_minor=amount,
        gross_base_minor=amount,
        net_base_minor=amount,
        recorded_at=0,
    )
    changed(made, at(day, hour), status, amount)
    return made


def changed(made: Order, moment: int, status: str, amount: int) -> None:
    Order.objects.filter(pk=made.pk).update(status=status, net_base_minor=amount)
    OrderChange.objects.create(
        order=made, profile=made.profile, ordered_at=made.ordered_at, changed_at=moment,
        recorded_at=moment, status=status, gross_base_minor=amount, net_base_minor=amount,
    )  # fmt: skip


def rules(**given) -> Config:
    return config.parse(given)


def bought(made_with: Config | None = None, day: date = TODAY):
    found = purchases(day, made_with or Config())
    columns = (found.profile_ids, found.recency_days, found.frequency, found.monetary_minor)
    return [tuple(row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def test_orders_before_the_day_count_and_later_ones_do_not():
    ayse = guest("pms:1")
    order(ayse, date(2026, 2, 1), 1_000)
    order(ayse, date(2026, 2, 28), 500, hour=23)
    order(ayse, TODAY, 9_999, hour=0)
    assert bought() == [(ayse.pk, 0, 2, 1_500)]
    calendar = rules(recency={"measure": "calendar_days"})
    assert bought(calendar) == [(ayse.pk, 1, 2, 1_500)]


def test_a_cancellation_counts_from_the_moment_it_happened():
    mehmet = guest("pms:2")
    kept = order(mehmet, date(2026, 1, 10), 700)
    gone = order(mehmet, date(2026, 2, 10), 300)
    changed(gone, at(date(2026, 2, 20)), "cancelled", 300)
    changed(kept, at(date(2026, 2, 25)), "completed", 650)
    assert bought(day=date(2026, 2, 15)) == [(mehmet.pk, 4, 2, 1_000)]
    assert bought(day=date(2026, 2, 21)) == [(mehmet.pk, 41, 1, 700)]
    assert bought() == [(mehmet.pk, 49, 1, 650)]


def test_statuses_of_the_rules_decide_which_orders_count():
    profile = guest("pms:3")
    order(profile, date(2026, 1, 1), 100, status="completed")
    order(profile, date(2026, 1, 2), 200, status="confirmed")
    order(profile, date(2026, 1, 3), 400, status="no_show")
    assert bought() == [(profile.pk, 57, 2, 300)]
    completed = rules(orders={"statuses": ["completed"]})
    assert bought(completed) == [(profile.pk, 58, 1, 100)]


def test_returns_lower_the_sum_or_count_or_are_left_out():
    profile = guest("pms:4")
    order(profile, date(2026, 1, 1), 1_000)
    order(profile, date(2026, 2, 1), -300)
    assert bought() == [(profile.pk, 58, 1, 700)]
    assert bought(rules(orders={"returns": "count"})) == [(profile.pk, 27, 2, 700)]
    assert bought(rules(orders={"returns": "drop"})) == [(profile.pk, 58, 1, 1_000)]


def test_the_look_back_window_is_whole_months_and_orders_ever_reach_beyond_it():
    profile = guest("pms:5")
    order(profile, date(2025, 2, 28), 100)
    order(profile, date(2025, 3, 1), 200, hour=0)
    order(profile, date(2026, 1, 1), 400)
    assert bought(rules(look_back_months=12)) == [(profile.pk, 58, 2, 600)]
    found = purchases(TODAY, rules(look_back_months=12))
    assert found.ever.tolist() == [3]
    long_gone = guest("pms:6")
    order(long_gone, date(2020, 1, 1), 100)
    assert [row[0] for row in bought(rules(look_back_months=12))] == [profile.pk]


def test_profiles_with_an_excluded_trait_are_not_scored():
    staff, customer = guest("pms:7"), guest("pms:8")
    for profile in (staff, customer):
        order(profile, date(2026, 1, 1), 100)
    Trait.objects.create(
        profile=staff, name="kind", kind="text", text="PERSONEL", text_fold="personel",
        source="pms", updated_at=0,
    )  # fmt: skip
    made_with = rules(pool={"exclude": [{"trait": "kind", "is": ["Personel", "Acente"]}]})
    assert [row[0] for row in bought(made_with)] == [customer.pk]


def test_ties_are_broken_by_the_key_the_company_gave():
    first, second, keyless = guest("pms:20"), guest("pms:10"), guest("pms:30")
    Identifier.objects.filter(profile=keyless).delete()
    for profile in (first, second, keyless):
        order(profile, date(2026, 1, 1), 100)
    keys = purchases(TODAY, Config()).keys.tolist()
    assert keys[:2] == ["pms:20", "pms:10"]
    assert max(keys) == keys[2]


def shop() -> list[Profile]:
    """Ten people who order ever more often, ever later and ever more."""
    people = [guest(f"pms:{n:02}") for n in range(10)]
    for n, profile in enumerate(people):
        for k in range(n + 1):
            order(profile, date(2026, 1, 1 + n), 1_000 * (k + 1))
    return people


def test_a_run_keeps_scores_and_tells_the_profiles():
    people = shop()
    run = actions.run(TODAY, Config())
    assert run.n_profiles == 10
    best = queries.scores_of(people[-1].pk).get()
    assert (best.r, best.f, best.m, best.group) == (5, 5, 5, "champions")
    assert (best.recency_days, best.frequency, best.monetary_minor) == (49, 10, 55_000)
    traits = {t.name: t for t in people[-1].traits.all()}
    assert set(traits) == set(actions.TRAITS)
    assert traits["rfm_group"].text == traits["rfm_group"].text_fold == "champions"
    assert [traits[f"rfm_{grade}"].number for grade in "rfm"] == [5.0, 5.0, 5.0]
    assert traits["rfm_r"].kind == "number"
    assert traits["rfm_r"].source == "rfm"


def test_the_same_day_and_rules_again_replace_the_run():
    shop()
    first = actions.run(TODAY, Config())
    second = actions.run(TODAY, Config())
    assert list(RfmRun.objects.all()) == [second]
    assert first.pk != second.pk
    other = actions.run(TODAY, rules(ties="file_order"))
    assert set(RfmRun.objects.all()) == {second, other}
    assert queries.latest() == other
    assert Trait.objects.count() == 40


def test_a_run_of_the_past_leaves_the_traits_of_the_newest_alone():
    people = shop()
    actions.run(TODAY, Config())
    told = people[0].traits.get(name="rfm_group")
    past = actions.run(date(2026, 1, 5), Config())
    assert past.n_profiles == 4
    assert people[0].traits.get(name="rfm_group") == told
    assert people[0].traits.get(name="rfm_group").text == "hibernating"


def test_who_drops_out_of_the_newest_run_loses_the_traits():
    people = shop()
    actions.run(TODAY, Config())
    actions.run(date(2026, 3, 2), rules(pool={"min_orders": 6}))
    assert people[0].traits.count() == 0
    assert people[9].traits.count() == 4


def test_groups_and_grid_show_the_empty_ones_and_add_up():
    shop()
    run = actions.run(TODAY, Config())
    groups = queries.groups(run)
    assert [g.name for g in groups] == list(Config().named_groups)
    assert sum(g.n for g in groups) == 10
    assert sum(g.share for g in groups) == pytest.approx(1)
    assert sum(g.revenue_share for g in groups) == pytest.approx(1)
    assert sum(g.revenue_minor for g in groups) == 220_000
    new = next(g for g in groups if g.name == "new_customers")
    assert (new.n, new.recency_mean, new.revenue_minor) == (0, None, 0)
    champions = next(g for g in groups if g.name == "champions")
    assert (champions.n, champions.recency_mean, champions.frequency_mean) == (2, 49.5, 9.5)
    grid = queries.grid(run)
    assert len(grid) == 25
    assert sum(cell.n for cell in grid) == 10
    assert (grid[4].r, grid[4].f, grid[4].group, grid[4].n) == (5, 5, "champions", 2)


def test_transitions_count_those_who_came_and_went():
    people = shop()
    before = actions.run(TODAY, Config())
    for profile in people[:2]:
        order(profile, date(2026, 3, 10), 100)
    newcomer = guest("pms:99")
    order(newcomer, date(2026, 3, 11), 100)
    after = actions.run(date(2026, 4, 1), rules(ties="profile_key"))
    flows = {(f.before, f.after): f.n for f in moves.transitions(before, after)}
    assert sum(flows.values()) == 11
    assert flows[None, "new_customers"] == 1
    assert sum(n for (old, _), n in flows.items() if old == "hibernating") == 4


def test_a_run_over_nobody_stands_and_says_so():
    run = actions.run(TODAY, Config())
    assert run.n_profiles == 0
    assert [c.code for c in queries.warnings(run)] == ["nobody"]
    assert all(g.n == 0 for g in queries.groups(run))


def test_warnings_are_sentences():
    shop()
    made_with = rules(recency={"cuts": [30, 90, 180]}, pool={"ordered_within_days": 90})
    run = actions.run(TODAY, made_with)
    with translation.override("en"):
        sentences = [words.sentence(c) for c in queries.warnings(run)]
    assert sentences[0] == (
        "The pool and the recency cuts contradict each other: "
        "nobody can have the recency scores 1, 2."
    )
    assert "Hibernating" in sentences[-1]


def test_the_titles_of_own_groups_are_the_companys_words():
    assert words.title("Gümüş") == "Gümüş"
