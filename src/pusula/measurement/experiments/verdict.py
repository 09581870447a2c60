"""The result of a campaign in one plain sentence, in the language that is active."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, ngettext, pgettext_lazy

from pusula.campaigns.words import number
from pusula.consent.models import Channel
from pusula.lib.text import possessed
from pusula.measurement.experiments.analysis import Course, judged
from pusula.measurement.experiments.queries import Found
from pusula.measurement.results.campaign import Counted, Effect, Phase, Result
from pusula.measurement.stats import ALPHA, RateTest, Seen

JOURNEY = "journey"  # in the place of a channel
_WORKED: dict[str, str | Promise] = {
    Channel.EMAIL: pgettext_lazy("email", "It worked"),
    Channel.SMS: pgettext_lazy("sms", "It worked"),
    Channel.WHATSAPP: pgettext_lazy("whatsapp", "It worked"),
    Channel.CALL: pgettext_lazy("call", "It worked"),
    Channel.WEBPUSH: pgettext_lazy("webpush", "It worked"),
    JOURNEY: pgettext_lazy("journey", "It worked"),
}
_HARMED: dict[str, str | Promise] = {
    Channel.EMAIL: pgettext_lazy("email", "It did harm"),
    Channel.SMS: pgettext_lazy("sms", "It did harm"),
    Channel.WHATSAPP: pgettext_lazy("whatsapp", "It did harm"),
    Channel.CALL: pgettext_lazy("call", "It did harm"),
    Channel.WEBPUSH: pgettext_lazy("webpush", "It did harm"),
    JOURNEY: pgettext_lazy("journey", "It did harm"),
}
_TRIES = 1_000  # a p-value is told as so many of these
_PEOPLE = (100, 1_000, 10_000, 100_000)
_SAID_FROM = 0.5  # a difference is told per so many people that it is at least this


class Kind(Enum):
    """What there is to say."""

    NOT_STARTED = "not_started"
    TOO_EARLY = "too_early"
    NO_HOLDOUT = "no_holdout"
    WORKED = "worked"
    HARMED = "harmed"
    NO_DIFFERENCE = "no_difference"


class Tone(Enum):
    """How a verdict may be coloured; only what stands has a colour."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


_TONES = {Kind.WORKED: Tone.GOOD, Kind.HARMED: Tone.BAD, Kind.NO_DIFFERENCE: Tone.NEUTRAL}


@dataclass(frozen=True)
class Verdict:
    """One sentence; ``warning`` comes before it and takes the colour away.

    ``alarm`` is the one thing said before the end: that it does harm.
    """

    kind: Kind
    tone: Tone
    sentence: str
    warning: str = ""
    alarm: str = ""


@dataclass(frozen=True)
class Subject:
    """What a sentence is about: the channel or ``JOURNEY``, and what counts."""

    head: str
    counted: Counted
    event: str


def verdict(found: Result, course: Course | None = None) -> Verdict:
    """Return what the campaign as a whole did; no judgement before its planned end.

    With the ``course`` of a campaign that runs, harm is told early: an interval that holds at every
    look and lies below zero does not wait for the end. Success waits.
    """
    if found.phase is Phase.NOT_STARTED:
        return Verdict(Kind.NOT_STARTED, Tone.NEUTRAL, gettext("Not started yet."))
    warning = _warning(found)
    if found.phase is Phase.TOO_EARLY:
        alarm = _alarm(_subject(found), course)
        return Verdict(Kind.TOO_EARLY, Tone.NEUTRAL, _too_early(found), warning, alarm)
    if found.overall is None:
        return _nobody_held_out()
    return _judged(_subject(found), found.overall, warning)


def experiment_verdict(found: Found) -> Verdict:
    """Return what an experiment did: a campaign as ``verdict``, a journey by every look so far."""
    experiment = found.experiment
    if found.result is not None:
        return verdict(found.result, found.course)
    if experiment.phase is Phase.NOT_STARTED:
        return Verdict(Kind.NOT_STARTED, Tone.NEUTRAL, gettext("Nobody has come in yet."))
    if not experiment.is_held_against:
        return _nobody_held_out()
    warning = _broken_split(found)
    if found.analysis is None or found.course.last is None:
        return Verdict(Kind.TOO_EARLY, Tone.NEUTRAL, _too_few_yet(experiment.window_days), warning)
    return _so_far(found, found.analysis.rates, found.course.last[0], warning)


def _so_far(found: Found, rates: RateTest, seen: Seen, warning: str) -> Verdict:
    """Return what may be said of a journey at any moment, without an end to wait for."""
    if not seen.interval.has(0):
        kind = Kind.WORKED if seen.interval.low > 0 else Kind.HARMED
        subject = Subject(JOURNEY, found.experiment.counted, found.experiment.event)
        test = judged(seen, rates)
        tone = Tone.NEUTRAL if warning else _TONES[kind]
        sentence = f"{_difference(subject, test, kind)} {_likelihood(seen.p)}"
        return Verdict(kind, tone, sentence, warning)
    ends = (points(end) for end in (seen.interval.low, seen.interval.high))
    words = dict(zip(("low", "high"), ends, strict=True))
    said = gettext("No difference seen so far: it lies between %(low)s and %(high)s points.")
    return Verdict(Kind.NO_DIFFERENCE, Tone.NEUTRAL, said % words, warning)


def points(share: float) -> str:
    """Return a difference of shares in points, with its sign."""
    size = abs(share) * 100
    digits = 1 if size >= 0.1 else 2  # noqa: PLR2004 - below it one decimal says nothing
    sign = "" if round(size, digits) == 0 else ("+" if share > 0 else "−")
    return f"{sign}{number(size, digits)}"


def _alarm(subject: Subject, course: Course | None) -> str:
    seen = course.last[0] if course and course.last else None
    if seen is None or seen.interval.high >= 0:
        return ""
    words = {"low": points(seen.interval.low), "high": points(seen.interval.high)}
    if subject.counted is Counted.EVENT:
        form = gettext(
            "It seems to do harm: even looked at every day, the difference lies between %(low)s "
            "and %(high)s points. Consider stopping it; it does not have to wait for the end."
        )
    else:
        form = gettext(
            "It seems to cost orders: even looked at every day, the difference lies between "
            "%(low)s and %(high)s points. Consider stopping it; it does not have to wait for the "
            "end."
        )
    return form % words


def _nobody_held_out() -> Verdict:
    sentence = gettext("Nobody was held out, so nothing can be said about what it caused.")
    return Verdict(Kind.NO_HOLDOUT, Tone.NEUTRAL, sentence)


def _too_few_yet(days: int) -> str:
    form = ngettext(
        "Too early: too few people have come in and had their %(days)s day since.",
        "Too early: too few people have come in and had their %(days)s days since.",
        days,
    )
    return form % {"days": number(days)}


def _subject(found: Result) -> Subject:
    campaign = found.campaign
    return Subject(campaign.channel, found.counted, campaign.conversion_event)


def variant_verdict(found: Result, effect: Effect) -> Verdict:
    """Return what one variant did; as reserved as ``verdict``."""
    warning = _warning(found)
    if found.phase is not Phase.READY:
        return Verdict(Kind.TOO_EARLY, Tone.NEUTRAL, _too_early(found), warning)
    return _judged(_subject(found), effect, warning)


def _judged(subject: Subject, effect: Effect, warning: str) -> Verdict:
    kind = _kind(effect)
    tone = Tone.NEUTRAL if warning else _TONES[kind]
    if kind is Kind.NO_DIFFERENCE:
        return Verdict(kind, tone, _no_difference(effect), warning)
    sentence = f"{_difference(subject, effect.rates, kind)} {_likelihood(effect.p)}"
    return Verdict(kind, tone, sentence, warning)


def _kind(effect: Effect) -> Kind:
    """Return what the test says; p-value and interval must agree."""
    interval = effect.rates.interval
    if effect.p < ALPHA and interval.low > 0:
        return Kind.WORKED
    if effect.p < ALPHA and interval.high < 0:
        return Kind.HARMED
    return Kind.NO_DIFFERENCE


def _difference(subject: Subject, rates: RateTest, kind: Kind) -> str:
    forms = {
        (Counted.ORDER, Kind.WORKED): gettext(
            "%(head)s: %(n)s more orders per %(people)s people (95%% CI %(low)s–%(high)s)."
        ),
        (Counted.BOOKING, Kind.WORKED): gettext(
            "%(head)s: %(n)s more bookings per %(people)s people (95%% CI %(low)s–%(high)s)."
        ),
        (Counted.EVENT, Kind.WORKED): gettext(
            "%(head)s: per %(people)s people, %(n)s more did “%(event)s” "
            "(95%% CI %(low)s–%(high)s)."
        ),
        (Counted.ORDER, Kind.HARMED): gettext(
            "%(head)s: %(n)s fewer orders per %(people)s people (95%% CI %(low)s–%(high)s)."
        ),
        (Counted.BOOKING, Kind.HARMED): gettext(
            "%(head)s: %(n)s fewer bookings per %(people)s people (95%% CI %(low)s–%(high)s)."
        ),
        (Counted.EVENT, Kind.HARMED): gettext(
            "%(head)s: per %(people)s people, %(n)s fewer did “%(event)s” "
            "(95%% CI %(low)s–%(high)s)."
        ),
    }
    size = abs(rates.difference)
    ends = sorted(abs(end) for end in (rates.interval.low, rates.interval.high))
    people = next((n for n in _PEOPLE if size * n >= _SAID_FROM), _PEOPLE[-1])
    heads = _WORKED if kind is Kind.WORKED else _HARMED
    return forms[subject.counted, kind] % {
        "head": heads[subject.head],
        "n": number(size * people, 1),
        "people": number(people),
        "low": number(ends[0] * people, 1),
        "high": number(ends[1] * people, 1),
        "event": subject.event,
    }


def _likelihood(p: float) -> str:
    times = round(p * _TRIES)
    if times < 1:
        return gettext(
            "With no real difference, a result like this would turn up "
            "less than once in 1,000 (p < %(p)s)."
        ) % {"p": number(1 / _TRIES, 3)}
    form = ngettext(
        "With no real difference, a result like this would turn up "
        "%(n)s time in 1,000 (p = %(p)s).",
        "With no real difference, a result like this would turn up "
        "%(n)s times in 1,000 (p = %(p)s).",
        times,
    )
    return form % {"n": number(times), "p": number(p, 3)}


def _no_difference(effect: Effect) -> str:
    said = gettext("No difference seen.")
    if effect.detectable is None or effect.rates.control.value + effect.detectable > 1:
        return f"{said} " + gettext("Too few people converted to say what it could have detected.")
    points = effect.detectable * 100
    digits = 1 if points >= 0.1 else 2  # noqa: PLR2004 - below it one decimal says nothing
    detail = gettext("A test this size could only detect more than %(points)s points.")
    return f"{said} {detail % {'points': number(points, digits)}}"


def _too_early(found: Result) -> str:
    # Turkish says "6 of the 14 days" by a suffix of the number, which no translation can add.
    day = possessed(found.day) if get_language() == "tr" else number(found.day)
    days = number(found.campaign.window_days)
    return gettext("Too early: day %(day)s of %(days)s.") % {"day": day, "days": days}


def _warning(found: Result) -> str:
    if not found.is_split_broken:
        return ""
    return _broken(found.treated.n, found.holdout.n)


def _broken_split(found: Found) -> str:
    if not found.is_split_broken:
        return ""
    return _broken(found.experiment.n_treated, found.experiment.n_control)


def _broken(n_treated: int, n_holdout: int) -> str:
    return gettext(
        "The groups do not have the planned sizes (%(treated)s and %(holdout)s people), "
        "so something went wrong with the split: do not rely on this result."
    ) % {"treated": number(n_treated), "holdout": number(n_holdout)}
