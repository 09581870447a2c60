"""Churn, next order and stages on real buyers, split by time: what the documentation claims."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.predict import past

from pusula.predict.learning import churn
from pusula.predict.rhythm import coming_back
from pusula.predict.training import EPOCH


def days_of(moments) -> np.ndarray:
    return moments.to_numpy().astype("datetime64[D]").astype(np.int64)


@pytest.fixture
def wholesaler(shared_data):
    names = ["invoice", "customer_id", "invoice_date", "quantity", "unit_price"]
    lines = pq.read_table(shared_data / "online_retail.parquet", columns=names).to_pandas()
    is_kept = lines.customer_id.notna() & ~lines.invoice.str.startswith(("C", "A"))
    lines = lines[is_kept]
    value = (lines.quantity * lines.unit_price).groupby(lines.invoice).sum()
    firsts = lines.groupby("invoice")[["customer_id", "invoice_date"]].min()
    minor = (value * 100).round().astype(int)
    return past.orders(
        firsts.customer_id.astype(int), days_of(firsts.invoice_date), minor.loc[firsts.index]
    )


@pytest.fixture
def music(shared_data):
    rows = pq.read_table(shared_data / "cdnow_sample.parquet").to_pandas()
    days = rows.date.to_numpy().astype("datetime64[D]").astype(np.int64)
    return past.orders(rows.sample_id, days, (rows.dollars * 100).round())


def test_on_a_wholesaler_churn_beats_the_wait_alone_by_far(wholesaler):
    day = past.day_after(wholesaler)
    assert day == date(2011, 12, 10)
    (told,) = churn.train(past.Given(wholesaler, day), day)
    card = told.card
    assert (card.horizon_days, card.method, card.withheld) == (93, "scorecard", None)
    auc, loss = card.metric("auc"), card.metric("log_loss")
    assert auc.model == pytest.approx(0.734, abs=0.002)
    assert auc.baseline == pytest.approx(0.684, abs=0.002)
    assert loss.model == pytest.approx(0.607, abs=0.002)
    assert loss.baseline == pytest.approx(0.677, abs=0.002)
    # Before Christmas more come back than in the periods it learned from; the card says so.
    assert card.metric("calibration_error").model < card.metric("calibration_error").baseline
    assert "share_moved" in {note.code for note in card.notes}


def test_on_a_wholesaler_days_and_stages_keep_what_they_promise(wholesaler):
    day = past.day_after(wholesaler)
    nexts, life = (one.card for one in coming_back.train(past.Given(wholesaler, day), day))
    assert nexts.withheld is None
    assert nexts.metric("mae_days").is_better
    assert nexts.metric("inside_interval").target == pytest.approx(0.8, abs=0.03)
    uneven = life.metric("uneven_alarms")
    assert uneven.model == pytest.approx(0.05, abs=0.01)
    assert uneven.baseline == pytest.approx(0.355, abs=0.02)
    came = {row.name: row.observed for row in life.backtest}
    assert came["active"] > came["new"] > came["lost"]


def test_on_music_buyers_chances_are_calibrated(music):
    day = past.day_after(music)
    assert day > EPOCH
    (told,) = churn.train(past.Given(music, day), day)
    assert told.card.metric("auc").model == pytest.approx(0.808, abs=0.003)
    assert told.card.metric("log_loss").is_better
    assert told.card.metric("calibration_error").model < 0.03
    nexts, _ = (one.card for one in coming_back.train(past.Given(music, day), day))
    assert nexts.metric("inside_interval").target == pytest.approx(0.8, abs=0.06)
