"""The exam of the agreement tests: each deliberate mistake in the kernel is noticed."""

from __future__ import annotations

from functools import cache

import pytest
from tests.segments import agreement, histories
from tests.segments.mutants import APART, LATE, MUTANTS, Mutant, broken

from pusula.lib import clock

SEEDS = range(100)


@cache
def world(seed, focus):
    return histories.Maker(seed, focus).world(n_trees=0)


@cache
def truth(seed, focus):
    oracle = world(seed, focus).oracle
    return {key: oracle.members(key) for key in oracle.definitions}


def is_noticed(focus=""):
    """Whether the kernel that the histories now use says anything but the truth."""
    for seed in SEEDS:
        plan, block = histories.compiled(world(seed, focus))
        members = plan.evaluate(block, world(seed, focus).at).members
        if {key: mask.tolist() for key, mask in members.items()} != truth(seed, focus):
            return True
    return False


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_in_the_kernel_is_noticed(mutant, tmp_path, monkeypatch):
    with broken(mutant, tmp_path) as kernel:
        monkeypatch.setattr(histories, "kernel", kernel)
        assert is_noticed(mutant.focus)


@pytest.mark.parametrize("mutant", LATE, ids=lambda mutant: mutant.name)
def test_a_flip_that_comes_too_late_is_noticed(mutant, tmp_path, monkeypatch):
    with broken(mutant, tmp_path) as kernel:
        monkeypatch.setattr(histories, "kernel", kernel)
        assert any(
            agreement.missed_flips(histories.Maker(seed, mutant.focus).world(4, 3, 0), seed)
            for seed in SEEDS
        )


@pytest.mark.parametrize("mutant", APART, ids=lambda mutant: mutant.name)
def test_a_mistake_in_moments_of_ones_own_is_noticed(mutant, tmp_path, monkeypatch):
    with broken(mutant, tmp_path) as kernel:
        monkeypatch.setattr(histories, "kernel", kernel)
        assert any(
            agreement.apart(histories.Maker(seed, mutant.focus).world(5, 6, 0), seed, rounds=1)
            for seed in SEEDS
        )


def test_a_month_that_is_not_clipped_to_its_end_is_noticed(monkeypatch):
    clipped = clock.add_months

    def overflowing(day, months):
        first = clipped(day.replace(day=1), months)
        return first + (day - day.replace(day=1))

    monkeypatch.setattr(clock, "add_months", overflowing)
    assert is_noticed("month")


def test_a_copy_of_the_kernel_without_a_mistake_passes_the_exam(tmp_path, monkeypatch):
    with broken(Mutant("none", "asked.py", "ANCIENT, NEVER", "ANCIENT, NEVER"), tmp_path) as kernel:
        monkeypatch.setattr(histories, "kernel", kernel)
        assert not is_noticed()


def test_a_long_run_ends_with_its_time_or_with_the_seed_of_a_failure(tmp_path, monkeypatch, capsys):
    assert agreement.main(["--seconds", "0", "--seed", "9"]) == 0
    assert "1 worlds agree" in capsys.readouterr().out
    with broken(MUTANTS[1], tmp_path) as kernel:
        monkeypatch.setattr(histories, "kernel", kernel)
        seed = next(seed for seed in SEEDS if agreement.failures(seed))
        assert agreement.main(["--seed", str(seed)]) == 1
    assert f"seed {seed}: " in capsys.readouterr().out
