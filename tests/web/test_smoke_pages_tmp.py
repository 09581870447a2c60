import pytest
from tests.web import company as made_up
pytestmark = pytest.mark.django_db
@pytest.mark.parametrize("path", ["/segments/", "/segments/repeat-guests/", "/rfm/", "/campaigns/", "/campaigns/+new/"])
@pytest.mark.parametrize("lang", ["tr", "en"])
def test_ok(deniz, company, path, lang):
    deniz.cookies["django_language"] = lang
    r = deniz.get(path)
    assert r.status_code == 200
