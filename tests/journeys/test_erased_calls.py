"""Somebody is erased while they are on the phone: no word of it is left, and nobody is held up."""

from __future__ import annotations

import pytest
from tests.journeys.calling import CAN, ELIF, asked, task_of
from tests.journeys.scene import hours, profile_of

from pusula.journeys.models import Attempt, Task
from pusula.journeys.tasks import lists, noting, taking
from pusula.journeys.tasks.noting import Said
from pusula.journeys.tasks.taking import NotInHandError
from pusula.privacy import erasure

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


def test_who_is_erased_while_on_the_phone_leaves_no_word_and_holds_nobody_up(tmp_path):
    asked(ELIF)
    first = taking.take("ayse", tmp_path, at=hours(2))
    noting.note(first.pk, "ayse", Said("call_back", "Elif Kanarya", again_at=hours(3)), at=hours(2))
    assert taking.take("ayse", tmp_path, at=hours(3)) == first
    assert erasure.run(erasure.begin(profile_of(ELIF), actor="dpo"))
    assert not Task.objects.exists()
    assert not Attempt.objects.exists()
    with pytest.raises(NotInHandError):
        noting.note(first.pk, "ayse", Said("no_calls", "Elif Kanarya"), at=hours(3))
    assert not Attempt.objects.exists()
    assert taking.in_hand("ayse") is None


def test_the_outcome_of_somebody_erased_meanwhile_is_not_taken_over(tmp_path):
    asked(ELIF, CAN)
    made, _text = lists.export(tmp_path, by="deniz", at=hours(2))
    numbers = [task_of(ELIF).pk, task_of(CAN).pk]
    assert erasure.run(erasure.begin(profile_of(ELIF), actor="dpo"))
    rows = [
        (n, {"reference": f"L{made.pk}-{pk}", "outcome": "no_calls", "note": "Kanarya"})
        for n, pk in enumerate(numbers, 2)
    ]
    taken = lists.take_over(rows, tmp_path, at=hours(3))
    assert [(wrong.row, wrong.column) for wrong in taken.wrong] in (
        [(2, "reference")], [(2, "basvuru")],
    )  # fmt: skip
    assert taken.n_new == 1
    assert Attempt.objects.count() == 1
