"""Journeys in Turkish."""

from __future__ import annotations

from pusula.journeys.language.sentences.printer import Printer


class Turkish(Printer):
    """Says steps as "3 gün bekle"; data values stand quoted, without suffixes."""

    LANGUAGE = "tr"
    OR = "veya"
    PHRASES = {
        "keyed_profile": "Her müşteri için bir kez yürür.",
        "keyed_order": "Müşterinin her siparişi için ayrı yürür; sipariş iptal edilince durur.",
        "entry": "Tetikleyici: {what}.",
        "who": "Yalnızca şu koşulu sağlayanlar: {what}.",
        "reentry": "Yeniden girme: {what}",
        "after": "Bir önceki girişten en erken {length} sonra.",
        "holdout": "Kontrol grubu: {share} hiçbir mesaj almaz.",
        "no_holdout": "Kontrol grubu yok: neye yol açtığı söylenemez.",
        "goal_is": "Hedef: {what}.",
        "exit_when": "Çıkış: {what}.",
        "commercial": "Ticari mesaj; amaç: “{purpose}”, öncelik: {priority}.",
        "service": "Hizmet mesajı; amaç: “{purpose}”, öncelik: {priority}.",
        "schedule": "segmentteki herkes: {segment}, {when}",
        "late": "(geç öğrenilen hemen girer)",
        "api": "bir program ya da kişi eklediğinde",
        "event": "şu olay gerçekleştiğinde: {names}",
        "enters": "şu segmente girdiğinde: {segment}",
        "leaves": "şu segmentten çıktığında: {segment}",
        "only": " (şu durumda sayılır: {what})",
        "once": "{day} tarihinde, saat {time}",
        "daily": "her gün, saat {time}",
        "weekly": "haftanın günleri: {days}, saat {time}",
        "monthly": "ayın günleri: {days}, saat {time}",
        "trait_day": "“{name}” günü",
        "yearly": "{day} (her yıl)",
        "date_on": "{day}, saat {time}",
        "date_before": "{day}: {length} önce, saat {time}",
        "date_after": "{day}: {length} sonra, saat {time}",
        "per_cent": "%{n}",
        "wait_for": "{length} bekle.",
        "wait_time": "Saat {time} olana kadar bekle.",
        "wait_weekday": "Şu zamana kadar bekle: {days}, saat {time}.",
        "wait_own_time": "Kişinin etkin olduğu saate kadar bekle; bilinmiyorsa saat {time}.",
        "wait_own_weekday": "Şu zamana kadar bekle: {days}, kişinin etkin olduğu saat; "
        "bilinmiyorsa saat {time}.",
        "wait_date": "Şu tarihe kadar bekle: {date}.",
        "wait_first": "Bekle: {what}; en çok {length}.",
        "branch": "Koşula göre ayır.",
        "split": "Rastgele ayır.",
        "message": "Mesaj gönder: {ways}; zamanından en geç {length} sonra.",
        "message_way": "{channel} {names}",
        "then_by": ", olmazsa ",
        "task": "Çağrı görevi: {title}, süre: {length}.",
        "approval": "Onay iste: {title}, süre: {length}.",
        "webhook": "Şu adrese bildir: {url}.",
        "set_trait": "Özelliği değiştir: “{name}” = “{value}”.",
        "list_add": "Listeye ekle: “{name}”.",
        "list_remove": "Listeden çıkar: “{name}”.",
        "coupon": "Havuzdan kod ayır: “{name}”.",
        "goal": "Hedefe ulaşıldı.",
        "exit": "Senaryodan çık.",
        "go_on": "Şu adımdan devam et: {to}.",
        "when": "Koşul: {what}",
        "variant": "Varyant “{name}”, {share}",
        "outcome": "Çağrı şöyle biterse: {title}",
        "branch_else": "Hiçbiri değilse",
        "waitfirst_then": "Gerçekleşirse",
        "waitfirst_else": "Süre dolarsa",
        "approval_then": "Yanıt evetse",
        "approval_else": "Yanıt hayırsa ya da yoksa",
        "task_else": "Süresinde kimse aramazsa",
        "coupon_else": "Kod kalmadıysa",
    }
    UNITS = {
        "second": ("saniye", "saniye"),
        "minute": ("dakika", "dakika"),
        "hour": ("saat", "saat"),
        "day": ("gün", "gün"),
        "week": ("hafta", "hafta"),
        "month": ("ay", "ay"),
        "year": ("yıl", "yıl"),
    }
    WEEKDAYS = ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar")
    CHANNELS = {
        "email": "e-posta",
        "sms": "SMS",
        "whatsapp": "WhatsApp",
        "call": "arama",
        "webpush": "web bildirimi",
    }
    ORDERS = {
        "placed": "sipariş verildiğinde",
        "pending": "sipariş beklemeye alındığında",
        "confirmed": "sipariş onaylandığında",
        "in_house": "misafir giriş yaptığında",
        "completed": "sipariş tamamlandığında",
        "cancelled": "sipariş iptal edildiğinde",
        "no_show": "misafir gelmediğinde",
    }
    DAYS = {
        "starts_on": "giriş günü",
        "ends_on": "çıkış günü",
        "ordered_at": "sipariş günü",
    }
    RULES = {
        "never": "hiçbir zaman.",
        "always": "her zaman, senaryodayken de.",
        "one_at_a_time": "senaryodan çıktıktan sonra.",
        "restart": "her zaman; yürüyen biter, baştan başlar.",
    }
