"""The one base of errors: a code for programs, a sentence for people, a status for HTTP."""

from __future__ import annotations

from pusula.lib.sayings import Saying, Translate


class PusulaError(Exception):
    """Something the person at the other end can act on.

    ``code`` is a stable snake_case word, ``status`` the HTTP status a page or the API answers with;
    the message says what is wrong, where, and what to do about it. Whoever knows no language raises
    a ``Saying``: ``message`` is then its English, ``said`` puts it in the reader's words.
    """

    code = "error"
    status = 400

    def __init__(self, message: str | Saying) -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.saying = message

    def said(self, translate: Translate) -> str:
        """Return the message in the language that ``translate`` speaks, such as ``gettext``."""
        return self.saying.said(translate) if isinstance(self.saying, Saying) else self.saying
