"""Conditions said in plain Turkish and English: golden sentences."""

# ruff: noqa: E501 - a sentence stands on one line

from __future__ import annotations

from importlib import resources

import pytest
from inline_snapshot import snapshot

from pusula.segments.language import (
    Kind,
    Schema,
    parse,
    parse_condition,
    read_yaml,
    sentence,
)

SCHEMA = Schema(
    currency="TRY",
    tz="Europe/Istanbul",
    traits={"grup": Kind.TEXT, "yaş": Kind.NUMBER, "doğum": Kind.DAY, "üye": Kind.BOOL},
)
SHIPPED = sorted(
    entry.name.removesuffix(".yaml")
    for entry in (resources.files("pusula.segments") / "definitions").iterdir()
)


def said(text):
    condition = parse_condition(read_yaml(text), SCHEMA)
    return [sentence(condition, "tr"), sentence(condition, "en")]


def shipped(key):
    file = resources.files("pusula.segments") / "definitions" / f"{key}.yaml"
    return parse(read_yaml(file.read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize("key", SHIPPED)
def test_a_shipped_definition_is_called_like_its_file_and_speaks_both_languages(key):
    definition = shipped(key)
    assert definition.key == key
    assert definition.description is not None
    assert sentence(definition, "tr") != sentence(definition, "en")


def test_the_shipped_segments_are_said_like_this():
    assert {
        key: [sentence(shipped(key), "tr"), sentence(shipped(key), "en")] for key in SHIPPED
    } == snapshot(
        {
            "first-time-guests-upcoming": [
                "Tamamlanmış konaklaması hiç yok ve bugün veya daha sonra başlayan onaylı en az 1 konaklaması var.",
                "Has no completed stays and has at least 1 confirmed stay starting today or later.",
            ],
            "has-upcoming-booking": [
                "Bugün veya daha sonra başlayan onaylı en az 1 konaklaması var.",
                "Has at least 1 confirmed stay starting today or later.",
            ],
            "high-value-guests": [
                "Son 24 ay içinde biten tamamlanmış konaklamalarının net tutar toplamı en yüksek %10 içinde.",
                "The total net amount of completed stays ending in the last 24 months is in the top 10%.",
            ],
            "lapsing-loyal-guests": [
                "Son 36 ay içinde biten tamamlanmış en az 2 konaklaması var ve tamamlanmış konaklamalarının en geç bitiş tarihi 540 gün önce ile 180 gün önce arasında.",
                "Has at least 2 completed stays ending in the last 36 months and the latest end date of completed stays is between 540 days ago and 180 days ago.",
            ],
            "no-consent-call": [
                "Telefon ile pazarlama izni yok.",
                "Has not granted consent to marketing by phone.",
            ],
            "no-consent-email": [
                "E-posta ile pazarlama izni yok.",
                "Has not granted consent to marketing by e-mail.",
            ],
            "no-consent-sms": [
                "SMS ile pazarlama izni yok.",
                "Has not granted consent to marketing by SMS.",
            ],
            "no-consent-whatsapp": [
                "WhatsApp ile pazarlama izni yok.",
                "Has not granted consent to marketing by WhatsApp.",
            ],
            "repeat-guests": [
                "Son 12 ay içinde biten tamamlanmış en az 2 konaklaması var.",
                "Has at least 2 completed stays ending in the last 12 months.",
            ],
            "seasonal-returners": [
                "Tamamlanmış konaklamaları en az 2 farklı yılın aynı mevsimine denk geliyor (ölçü: başlangıç tarihi).",
                "Has completed stays in the same season of at least 2 different years (by start date).",
            ],
        }
    )


CASES = [
    ("{trait: {grup: {in: [champions, loyal]}}}", snapshot(["“grup” özelliği “champions” veya “loyal”.", "Trait “grup” is “champions” or “loyal”."])),
    ("{not: {trait: {grup: {in: [champions, loyal]}}}}", snapshot(["“grup” özelliği “champions” veya “loyal” değil.", "Trait “grup” is not “champions” or “loyal”."])),
    ("{trait: {grup: {is_not: champions}}}", snapshot(["“grup” özelliği biliniyor ve “champions” değil.", "Trait “grup” is known and is not “champions”."])),
    ("{not: {trait: {grup: {is_not: champions}}}}", snapshot(["“grup” özelliği “champions” veya bilinmiyor.", "Trait “grup” is “champions” or not known."])),
    ("{trait: {grup: {contains: risk}}}", snapshot(["“grup” özelliği “risk” içeriyor.", "Trait “grup” contains “risk”."])),
    ("{not: {trait: {grup: {starts: at}}}}", snapshot(["“grup” özelliği “at” ile başlamıyor.", "Trait “grup” does not start with “at”."])),
    ("{trait: {grup: unknown}}", snapshot(["“grup” özelliği bilinmiyor.", "Trait “grup” is not known."])),
    ("{not: {trait: {grup: unknown}}}", snapshot(["“grup” özelliği biliniyor.", "Trait “grup” is known."])),
    ("{trait: {yaş: {between: [30, 40.5]}}}", snapshot(["“yaş” özelliği 30 ile 40,5 arasında.", "Trait “yaş” is between 30 and 40.5."])),
    ("{trait: {yaş: {more_than: 1234567}}}", snapshot(["“yaş” özelliği 1.234.567 üzerinde.", "Trait “yaş” is more than 1,234,567."])),
    ("{trait: {üye: {is: true}}}", snapshot(["“üye” özelliği evet.", "Trait “üye” is yes."])),
    ("{trait: {doğum: {is: 1990-05-31}}}", snapshot(["“doğum” özelliği 31 Mayıs 1990 tarihinde.", "Trait “doğum” is on 31 May 1990."])),
    ("{trait: {doğum: {before: 1990-01-01}}}", snapshot(["“doğum” özelliği 1 Ocak 1990 tarihinden önce.", "Trait “doğum” is before 1 January 1990."])),
    ("{trait: {doğum: {after: 1990-01-01}}}", snapshot(["“doğum” özelliği 2 Ocak 1990 tarihinde veya daha sonra.", "Trait “doğum” is on or after 2 January 1990."])),
    ("{trait: {doğum: {between: [1990-01-01, 2000-01-01]}}}", snapshot(["“doğum” özelliği 1 Ocak 1990 – 31 Aralık 1999 tarihleri arasında.", "Trait “doğum” is from 1 January 1990 to 31 December 1999."])),
    ("{trait: {doğum: {more_than: 30 years ago}}}", snapshot(["“doğum” özelliği 30 yıldan uzun süre önce.", "Trait “doğum” is more than 30 years ago."])),
    ("{trait: {doğum: {next: 1 month}}}", snapshot(["“doğum” özelliği önümüzdeki 1 ay içinde.", "Trait “doğum” is in the next month."])),
    ("{orders: {count: {is: 0}}}", snapshot(["Siparişi hiç yok.", "Has no orders."])),
    ("{not: {orders: {count: {is: 0}}}}", snapshot(["En az 1 siparişi var.", "Has at least 1 order."])),
    ("{orders: {count: {more_than: 2}}}", snapshot(["En az 3 siparişi var.", "Has at least 3 orders."])),
    ("{orders: {count: {less_than: 1}}}", snapshot(["Siparişi hiç yok.", "Has no orders."])),
    ("{not: {orders: {count: {between: [2, 3]}}}}", snapshot(["2 ile 3 arasında siparişi yok.", "Does not have between 2 and 3 orders."])),
    ("{orders: {count: {is_not: 2}}}", snapshot(["Siparişlerinin sayısı 2 değil.", "The number of orders is not 2."])),
    ("{orders: {count: {in: [1, 2]}, within: {last: 1 year}}}", snapshot(["Son 1 yıl içinde verilen 1 veya 2 siparişi var.", "Has 1 or 2 orders placed in the last year."])),
    ("{orders: {count: {top: 2.5 %}}}", snapshot(["Siparişlerinin sayısı en yüksek %2,5 içinde.", "The number of orders is in the top 2.5%."])),
    ("{orders: {sum: net_amount, is: {at_least: 40000 TRY}, within: {last: 12 months}}}", snapshot(["Son 12 ay içinde verilen siparişlerinin net tutar toplamı en az ₺40.000.", "The total net amount of orders placed in the last 12 months is at least ₺40,000."])),
    ("{not: {orders: {sum: net_amount, is: {at_least: 40000.50 TRY}}}}", snapshot(["Siparişlerinin net tutar toplamı ₺40.000,50 altında.", "The total net amount of orders is less than ₺40,000.50."])),
    ("{orders: {avg: nights, is: {less_than: 2.5}, where: {nights: {at_least: 2}, room_type: {contains: suit}, status: {is_not: cancelled}, region: known}}}", snapshot(["Durumu iptal edilmiş olmayan, bölgesi bilinen, oda tipi “suit” içeren, geceleme sayısı en az 2 olan konaklamalarının geceleme sayısı ortalaması 2,5 altında.", "The average number of nights of stays with status other than cancelled, region known, room type containing “suit” and number of nights at least 2 is less than 2.5."])),
    ("{orders: {distinct: property, is: {at_least: 2}, within: {between: [540 days ago, 180 days ago]}}}", snapshot(["540 gün önce ile 180 gün önce arasında rezervasyonu yapılan konaklamalarının farklı tesis sayısı en az 2.", "The number of different values of property of stays booked between 540 days ago and 180 days ago is at least 2."])),
    ("{orders: {latest: ends_on, is: {more_than: 180 days ago}}}", snapshot(["Konaklamalarının en geç bitiş tarihi 180 günden uzun süre önce.", "The latest end date of stays is more than 180 days ago."])),
    ("{not: {orders: {latest: ordered_at, is: {less_than: 1 day ago}, where: {cancelled_at: {last: 1 week}}}}}", snapshot(["İptal tarihi son 1 hafta içinde olan siparişlerinin en geç sipariş tarihi son 1 gün içinde değil.", "The latest order date of orders with cancellation date in the last week is not in the last day."])),
    ("{orders: {earliest: ordered_at, is: unknown}}", snapshot(["Siparişlerinin en erken sipariş tarihi bilinmiyor.", "The earliest order date of orders is not known."])),
    ("{orders: {years_in_same_season: starts_on, is: {more_than: 2}, seasons: {yaz: [6, 9], kış: [12, 2]}}}", snapshot(["Konaklamaları en az 3 farklı yılın aynı dönemine denk geliyor (dönemler: “yaz” (Haziran–Eylül), “kış” (Aralık–Şubat); ölçü: başlangıç tarihi).", "Has stays in the same one of “yaz” (June–September) and “kış” (December–February) of at least 3 different years (by start date)."])),
    ("{not: {orders: {count: {at_least: 1}, where: {status: {in: [confirmed, pending]}}, by: starts_on, within: {next: all}}}}", snapshot(["Bundan sonra başlayan onaylı veya onay bekleyen konaklaması hiç yok.", "Has no confirmed or pending stays starting from now on."])),
    ("{events: {name: Hotel Searched, count: {is: 0}, within: {last: 30 days}}}", snapshot(["Son 30 gün içinde “Hotel Searched” olayı hiç gerçekleşmemiş.", "Has no “Hotel Searched” events in the last 30 days."])),
    ("{events: {name: [Hotel Searched, Hotel Viewed], count: {at_least: 2}, where: {region: {is: Bodrum}, price: {at_least: 3000}, status: {is: x}}, within: {last: 30 days}}}", snapshot(["Son 30 gün içinde, “price” ayrıntısı en az 3.000 olan, “region” ayrıntısı “Bodrum” olan, “status” ayrıntısı “x” olan “Hotel Searched” veya “Hotel Viewed” olayı en az 2 kez gerçekleşmiş.", "Has at least 2 “Hotel Searched” or “Hotel Viewed” events with “price” at least 3,000, “region” “Bodrum” and “status” “x” in the last 30 days."])),
    ("{events: {name: Booking Abandoned, sum: value, is: {at_least: 3000}, within: {to: 2026-01-01}}}", snapshot(["1 Ocak 2026 tarihinden önce gerçekleşen “Booking Abandoned” olaylarının “value” ayrıntısı toplamı en az 3.000.", "The total “value” of “Booking Abandoned” events before 1 January 2026 is at least 3,000."])),
    ("{events: {name: Booking Abandoned, distinct: hotel, is: {at_least: 3}}}", snapshot(["“Booking Abandoned” olaylarının farklı “hotel” ayrıntısı sayısı en az 3.", "The number of different values of “hotel” of “Booking Abandoned” events is at least 3."])),
    ("{not: {consent: {channel: email, purpose: marketing, is: granted}}}", snapshot(["E-posta ile pazarlama izni yok.", "Has not granted consent to marketing by e-mail."])),
    ("{consent: {channel: call, purpose: marketing, is: unknown}}", snapshot(["Telefon ile pazarlama izni hakkında karar vermemiş.", "Has never decided about marketing by phone."])),
    ("{consent: {channel: sms, purpose: survey, is: refused}}", snapshot(["SMS ile “survey” iznini reddetmiş.", "Has refused “survey” by SMS."])),
    ("{not: {any: [{segment: a}, {all: [{segment: b}, {segment: c}]}, {segment: d}]}}", snapshot(["“a” segmentinde değil; şunlardan en az biri doğru: (“b” segmentinde değil veya “c” segmentinde değil); ve “d” segmentinde değil.", "Is not in the segment “a”; at least one of these holds: (is not in the segment “b” or is not in the segment “c”); and is not in the segment “d”."])),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentences"), CASES)
def test_a_condition_is_said_like_this(text, sentences):
    assert said(text) == sentences


def test_another_segment_is_called_by_its_title_where_it_is_known():
    condition = parse_condition({"segment": "repeat-guests"}, SCHEMA)
    titles = {"repeat-guests": "Tekrar gelen misafirler"}
    assert sentence(condition, "tr", titles) == snapshot("“Tekrar gelen misafirler” segmentinde.")
    assert sentence(condition, "en") == snapshot("Is in the segment “repeat-guests”.")
