"""Reading a template before anybody gets it: what is wrong, in which part, on which line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from liquid import BoundTemplate, Environment
from liquid.static_analysis import Variable

from pusula.content import complaints, contrast, language, markup, mjml, template
from pusula.content.language import TemplateError
from pusula.content.template import InertLinks, compiled
from pusula.lib.sayings import Saying

CLIPPED_AT = 102 * 1024  # bytes of HTML after which Gmail hides the rest
_UNREADABLE = "Liquid cannot read this: %(detail)s"
_UNREADABLE_MJML = "This cannot be read: %(detail)s"
_OWN_NAMES = frozenset({"unsubscribe_url", "preferences_url"})
_WAY_OUT = "https://unsubscribe.invalid/u/way-out"  # an address nobody writes into a template
_BREAKING = frozenset({"syntax", "unknown_filter"})  # a part with these cannot be filled
_ALWAYS = frozenset({"company", "today", "message"})  # what every message has
_MOST_SUGGESTED = 20  # looking for what is meant takes long, and nobody reads more
_UNSEEN_WAY_OUT = (
    "It cannot be filled for somebody of whom nothing is known, so the way to unsubscribe cannot"
    " be seen: %(detail)s"
)
_TOO_COSTLY = "Too costly to fill: %(detail)s"


@dataclass(frozen=True)
class Problem:
    """One thing to mend. ``text`` is a sentence for gettext, to be filled with ``values``."""

    part: str  # subject, preheader, text or html; "details.url" of other channels than e-mail
    line: int  # from 1; 0 if nowhere in particular
    code: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    is_error: bool = True  # a campaign with errors is not sent; a warning is only said

    def __str__(self) -> str:
        """Return the sentence in English with its place."""
        place = f"{self.part}, line {self.line}: " if self.line else f"{self.part}: "
        return place + str(self.saying)

    @property
    def saying(self) -> Saying:
        """The sentence, for whoever reads it."""
        return Saying(self.text, self.values)


def check(
    subject: str,
    text: str,
    html_: str,
    known: Collection[str],
    *,
    preheader: str = "",
    needs_unsubscribe: bool = True,
) -> list[Problem]:
    """Return the problems of a template, errors first.

    ``known`` holds the variables there are, dotted (``profile.first_name``); a name that ends in
    ``.*`` allows anything below it. ``needs_unsubscribe`` is for marketing.
    """
    parts = {"subject": subject, "preheader": preheader, "text": text, "html": html_}
    found: list[Problem] = []
    for part, source in parts.items():
        speech = language.HTML if part in {"html", "preheader"} else language.PLAIN
        found.extend(_part_problems(part, source, speech, known))
    try:
        parts["html"] = html_ = mjml.html_of(html_)
    except (TemplateError, markup.TooManyTagsError) as error:
        line, why = 0, complaints.known(str(error))
        if isinstance(error, TemplateError):
            line, why = error.line, error.saying
        found.append(Problem("html", line, "syntax", _UNREADABLE_MJML, {"detail": why}))
        return found
    found.extend(_whole_problems(subject, text, html_))
    if needs_unsubscribe:
        broken = {problem.part for problem in found if problem.code in _BREAKING}
        for part in sorted({"text", "html"} - broken):
            found.extend(_unsubscribe_problems(part, parts[part]))
    if not any(problem.is_error for problem in found):
        found.extend(_cost_problems(subject, text, template.with_preheader(html_, preheader)))
    return sorted(found, key=lambda problem: not problem.is_error)


def check_short(
    parts: Mapping[str, str], known: Collection[str], *, needed: Collection[str]
) -> list[Problem]:
    """Return the problems of a message of another channel than e-mail, errors first.

    ``parts`` are its texts by name, ``needed`` the names of those that must say something.
    """
    found: list[Problem] = []
    for part, source in parts.items():
        problems = list(_part_problems(part, source, language.PLAIN, known))
        if not any(problem.code in _BREAKING for problem in problems):
            problems.extend(_part_cost_problems(part, source))
        found.extend(problems)
    found.extend(
        Problem(part, 0, "no_content", "Nothing is written here.")
        for part in needed
        if not parts.get(part, "").strip()
    )
    return sorted(found, key=lambda problem: not problem.is_error)


def _part_cost_problems(part: str, source: str) -> Iterator[Problem]:
    try:
        language.run(language.parse(source, language.PLAIN), {}, is_lenient=True)
    except language.RenderError as error:
        if error.is_limit:
            yield Problem(part, 0, "too_costly", _TOO_COSTLY, {"detail": error.saying})


def _part_problems(
    part: str, source: str, speech: Environment, known: Collection[str]
) -> Iterator[Problem]:
    try:
        parsed = language.parse(source, speech)
    except TemplateError as error:
        yield Problem(part, error.line, "syntax", _UNREADABLE, {"detail": error.saying})
        return
    analysis = parsed.analyze(include_partials=False)
    unknown = [name for name in analysis.filters if name not in speech.filters]
    for n, name in enumerate(unknown):
        values = _suggested(name, speech.filters if n < _MOST_SUGGESTED else ())
        line = _line(source, analysis.filters[name][0].index)
        yield Problem(part, line, "unknown_filter", _unknown("filter", values), values)
    yield from _unknown_variables(
        part, source, chain.from_iterable(analysis.globals.values()), known
    )
    yield from _bare_fields(part, source, parsed, known)
    yield from _empty_blocks(part, source, parsed)


def _bare_fields(
    part: str, source: str, parsed: BoundTemplate, known: Collection[str]
) -> Iterator[Problem]:
    """Name the fields whose absence stops a message; one that stands inside a condition may be."""
    told: set[str] = set()
    for node in language.fields(parsed):
        name = str(next(iter(node.expression.children())))
        is_sure = name.partition(".")[0] in _ALWAYS or name.endswith(".size")
        if name not in told and not is_sure and _is_known(name, known):
            told.add(name)
            yield Problem(
                part, _line(source, node.token.start_index), "no_fallback",
                "Who has no %(name)s gets nothing: say what to print then,"
                ' {{ %(name)s | default: "…" }}.',
                {"name": name}, is_error=False,
            )  # fmt: skip


def _empty_blocks(part: str, source: str, parsed: BoundTemplate) -> Iterator[Problem]:
    """Name the blocks of recommendations that say nothing where there is nothing to recommend."""
    for node in language.loops(parsed):
        name = str(node.expression.iterable)
        if name.startswith("recommended.") and node.default is None:
            yield Problem(
                part, _line(source, node.token.start_index), "empty_block",
                "Who has no %(name)s gets an empty block: say with {%% else %%} what comes then.",
                {"name": name}, is_error=False,
            )  # fmt: skip


def _unknown_variables(
    part: str, source: str, variables: Iterable[Variable], known: Collection[str]
) -> Iterator[Problem]:
    unknown = (variable for variable in variables if not _is_known(str(variable), known))
    for n, variable in enumerate(unknown):
        values = _suggested(str(variable), known if n < _MOST_SUGGESTED else ())
        line = _line(source, variable.span.index)
        yield Problem(part, line, "unknown_variable", _unknown("variable", values), values)


def _is_known(name: str, known: Collection[str]) -> bool:
    name = name.removesuffix(".size")
    if name in known or name in _OWN_NAMES:
        return True
    parents = (name[:at] for at, letter in enumerate(name) if letter in ".[")
    return any(f"{parent}.*" in known for parent in parents)


def _suggested(name: str, known: Collection[str]) -> dict[str, str]:
    named = [candidate for candidate in known if not candidate.endswith(".*")]
    close = difflib.get_close_matches(name, named, n=1)
    return {"name": name} | ({"close": close[0]} if close else {})


def _unknown(kind: str, values: Mapping[str, str]) -> str:
    if kind == "filter":
        if "close" in values:
            return "There is no filter %(name)s; is %(close)s meant?"
        return "There is no filter %(name)s."
    if "close" in values:
        return "There is no variable %(name)s; is %(close)s meant?"
    return "There is no variable %(name)s."


def _whole_problems(subject: str, text: str, html_: str) -> Iterator[Problem]:
    if not subject.strip():
        yield Problem("subject", 0, "no_subject", "The subject is empty.")
    if not (text.strip() or html_.strip()):
        yield Problem("html", 0, "no_content", "The message is empty.")
    for image in markup.images(html_):
        if not image.has_alt:
            yield Problem(
                "html", image.line, "image_without_alt",
                "The image has no alt text: who blocks images sees nothing.", is_error=False,
            )  # fmt: skip
    yield from _link_problems(html_)
    for pair in contrast.too_weak(html_):
        yield Problem(
            "html", pair.line, "contrast",
            "%(ink)s on %(ground)s is hard to read: the contrast is %(ratio)s, 4.5 is needed.",
            {"ink": pair.ink, "ground": pair.ground, "ratio": f"{pair.ratio:.1f}"}, is_error=False,
        )  # fmt: skip
    size = len(html_.encode())
    if size > CLIPPED_AT:
        yield Problem(
            "html", 0, "clipped",
            "The HTML has %(size)d KB; Gmail hides what comes after 102 KB.",
            {"size": size // 1024}, is_error=False,
        )  # fmt: skip


def _link_problems(html_: str) -> Iterator[Problem]:
    """Name the links that lead nowhere; one that Liquid makes is known only when it is filled."""
    bare, _ = markup.put_aside(html_)
    for target in sorted(set(markup.link_targets(bare))):
        is_good = target.startswith(("https://", "http://", "mailto:", "tel:", "#"))
        if not (is_good or any(markup.is_place(letter) for letter in target)):
            yield Problem(
                "html", 0, "dead_link",
                "The link “%(target)s” leads nowhere: it must begin with https://.",
                {"target": target[:100]},
            )  # fmt: skip


def _unsubscribe_problems(part: str, source: str) -> Iterator[Problem]:
    """Fill a part for somebody of whom nothing is known, and look for the way out in it."""
    if not source.strip():
        return
    speech = language.HTML if part == "html" else language.PLAIN
    try:
        parsed = language.parse(source, speech)
        shown = language.run(parsed, {"unsubscribe_url": _WAY_OUT}, is_lenient=True)
    except language.RenderError as error:
        sentence = _TOO_COSTLY if error.is_limit else _UNSEEN_WAY_OUT
        code = "too_costly" if error.is_limit else "no_unsubscribe"
        yield Problem(part, 0, code, sentence, {"detail": error.saying})
        return
    if _WAY_OUT not in (markup.link_targets(shown) if part == "html" else shown):
        yield Problem(
            part, 0, "no_unsubscribe",
            "There is no way to unsubscribe: add a link to {{ unsubscribe_url }}.",
        )  # fmt: skip


def _cost_problems(subject: str, text: str, html_: str) -> Iterator[Problem]:
    """Fill the template with nothing, to meet its limits here and not in front of everybody."""
    try:
        template.rehearse(compiled(subject, text, html_), InertLinks("https://example.com/u/"))
    except TemplateError as error:
        yield Problem("html", error.line, "syntax", _UNREADABLE, {"detail": error.saying})
    except language.RenderError as error:
        if error.is_limit:
            values = {"detail": error.saying}
            yield Problem("html", 0, "too_costly", _TOO_COSTLY, values)


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
