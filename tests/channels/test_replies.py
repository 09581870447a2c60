"""What a hop's answer means for the person, for the message, and for us."""

from __future__ import annotations

import pytest

from pusula.channels.email.replies import Answer, Reply, Step, meaning

ANSWERS = [
    (250, "2.0.0 queued", Step.DOT, Answer.ACCEPTED),
    (550, "5.1.1 no such user", Step.RCPT, Answer.BAD_ADDRESS),
    (550, "5.1.10 null MX", Step.RCPT, Answer.BAD_ADDRESS),
    (550, "5.2.1 mailbox disabled", Step.DOT, Answer.BAD_ADDRESS),
    (550, "no such user, says a hop without enhanced codes", Step.RCPT, Answer.REJECTED),
    (552, "5.2.2 mailbox full", Step.RCPT, Answer.REJECTED),
    (554, "5.6.0 content", Step.DOT, Answer.REJECTED),
    (554, "transaction failed", Step.DATA, Answer.REJECTED),
    (451, "4.7.1 greylisted", Step.RCPT, Answer.LATER),
    (421, "4.3.2 shutting down", Step.DOT, Answer.LATER),
    (450, "5.1.1 confused, but the code counts", Step.RCPT, Answer.LATER),
    (550, "5.7.1 relay denied", Step.RCPT, Answer.POLICY),
    (550, "5.7.515 unauthenticated", Step.DOT, Answer.POLICY),
    (530, "authentication required", Step.RCPT, Answer.POLICY),
    (550, "5.1.8 bad sender", Step.RCPT, Answer.POLICY),
    (550, "5.1.1 you do not exist", Step.MAIL, Answer.POLICY),
    (553, "sender rejected", Step.MAIL, Answer.POLICY),
    (550, "5.1.100 not one of ours", Step.RCPT, Answer.REJECTED),
]


@pytest.mark.parametrize(("code", "text", "step", "answer"), ANSWERS)
def test_meaning_of_answers(code, text, step, answer):
    assert meaning(Reply(code, text), step) is answer


def test_a_hops_words_are_kept_on_one_safe_line():
    assert str(Reply(550, "5.1.1 a\r\nb\x1b[31m\u2028c" + "x" * 999))[:20] == "550 5.1.1 a b [31m c"
    assert len(str(Reply(550, "x" * 999))) == 400
