"""Linkage against data sets whose truth is known, and against those who only look alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from pusula.lib.text import person_key
from pusula.profiles.linkage import model
from pusula.profiles.linkage.engine import Pair, link

_PRECISION = 0.999
_WEIGHTS = (model.PROPOSED, 0.0, 4.0, 8.0, model.CERTAIN)
