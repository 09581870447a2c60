"""The draw: sticky, even, and its own for each campaign."""

from __future__ import annotations

import pytest

from pusula.campaigns.holdout import is_held_out


def held(key: str, share: float, n: int = 20_000) -> set[int]:
    return {i for i in range(n) if is_held_out(key, i, share)}


def test_the_same_people_are_held_out_however_often_one_asks():
    assert held("spring", 0.1, 500) == held("spring", 0.1, 500)


def test_a_larger_share_holds_out_the_same_people_and_more():
    assert held("spring", 0.1) < held("spring", 0.2)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_as_many_are_held_out_as_the_share_says(share):
    assert len(held("spring", share)) / 20_000 == pytest.approx(share, abs=0.01)


def test_another_campaign_holds_out_other_people():
    both = held("spring", 0.1) & held("summer", 0.1)
    assert len(both) / 20_000 == pytest.approx(0.01, abs=0.003)


def test_no_share_holds_out_nobody():
    assert held("spring", 0) == set()
