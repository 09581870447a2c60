"""Conditions in Turkish.

No data value takes a suffix, since a vowel harmony rule cannot know every proper noun: what needs
one stands behind a noun of ours ("bölgesi “Bodrum” olan").
"""

from __future__ import annotations

from pusula.segments.language.nodes import (
    SEASONS,
    Aggregate,
    Among,
    Anniversary,
    Compare,
    ConsentTest,
    InBucket,
    InSet,
    ReachTest,
    ScoreTest,
    Season,
    Sequence,
    SequenceStep,
    SequenceTest,
    Test,
)
from pusula.segments.language.sentences.printer import (
    is_of_number,
    narrowing,
    own_time,
    rows_of,
    states,
    whole_bounds,
)
from pusula.segments.language.sentences.turkish_tests import TurkishTests
from pusula.segments.language.sentences.turkish_words import (
    CHANNELS,
    COUNTED,
    HAPPENED,
    MEASURES,
    MONTHS,
    NOUNS,
    STAYS,
    UNITS,
    Noun,
)
from pusula.segments.language.windows import in_units


class Turkish(TurkishTests):
    """Says conditions as "son 12 ay içinde biten, tamamlanmış en az 2 konaklaması var"."""

    def trait(self, name: str, test: Test, *, negated: bool) -> str:
        """Return what a trait must be."""
        subject = "özelliğinin yıl dönümü" if isinstance(test, Anniversary) else "özelliği"
        return f"{self.value(name)} {subject} {self.predicate(test, negated=negated)}"

    def trait_known(self, name: str, *, known: bool) -> str:
        """Return that a trait is known or not."""
        return f"{self.value(name)} özelliği {'biliniyor' if known else 'bilinmiyor'}"

    def consent(self, leaf: ConsentTest, *, negated: bool) -> str:
        """Return what a person decided about a channel."""
        about = self._purpose(leaf)
        match leaf.status:
            case "granted":
                return f"{about} izni {'yok' if negated else 'var'}"
            case "refused":
                return f"{about} iznini {'reddetmemiş' if negated else 'reddetmiş'}"
        return f"{about} izni hakkında karar {'vermiş' if negated else 'vermemiş'}"

    def reach(self, leaf: ReachTest, *, negated: bool) -> str:
        """Return whether a message would reach a person."""
        about = f"{self._purpose(leaf)} için"
        match leaf.state:
            case "suppressed":
                return f"{about} {'engellenmemiş' if negated else 'engellenmiş'}"
            case "no_address":
                return f"{about} iletişim bilgisi {'var' if negated else 'yok'}"
            case "not_in_iys":
                return f"{about} İYS’de onayı {'eksik değil' if negated else 'eksik'}"
        can = (leaf.state == "reachable") != negated
        return f"{about} {'ulaşılabiliyor' if can else 'ulaşılamıyor'}"

    def _purpose(self, leaf: ConsentTest | ReachTest) -> str:
        purpose = "pazarlama" if leaf.purpose == "marketing" else self.value(leaf.purpose)
        return f"{CHANNELS.get(leaf.channel, leaf.channel)} ile {purpose}"

    def score(self, leaf: ScoreTest, *, negated: bool) -> str:
        """Return what a model's score must be."""
        of = {"value": "puanı", "decile": "puanının onda birlik dilimi"}.get(
            leaf.of, "puanının zamanı"
        )
        return f"{self.value(leaf.model)} {of} {self.predicate(leaf.test, negated=negated)}"

    def in_set(self, leaf: InSet, *, negated: bool) -> str:
        """Return that a person is in a list or campaign."""
        no = " değil" if negated else ""
        if leaf.sort == "list":
            return f"{self.value(leaf.key)} listesinde{no}"
        if leaf.arm is None:
            return f"{self.value(leaf.key)} kampanyasında{no}"
        return f"{self.value(leaf.key)} kampanyasının {self.value(leaf.arm)} grubunda{no}"

    def in_bucket(self, leaf: InBucket, *, negated: bool) -> str:
        """Return that a person is in a part chosen by chance."""
        part = f"{self.per_cent(leaf.low)} – {self.per_cent(leaf.high)} dilimi"
        no = " değil" if negated else ""
        return f"{self.value(leaf.name)} rastgele bölmesinin {part} içinde{no}"

    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""
        return f"{self.value(title)} segmentinde{' değil' if negated else ''}"

    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""
        match aggregate.measure:
            case "count" if aggregate.relation == "events":
                return self._event_count(aggregate, whole_bounds(test), negated=negated)
            case "count":
                return self._count(aggregate, whole_bounds(test), negated=negated)
            case "years_in_same_season":
                return self._seasons(aggregate, whole_bounds(test), negated=negated)
            case "days" | "weeks" | "months" | "years":
                return self._units(aggregate, whole_bounds(test), negated=negated)
            case "share":
                measured = f"içinde {self._those(aggregate)} oranı"
            case _:
                names = ("", "")
                if aggregate.column is not None:
                    names = self.column(aggregate, aggregate.column.name)
                measured = MEASURES[aggregate.measure].format(*names)
        rows, by = self._rows(aggregate, self._noun(aggregate).of), self._by(aggregate)
        return f"{rows} {measured}{by} {self.predicate(test, negated=negated)}"

    def _those(self, aggregate: Aggregate) -> str:
        """Return the tests of a share as a noun: "durumu iptal edilmiş olanların"."""
        said = ", ".join(self.participle(aggregate, row) for row in aggregate.of)
        return said + ("ların" if said.endswith("an") else "lerin")

    def _by(self, aggregate: Aggregate) -> str:
        """Return the time that rows are looked at by, where their window does not say it."""
        time = own_time(aggregate)
        return "" if time is None else f" (ölçü: {self.column(aggregate, time)[0]})"

    def _noun(self, aggregate: Aggregate) -> Noun:
        is_stay = self.has_stays and aggregate.relation == "orders"
        return STAYS if is_stay else NOUNS[aggregate.relation]

    def _count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        noun = self._noun(aggregate)
        exists = "yok" if negated else "var"
        match test:
            case Among((0,)) if negated:
                quantity, exists = "en az 1", "var"
            case Compare("at_most", 0) | Among((0,)):
                return f"{self._rows(aggregate, noun.one)} hiç yok"
            case _ if is_of_number(test, negated=negated):
                rows = self._rows(aggregate, noun.of)
                return f"{rows} sayısı {self.predicate(test, negated=negated)}"
            case _:
                quantity = self.quantity(test)
        return f"{self._rows(aggregate, f'{quantity} {noun.one}')} {exists}"

    def _event_count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        happened = "gerçekleşmemiş" if negated else "gerçekleşmiş"
        match test:
            case Among((0,)) if negated:
                times, happened = "en az 1 kez", "gerçekleşmiş"
            case Compare("at_most", 0) | Among((0,)):
                times, happened = "hiç", "gerçekleşmemiş"
            case _ if is_of_number(test, negated=negated):
                rows = self._rows(aggregate, "olaylarının")
                return f"{rows} sayısı {self.predicate(test, negated=negated)}"
            case _:
                times = f"{self.quantity(test)} kez"
        return f"{self._rows(aggregate, 'olayı', is_clause=True)} {times} {happened}"

    def _seasons(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        time = "" if aggregate.column is None else self.column(aggregate, aggregate.column.name)[0]
        season, notes, noun = "mevsim", [f"ölçü: {time}"], self._noun(aggregate)
        if aggregate.seasons != SEASONS:
            season = "dönem"
            notes.insert(0, f"dönemler: {self._season_list(aggregate.seasons)}")
        by = f"({'; '.join(notes)})"
        if is_of_number(test, negated=negated):
            rows = self._rows(aggregate, noun.of)
            years = f"{rows} aynı {season} içinde olduğu farklı yıl sayısı {by}"
            return f"{years} {self.predicate(test, negated=negated)}"
        rows = self._rows(aggregate, noun.several)
        falls = "denk gelmiyor" if negated else "denk geliyor"
        of_season = {"mevsim": "mevsimine", "dönem": "dönemine"}[season]
        return f"{rows} {self.quantity(test)} farklı yılın aynı {of_season} {falls} {by}"

    def _season_list(self, seasons: tuple[Season, ...]) -> str:
        return ", ".join(
            f"{self.value(each.name)} ({MONTHS[each.first - 1]}–{MONTHS[each.last - 1]})"
            for each in seasons
        )

    def _units(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        unit, noun = UNITS[COUNTED[aggregate.measure]], self._noun(aggregate)
        by = self._by(aggregate)
        if is_of_number(test, negated=negated):
            rows = self._rows(aggregate, noun.of)
            number = f"{rows} denk geldiği farklı {unit.name} sayısı{by}"
            return f"{number} {self.predicate(test, negated=negated)}"
        rows = self._rows(aggregate, noun.several)
        falls = "denk gelmiyor" if negated else "denk geliyor"
        return f"{rows} {self.quantity(test)} farklı {unit.to} {falls}{by}"

    def sequence(self, leaf: SequenceTest, test: Test, *, negated: bool) -> str:
        """Return rows that follow one another, and how often or when they must."""
        steps = self._steps(leaf.sequence)
        window = leaf.sequence.window
        begun = "" if window is None else f"{self.window(window)} başlayan "
        if leaf.measure == "latest":
            latest = f"{begun}şu olay dizisinin son başlangıcı {steps}:"
            return f"{latest} {self.predicate(test, negated=negated)}"
        test, happened = whole_bounds(test), "gerçekleşmemiş" if negated else "gerçekleşmiş"
        match test:
            case Among((0,)) if negated:
                times, happened = "en az 1 kez", "gerçekleşmiş"
            case Compare("at_most", 0) | Among((0,)):
                times, happened = "hiç", "gerçekleşmemiş"
            case _ if is_of_number(test, negated=negated):
                said = self.predicate(test, negated=negated)
                return f"{begun}şu olay dizisinin sayısı {steps}: {said}"
            case _:
                times = f"{self.quantity(test)} kez"
        return f"{begun}şu olay dizisi {times} {happened}: {steps}"

    def _steps(self, sequence: Sequence) -> str:
        steps = ", ardından ".join(self._step(step) for step in sequence.steps)
        if sequence.same is None:
            return f"({steps})"
        name = self.column(rows_of(sequence.steps[0]), sequence.same)[1]
        return f"({steps}; tümünün {name} aynı)"

    def _step(self, step: SequenceStep) -> str:
        rows = rows_of(step)
        noun = f"1 {self._rows(rows, self._noun(rows).one)}{self._by(rows)}"
        if step.within is None:
            return noun
        length = self.length(*in_units(step.within))
        return f"{length} boyunca {noun[2:]} yok" if step.is_absent else f"{length} içinde {noun}"

    def _rows(self, aggregate: Aggregate, noun: str, *, is_clause: bool = False) -> str:
        """Return everything that narrows the rows down, then the noun.

        ``is_clause``: the window belongs to the verb that follows and needs no participle.
        """
        before = []
        if aggregate.window is not None:
            happened = "" if is_clause else f" {self._happened(aggregate)}"
            before.append(f"{self.window(aggregate.window)}{happened}")
        before += [self.participle(aggregate, row) for row in narrowing(aggregate)]
        if aggregate.relation == "events":
            noun = f"{self.event_names(aggregate.names)} {noun}"
        if found := states(aggregate):
            noun = f"{self.states(found)} {noun}"
        return ", ".join([*before[:-1], f"{before[-1]} {noun}"]) if before else noun

    def _happened(self, aggregate: Aggregate) -> str:
        made = "sipariş edilen" if aggregate.relation == "items" else "verilen"
        if self.has_stays and aggregate.relation == "orders":
            made = "rezervasyonu yapılan"
        return HAPPENED.get(aggregate.by.name, made)
