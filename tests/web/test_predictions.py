"""Pages of predictions: the list, cards, people, segments made of them; the next best action."""

from __future__ import annotations

import pytest
from tests.web import company as made_up
from tests.web import foretelling

from pusula.predict.models import Answer
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def churn(company):
    return foretelling.churn(company)


@pytest.fixture
def hotels(company):
    return foretelling.hotels(company)


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def test_without_any_model_the_list_says_how_to_make_them(deniz):
    shown = page(deniz, "/predictions/")
    assert "No predictions yet" in shown
    assert "pusula predict run" in shown


def test_the_list_says_of_each_model_how_good_it_is_beside_the_naive_way(deniz, churn):
    foretelling.withheld()
    shown = page(deniz, "/predictions/")
    assert "2 models say what a customer may do next. 1 gives no scores" in shown
    assert "better than the naive way" in shown
    assert "0.200, naive 0.250" in shown
    assert "withheld" in shown
    assert "Fewer than 300 customers" in shown


def test_a_card_shows_quality_calibration_backtest_limits_and_versions(deniz, churn):
    shown = page(deniz, "/predictions/churn/")
    for words in (
        "looks 90 days ahead",
        "Checked on days it had not seen",
        "Does it mean what it says?",
        "Repeat orders before",
        "For a promise to a single person",
        "Version 1",
        "/predictions/churn/people/?decile=10",
    ):
        assert words in shown, words
    assert shown.count("<svg") > 4


def test_an_earlier_version_is_shown_as_such_and_without_people(deniz, churn):
    churn.__class__.objects.filter(pk=churn.pk).update(made_at=made_up.moment(60))
    foretelling.publish(foretelling.card("churn"))
    shown = page(deniz, "/predictions/churn/?version=1")
    assert "version 1, replaced since" in shown
    page(deniz, "/predictions/churn/?version=99", status=404)


def test_a_model_that_is_not_there_is_no_page(deniz):
    page(deniz, "/predictions/unknown/", status=404)
    page(deniz, "/predictions/unknown/people/", status=404)


def test_a_decile_lists_its_people_and_becomes_a_segment(deniz, churn):
    shown = page(deniz, "/predictions/churn/people/?decile=10")
    assert "8 customers" in shown
    assert "95.0%" in shown
    sent = {"yaml": "score: {model: churn, decile: {is: 10}}", "op": "form"}
    assert sent["yaml"] in shown.replace("&#x27;", "'")
    built = deniz.post("/segments/+new/", sent)
    assert built.status_code == 200
    assert 'value="churn" selected' in built.content.decode()


def test_everybody_is_listed_page_by_page(deniz, churn):
    shown = page(deniz, "/predictions/churn/people/")
    assert "80 customers" in shown
    _, _, rest = shown.partition('href="?after=')
    second = page(deniz, f"/predictions/churn/people/?after={rest.partition(chr(34))[0]}")
    assert "First page" in second
    assert "Next page" not in second


def test_recommendations_lead_to_the_people_and_to_a_segment(deniz, hotels, company):
    shown = page(deniz, "/predictions/next_best_hotel/")
    assert "Lodos Tünel" in shown
    assert "Often bought together" in shown
    people = page(deniz, "/predictions/next_best_hotel/people/?code=T")
    assert "Elif Doğan" in people
    assert "Lodos Mavi Koy" in people
    sent = {"yaml": "trait: {next_best_hotel: {is: 'Lodos Tünel'}}", "op": "form"}
    assert deniz.post("/segments/+new/", sent).status_code == 200


def test_the_card_of_a_customer_says_what_models_say_and_leads_to_them(deniz, churn, hotels):
    elif_ = Profile.objects.get(first_name="Elif", last_name="Doğan")
    shown = page(deniz, f"/customers/{elif_.pk}/")
    assert "Probability of no order in the coming 90 days: 62%." in shown
    assert "Lodos Tünel · goes with: Lodos Mavi Koy" in shown
    assert 'href="/predictions/churn/"' in shown


def test_the_next_best_action_has_a_reason_and_is_answered(deniz, company, hotels):
    here = f"/customers/{company.elif_.pk}/"
    shown = page(deniz, here)
    assert "Recommend the hotel Lodos Tünel" in shown
    assert "Has stayed at Lodos Mavi Koy" in shown
    assert "May be said by E-mail now" in shown

    sent = {"suggestion": "offer-hotel", "verdict": "accepted"}
    answered = deniz.post(f"{here}answer/", sent)
    assert answered.status_code == 302
    kept = Answer.objects.get()
    assert (kept.verdict, kept.answered_by) == ("accepted", "deniz")
    assert "Recommend the hotel" not in page(deniz, here)
    listed = page(deniz, "/predictions/")
    assert "Recommend the hotel …" in listed
    assert "100%" in listed


def test_an_answer_to_nothing_changes_nothing(deniz, company):
    here = f"/customers/{company.elif_.pk}/answer/"
    for sent in ({"suggestion": "nothing", "verdict": "accepted"},
                 {"suggestion": "finish-cart", "verdict": "perhaps"}):  # fmt: skip
        assert deniz.post(here, sent).status_code == 400
    assert deniz.get(here).status_code == 405
    assert not Answer.objects.exists()


def test_pages_speak_turkish(deniz, churn):
    assert "churn" in page(deniz, "/predictions/churn/", "tr")
