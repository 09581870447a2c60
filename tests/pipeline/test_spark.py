"""Spark evaluates as this machine does: same members, same next flips; and says what it lacks."""

import shutil

import pytest
from tests.pipeline.test_mirror import evaluated, guest, guests, lake, order  # noqa: F401

from pusula.consent.models import Consent
from pusula.pipeline import mirror, spark
from pusula.segments.everybody.means import Means
from pusula.segments.models import Drift

pytestmark = [
    pytest.mark.django_db,
    # Spark asks for a pandas that we do not use with it.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
]


@pytest.fixture(scope="module")
def engine():
    pytest.importorskip("pyspark")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java (Debian: apt-get install default-jre-headless)")
    with spark._session("local[2]") as session:
        yield spark.Spark(session)


class Counting:
    """An engine that counts the buckets that are answered."""

    def __init__(self, engine):
        self.engine, self.n_found, self.n_values = engine, 0, 0

    def found(self, task, held):
        for each in self.engine.found(task, held):
            self.n_found += 1
            yield each

    def values(self, task, held):
        for each in self.engine.values(task, held):
            self.n_values += 1
            yield each


def test_spark_finds_the_same_members_and_flips(engine, lake, guests):  # noqa: F811
    held = mirror.run().snapshot
    counting = Counting(engine)
    here = evaluated(Means())
    assert all(here[0].values())
    assert evaluated(Means(lake=held, engine=counting)) == here
    assert counting.n_found == counting.n_values == len(held.buckets) > 3


def test_what_changed_since_the_lake_was_written_is_evaluated_here(engine, lake, guests):  # noqa: F811
    held = mirror.run().snapshot
    order(guests[0], 1), guest(77)
    Consent.objects.filter(profile=guests[9]).delete()
    assert evaluated(Means(lake=held, engine=engine)) == evaluated(Means())
    assert not Drift.objects.exists()


def test_a_machine_without_spark_is_told_so(monkeypatch):
    monkeypatch.setattr(spark, "sql", None)
    with pytest.raises(spark.SparkMissingError, match=r"pusula\[spark\]"):
        spark.run()


def test_a_machine_without_java_is_told_so(monkeypatch):
    monkeypatch.setattr(spark, "sql", object())
    monkeypatch.setattr(spark.shutil, "which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(spark.SparkMissingError, match="Java"):
        spark.run()
