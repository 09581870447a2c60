"""The seam before the final dot: envelopes first, bodies only when we say so."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading

import pytest
from tests.channels.hop import DROP, Hop, hop

from pusula.channels.email.replies import Step
from pusula.channels.email.smtp import (
    Answered,
    Connection,
    Envelope,
    Lost,
    Pool,
    Ready,
    Refused,
    Server,
    TransportError,
    stuffed,
)

BODY = b"Message-ID: <tok@x.example>\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def server(request):
    with hop(can_pipeline=request.param) as running:
        yield running


@pytest.fixture
def pool(server: Hop):
    made = Pool(Server.of(server.url))
    yield made
    made.close()


def envelope(key: int, name: str = "ayse") -> Envelope:
    return Envelope(key, "otel@deniz.example", f"{name}@example.com")


def until(pool: Pool, kind: type) -> object:
    """Poll until something of ``kind`` happens and return it."""
    for _ in range(200):
        for happening in pool.poll(5.0):
            if isinstance(happening, kind):
                return happening
    raise AssertionError(f"no {kind.__name__}")


def begun(pool: Pool, key: int = 1, name: str = "ayse") -> Connection:
    connection = pool.connect()
    pool.begin(connection, envelope(key, name))
    ready = until(pool, Ready)
    assert ready == Ready(connection, key)
    return connection


def test_nothing_is_sent_before_the_body_is_let_go(server, pool):
    connection = begun(pool)
    assert server.mails == []
    pool.finish(connection, BODY)
    answered = until(pool, Answered)
    assert (answered.key, answered.reply.code) == (1, 250)
    [mail] = server.mails
    assert (mail.recipient, mail.token, mail.raw) == ("ayse@example.com", "tok", BODY)


def test_a_body_leaves_with_the_next_envelope_or_by_itself_when_nothing_follows(server, pool):
    first = begun(pool)
    pool.finish(first, BODY)
    assert first.wants_to_send
    assert not first.dot_left
    if server.can_pipeline:
        pool.begin(first, envelope(2, "burak"))
    else:
        pool.let_go()
    assert first.dot_left
    assert until(pool, Answered).key == 1
    assert [mail.recipient for mail in server.mails] == ["ayse@example.com"]


def test_a_body_that_never_left_is_told_so(server, pool, monkeypatch):
    def broken() -> None:
        raise ConnectionResetError("the hop hung up")

    connection = begun(pool)
    pool.finish(connection, BODY)
    monkeypatch.setattr(connection, "flush", broken)
    [lost] = pool.poll(0)
    assert (lost.begun, lost.in_doubt, lost.dot_left) == (None, 1, False)
    assert server.mails == []


def test_a_message_called_back_before_its_dot_never_arrives(server, pool):
    pool.drop(begun(pool))
    server.settle()
    assert server.mails == []


def test_one_connection_carries_many_messages(server, pool):
    connection = begun(pool)
    pool.finish(connection, BODY)
    for key in range(2, 20):
        while not connection.is_idle:
            pool.poll(5.0)
        pool.begin(connection, envelope(key, f"p{key}"))
        until(pool, Ready)
        pool.finish(connection, BODY)
    until(pool, Answered)
    assert len(server.mails) == 19
    assert len(pool.connections) == 1


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("mail", b"451 4.3.0 later\r\n", Step.MAIL),
        ("rcpt", b"550 5.1.1 no such user\r\n", Step.RCPT),
        ("data", b"554 5.7.1 no\r\n", Step.DATA),
    ],
)
def test_a_refusal_before_the_body_is_told_once_and_the_connection_goes_on(
    server, pool, step, reply, expected
):
    server.answer = lambda at, _: reply if at == step else None
    connection = pool.connect()
    pool.begin(connection, envelope(1))
    refused = until(pool, Refused)
    assert (refused.key, refused.step, refused.reply.code) == (1, expected, int(reply[:3]))
    server.answer = lambda _at, _who: None
    while not connection.is_idle:
        pool.poll(5.0)
    pool.begin(connection, envelope(2, "mehmet"))
    until(pool, Ready)
    pool.finish(connection, BODY)
    until(pool, Answered)
    assert [mail.recipient for mail in server.mails] == ["mehmet@example.com"]


def test_a_hop_that_wants_a_body_without_a_recipient_gets_none(pool, server):
    # RFC 2920 lets a server say 354 to a pipelined DATA although it refused the only recipient.
    server.answer = lambda at, _: b"550 5.1.1 no\r\n" if at == "rcpt" else None

    server.is_eager = True
    connection = pool.connect()
    pool.begin(connection, envelope(1))
    assert until(pool, Refused).step is Step.RCPT
    while pool.connections and not connection.is_idle:
        pool.poll(5.0)
    assert bool(pool.connections) is not server.can_pipeline
    assert server.mails == []


def test_a_connection_lost_behind_the_dot_is_a_doubt(server, pool):
    connection = begun(pool)
    server.answer = lambda at, _: DROP if at == "dot" else None
    pool.finish(connection, BODY)
    lost = until(pool, Lost)
    assert (lost.in_doubt, lost.dot_left) == (1, True)
    assert pool.connections == []


def test_a_connection_lost_before_the_body_leaves_no_doubt(server, pool):
    server.answer = lambda at, _: DROP if at == "data" else None
    connection = pool.connect()
    pool.begin(connection, envelope(7))
    lost = until(pool, Lost)
    assert (lost.begun, lost.in_doubt) == (7, None)
    assert server.mails == []


def test_a_body_the_socket_did_not_take_to_its_end_has_not_sent_its_dot(server, pool):
    connection = begun(pool)
    server.answer = lambda at, _: DROP if at == "dot" else None
    sent = []

    class Narrow:
        """A socket that takes a few bytes and then breaks."""

        def __init__(self, real):
            self.real = real

        def send(self, data):
            if sent:
                raise BrokenPipeError("gone")
            sent.append(self.real.send(bytes(data[:100])))
            return sent[0]

        def __getattr__(self, name):
            return getattr(self.real, name)

    connection.socket = Narrow(connection.socket)
    pool.finish(connection, BODY * 50)
    lost = until(pool, Lost)
    assert (lost.in_doubt, lost.dot_left) == (1, False)
    server.settle()
    assert server.mails == []


def test_a_hop_that_owes_an_answer_for_too_long_is_given_up(server, pool):
    waiting = begun(pool)
    waiting.last_heard -= 301
    assert pool.poll(0) == []  # here the hop waits for us
    pool.drop(waiting)
    goes_on = threading.Event()
    server.witness = lambda step, _: goes_on.wait() if step == "mail" else None
    connection = pool.connect()
    pool.begin(connection, envelope(2))
    connection.last_heard -= 301
    [lost] = pool.poll(0)
    goes_on.set()
    assert (lost.begun, lost.error) == (2, "the hop did not answer in time")


def test_a_connection_without_work_is_given_back(server, pool):
    connection = begun(pool)
    pool.close_idle(0)
    assert pool.connections == [connection]  # its message waits for our word
    pool.finish(connection, BODY)
    until(pool, Answered)
    pool.close_idle(60)
    assert pool.connections == [connection]
    connection.last_heard -= 61
    pool.close_idle(60)
    assert pool.connections == []
    server.settle()
    assert server.commands[-1] == b"QUIT\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for 127.0.0.1; return the file that holds it and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the test of TLS needs the openssl program")
    file = tmp_path_factory.mktemp("tls") / "hop.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file, "-out",
         f"{file}.crt", "-days", "2", "-subj", "/CN=hop", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + file.with_suffix(".pem.crt").read_text())
    return file


def test_mails_travel_encrypted_to_a_hop_whose_certificate_is_trusted(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    large = BODY + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * 20_000
    with hop(tls=tls) as server:
        pool = Pool(Server.of(f"{server.url}&ca={certificate}.crt"))
        connection = begun(pool)
        pool.finish(connection, large)
        assert until(pool, Answered).reply.code == 250
        pool.close()
        [mail] = server.mails
        assert mail.raw == large


def test_a_hop_whose_certificate_nobody_vouches_for_gets_nothing(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with hop(tls=tls) as server, pytest.raises(TransportError, match="certificate"):
        Pool(Server.of(server.url)).connect()


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\n.\nMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
        (b"a\r.\r\nMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
        (b"a\n.\r\nMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
        (b"a\r\n.\rMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
    ],
)
def test_no_body_can_end_itself_and_begin_another_mail(body, wire):
    assert stuffed(body) == wire
    assert stuffed(body).count(b"\r\n.\r\n") == 1


def test_the_address_of_a_server():
    server = Server.of("smtp://kul%40x:p%3Aw@mail.example:2525?starttls=1&connections=3&timeout=9")
    assert (server.host, server.port, server.tls) == ("mail.example", 2525, "starttls")
    assert (server.user, server.password) == ("kul@x", "p:w")
    assert (server.n_connections, server.timeout_s) == (3, 9.0)
    assert "p:w" not in repr(server)
    assert Server.of("smtps://mail.example").port == 465
    assert Server.of("smtp://mail.example").port == 25


@pytest.mark.parametrize(
    "url",
    [
        "", "mail.example", "http://mail.example", "smtp://", "smtp://a:b@mail.example",
        "smtp://mail.example?conections=3", "smtp://mail.example?connections=many",
    ],
)  # fmt: skip
def test_an_address_that_would_not_do_what_it_says_is_refused(url):
    with pytest.raises(TransportError):
        Server.of(url)


def test_a_hop_that_is_not_there_is_an_error_with_its_place(server):
    url = server.url
    server.close()
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        Pool(Server.of(url)).connect()
