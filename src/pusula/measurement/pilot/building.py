"""The journeys and templates that carry out the scenarios of a pilot."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from pusula.journeys.packs.letters import LANGUAGES, Letter, letter
from pusula.measurement.pilot.definition import Definition, Scenario

_PARTS = ("trust", "value", "proof")
# The steps whose people the report counts.
MESSAGE, CALL = "message", "call"
_CALL_TITLE = {"tr": "Pilot araması", "en": "Call of the pilot"}
_OUTCOMES = (
    ("booked", "Rezervasyon veya sipariş verdi", "Booked or ordered"),
    ("later", "Daha sonra düşünecek", "Will think about it"),
    ("never", "İlgilenmiyor", "Not interested"),
)


def journey_key(definition: Definition, scenario: Scenario) -> str:
    """Return the key of the journey of a scenario."""
    return f"{definition.pilot}-{scenario.scenario.replace('_', '-')}"


def document(definition: Definition, scenario: Scenario) -> dict[str, Any]:
    """Return the journey of a scenario as it is written.

    Who is in its audience on the first day comes in, and nobody later: all are measured for the
    same days. Who is in the audience of an earlier scenario is that one's: nobody is in two.
    """
    key = journey_key(definition, scenario)
    return {
        "journey": key,
        "title": _both(f"{definition.title.tr}: {scenario.title.tr}",
                       f"{definition.title.en}: {scenario.title.en}"),
        "entry": [
            {"schedule": {"segment": one, "at": definition.at, "day": str(definition.starts_on)}}
            for one in scenario.audience
        ],
        "who": _who(definition, scenario),
        "reentry": "never",
        "goal": {"order": {}},
        "holdout": f"{float(definition.holdout) * 100:g} %",
        "steps": list(_steps(definition, scenario, key)),
    }  # fmt: skip


def _who(definition: Definition, scenario: Scenario) -> dict[str, Any]:
    before = definition.scenarios[: definition.scenarios.index(scenario)]
    out = [*definition.exclude, *scenario.exclude, *(key for one in before for key in one.audience)]
    wanted: list[dict[str, Any]] = [
        {"any": [{"segment": key} for key in scenario.audience]},
        # Whoever no route reaches would only dilute both arms.
        {"any": [{"reach": {"channel": route, "purpose": "marketing", "is": "reachable"}}
                 for route in scenario.routes]},
    ]  # fmt: skip
    wanted += [{"not": {"segment": key}} for key in dict.fromkeys(out)]
    return {"all": wanted}


def _steps(definition: Definition, scenario: Scenario, key: str) -> list[dict[str, Any]]:
    ways = [
        {"channel": route, "template": _template(scenario, route, key)} for route in scenario.routes
    ]
    left = definition.days
    steps: list[dict[str, Any]] = [
        {"id": MESSAGE, "message": {"ways": ways, "not_after": "2 days"}}
    ]
    if (call := scenario.call) is not None:
        left -= call.after_days
        steps += [
            {"id": "before-call", "wait": {"for": f"{call.after_days} days"}},
            {"id": "worth", "branch": {"ways": [
                {"when": {"segment": call.segment}, "steps": [_call(call.script, left)]},
            ]}},
        ]  # fmt: skip
    return [*steps, {"id": "window", "wait": {"for": f"{max(left, 1)} days"}}]


def _call(script: Any, left: int) -> dict[str, Any]:
    return {
        "id": CALL,
        "task": {
            "title": _both(_CALL_TITLE["tr"], _CALL_TITLE["en"]),
            "script": _both(script.tr, script.en),
            "outcomes": [{"outcome": name, "title": _both(tr, en)} for name, tr, en in _OUTCOMES],
            "at_most": f"{max(min(left, 4), 1)} days",
        },
    }


def letters(definition: Definition, scenario: Scenario) -> list[Letter]:
    """Return the templates of a scenario; that of WhatsApp is the company's own."""
    key = journey_key(definition, scenario)
    site = definition.site.rstrip("/") + scenario.button.path
    return [
        letter(_template(scenario, route, key), _told(scenario, route), definition.flavour, site)
        for route in scenario.routes
        if route != "whatsapp"
    ]


def _template(scenario: Scenario, route: str, key: str) -> str:
    return scenario.whatsapp_template if route == "whatsapp" else f"{key}-{route}"


def _told(scenario: Scenario, route: str) -> Mapping[str, Any]:
    told: dict[str, Any] = {"channel": route}
    for language in LANGUAGES:
        subject = scenario.message.subject.of(language)
        said = [getattr(scenario.message, part).of(language) for part in _PARTS]
        button = scenario.button.text.of(language)
        if route == "email":
            told[language] = {
                "subject": subject,
                "preview": said[1],
                "heading": escape(subject),
                "body": "\n\n".join(escape(one) for one in said),
                "button": escape(button),
            }
        else:
            tail = " $site" if route == "sms" else ""
            text = f"{said[1]} {button}:" if route == "sms" else f"{said[1]} {button}"
            told[language] = {"title": subject, "text": text.replace("$", "$$") + tail}
    return told


def _both(tr: str, en: str) -> dict[str, str]:
    return {"tr": tr, "en": en}
