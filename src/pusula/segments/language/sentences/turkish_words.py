"""The Turkish words of the language: columns, states, measures, units."""

from __future__ import annotations

from dataclasses import dataclass

MONTHS = (
    "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran",
    "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
)  # fmt: skip
WEEKDAYS = ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar")


@dataclass(frozen=True)
class Unit:
    """A unit of time: alone, "from it", "to it", and "since its start"."""

    name: str
    from_: str
    to: str
    its: str


UNITS = {
    "second": Unit("saniye", "saniyeden", "saniyeye", "saniyenin"),
    "minute": Unit("dakika", "dakikadan", "dakikaya", "dakikanın"),
    "hour": Unit("saat", "saatten", "saate", "saatin"),
    "day": Unit("gün", "günden", "güne", "günün"),
    "week": Unit("hafta", "haftadan", "haftaya", "haftanın"),
    "month": Unit("ay", "aydan", "aya", "ayın"),
    "quarter": Unit("çeyrek", "çeyrekten", "çeyreğe", "çeyreğin"),
    "year": Unit("yıl", "yıldan", "yıla", "yılın"),
}


@dataclass(frozen=True)
class Noun:
    """What rows are called: one of somebody's, several of them, and "of them"."""

    one: str
    several: str
    of: str


STAYS = Noun("konaklaması", "konaklamaları", "konaklamalarının")
NOUNS = {
    "orders": Noun("siparişi", "siparişleri", "siparişlerinin"),
    "items": Noun("ürün kalemi", "ürün kalemleri", "ürün kalemlerinin"),
    "events": Noun("olayı", "olayları", "olaylarının"),
}
# A column as it stands alone, and as something that rows have.
COLUMNS = {
    "status": ("durum", "durumu"),
    "property": ("tesis", "tesisi"),
    "region": ("bölge", "bölgesi"),
    "room_type": ("oda tipi", "oda tipi"),
    "board": ("pansiyon", "pansiyonu"),
    "channel": ("kanal", "kanalı"),
    "source": ("kaynak", "kaynağı"),
    "rate_code": ("fiyat kodu", "fiyat kodu"),
    "market_code": ("pazar kodu", "pazar kodu"),
    "source_code": ("rezervasyon kaynağı kodu", "rezervasyon kaynağı kodu"),
    "cancel_reason": ("iptal nedeni", "iptal nedeni"),
    "ordered_at": ("sipariş tarihi", "sipariş tarihi"),
    "cancelled_at": ("iptal tarihi", "iptal tarihi"),
    "starts_on": ("başlangıç tarihi", "başlangıç tarihi"),
    "ends_on": ("bitiş tarihi", "bitiş tarihi"),
    "nights": ("geceleme sayısı", "geceleme sayısı"),
    "lead_days": ("girişe kalan gün sayısı", "girişe kalan gün sayısı"),
    "rooms": ("oda sayısı", "oda sayısı"),
    "adults": ("yetişkin sayısı", "yetişkin sayısı"),
    "children": ("çocuk sayısı", "çocuk sayısı"),
    "net_amount": ("net tutar", "net tutarı"),
    "gross_amount": ("brüt tutar", "brüt tutarı"),
    "sku": ("ürün kodu", "ürün kodu"),
    "name": ("ürün adı", "ürün adı"),
    "quantity": ("adet", "adedi"),
    "amount": ("tutar", "tutarı"),
}
STATES = {
    "pending": "onay bekleyen",
    "confirmed": "onaylı",
    "in_house": "süren",
    "completed": "tamamlanmış",
    "cancelled": "iptal edilmiş",
    "no_show": "gelinmemiş",
}
HAPPENED = {
    "cancelled_at": "iptal edilen",
    "starts_on": "başlayan",
    "ends_on": "biten",
    "at": "gerçekleşen",
}
CHANNELS = {
    "email": "e-posta",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "call": "telefon",
    "webpush": "web bildirimi",
}
# What is measured, from the column alone {0} and as something that rows have {1}; rows stand first.
MEASURES = {
    "distinct": "farklı {0} sayısı",
    "sum": "{0} toplamı",
    "avg": "{0} ortalaması",
    "min": "en düşük {1}",
    "max": "en yüksek {1}",
    "latest": "en son {1}",
    "earliest": "ilk {1}",
    "first": "ilkinin {1}",
    "last": "sonuncusunun {1}",
    "usual_gap": "arasında geçen olağan gün sayısı",
    "longest_gap": "arasında geçen en uzun gün sayısı",
    "last_gap": "son ikisi arasında geçen gün sayısı",
    "overdue": "sonuncusundan beri geçen sürenin olağan araya oranı",
}
COUNTED = {"days": "day", "weeks": "week", "months": "month", "years": "year"}
OPERATORS = {
    "at_least": "en az {}",
    "at_most": "en çok {}",
    "more_than": "{} üzerinde",
    "less_than": "{} altında",
}
TIMES = {
    "at_least": "en az {} katı",
    "at_most": "en çok {} katı",
    "more_than": "{} katından çok",
    "less_than": "{} katından az",
}


@dataclass(frozen=True)
class Anchor:
    """A moment of each profile's own: alone, "at it", and "from it"."""

    name: str
    at: str
    from_: str


ANCHORS = {
    "first_order": Anchor("ilk sipariş anı", "ilk sipariş anında", "ilk siparişten"),
    "last_order": Anchor("son sipariş anı", "son sipariş anında", "son siparişten"),
    "created": Anchor("ilk kayıt anı", "ilk kayıt anında", "ilk kayıttan"),
}
