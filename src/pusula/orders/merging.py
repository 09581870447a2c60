"""The orders and stays of a merged person: they pass to the profile that stays, and back."""

from __future__ import annotations

from collections.abc import Collection

from pusula.profiles import moving

_TABLES = ("orders_order", "orders_orderchange", "orders_stayguest")


def move(loser: int, winner: int) -> None:
    """Give the orders of ``loser``, their past versions and the stays to ``winner``."""
    for table in _TABLES:
        moving.move(table, loser, winner)


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give what came from ``origins`` to ``to``."""
    for table in _TABLES:
        moving.give_back(table, winner, origins, to)
