"""A compiled template says what the interpreter says, whatever the template and the values."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pusula.content import language, markup
from pusula.content.language import Part, RenderError
from pusula.content.template import InertLinks, compiled, verified

LINKS = {language.LINKS: InertLinks("https://p.example/u/")}
PATHS = (
    "profile.name", "profile.city", "profile.size", "traits.n", "traits.day", "traits.flag",
    "traits['a b']", "rooms", "rooms.size", "rooms[0].name", "rooms.last.price", "none", "x",
    "room.name", "room.price", "forloop.index", "forloop.last", "rooms[x]", "company.currency",
)  # fmt: skip
LITERALS = ("'gold'", '"a < b & c"', "1", "-3", "2.5", "true", "false", "nil", "empty", "blank")
FILTERS = (
    "money", "money: 'EUR'", "default: 'yok'", 'default: "<b>"', "tr_title", "upcase", "escape",
    "append: '&'", "size", "plus: 1", "date_tr", "join: ', '", "first", "truncate: 3",
    "default: x", "strip_html", "times: 2", "split: ','", "default: 0, allow_false: true",
)  # fmt: skip
OPERATORS = ("==", "!=", "<", ">", "<=", ">=", "contains")

values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2_000), st.floats(-9, 9), st.text(max_size=6),
    st.just(date(2026, 11, 9)), st.just("<i>\"&'"),
)  # fmt: skip
rooms = st.lists(st.fixed_dictionaries({}, optional={"name": values, "price": values}), max_size=3)
worlds = st.fixed_dictionaries(
    {},
    optional={
        "profile": st.fixed_dictionaries({}, optional={"name": values, "city": values}),
        "traits": st.dictionaries(st.sampled_from(["n", "day", "flag", "a b"]), values),
        "rooms": rooms,
        "x": values,
        "company": st.just({"currency": "EUR"}),
    },
)
SHAPES = (
    "{{% if {c} %}}{b}{{% else %}}{b}{{% endif %}}",
    "{{% if {c} %}}{b}{{% elsif {c} %}}{b}{{% endif %}}",
    "{{% unless {c} %}}{b}{{% endunless %}}",
    "{{% for room in rooms {l} %}}{b}{{% else %}}-{{% endfor %}}",
    "{{% for room in rooms %}}{b}{{% for room in (1..2) %}}{b}{{% endfor %}}{{% endfor %}}",
    "{{% case {o} %}}{{% when 1, 'gold' %}}{b}{{% else %}}{b}{{% endcase %}}",
    "{{% assign x = {o} | {f} %}}{b}",
    "{{% capture x %}}{b}{{% endcapture %}}{{{{ x }}}}",
    "{{% for i in (1..3) %}}{b}{{% if i == 2 %}}{{% break %}}{{% endif %}}{{% endfor %}}",
    "{{% for i in (1..3) %}}{{% if i == 2 %}}{{% continue %}}{{% endif %}}{b}{{% endfor %}}",
    "<a href='https://o.example/?a=1&amp;b=2'>x</a><a href='{{{{ {o} }}}}'>y</a>",
)
WORDS = ("metin", " ", "<b>ş</b>\n", "")


class Author:
    """Writes templates as drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def one(self, choices: tuple[str, ...]) -> str:
        return self.draw(st.sampled_from(choices))

    def operand(self) -> str:
        return self.one(PATHS + LITERALS)

    def output(self) -> str:
        filters = [self.one(FILTERS) for _ in range(self.draw(st.integers(0, 2)))]
        return "{{ " + " | ".join([self.operand(), *filters]) + " }}"

    def condition(self) -> str:
        first = f"{self.operand()} {self.one(OPERATORS)} {self.operand()}"
        shape = self.draw(st.integers(0, 2))
        return (self.operand(), first, f"{first} {self.one(('and', 'or'))} {self.operand()}")[shape]

    def text(self, depth: int) -> str:
        return "".join(self.piece(depth) for _ in range(self.draw(st.integers(0, 3))))

    def piece(self, depth: int) -> str:
        kind = self.draw(st.integers(0, 3 if depth else 1))
        if kind < 2:
            return self.one(WORDS) if kind else self.output()
        shape = self.one(SHAPES)
        return shape.replace("{b}", "\0").format(
            c=self.condition(), o=self.operand(), f=self.one(FILTERS),
            l=self.one(("", "limit: 2", "offset: 1", "reversed", "limit: x")),
        ).replace("\0", self.text(depth - 1))  # fmt: skip


@st.composite
def templates(draw: st.DrawFn) -> str:
    return Author(draw).text(3)


def both(source: str, speech: object, world: dict[str, object]) -> tuple[object, object]:
    part = Part(source, speech)
    variables = language.given({**world, **LINKS})
    found: list[object] = []
    for say in (lambda: part.fill(variables), lambda: language.run(part.template, variables)):
        try:
            found.append(say())
        except RenderError as error:
            found.append((error.message, error.field))
    return found[0], found[1]


@settings(max_examples=150, deadline=None)
@given(templates(), worlds)
def test_any_template_says_the_same_either_way(source, world):
    one, other = both(source, language.PLAIN, world)
    assert one == other
    tracked = markup.with_tracked_links(source, "")
    one, other = both(tracked, language.TRACKED_HTML, world)
    assert one == other


@pytest.mark.parametrize(
    "source",
    [
        "{{ profile.name | default: 'x' }}{% if traits.n > 3 %}a{% endif %}",
        "{% for r in rooms %}{{ forloop.index }}. {{ r.name }} {{ r.price | money }}{% endfor %}",
        "{% assign total = 3 | plus: 4 %}{{ total }}{% capture y %}<b>{% endcapture %}{{ y }}",
        "{% comment %}no{% endcomment %}{% case x %}{% when 'a' %}1{% when 'b' %}2{% endcase %}",
    ],
)
def test_what_mails_are_made_of_is_compiled(source):
    assert Part(source, language.HTML).is_compiled


@pytest.mark.parametrize(
    "source",
    [
        "{% cycle 'a', 'b' %}",
        "{% tablerow i in (1..3) %}{{ i }}{% endtablerow %}",
        "{% for i in rooms offset: continue %}{% endfor %}",
        "{% for i in rooms %}{% for j in rooms %}{{ forloop.parentloop }}{% endfor %}{% endfor %}",
    ],
)
def test_what_is_rare_is_left_to_the_interpreter(source):
    part = Part(source, language.HTML)
    assert not part.is_compiled
    assert part.fill({"rooms": [1]}) == language.run(part.template, {"rooms": [1]})


def test_a_function_that_says_something_else_loses_its_word():
    template = compiled("Konu", "{{ profile.name }}", "")
    assert verified(template, {"profile": {"name": "Ayşe"}}, InertLinks("u"))
    template.text._function = lambda _given: b"Fatma"
    assert not verified(template, {"profile": {"name": "Ayşe"}}, InertLinks("u"))
    assert not template.text.is_compiled
    assert template.text.fill({"profile": {"name": "Ayşe"}}) == "Ayşe"


def test_a_word_of_the_template_never_becomes_code():
    evil = "'+__import__('os').getcwd()+'"
    source = (
        f'{evil}{{{{ profile["{evil}"] | default: "{evil}" }}}}\\\n""" {{{{ x | append: "\\" }}}}'
    )
    one, other = both(source, language.PLAIN, {"x": "y"})
    assert one == other
    assert str(one).count("getcwd") == 2


def test_loops_one_after_another_have_one_clock(monkeypatch):
    monkeypatch.setattr("pusula.content.running.BUDGET_S", -1.0)
    part = Part("{% for a in (1..99) %}{% if true %}{% endif %}{% endfor %}", language.PLAIN)
    assert part.is_compiled
    with pytest.raises(RenderError, match="takes longer") as caught:
        part.fill({})
    assert caught.value.is_limit
