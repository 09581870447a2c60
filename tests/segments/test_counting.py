"""Live counts: the same as the evaluation, read once, and honest about their age."""

from __future__ import annotations

import pytest
from django.utils import translation
from tests.web import company as made_up

from pusula.lib import clock
from pusula.profiles.models import Profile
from pusula.segments import catalog, counting, memory
from pusula.segments.counting import Counts, Reading, Store
from pusula.segments.everybody import rebuild
from pusula.segments.language import parse_condition
from pusula.segments.models import Membership, Segment

SEARCHED = {"events": {"name": "Hotel Searched", "count": {"at_least": 1}}}
STAYED = {"orders": {"count": {"at_least": 2}, "where": {"region": {"is": "Bodrum"}}}}


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW)


def condition(document):
    return parse_condition(document, catalog.schema())


def counted(store: Store, document) -> tuple[int, Counts]:
    counts = store.counts([condition(document)])
    assert isinstance(counts, Counts)
    return counts.n(counts.holds(condition(document))), counts


@pytest.mark.django_db
def test_facts_are_read_once_and_extended_by_what_is_missing(monkeypatch):
    made_up.build()
    store = Store()
    asked = []
    real = memory.facts.block
    monkeypatch.setattr(
        memory.facts, "block", lambda ids, needs: asked.append(needs) or real(ids, needs)
    )
    counted(store, STAYED)
    counted(store, {"orders": {"count": {"at_least": 3}}})
    assert len(asked) == 1
    counted(store, SEARCHED)
    assert len(asked) == 2
    assert asked[1].event_names == ("Hotel Searched",)
    assert asked[1].orders is None  # what is there is not read again
    assert not asked[1].consents
    counted(store, SEARCHED)
    assert len(asked) == 2


@pytest.mark.django_db
def test_a_vector_is_evaluated_once_while_the_moment_stands(monkeypatch):
    made_up.build()
    store = Store()
    evaluated = []
    real = Counts._evaluate
    monkeypatch.setattr(
        Counts, "_evaluate", lambda self, missing: evaluated.extend(missing) or real(self, missing)
    )
    for document in (
        STAYED,
        {"not": STAYED},
        {"all": [STAYED, SEARCHED]},
        {"any": [SEARCHED, STAYED]},
    ):
        counted(store, document)
    assert len(evaluated) == 2
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW + counting.HOLD + 1)
    counted(store, STAYED)
    assert len(evaluated) == 3


@pytest.mark.django_db
def test_another_segment_means_its_definition_and_a_circle_is_refused():
    made_up.build()
    rebuild.everybody(at=made_up.NOW)
    n, _ = counted(Store(), {"segment": "repeat-guests"})
    members = Membership.objects.filter(segment__key="repeat-guests", left_at=None)
    assert n == members.count() > 0
    version = Segment.objects.get(key="lapsing").version
    type(version).objects.filter(pk=version.pk).update(
        definition={**version.definition, "where": {"segment": "lapsing"}}
    )
    with translation.override("en"):
        with pytest.raises(counting.CountingError, match="circle"):
            counted(Store(), {"segment": "lapsing"})
        with pytest.raises(counting.CountingError, match="no segment"):
            counted(Store(), {"segment": "nowhere"})


@pytest.mark.django_db
def test_a_limit_nobody_published_is_the_one_that_everybody_sets_now():
    made_up.build()
    top = {"orders": {"sum": "net_amount", "is": {"top": "10 %"}}}
    n, _ = counted(Store(), top)
    buyers = Profile.objects.filter(orders__isnull=False).distinct().count()
    assert n == pytest.approx(buyers / 10, abs=1)


@pytest.mark.django_db
def test_a_sample_stands_for_the_others_and_says_so(monkeypatch):
    made_up.build()
    version = memory.data_version()
    facts = memory.read(memory.USUAL, version, memory.everybody(2), 2, memory.Progress())
    counts = Counts(facts, catalog.schema(), is_current=True)
    everybody = {"not": {"trait": {"city": {"is": "nowhere"}}}}
    lacking = counts.needs([condition(everybody)])
    counts = Counts(
        memory.extended(facts, lacking, memory.Progress()), catalog.schema(), is_current=True
    )
    assert counts.n(counts.holds(condition(everybody))) == Profile.objects.count()
    assert not counts.is_exact


def test_little_used_vectors_give_way(monkeypatch):
    np = pytest.importorskip("numpy")
    monkeypatch.setattr(memory, "MOST_VECTOR_BYTES", 30 + 3 * memory._KEY_BYTES)
    vectors = memory.Vectors()
    masks = {key: np.arange(80) % (key + 2) == 0 for key in range(5)}
    for key, mask in masks.items():
        vectors.put(key, mask)
    assert vectors.n_bytes <= memory.MOST_VECTOR_BYTES
    assert vectors.get(0, 80) is None
    assert (vectors.get(4, 80) == masks[4]).all()


@pytest.mark.django_db
def test_what_former_drafts_asked_for_does_not_stay_for_ever(monkeypatch):
    made_up.build()
    monkeypatch.setattr(memory, "MOST_NAMES", 6)
    store = Store()
    for place in range(12):
        named = {"name": "Hotel Searched", "where": {f"p{place}": {"is": "x"}}}
        counted(store, {"events": {**named, "count": {"at_least": 1}}})
        assert len(store.held.needs.event_texts) <= 6
    assert counted(store, SEARCHED)[0] == 1


@pytest.mark.django_db(transaction=True)
def test_many_customers_are_read_in_the_background_and_the_old_answer_stands(monkeypatch):
    made_up.build()
    monkeypatch.setattr(counting, "SMALL", 10)
    monkeypatch.setattr(counting, "PATIENCE_S", 0.0)
    store = Store()
    first = store.counts([condition(SEARCHED)])
    if isinstance(first, Reading):
        assert first.all == Profile.objects.count()
    monkeypatch.setattr(counting, "PATIENCE_S", 30.0)
    n, counts = counted(store, SEARCHED)
    assert n == 1
    assert counts.is_exact
    someone = Profile.objects.last()
    made_up.event(someone, "Hotel Searched", 1)
    monkeypatch.setattr(store, "_ended_at", 10**18)  # it has just been read: it rests
    n, counts = counted(store, SEARCHED)
    assert (n, counts.is_exact) == (1, False)
    monkeypatch.setattr(store, "_ended_at", 0)
    store.counts([condition(SEARCHED)])
    store._thread.join(30)
    n, counts = counted(store, SEARCHED)
    assert (n, counts.is_exact) == (2, True)
