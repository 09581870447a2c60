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
from pusula.segments.language.periods import shipped_periods

SCHEMA = Schema(
    currency="TRY",
    tz="Europe/Istanbul",
    traits={
        "grup": Kind.TEXT,
        "yaş": Kind.NUMBER,
        "doğum": Kind.DAY,
        "üye": Kind.BOOL,
        "ilgiler": Kind.LIST,
    },
    periods=shipped_periods(),
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
            "abandoned-carts": [
                "Son 14 gün içinde başlayan şu olay dizisi en az 1 kez gerçekleşmiş: (1 “Ürünü sepete koydu” veya “Ödemeye başladı” olayı, ardından 1 gün boyunca siparişi yok).",
                "Has at least 1 sequence begun in the last 14 days of (1 “Put a product into the basket” or “Started the checkout” event, then no order for 1 day).",
            ],
            "above-average-basket": [
                "Son 12 ay içinde verilen, durumu iptal edilmiş veya gelinmemiş olmayan siparişlerinin net tutar ortalaması tüm müşterilerin tek tek kayıtlarının ortalamasının en az 1,2 katı.",
                "The average net amount of orders with status other than cancelled or no-show placed in the last 12 months is at least 1.2 times the mean of all customers’ single rows.",
            ],
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
            "holiday-guests": [
                "Başlangıç tarihi “Ramazan Bayramı” döneminde olan tamamlanmış en az 1 konaklaması var veya başlangıç tarihi “Kurban Bayramı” döneminde olan tamamlanmış en az 1 konaklaması var.",
                "Has at least 1 completed stay with start date in the period “Ramazan Bayramı (Eid al-Fitr)” or has at least 1 completed stay with start date in the period “Kurban Bayramı (Eid al-Adha)”.",
            ],
            "lapsing-loyal-guests": [
                "Son 36 ay içinde biten tamamlanmış en az 2 konaklaması var ve tamamlanmış konaklamalarının en son bitiş tarihi 540 gün önce ile 180 gün önce arasında.",
                "Has at least 2 completed stays ending in the last 36 months and the latest end date of completed stays is between 540 days ago and 180 days ago.",
            ],
            "monthly-buyers": [
                "Bu ay ile önceki 5 ay içinde verilen, durumu iptal edilmiş veya gelinmemiş olmayan siparişleri en az 5 farklı aya denk geliyor.",
                "Has orders with status other than cancelled or no-show placed in the current month up to now and the 5 before it in at least 5 different months.",
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
            "returned-after-a-break": [
                "Son 90 gün içinde verilen, durumu iptal edilmiş veya gelinmemiş olmayan en az 1 siparişi var ve durumu iptal edilmiş veya gelinmemiş olmayan siparişlerinin son ikisi arasında geçen gün sayısı en az 365.",
                "Has at least 1 order with status other than cancelled or no-show placed in the last 90 days and the number of days between the last two orders with status other than cancelled or no-show is at least 365.",
            ],
            "searched-not-booked": [
                "Son 30 gün içinde “Otel aradı” veya “Konaklama aradı” olayı en az 2 kez gerçekleşmiş ve son 30 gün içinde verilen siparişi hiç yok.",
                "Has at least 2 “Searched for a hotel” or “Searched for a stay” events in the last 30 days and has no orders placed in the last 30 days.",
            ],
            "seasonal-returners": [
                "Tamamlanmış konaklamaları en az 2 farklı yılın aynı mevsimine denk geliyor (ölçü: başlangıç tarihi).",
                "Has completed stays in the same season of at least 2 different years (by start date).",
            ],
            "slipping-regulars": [
                "Tamamlanmış en az 3 siparişi var ve tamamlanmış siparişlerinin sonuncusundan beri geçen sürenin olağan araya oranı 1,5 üzerinde.",
                "Has at least 3 completed orders and the time since the last completed order, in multiples of the usual time between them, is more than 1.5.",
            ],
        }
    )


CASES = [
    ("{trait: {grup: {in: [champions, loyal]}}}", snapshot(["“grup” özelliği “champions” veya “loyal”.", "Trait “grup” is “champions” or “loyal”."])),
    ("{not: {trait: {grup: {in: [champions, loyal]}}}}", snapshot(["“grup” özelliği “champions” veya “loyal” değil.", "Trait “grup” is not “champions” or “loyal”."])),
    ("{trait: {grup: {is_not: champions}}}", snapshot(["“grup” özelliği biliniyor ve “champions” değil.", "Trait “grup” is known and is not “champions”."])),
    ("{not: {trait: {grup: {is_not: champions}}}}", snapshot(["“grup” özelliği “champions” (veya bilinmiyor).", "Trait “grup” is “champions” (or not known)."])),
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
    ("{trait: {doğum: {next: 1 month}}}", snapshot(["“doğum” özelliği önümüzdeki 1 ay içinde.", "Trait “doğum” is in the next 1 month."])),
    ("{orders: {count: {is: 0}}}", snapshot(["Siparişi hiç yok.", "Has no orders."])),
    ("{not: {orders: {count: {is: 0}}}}", snapshot(["En az 1 siparişi var.", "Has at least 1 order."])),
    ("{orders: {count: {more_than: 2}}}", snapshot(["En az 3 siparişi var.", "Has at least 3 orders."])),
    ("{orders: {count: {less_than: 1}}}", snapshot(["Siparişi hiç yok.", "Has no orders."])),
    ("{not: {orders: {count: {between: [2, 3]}}}}", snapshot(["2 ile 3 arasında siparişi yok.", "Does not have between 2 and 3 orders."])),
    ("{orders: {count: {is_not: 2}}}", snapshot(["Siparişlerinin sayısı 2 değil.", "The number of orders is not 2."])),
    ("{orders: {count: {in: [1, 2]}, within: {last: 1 year}}}", snapshot(["Son 1 yıl içinde verilen 1 veya 2 siparişi var.", "Has 1 or 2 orders placed in the last 1 year."])),
    ("{orders: {count: {top: 2.5 %}}}", snapshot(["Siparişlerinin sayısı en yüksek %2,5 içinde.", "The number of orders is in the top 2.5%."])),
    ("{orders: {sum: net_amount, is: {at_least: 40000 TRY}, within: {last: 12 months}}}", snapshot(["Son 12 ay içinde verilen siparişlerinin net tutar toplamı en az ₺40.000.", "The total net amount of orders placed in the last 12 months is at least ₺40,000."])),
    ("{not: {orders: {sum: net_amount, is: {at_least: 40000.50 TRY}}}}", snapshot(["Siparişlerinin net tutar toplamı ₺40.000,50 altında.", "The total net amount of orders is less than ₺40,000.50."])),
    ("{orders: {avg: nights, is: {less_than: 2.5}, where: {nights: {at_least: 2}, room_type: {contains: suit}, status: {is_not: cancelled}, region: known}}}", snapshot(["Durumu iptal edilmiş olmayan, bölgesi bilinen, oda tipi “suit” içeren, geceleme sayısı en az 2 olan konaklamalarının geceleme sayısı ortalaması 2,5 altında.", "The average number of nights of stays with status other than cancelled, region known, room type containing “suit” and number of nights at least 2 is less than 2.5."])),
    ("{orders: {distinct: property, is: {at_least: 2}, within: {between: [540 days ago, 180 days ago]}}}", snapshot(["540 gün önce ile 180 gün önce arasında rezervasyonu yapılan konaklamalarının farklı tesis sayısı en az 2.", "The number of different values of property of stays booked between 540 days ago and 180 days ago is at least 2."])),
    ("{orders: {latest: ends_on, is: {more_than: 180 days ago}}}", snapshot(["Konaklamalarının en son bitiş tarihi 180 günden uzun süre önce.", "The latest end date of stays is more than 180 days ago."])),
    ("{not: {orders: {latest: ordered_at, is: {less_than: 1 day ago}, where: {cancelled_at: {last: 1 week}}}}}", snapshot(["İptal tarihi son 1 hafta içinde olan siparişlerinin en son sipariş tarihi son 1 gün içinde değil.", "The latest order date of orders with cancellation date in the last 1 week is not in the last 1 day."])),
    ("{orders: {earliest: ordered_at, is: unknown}}", snapshot(["Siparişlerinin ilk sipariş tarihi bilinmiyor.", "The earliest order date of orders is not known."])),
    ("{orders: {years_in_same_season: starts_on, is: {more_than: 2}, seasons: {yaz: [6, 9], kış: [12, 2]}}}", snapshot(["Konaklamaları en az 3 farklı yılın aynı dönemine denk geliyor (dönemler: “yaz” (Haziran–Eylül), “kış” (Aralık–Şubat); ölçü: başlangıç tarihi).", "Has stays in the same one of “yaz” (June–September) and “kış” (December–February) of at least 3 different years (by start date)."])),
    ("{not: {orders: {count: {at_least: 1}, where: {status: {in: [confirmed, pending]}}, by: starts_on, within: {next: all}}}}", snapshot(["Bundan sonra başlayan onaylı veya onay bekleyen konaklaması hiç yok.", "Has no confirmed or pending stays starting from now on."])),
    ("{events: {name: Hotel Searched, count: {is: 0}, within: {last: 30 days}}}", snapshot(["Son 30 gün içinde “Otel aradı” olayı hiç gerçekleşmemiş.", "Has no “Searched for a hotel” events in the last 30 days."])),
    ("{events: {name: [Hotel Searched, Hotel Viewed], count: {at_least: 2}, where: {region: {is: Bodrum}, price: {at_least: 3000}, status: {is: x}}, within: {last: 30 days}}}", snapshot(["Son 30 gün içinde, “fiyat” ayrıntısı en az 3.000 olan, “bölge” ayrıntısı “Bodrum” olan, “status” ayrıntısı “x” olan “Otel aradı” veya “Otel sayfasına baktı” olayı en az 2 kez gerçekleşmiş.", "Has at least 2 “Searched for a hotel” or “Looked at a hotel” events with “price” at least 3,000, “region” “Bodrum” and “status” “x” in the last 30 days."])),
    ("{events: {name: Booking Abandoned, sum: value, is: {at_least: 3000}, within: {to: 2026-01-01}}}", snapshot(["1 Ocak 2026 tarihinden önce gerçekleşen “Rezervasyonu yarıda bıraktı” olaylarının “değer” ayrıntısı toplamı en az 3.000.", "The total “value” of “Left a booking unfinished” events before 1 January 2026 is at least 3,000."])),
    ("{events: {name: Booking Abandoned, distinct: hotel, is: {at_least: 3}}}", snapshot(["“Rezervasyonu yarıda bıraktı” olaylarının farklı “otel” ayrıntısı sayısı en az 3.", "The number of different values of “hotel” of “Left a booking unfinished” events is at least 3."])),
    ("{not: {consent: {channel: email, purpose: marketing, is: granted}}}", snapshot(["E-posta ile pazarlama izni yok.", "Has not granted consent to marketing by e-mail."])),
    ("{consent: {channel: call, purpose: marketing, is: unknown}}", snapshot(["Telefon ile pazarlama izni hakkında karar vermemiş.", "Has never decided about marketing by phone."])),
    ("{consent: {channel: sms, purpose: survey, is: refused}}", snapshot(["SMS ile “survey” iznini reddetmiş.", "Has refused “survey” by SMS."])),
    ("{not: {any: [{segment: a}, {all: [{segment: b}, {segment: c}]}, {segment: d}]}}", snapshot(["“a” segmentinde değil; şunlardan en az biri doğru: (“b” segmentinde değil veya “c” segmentinde değil); ve “d” segmentinde değil.", "Is not in the segment “a”; at least one of these holds: (is not in the segment “b” or is not in the segment “c”); and is not in the segment “d”."])),
    ("{trait: {grup: {ends: risk}}}", snapshot(["“grup” özelliği “risk” ile bitiyor.", "Trait “grup” ends with “risk”."])),
    ('{not: {trait: {grup: {matches: "^vip-[0-9]+$"}}}}', snapshot(["“grup” özelliği “^vip-[0-9]+$” kalıbına uymuyor.", "Trait “grup” does not match the pattern “^vip-[0-9]+$”."])),
    ("{trait: {ilgiler: {has: spa}}}", snapshot(["“ilgiler” özelliği “spa” değerini içeriyor.", "Trait “ilgiler” includes “spa”."])),
    ("{trait: {ilgiler: {has_any: [spa, golf]}}}", snapshot(["“ilgiler” özelliği “spa” veya “golf” değerini içeriyor.", "Trait “ilgiler” includes “spa” or “golf”."])),
    ("{not: {trait: {ilgiler: {has_all: [spa, golf]}}}}", snapshot(["“ilgiler” özelliği “spa” ve “golf” değerlerinin tümünü içermiyor.", "Trait “ilgiler” does not include all of “spa” and “golf”."])),
    ("{trait: {doğum: {month: [june, july]}}}", snapshot(["“doğum” özelliği Haziran veya Temmuz ayında.", "Trait “doğum” is in June or July."])),
    ("{trait: {doğum: {weekday: sunday}}}", snapshot(["“doğum” özelliği Pazar günü.", "Trait “doğum” is on a Sunday."])),
    ("{trait: {doğum: {anniversary: today}}}", snapshot(["“doğum” özelliğinin yıl dönümü bugün.", "Trait “doğum” has its anniversary today."])),
    ("{not: {trait: {doğum: {anniversary: {next: 7 days}}}}}", snapshot(["“doğum” özelliğinin yıl dönümü bugün veya sonraki 6 gün içinde değil.", "Trait “doğum” does not have its anniversary today or in the 6 days after."])),
    ("{trait: {doğum: {during: yilbasi}}}", snapshot(["“doğum” özelliği “Yılbaşı” döneminde.", "Trait “doğum” is in the period “New Year”."])),
    ("{orders: {count: {at_least: 1}, within: {this: month}}}", snapshot(["Bu ay içinde verilen en az 1 siparişi var.", "Has at least 1 order placed in the current month."])),
    ("{orders: {count: {at_least: 1}, by: starts_on, within: {following: month}}}", snapshot(["Bir sonraki ay içinde başlayan en az 1 konaklaması var.", "Has at least 1 stay starting in the following month."])),
    ("{orders: {count: {at_least: 1}, within: {previous: quarter}}}", snapshot(["Bir önceki çeyrek içinde verilen en az 1 siparişi var.", "Has at least 1 order placed in the previous quarter."])),
    ("{orders: {count: {at_least: 1}, within: {previous: 6 months}}}", snapshot(["Önceki 6 tam ay içinde verilen en az 1 siparişi var.", "Has at least 1 order placed in the previous 6 full months."])),
    ("{orders: {count: {at_least: 1}, within: {calendar: month}}}", snapshot(["Bu ayın başından beri verilen en az 1 siparişi var.", "Has at least 1 order placed in the current month so far."])),
    ("{orders: {count: {at_least: 1}, within: {calendar: 6 months}}}", snapshot(["Bu ay ile önceki 5 ay içinde verilen en az 1 siparişi var.", "Has at least 1 order placed in the current month up to now and the 5 before it."])),
    ("{orders: {count: {at_least: 2}, within: {from: first_order, to: 30 days after first_order}}}", snapshot(["İlk sipariş anı ile ilk siparişten 30 gün sonra arasında verilen en az 2 siparişi var.", "Has at least 2 orders placed between the first order and 30 days after the first order."])),
    ("{events: {name: Hotel Searched, count: {at_least: 1}, within: {since: last_order}}}", snapshot(["Son sipariş anında veya daha sonra “Otel aradı” olayı en az 1 kez gerçekleşmiş.", "Has at least 1 “Searched for a hotel” event from the last order on."])),
    ("{orders: {first: region, is: {is: Bodrum}}}", snapshot(["Siparişlerinin ilkinin bölgesi “Bodrum”.", "The region of the first order is “Bodrum”."])),
    ("{orders: {last: status, by: starts_on, is: {is_not: completed}}}", snapshot(["Konaklamalarının sonuncusunun durumu (ölçü: başlangıç tarihi) biliniyor ve tamamlanmış değil.", "The status of the last stay (by start date) is known and is not completed."])),
    ("{orders: {share: {status: {is: cancelled}, region: {starts: Bo}}, is: {at_least: 30 %}, within: {last: 1 year}}}", snapshot(["Son 1 yıl içinde verilen siparişlerinin içinde durumu iptal edilmiş olan, bölgesi “Bo” ile başlayanların oranı en az %30.", "The share with status cancelled and region starting with “Bo” among orders placed in the last 1 year is at least 30%."])),
    ("{orders: {months: {at_least: 3}, by: starts_on}}", snapshot(["Konaklamaları en az 3 farklı aya denk geliyor (ölçü: başlangıç tarihi).", "Has stays in at least 3 different months (by start date)."])),
    ("{not: {orders: {weeks: {is: 2}, within: {last: 30 days}}}}", snapshot(["Son 30 gün içinde verilen siparişlerinin denk geldiği farklı hafta sayısı 2 değil.", "The number of different weeks with orders placed in the last 30 days is not 2."])),
    ("{orders: {usual_gap: {less_than: 30}}}", snapshot(["Siparişlerinin arasında geçen olağan gün sayısı 30 altında.", "The usual number of days between orders is less than 30."])),
    ("{orders: {last_gap: {at_least: 365}, by: starts_on}}", snapshot(["Konaklamalarının son ikisi arasında geçen gün sayısı (ölçü: başlangıç tarihi) en az 365.", "The number of days between the last two stays (by start date) is at least 365."])),
    ("{orders: {overdue: {more_than: 1.5}}}", snapshot(["Siparişlerinin sonuncusundan beri geçen sürenin olağan araya oranı 1,5 üzerinde.", "The time since the last order, in multiples of the usual time between them, is more than 1.5."])),
    ("{items: {sum: quantity, where: {sku: {starts: A-}}, is: {at_least: 3}}}", snapshot(["Ürün kodu “A-” ile başlayan ürün kalemlerinin adet toplamı en az 3.", "The total quantity of items with product code starting with “A-” is at least 3."])),
    ("{items: {count: {is: 0}, within: {last: 30 days}}}", snapshot(["Son 30 gün içinde sipariş edilen ürün kalemi hiç yok.", "Has no items ordered in the last 30 days."])),
    ("{orders: {sum: net_amount, is: {bottom: 10 %}}}", snapshot(["Siparişlerinin net tutar toplamı en düşük %10 içinde.", "The total net amount of orders is in the bottom 10%."])),
    ("{orders: {sum: net_amount, is: {between_quantiles: [40 %, 60 %]}}}", snapshot(["Siparişlerinin net tutar toplamı %40 ile %60 yüzdelikleri arasında.", "The total net amount of orders is between the quantiles of 40% and 60%."])),
    ("{orders: {avg: net_amount, is: {of_row_mean: {at_least: 1.2}}}}", snapshot(["Siparişlerinin net tutar ortalaması tüm müşterilerin tek tek kayıtlarının ortalamasının en az 1,2 katı.", "The average net amount of orders is at least 1.2 times the mean of all customers’ single rows."])),
    ("{not: {orders: {count: {rank: 100}}}}", snapshot(["Siparişlerinin sayısı en yüksek 100 müşteri arasında değil.", "The number of orders is not among the 100 highest."])),
    ("{sequence: {steps: [{events: {name: Hotel Searched}}, {events: {name: Booking Started}, within: 2 days}, {without: {orders: {where: {status: {is: confirmed}}}}, for: 3 days}], within: {last: 30 days}}}", snapshot(["Son 30 gün içinde başlayan şu olay dizisi en az 1 kez gerçekleşmiş: (1 “Otel aradı” olayı, ardından 2 gün içinde 1 “Rezervasyona başladı” olayı, ardından 3 gün boyunca onaylı siparişi yok).", "Has at least 1 sequence begun in the last 30 days of (1 “Searched for a hotel” event, then 1 “Started a booking” event within 2 days, then no confirmed order for 3 days)."])),
    ("{sequence: {steps: [{events: {name: A}}, {events: {name: B}}], same: hotel, count: {is: 0}}}", snapshot(["Şu olay dizisi hiç gerçekleşmemiş: (1 “A” olayı, ardından 1 “B” olayı; tümünün “otel” ayrıntısı aynı).", "Has no sequence of (1 “A” event, then 1 “B” event, all with the same “hotel”)."])),
    ("{sequence: {steps: [{events: {name: A}}, {orders: {by: starts_on}}], latest: {last: 3 days}}}", snapshot(["Şu olay dizisinin son başlangıcı (1 “A” olayı, ardından 1 konaklaması (ölçü: başlangıç tarihi)): son 3 gün içinde.", "The latest start of a sequence of (1 “A” event, then 1 stay (by start date)) is in the last 3 days."])),
    ("{reach: {channel: email, purpose: marketing, is: reachable}}", snapshot(["E-posta ile pazarlama için ulaşılabiliyor.", "Can be reached for marketing by e-mail."])),
    ("{not: {reach: {channel: sms, purpose: marketing, is: suppressed}}}", snapshot(["SMS ile pazarlama için engellenmemiş.", "Is not suppressed for marketing by SMS."])),
    ("{reach: {channel: sms, purpose: marketing, is: no_address}}", snapshot(["SMS ile pazarlama için iletişim bilgisi yok.", "Has no address for marketing by SMS."])),
    ("{score: {model: churn, decile: {at_least: 9}}}", snapshot(["“churn” puanının onda birlik dilimi en az 9.", "The decile of the score “churn” is at least 9."])),
    ("{score: {model: churn, scored_at: {more_than: 30 days ago}}}", snapshot(["“churn” puanının zamanı 30 günden uzun süre önce.", "The time of the score “churn” is more than 30 days ago."])),
    ("{list: fuar-2026}", snapshot(["“fuar-2026” listesinde.", "Is on the list “fuar-2026”."])),
    ("{not: {campaign: {key: bahar, arm: holdout}}}", snapshot(["“bahar” kampanyasının “holdout” grubunda değil.", "Is not in the group “holdout” of the campaign “bahar”."])),
    ("{bucket: {name: deney-1, to: 12.5 %}}", snapshot(["“deney-1” rastgele bölmesinin %0 – %12,5 dilimi içinde.", "Is in the random part from 0% to 12.5% of “deney-1”."])),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentences"), CASES)
def test_a_condition_is_said_like_this(text, sentences):
    assert said(text) == sentences


def test_another_segment_is_called_by_its_title_where_it_is_known():
    condition = parse_condition({"segment": "repeat-guests"}, SCHEMA)
    titles = {"repeat-guests": "Tekrar gelen misafirler"}
    assert sentence(condition, "tr", titles) == snapshot("“Tekrar gelen misafirler” segmentinde.")
    assert sentence(condition, "en") == snapshot("Is in the segment “repeat-guests”.")
