"""The form of the planner of tests: what people type, as the question that it is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pusula.measurement.planning.baseline import Baseline
from pusula.measurement.planning.planner import Asked, Metric
from pusula.segments import queries as segments
from pusula.web import titles

_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}
_ALONE = _NUMBER | {"class": "input"}  # without a unit around it
_HUNDRED = Decimal(100)
METRICS = {
    Metric.RATE.value: _("Share of people who order, in %"),
    Metric.MEAN.value: _("Net revenue per person"),
}


class PlanForm(forms.Form):
    """What is to be tested; rates in per cent, numbers as people write them."""

    metric = forms.ChoiceField(
        choices=list(METRICS.items()), widget=forms.Select({"class": "select"})
    )
    base = forms.DecimalField(min_value=0, localize=True, widget=forms.TextInput(_NUMBER))
    target = forms.DecimalField(min_value=0, localize=True, widget=forms.TextInput(_NUMBER))
    deviation = forms.DecimalField(
        min_value=0, required=False, localize=True, widget=forms.TextInput(_NUMBER)
    )
    control = forms.DecimalField(
        min_value=Decimal("0.1"), max_value=Decimal("99.9"), initial=50, localize=True,
        widget=forms.TextInput(_NUMBER),
    )  # fmt: skip
    people = forms.IntegerField(
        min_value=2, required=False, localize=True, widget=forms.TextInput(_ALONE)
    )
    per_day = forms.DecimalField(
        min_value=Decimal("0.001"), required=False, localize=True, widget=forms.TextInput(_ALONE)
    )
    segment = forms.ChoiceField(required=False, widget=forms.Select({"class": "select"}))

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        field = self.fields["segment"]
        if isinstance(field, forms.ChoiceField):
            rows = [(one.key, titles.segment_title(one)) for one in segments.active()]
            field.choices = [("", _("All customers")), *rows]

    def asked(self) -> Asked:
        """Return the question of a valid form; raise ``UnplannableError`` if there is none."""
        given = self.cleaned_data
        is_rate = given["metric"] == Metric.RATE.value
        scale = _HUNDRED if is_rate else Decimal(1)
        per_day = given["per_day"]
        return Asked(
            metric=Metric(given["metric"]),
            base=float(given["base"] / scale),
            target=float(given["target"] / scale),
            deviation=float(given["deviation"] or 0),
            control_share=float(given["control"] / _HUNDRED),
            people=given["people"],
            per_day=float(per_day) if per_day is not None else None,
        )


def usual(found: Baseline, metric: str, exponent: int) -> dict[str, Any]:
    """Return what the form starts with, from one's own customers; ``exponent`` of the currency."""
    if metric == Metric.MEAN.value:
        unit = Decimal(10) ** exponent
        mean = (Decimal(found.amounts.mean) / unit).quantize(Decimal("0.01"))
        deviation = Decimal(found.amounts.variance**0.5) / unit
        return {
            "metric": metric,
            "base": mean,
            "target": (mean * Decimal("1.1")).quantize(Decimal("0.01")),
            "deviation": deviation.quantize(Decimal("0.01")),
            "control": 50,
            "people": found.amounts.n,
        }
    rate = (Decimal(found.rate.value) * _HUNDRED).quantize(Decimal("0.01"))
    return {
        "metric": Metric.RATE.value,
        "base": rate,
        "target": (rate * Decimal("1.1")).quantize(Decimal("0.01")),
        "control": 50,
        "people": found.rate.n,
    }
