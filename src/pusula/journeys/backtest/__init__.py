"""Backtests: what would have become of a journey, replayed over stored history."""

from pusula.journeys.backtest.result import Goal, Messages, Overlap, Result, Step
from pusula.journeys.backtest.run import run, together
from pusula.journeys.backtest.setting import BacktestError

__all__ = [
    "BacktestError",
    "Goal",
    "Messages",
    "Overlap",
    "Result",
    "Step",
    "run",
    "together",
]
