"""The one base of errors: a code for programs, a sentence for people, a status for HTTP."""

from __future__ import annotations


class PusulaError(Exception):
    """Something the person at the other end can act on.

    ``code`` is a stable snake_case word, ``status`` the HTTP status a page or the API answers with;
    the message says what is wrong, where, and what to do about it.
    """

    code = "error"
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
