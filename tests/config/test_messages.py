"""The Turkish catalogue is whole, and what is shipped is what is written."""

import gettext
from pathlib import Path

import pytest
from babel.messages import pofile

import pusula

FOLDER = Path(pusula.__file__).parent / "config/locale/tr/LC_MESSAGES"


@pytest.fixture(scope="module")
def catalogue():
    with (FOLDER / "django.po").open("rb") as file:
        return pofile.read_po(file)


def texts(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_every_text_has_its_turkish(catalogue):
    missing = [message.id for message in catalogue if message.id and not all(texts(message))]
    assert missing == []
    assert len(catalogue) > 500


def test_the_compiled_catalogue_says_what_the_written_one_does(catalogue):
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogue:
        if message.id and isinstance(message.id, str):
            asked = (message.context, message.id) if message.context else (message.id,)
            said = compiled.pgettext(*asked) if message.context else compiled.gettext(*asked)
            assert said == message.string, message.id
