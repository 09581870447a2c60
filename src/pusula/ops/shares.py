"""Shares as the command line takes them: ``10%``, ``0.1`` or ``1/3``."""

from __future__ import annotations

from fractions import Fraction

import click


class _Share(click.ParamType[float]):
    """A share of something: 0 to 1."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share that was written."""
        text = str(value).strip()
        try:
            share = float(Fraction(text.rstrip("% ")) / (100 if text.endswith("%") else 1))
        except (ValueError, ZeroDivisionError):
            self.fail(f"{text!r} is no share; write 10%, 0.1 or 1/3", param, ctx)
        return share


SHARE = _Share()
