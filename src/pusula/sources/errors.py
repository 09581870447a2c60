"""What can be wrong with an import as a whole: its mapping, its file, its moment."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from django.utils.translation import gettext as _

from pusula.lib.errors import PusulaError
from pusula.lib.text import name_key


class MappingError(PusulaError):
    """The mapping file cannot be used: ``place`` in it, such as ``[columns] email``, and why."""

    code = "bad_mapping"

    def __init__(self, message: str, *, place: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.reason = reason

    @property
    def in_words(self) -> str:
        """The message for somebody who mapped columns on a page and never saw the file."""
        section, _bracket, name = self.place.partition("] ")
        if not self.reason:
            return self.message
        words = {"name": name, "section": section.strip("[]"), "reason": self.reason}
        if name:
            return _("“%(name)s” %(reason)s") % words
        if words["section"] == "columns":
            return _("The columns: %(reason)s") % words
        return _("The mapping, %(section)s: %(reason)s") % words


class FileError(PusulaError):
    """The file cannot be read with this mapping."""

    code = "bad_file"


def near(word: str, words: Iterable[str]) -> str:
    """Return a sentence that names the word most like ``word`` or, if none is, all ``words``."""
    words = list(words)
    keys = {name_key(known): known for known in reversed(words)}
    found = get_close_matches(name_key(word), keys, n=1, cutoff=0.6)
    if found:
        return _("did you mean “%(word)s”?") % {"word": keys[found[0]]}
    return _("there are: %(words)s") % {"words": ", ".join(words)}
