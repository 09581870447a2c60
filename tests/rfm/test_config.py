"""The rules of a run as a file, and the errors that name the place."""

from __future__ import annotations

import hashlib
import importlib
import json

import pytest

from pusula.rfm import config
from pusula.rfm.rules import Config, Ties

TOML = """
look_back_months = 12
ties = "file_order"
[pool]
min_orders = 4
ordered_within_days = 90
[[pool.exclude]]
trait = "guest_type"
is = ["staff", "agency"]
[orders]
statuses = ["completed"]
returns = "count"
[recency]
measure = "calendar_days"
cuts = [30, 90, 180]
"""


def test_rules_are_read_from_toml_and_yaml(tmp_path):
    file = tmp_path / "rfm.toml"
    file.write_text(TOML, encoding="utf-8")
    rules = config.read(file)
    assert rules.look_back_months == 12
    assert rules.ties is Ties.FILE_ORDER
    assert rules.pool.exclude[0].is_ == ("staff", "agency")
    assert rules.recency.cuts == (30, 90, 180)
    assert next(iter(rules.named_groups)) == "hibernating"
    yaml = tmp_path / "rfm.yaml"
    yaml.write_text("recency: {cuts: [30, 90, 180]}\n", encoding="utf-8")
    assert config.read(yaml).recency.levels == 4
    empty = tmp_path / "empty.yaml"
    empty.write_text("", encoding="utf-8")
    assert config.read(empty) == Config()


def test_rules_survive_being_stored_and_have_one_key():
    rules = config.parse({"recency": {"cuts": [30, 90, 180]}, "ties": "file_order"})
    assert config.parse(config.as_json(rules)) == rules
    assert config.key(config.parse(config.as_json(rules))) == config.key(rules)
    assert config.key(rules) != config.key(Config())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recency": {"cuts": [30, 20]}}, "recency: cuts must rise, not [30, 20]"),
        ({"recency": {"cuts": ["x"]}}, "recency.cuts[0]: Expected `int`, got `str`"),
        ({"recncy": {}}, "unknown field `recncy`"),
        ({"ties": "luck"}, "ties: Invalid enum value 'luck'"),
        ({"frequency": {"quantiles": 1}}, "frequency: quantiles must be 2 to 9, not 1"),
        ({"pool": {"min_orders": 0}}, "pool: min_orders must be at least 1, not 0"),
        ({"look_back_months": 0}, "look_back_months must be at least 1, not 0"),
        ({"orders": {"statuses": ["done"]}}, "orders: 'done' is no status; there are: pending"),
        ({"groups": {"best": ["66"]}}, "groups.best: there is no code '66'; R is 1 to 5"),
        ({"groups": {"a": ["11"], "b": ["11"]}}, "groups: 11 is in a and in b"),
        ({"groups": {"a": ["11"]}}, "groups: no group has the codes 12, 13"),
        ({"recency": {"cuts": [30]}}, "2 recency and 5 frequency scores have no ready-made names"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_an_error_names_the_place_and_the_way_out(given, said):
    with pytest.raises(config.ConfigError) as caught:
        config.parse(given, "rfm.toml")
    assert str(caught.value).startswith("rfm.toml: ")
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(config.ConfigError, match=r"none\.toml: cannot be read"):
        config.read(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("a = [", encoding="utf-8")
    with pytest.raises(config.ConfigError, match=r"broken\.toml: not valid TOML"):
        config.read(broken)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("# ş".encode("cp1254"))
    with pytest.raises(config.ConfigError, match="is not UTF-8 text"):
        config.read(latin)


def test_own_groups_keep_their_order():
    codes = [f"{r}{f}" for r in range(1, 4) for f in range(1, 3)]
    rules = config.parse(
        {
            "recency": {"cuts": [30, 90]},
            "frequency": {"quantiles": 2},
            "groups": {"Şampiyonlar": codes[4:], "Diğerleri": codes[:4]},
        }
    )
    assert list(rules.named_groups) == ["Şampiyonlar", "Diğerleri"]


def test_the_key_of_rules_counts_only_what_is_not_as_usual():
    plain, same = config.parse({}), config.parse({"pool": {"min_orders": 1}, "recency": {}})
    assert config.key(plain) == config.key(same)
    told = {config.key(config.parse(given)) for given in (
        {}, {"pool": {"min_orders": 2}}, {"recency": {"cuts": [30, 90, 180]}},
        {"look_back_months": 12}, {"frequency": {"ranked": False}},
    )}  # fmt: skip
    assert len(told) == 5


def test_keys_given_by_a_migration_are_those_of_the_program():
    rekeying = importlib.import_module("pusula.rfm.migrations.0006_config_keys")
    for given in ({}, {"pool": {"exclude": [{"trait": "tür", "is": ["Personel"]}]}},
                  {"recency": {"cuts": [30, 90, 180]}}):  # fmt: skip
        made = config.parse(given)
        said = rekeying.unusual(json.loads(json.dumps(config.as_json(made))), rekeying.USUAL)
        written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(written.encode()).hexdigest() == config.key(made)
