"""Which of our fields the columns of a file probably are, by their names and their cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pusula.lib.text import name_key
from pusula.sources.look import cells
from pusula.sources.look.file import Column

_WHO = {
    "profile_key": "misafir no, misafir id, misafir kodu, musteri no, musteri id, musteri kodu, "
    "musteri numarasi, cari kod, cari no, uye no, uye id, profil no, guest id, guest no, "
    "customer id, customer no, client id, profile id, member id, user id",
    "email": "e posta, eposta, mail, email, e mail, e posta adresi, mail adresi, email address",
    "phone": "tel, telefon, gsm, cep, cep tel, cep telefonu, cep no, telefon no, gsm no, tel no, "
    "mobile, phone, phone number, mobil",
}  # fmt: skip
# What each field is called in exports of Turkish and international systems, folded as names are.
_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "profiles": _WHO | {
        "profile_key": _WHO["profile_key"] + ", no, numara, id",
        "first_name": "ad, adi, isim, misafir adi, musteri adi, first name, given name, firstname",
        "last_name": "soyad, soyadi, soyisim, surname, last name, lastname, family name",
        "full_name": "ad soyad, adi soyadi, isim soyisim, ad soyadi, misafir, musteri, "
        "misafir adi soyadi, musteri adi soyadi, full name, name, guest name, customer name",
        "created_at": "kayit tarihi, uyelik tarihi, olusturma tarihi, created, created at, "
        "signup date, registration date",
    },
    "orders": _WHO | {
        "source_id": "rezervasyon no, rezervasyon numarasi, rez no, rezervasyon id, siparis no, "
        "siparis numarasi, voucher, voucher no, folio, folio no, fatura no, konfirmasyon no, "
        "order id, order no, order number, booking id, booking no, reservation id, "
        "confirmation no, invoice, invoice no, no, numara, id",
        "ordered_at": "rezervasyon tarihi, rez tarihi, siparis tarihi, satis tarihi, kayit tarihi, "
        "olusturma tarihi, islem tarihi, tarih, order date, booking date, created, created at, "
        "invoice date, date",
        "status": "durum, durumu, rezervasyon durumu, rez durumu, siparis durumu, status, state",
        "status_at": "durum tarihi, guncelleme tarihi, degisiklik tarihi, updated at, modified",
        "cancelled_at": "iptal tarihi, cancel date, cancelled at, cancellation date",
        "starts_on": "giris, giris tarihi, gelis, gelis tarihi, varis, varis tarihi, check in, "
        "check in tarihi, arrival, arrival date",
        "ends_on": "cikis, cikis tarihi, ayrilis, ayrilis tarihi, donus, check out, checkout, "
        "check out tarihi, departure, departure date",
        "nights": "geceleme, gece, gece sayisi, nights, number of nights",
        "property": "otel, otel adi, tesis, tesis adi, sube, magaza, hotel, property, store",
        "region": "bolge, destinasyon, region, destination",
        "room_type": "oda tipi, oda turu, room type, oda",
        "board": "pansiyon, pansiyon tipi, konsept, board, meal plan",
        "channel": "kanal, satis kanali, acente, acenta, acente adi, kaynak, channel, agency, "
        "source, booking channel",
        "adults": "yetiskin, yetiskin sayisi, pax, kisi, kisi sayisi, adult, adults",
        "children": "cocuk, cocuk sayisi, child, children, kids",
        "currency": "para birimi, doviz, doviz cinsi, doviz kodu, pb, currency",
        "gross_amount": "brut, brut tutar, gross, gross amount",
        "net_amount": "tutar, toplam, toplam tutar, net tutar, ciro, genel toplam, bedel, amount, "
        "total, total amount, net amount, revenue, price",
        "nightly_amount": "gecelik, gecelik fiyat, gecelik ucret, gunluk fiyat, nightly rate, adr",
        "exchange_rate": "kur, doviz kuru, exchange rate, rate",
        "line_no": "satir no, line no, line",
        "sku": "stok kodu, urun kodu, sku, stockcode, product code",
        "item_name": "urun, urun adi, product, product name, item, description",
        "quantity": "adet, miktar, quantity, qty",
        "unit_price": "birim fiyat, birim fiyati, unit price",
    },
    "events": _WHO | {
        "event_id": "olay no, olay id, kayit no, islem no, id, event id",
        "name": "olay, olay adi, islem, event, event name, action, aksiyon",
        "at": "tarih, zaman, tarih saat, olay tarihi, islem tarihi, at, timestamp, time, date",
    },
    "consents": _WHO | {
        "channel": "kanal, izin kanali, ileti kanali, iletisim kanali, channel",
        "purpose": "amac, izin amaci, purpose",
        "status": "onay, izin, durum, onay durumu, izin durumu, kvkk, kvkk onayi, status, consent",
        "decided_at": "onay tarihi, izin tarihi, karar tarihi, tarih, consent date, date",
        "evidence": "kanit, aciklama, kaynak, evidence, note",
        "entry_id": "kayit no, id, izin no",
    },
}  # fmt: skip
# Columns that are worth keeping as traits of a person, and their type.
_TRAITS = {
    "birth_date": ("dogum tarihi, dogum gunu, birth date, birthday, date of birth, dob", "day"),
    "city": ("sehir, il, city", "text"),
    "district": ("ilce, district", "text"),
    "country": ("ulke, country", "text"),
    "nationality": ("uyruk, uyrugu, milliyet, nationality", "text"),
    "gender": ("cinsiyet, gender, sex", "text"),
    "language": ("dil, language", "text"),
    "tier": (
        "kademe, seviye, uyelik tipi, uyelik seviyesi, kart tipi, tier, loyalty level",
        "text",
    ),
}
_TIME = frozenset({cells.DAY, cells.MOMENT})
_FIGURES = frozenset({cells.NUMBER})
_FITTING: Mapping[str, frozenset[str]] = {
    "email": frozenset({cells.EMAIL}),
    "phone": frozenset({cells.PHONE, cells.NUMBER}),
    **dict.fromkeys(
        ("created_at", "ordered_at", "status_at", "cancelled_at", "starts_on", "ends_on", "at",
         "decided_at"), _TIME,
    ),
    **dict.fromkeys(
        ("nights", "adults", "children", "gross_amount", "net_amount", "nightly_amount",
         "exchange_rate", "line_no", "quantity", "unit_price"), _FIGURES,
    ),
    **dict.fromkeys(
        ("status", "channel", "first_name", "last_name", "full_name", "property", "board"),
        frozenset({cells.TEXT, cells.BOOL}),
    ),
}  # fmt: skip
_EXACT, _PART, _BY_CELLS = 10, 5, 3


def propose(kind: str, columns: Sequence[Column], fields: Iterable[str]) -> dict[str, str]:
    """Return for each column's name the field it probably is; each field once."""
    allowed = set(fields)
    scored = [
        (score, -place, field, column.name)
        for place, column in enumerate(columns)
        for field in _SYNONYMS[kind]
        if field in allowed and (score := _score(kind, field, column))
    ]
    found: dict[str, str] = {}
    for _worth, _place, field, name in sorted(scored, reverse=True):
        if name not in found and field not in found.values():
            found[name] = field
    return found


def trait_of(column: Column) -> tuple[str, str] | None:
    """Return name and type of the well-known trait that a column is, ``None`` if it is none."""
    header = name_key(column.name)
    for name, (synonyms, kind) in _TRAITS.items():
        if header in synonyms.split(", "):
            is_day = column.kind.name in _TIME
            return name, kind if kind != "day" or is_day else "text"
    return None


def _score(kind: str, field: str, column: Column) -> int:
    fitting = _FITTING.get(field)
    if column.kind.name == cells.EMPTY:
        return 0
    if fitting is not None and column.kind.name not in fitting:
        return 0
    header = name_key(column.name)
    synonyms = _SYNONYMS[kind][field].split(", ")
    if header in synonyms:
        return _EXACT * 10 - synonyms.index(header)
    words = set(header.split())
    if any(set(one.split()) <= words for one in synonyms):
        return _PART * 10 - len(words)
    return _BY_CELLS * 10 if column.kind.name == field else 0
