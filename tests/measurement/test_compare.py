"""Published tests, compared by the public command and held against their reference results."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from pusula.ops.experiments import experiments

CLOSE = 1e-6  # relative, as stated with the reference
CONTROL = "No E-Mail"
MENS, WOMENS = "Mens E-Mail", "Womens E-Mail"
GROUPS = ("mens", "womens", "newbie", "channel", "zip_code", "history_segment")


@pytest.fixture(scope="module")
def reference(shared_data):
    text = (shared_data / "reference_experiments.json").read_text(encoding="utf-8")
    return json.loads(text)


def asked(*args: object) -> dict:
    done = CliRunner().invoke(experiments, [*map(str, args), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def hillstrom(shared_data, *more: str, control: str = CONTROL) -> dict:
    return asked(
        "compare", shared_data / "hillstrom.parquet", "--arm", "segment", "--control", control,
        "--rate", "visit", "--rate", "conversion", "--mean", "spend", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def mailing(shared_data):
    by = [word for name in GROUPS for word in ("--by", name)]
    return hillstrom(
        shared_data, "--before", "history", "--cost", "0.10", "--margin", "30%", "--together", *by
    )


def near(value, rel=CLOSE):
    """References are printed with eight digits."""
    return pytest.approx(value, rel=max(rel, 1e-7))


def check_rate(found: dict, expected: dict) -> None:
    assert found["n_treated"] == expected["n_treat"]
    assert found["x_treated"] == expected["x_treat"]
    assert found["n_control"] == expected["n_control"]
    assert found["x_control"] == expected["x_control"]
    pairs = {
        "rate_treated": "rate_treat", "rate_control": "rate_control", "difference": "diff",
        "lift": "rel_lift", "z": "z_pooled", "p": "p_two_sided",
        "incremental": "incremental_conversions",
    }  # fmt: skip
    for ours, theirs in pairs.items():
        assert found[ours] == near(expected[theirs]), ours
    intervals = {
        "interval": "ci95_newcombe", "interval_wald": "ci95_wald",
        "lift_interval": "rel_lift_ci95_katz",
    }  # fmt: skip
    for ours, theirs in intervals.items():
        assert [found[ours]["low"], found[ours]["high"]] == near(expected[theirs]), ours
    assert found["z"] ** 2 == near(expected["chi2"])
    if expected["fisher_p"] is not None:
        assert found["p_fisher"] == near(expected["fisher_p"])


def check_mean(found: dict, expected: dict) -> None:
    pairs = {
        "n_treated": "n_treat", "n_control": "n_control", "mean_treated": "mean_treat",
        "mean_control": "mean_control", "deviation_treated": "sd_treat",
        "deviation_control": "sd_control", "difference": "diff", "lift": "rel_lift",
        "t": "welch_t", "degrees": "welch_df", "p": "p_two_sided", "p_ranks": "mannwhitney_p",
        "incremental": "incremental_revenue",
    }  # fmt: skip
    for ours, theirs in pairs.items():
        assert found[ours] == near(expected[theirs]), ours
    assert [found["interval"]["low"], found["interval"]["high"]] == near(expected["ci95"])


@pytest.mark.parametrize("arm", [MENS, WOMENS])
def test_an_arm_against_the_control_group(mailing, reference, arm):
    found = next(one for one in mailing["comparisons"] if one["treated"] == arm)
    expected = reference["hillstrom"][arm]
    for metric in ("visit", "conversion"):
        check_rate(found["rates"][metric], expected[metric])
        # The reference drew at random: a million times.
        probable = expected[f"prob_better_beta11_{metric}"]
        assert found["rates"][metric]["probability_better"] == pytest.approx(probable, abs=2e-5)
    check_mean(found["means"]["spend"], expected["spend"])


@pytest.mark.parametrize("arm", [MENS, WOMENS])
def test_what_was_spent_before_sharpens_the_comparison(mailing, reference, arm):
    found = next(one for one in mailing["comparisons"] if one["treated"] == arm)
    expected = reference["hillstrom"][arm]["spend_cuped_history"]
    cuped = found["means"]["spend"]["cuped"]
    pairs = {"theta": "theta", "correlation": "corr", "variance_reduction": "variance_reduction",
             "difference": "diff", "t": "welch_t", "p": "p_two_sided"}  # fmt: skip
    for ours, theirs in pairs.items():
        assert cuped[ours] == near(expected[theirs]), ours
    assert [cuped["interval"]["low"], cuped["interval"]["high"]] == near(expected["ci95"])


@pytest.mark.parametrize("arm", [MENS, WOMENS])
def test_what_it_brought_after_its_cost(mailing, reference, arm):
    found = next(one for one in mailing["comparisons"] if one["treated"] == arm)
    gained = found["means"]["spend"]["return"]
    expected = reference["hillstrom"][arm]["roi_example"]
    assert gained["profit"] == near(expected["incremental_profit"])
    assert gained["roi"] == near(expected["roi"])
    assert gained["roi_interval"]["low"] < gained["roi"] < gained["roi_interval"]["high"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("arm", [MENS, WOMENS])
def test_the_effect_on_each_group(mailing, reference, arm, group):
    found = next(one for one in mailing["comparisons"] if one["treated"] == arm)
    expected = reference["hillstrom"][arm]["by_segment"][group]
    visits = found["groups"][group]["visit"]["groups"]
    spending = found["groups"][group]["spend"]["groups"]
    assert set(visits) == set(expected)
    for name, row in expected.items():
        ours = visits[name]
        assert (ours["n_treated"], ours["n_control"]) == (row["n_treat"], row["n_control"])
        assert ours["treated"] == near(row["rate_treat"])
        assert ours["control"] == near(row["rate_control"])
        assert ours["difference"] == near(row["diff"])
        assert ours["p"] == near(row["p_two_sided"])
        assert ours["p_holm"] >= ours["p"]
        assert spending[name]["difference"] == near(row["spend_diff"])


def test_sizes_and_sums_of_the_arms(mailing, reference):
    people = mailing["split"]["people"]
    expected = reference["hillstrom"]["srm_equal"]
    assert sorted(people.values()) == sorted(expected["observed"])
    assert mailing["split"]["p"] == near(expected["p"])
    assert mailing["split"]["expected"] == near(expected["expected"][0])
    for one in mailing["comparisons"]:
        arm = reference["hillstrom"]["arms"][one["treated"]]
        spend = one["means"]["spend"]
        assert people[one["treated"]] == arm["n"]
        assert spend["mean_treated"] * spend["n_treated"] == near(arm["spend"])
        bought = one["rates"]["conversion"]["x_treated"]
        assert spend["mean_treated"] * spend["n_treated"] / bought == near(arm["spend_per_buyer"])


def test_everybody_together_is_what_was_published(mailing, reference):
    rates, means = mailing["together"]["rates"], mailing["together"]["means"]["spend"]
    expected = reference["hillstrom"]["published"]["overall"]
    for metric in ("visit", "conversion"):
        row = rates[metric]
        n = row["n_treated"] + row["n_control"]
        assert (row["x_treated"] + row["x_control"]) / n == near(expected[metric])
    spent = sum(means[f"mean_{arm}"] * means[f"n_{arm}"] for arm in ("treated", "control"))
    assert spent / (means["n_treated"] + means["n_control"]) == near(expected["spend"])


def test_all_arms_together_and_two_treated_arms(mailing, shared_data, reference):
    together, expected = mailing["together"], reference["hillstrom"]["Any e-mail vs none"]
    for metric in ("visit", "conversion"):
        check_rate(together["rates"][metric], expected[metric])
    check_mean(together["means"]["spend"], expected["spend"])
    found = hillstrom(shared_data, "--treated", MENS, control=WOMENS)
    expected = reference["hillstrom"]["Mens vs Womens"]
    (one,) = found["comparisons"]
    for metric in ("visit", "conversion"):
        check_rate(one["rates"][metric], expected[metric])
    check_mean(one["means"]["spend"], expected["spend"])


def test_six_questions_at_once_pay_for_each_other(mailing, reference):
    expected = reference["hillstrom"]["multiplicity_of_the_six_tests"]
    rows = mailing["multiplicity"]
    assert [(row["treated"], row["metric"]) for row in rows] == [
        (arm, metric) for arm in (MENS, WOMENS) for metric in ("visit", "conversion", "spend")
    ]
    for way in ("p", "bonferroni", "holm", "bh"):
        assert [row[way] for row in rows] == near(expected[way]), way


def test_a_split_of_the_control_group_shows_no_difference(shared_data, reference, tmp_path):
    frame = pd.read_parquet(shared_data / "hillstrom.parquet")
    held = frame[frame.segment == CONTROL]
    expected = reference["aa_test_hillstrom_control"]
    is_odd = held.customer_id % 2 == 1
    n_odd, n_treated = int(is_odd.sum()), expected["visit"]["n_treat"]
    treated = is_odd if n_odd == n_treated else ~is_odd
    file = tmp_path / "halves.csv"
    held.assign(arm=treated.map({True: "a", False: "b"})).to_csv(file, index=False)
    found = asked("compare", file, "--control", "b", "--rate", "visit", "--mean", "spend")
    (one,) = found["comparisons"]
    check_rate(one["rates"]["visit"], expected["visit"])
    check_mean(one["means"]["spend"], expected["spend"])


@pytest.mark.parametrize(
    ("base", "target", "key"),
    [
        ("10.62%", "11.62%", "base 10.62% -> 11.62% visit, 80% power, alpha 5%"),
        ("0.57%", "0.67%", "base 0.57% -> 0.67% conversion"),
        ("5%", "6%", "5% -> 6%"),
    ],
)
def test_how_many_people_a_test_needs(reference, base, target, key):
    found = asked("plan", "--rate", base, "--to", target)
    expected = reference["hillstrom"]["sample_size_per_arm"][key]
    assert (found["n_treated"], found["n_control"]) == (expected, expected)


def test_peeking_and_the_always_valid_test_on_two_hundred_comparisons(shared_data, reference):
    found = asked("compare", shared_data / "asos_experiments.parquet")
    expected = reference["asos_shared_half"]
    assert found["comparisons"] == expected["comparisons"]
    counts = expected["significant_5pct"]
    assert found["found"]["final"] == counts["final"] == 42
    assert found["found"]["any_look"] == counts["peeking_any_look"] == 111
    assert found["found"]["sequential"] == counts["msprt"] == 36
    rows = {(r["experiment_id"], r["variant_id"], r["metric_id"]): r for r in found["rows"]}
    for row in expected["rows"]:
        ours = rows[row["experiment_id"], row["variant_id"], row["metric_id"]]
        assert ours["looks"] == row["looks"]
        assert (ours["n_control"], ours["n_treated"]) == (row["n_c"], row["n_t"])
        pairs = {
            "mean_control": "mean_c", "mean_treated": "mean_t", "difference": "diff",
            "lift": "rel_lift", "t": "t", "p_final": "p_final", "p_any_look": "p_min_over_looks",
            "p_sequential": "msprt_p_final",
        }  # fmt: skip
        for name, theirs in pairs.items():
            assert ours[name] == near(row[theirs]), (row["experiment_id"], name)
    for metric, n in expected["by_metric"].items():
        mine = [row for row in found["rows"] if row["metric_id"] == int(metric)]
        assert len(mine) == n["n"]
        assert sum(row["found"]["sequential"] for row in mine) == n["msprt"]
        assert sum(row["found"]["final"] for row in mine) == n["final"]
        assert sum(row["found"]["any_look"] for row in mine) == n["peek"]
    broken = [r for r in found["rows"] if r["metric_id"] == 1 and r["p_split"] < 0.001]
    assert len(broken) == expected["srm_p_below_0_001_assuming_equal_split_metric1"]


def write(path, text: str):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group,spend\na,1\n", "there is no column arm; there are: group, spend"),
        ("arm,spend\na,1\n", "no row has the arm control; there are: a"),
        ("arm,spend\ncontrol,1\n", "there is nothing to compare"),
        ("arm,spend\ncontrol,1\na,\n", "column spend has rows without a number"),
        ("arm,spend\ncontrol,1\na,much\n", "column spend:"),
    ],
)
def test_a_file_that_is_no_test_is_refused_with_the_place(tmp_path, text, said):
    file = write(tmp_path / "test.csv", text)
    done = CliRunner().invoke(experiments, ["compare", str(file), "--mean", "spend"])
    assert done.exit_code != 0
    assert said in str(done.exception)
