"""Models of the small company: one that is sound, one withheld, one that recommends."""

from __future__ import annotations

import datetime as dt

import numpy as np
from tests.web import company as made_up

from pusula.predict import actions, answers, recommendations
from pusula.predict.cards import Bin, Card, Metric, Note, Row, Window
from pusula.predict.models import ModelVersion
from pusula.predict.taste.baskets import Companion
from pusula.predict.training import Recommended
from pusula.profiles.models import Profile

DAY = made_up.TODAY


def card(model: str, **more) -> Card:
    return Card(model=model, method="bg_nbd", as_of_on=DAY, n_trained=80, **more)


def publish(told: Card, parameters: dict[str, object] | None = None) -> ModelVersion:
    return actions.publish(
        told.model, as_of_on=DAY, parameters=parameters or {}, card=told, at=made_up.NOW
    )


def build(company: made_up.Company) -> None:
    """Publish all three, and let an agent answer two suggestions."""
    churn(company)
    hotels(company)
    withheld()
    for verdict, who in (("accepted", 3), ("declined", 4)):
        pk = Profile.objects.order_by("pk")[who].pk
        answers.answer(pk, "offer-hotel", verdict, by="deniz", at=made_up.moment(3))


def churn(company: made_up.Company) -> ModelVersion:
    """Publish a model of probabilities with all that a card may say."""
    told = card(
        "churn",
        baseline="same_rate",
        horizon_days=90,
        window=Window(DAY - dt.timedelta(90), DAY),
        n_validated=70,
        metrics=(Metric("mae", 0.2, 0.25), Metric("total", 40.0, 50.0, "near", 41.0)),
        calibration=tuple(Bin(i / 10, i / 10 + 0.02, 7) for i in range(10)),
        rows_by="repeats",
        backtest=(Row("0", 40, 0.5, 0.45, 0.6), Row("1+", 30, 0.2, 0.25)),
        avoid=("single_person",),
    )
    version = publish(told)
    ids = np.array(sorted(Profile.objects.values_list("pk", flat=True)), np.int64)
    values = np.linspace(0.05, 0.95, len(ids))
    values[ids == company.elif_.pk] = 0.62
    actions.score(version, ids, values, at=made_up.NOW)
    return version


def hotels(company: made_up.Company) -> ModelVersion:
    """Publish recommendations: one of Elif's, because of where she has been."""
    told = card(
        "next_best_hotel",
        baseline="popularity",
        metrics=(Metric("first_right", 0.5, 0.4, "higher"),),
    )
    tried = {"popularity": {"first_right": 0.4}, "bg_nbd": {"first_right": 0.5}}
    version = publish(told, {"methods": tried})
    found = Recommended(
        profile_ids=np.array([company.elif_.pk], np.int64),
        ranks=np.array([1]),
        codes=("T",),
        reasons=("M",),
        scores=np.array([0.7]),
        companions=(Companion("T", "M", 12, 0.02, 0.3, 1.7),),
        names={"T": "Lodos Tünel", "M": "Lodos Mavi Koy"},
    )
    recommendations.keep(version, found)
    made_up.trait(company.elif_, "next_best_hotel", "Lodos Tünel")
    return version


def withheld() -> ModelVersion:
    """Publish a model that gives no scores, and says why."""
    return publish(card("clv_12m", withheld=Note("few_choices", {"least": 300})))
