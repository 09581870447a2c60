"""The Turkish catalogue is whole, and what is shipped is what is written."""

import gettext
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.extract import extract
from django.utils.translation.template import templatize

import pusula

ROOT = Path(pusula.__file__).parent
FOLDER = ROOT / "config/locale/tr/LC_MESSAGES"
# How a text is asked for: where its context, its singular and its plural stand.
CALLS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    with (FOLDER / "django.po").open("rb") as file:
        return pofile.read_po(file)


def texts(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def asked(code: str) -> Iterator[tuple[str | None, str]]:
    """Yield context and English of each text that Python asks for."""
    for _line, text, _notes, context in extract("python", io.BytesIO(code.encode()), CALLS):
        yield context, text if isinstance(text, str) else text[0]


def sources() -> Iterator[tuple[str, str]]:
    """Yield each module, and each template as Python."""
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
    for file in sorted([*ROOT.rglob("templates/**/*.html"), *ROOT.rglob("templates/**/*.txt")]):
        lines = templatize(file.read_text(encoding="utf-8")).splitlines()
        yield file.relative_to(ROOT).as_posix(), "\n".join(line.strip() for line in lines)


def test_every_text_that_is_asked_for_has_its_turkish(catalogue):
    there = {
        (message.context, message.id if isinstance(message.id, str) else message.id[0])
        for message in catalogue
    }
    missing = [
        f"{name}: {pofile.normalize(text)}" + (f" ({context})" if context else "")
        for name, code in sources()
        for context, text in asked(code)
        if (context, text) not in there
    ]
    assert not missing, "\n".join([f"add to {FOLDER}/django.po, then `make messages`:", *missing])


def test_every_text_has_its_turkish(catalogue):
    missing = [message.id for message in catalogue if message.id and not all(texts(message))]
    assert missing == []
    assert len(catalogue) > 500


def test_the_compiled_catalogue_says_what_the_written_one_does(catalogue):
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogue:
        if message.id and isinstance(message.id, str):
            key = (message.context, message.id) if message.context else (message.id,)
            said = compiled.pgettext(*key) if message.context else compiled.gettext(*key)
            assert said == message.string, message.id
