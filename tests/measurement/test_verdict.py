"""The verdict in the exact words people read, in both languages."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import translation

from pusula.campaigns.models import Campaign
from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.experiments.verdict import Kind, Tone, variant_verdict, verdict
from pusula.measurement.results.campaign import ArmResult, Counted, Effect, Phase, Result
from pusula.measurement.stats import Amounts, Rate

START = 1_790_000_000_000_000


def arm(name: str, n: int, x: int) -> ArmResult:
    return ArmResult(name, Rate(n, x), Amounts(n, x * 100.0, x * 10_000.0))


def effect(treated: ArmResult, holdout: ArmResult, p: float | None = None) -> Effect:
    rates = stats.compare_rates(treated.rate, holdout.rate)
    means = stats.compare_means(treated.amounts, holdout.amounts)
    return Effect(
        arm=treated,
        rates=rates,
        means=means,
        p=rates.p if p is None else p,
        n_incremental=rates.difference * treated.n,
        incremental_interval=rates.interval.scaled(treated.n),
        gained=stats.returns(means, cost=0, margin=1),
        detectable=stats.detectable_difference(holdout.rate.value, treated.n, holdout.n),
    )


def measured(
    treated=(5_000, 400), holdout=(5_000, 300), *, p=None, event="", channel="email", **changes
) -> Result:
    made = Campaign(
        key="c", title="C", channel=channel, conversion_event=event, window_days=14,
        currency="TRY", started_at=START, window_ends_at=START + 14 * clock.DAY,
    )  # fmt: skip
    a, b = arm("treated", *treated), arm("holdout", *holdout)
    given = {
        "campaign": made,
        "at": START + 20 * clock.DAY,
        "phase": Phase.READY,
        "day": 14,
        "counted": Counted.EVENT if event else Counted.BOOKING,
        "treated": a,
        "holdout": b,
        "overall": effect(a, b, p) if a.n and b.n else None,
        "variants": (),
        "split_p": 0.5,
        "n_sent": a.n,
        "messages": {},
        "receipts": {},
    }
    return Result(**given | changes)


def said(found: Result, language: str) -> str:
    with translation.override(language):
        return verdict(found).sentence


WORKED = (2_400, 242), (2_400, 180)


@pytest.mark.parametrize(
    ("found", "turkish", "english"),
    [
        (
            measured(*WORKED),
            (
                "E-posta işe yaradı: 100 kişide 2,6 fazla rezervasyon (%95 güvenle 1,0–4,2). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 2 kez çıkardı (p = 0,002)."
            ),
            (
                "It worked: 2.6 more bookings per 100 people (95% CI 1.0–4.2). "
                "With no real difference, a result like this would turn up 2 times in 1,000 "
                "(p = 0.002)."
            ),
        ),
        (
            measured((21_307, 267), (21_306, 122), counted=Counted.ORDER),
            (
                "E-posta işe yaradı: 100 kişide 0,7 fazla sipariş (%95 güvenle 0,5–0,9). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 1 kereden az çıkardı (p < 0,001)."
            ),
            (
                "It worked: 0.7 more orders per 100 people (95% CI 0.5–0.9). "
                "With no real difference, a result like this would turn up less than once in 1,000 "
                "(p < 0.001)."
            ),
        ),
        (
            measured((21_307, 3_894), (21_306, 2_262), event="Site Visited"),
            (
                "E-posta işe yaradı: 100 kişide 7,7 fazla “Site Visited” olayı "
                "(%95 güvenle 7,0–8,3). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 1 kereden az çıkardı (p < 0,001)."
            ),
            (
                "It worked: per 100 people, 7.7 more did “Site Visited” (95% CI 7.0–8.3). "
                "With no real difference, a result like this would turn up less than once in 1,000 "
                "(p < 0.001)."
            ),
        ),
        (
            measured((50_000, 150), (50_000, 100), counted=Counted.ORDER),
            (
                "E-posta işe yaradı: 1.000 kişide 1,0 fazla sipariş (%95 güvenle 0,4–1,6). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 2 kez çıkardı (p = 0,002)."
            ),
            (
                "It worked: 1.0 more orders per 1,000 people (95% CI 0.4–1.6). "
                "With no real difference, a result like this would turn up 2 times in 1,000 "
                "(p = 0.002)."
            ),
        ),
        (
            measured(WORKED[1], WORKED[0]),
            (
                "E-posta zarar verdi: 100 kişide 2,6 eksik rezervasyon (%95 güvenle 1,0–4,2). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 2 kez çıkardı (p = 0,002)."
            ),
            (
                "It did harm: 2.6 fewer bookings per 100 people (95% CI 1.0–4.2). "
                "With no real difference, a result like this would turn up 2 times in 1,000 "
                "(p = 0.002)."
            ),
        ),
        (
            measured(WORKED[0], WORKED[1], channel="sms"),
            (
                "SMS işe yaradı: 100 kişide 2,6 fazla rezervasyon (%95 güvenle 1,0–4,2). "
                "Fark olmasaydı böyle bir sonuç 1.000 denemede 2 kez çıkardı (p = 0,002)."
            ),
            (
                "It worked: 2.6 more bookings per 100 people (95% CI 1.0–4.2). "
                "With no real difference, a result like this would turn up 2 times in 1,000 "
                "(p = 0.002)."
            ),
        ),
        (
            measured((5_000, 402), (5_000, 400)),
            "Fark görülmedi. Bu büyüklükte bir test ancak 1,6 puandan büyük farkı yakalayabilirdi.",
            "No difference seen. A test this size could only detect more than 1.6 points.",
        ),
        (
            measured((200, 0), (200, 0)),
            "Fark görülmedi. Neyi yakalayabileceğini söylemeye yetecek kadar dönüşüm olmadı.",
            "No difference seen. Too few people converted to say what it could have detected.",
        ),
        (
            measured(phase=Phase.TOO_EARLY, day=6),
            "Henüz erken: 14 günün 6’sı geçti.",
            "Too early: day 6 of 14.",
        ),
        (
            measured(holdout=(0, 0)),
            "Kimse kontrol grubuna ayrılmadı; kampanyanın neye yol açtığı söylenemez.",
            "Nobody was held out, so nothing can be said about what it caused.",
        ),
        (
            measured(phase=Phase.NOT_STARTED),
            "Henüz başlamadı.",
            "Not started yet.",
        ),
    ],
    ids=[
        "bookings",
        "orders",
        "event",
        "rare orders",
        "harm",
        "sms",
        "no difference",
        "nobody converted",
        "too early",
        "no holdout",
        "not started",
    ],
)
def test_the_verdict_reads_as_it_should(found, turkish, english):
    assert said(found, "en") == english
    assert said(found, "tr") == turkish


def test_one_in_a_thousand_is_singular():
    found = measured(*WORKED, p=0.001)
    assert "1 time in 1,000 (p = 0.001)" in said(found, "en")


@pytest.mark.parametrize(
    ("found", "kind", "tone"),
    [
        (measured(*WORKED), Kind.WORKED, Tone.GOOD),
        (measured(WORKED[1], WORKED[0]), Kind.HARMED, Tone.BAD),
        (measured((500, 40), (500, 38)), Kind.NO_DIFFERENCE, Tone.NEUTRAL),
        (measured(*WORKED, phase=Phase.TOO_EARLY, day=3), Kind.TOO_EARLY, Tone.NEUTRAL),
    ],
    ids=["worked", "harmed", "no difference", "too early"],
)
def test_only_what_stands_has_a_colour(found, kind, tone):
    assert (verdict(found).kind, verdict(found).tone) == (kind, tone)


def test_a_broken_split_takes_the_colour_and_warns():
    found = measured(*WORKED, split_p=1e-9)
    with translation.override("en"):
        judged = verdict(found)
    assert judged.tone is Tone.NEUTRAL
    assert judged.warning == (
        "The groups do not have the planned sizes (2,400 and 2,400 people), "
        "so something went wrong with the split: do not rely on this result."
    )
    with translation.override("tr"):
        assert verdict(found).warning == (
            "Grupların büyüklüğü plana uymuyor (2.400 ve 2.400 kişi); "
            "ayırmada bir hata var, bu sonuca güvenmeyin."
        )


def test_a_variant_is_judged_by_the_p_value_that_pays_for_all_questions():
    found = measured()
    sure = effect(arm("mens", 2_400, 242), arm("holdout", 2_400, 180))
    unsure = effect(arm("womens", 2_400, 242), arm("holdout", 2_400, 180), p=0.08)
    assert variant_verdict(found, sure).kind is Kind.WORKED
    assert variant_verdict(found, unsure).kind is Kind.NO_DIFFERENCE
    early = measured(phase=Phase.TOO_EARLY, day=1)
    assert variant_verdict(early, sure).kind is Kind.TOO_EARLY


def test_verdicts_of_campaigns_without_effect_hold_their_level():
    """Whole verdicts, not only p-values: about 1 in 20 campaigns without effect gets a colour."""

    random = np.random.default_rng(99)
    coloured = 0
    for _ in range(1_000):
        n_treated, n_held = 4_500, 500
        treated, held = random.binomial([n_treated, n_held], 0.08).tolist()
        coloured += verdict(measured((n_treated, treated), (n_held, held))).tone is not Tone.NEUTRAL
    assert 0.03 < coloured / 1_000 < 0.065
