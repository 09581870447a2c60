"""Arrow columns as typed numpy vectors; text as small codes of only the words that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pusula.segments.kernel.block import Bools, Ints
from pusula.segments.language.nodes import Contains, Starts
from pusula.segments.language.schema import Kind

# Codes of text: missing, a word no condition mentions, and from here on those that are mentioned.
MISSING, OTHER, FIRST = 0, 1, 2

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Words = Mapping[str, int]  # mentioned words and their codes, ascending
Pattern = Contains | Starts
Search = Callable[[Pattern], Bools]


@dataclass(frozen=True, slots=True)
class Vector:
    """One value of a kind per row or per profile.

    ``known`` says which values there are; the others are arbitrary. Text comes as ``codes`` of
    ``words``, and ``search`` tells where it has a pattern.
    """

    kind: Kind
    values: npt.NDArray[Any]
    known: Bools
    words: Words = field(default_factory=dict)
    search: Search | None = None


def numbers(column: pa.ChunkedArray, kind: Kind) -> Vector:
    """Return a column of numbers, amounts, moments or days (since 1970) as int64 or float64."""
    if kind is Kind.DAY:
        column = column.cast(pa.int32()).cast(pa.int64())
    elif not pa.types.is_floating(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        floats = column.cast(pa.float64()).to_numpy()  # null becomes NaN
        return Vector(kind, floats, np.isfinite(floats))
    if not column.null_count:
        return Vector(kind, column.to_numpy(), np.ones(len(column), np.bool_))
    return Vector(kind, pc.fill_null(column, 0).to_numpy(), _valid(column))


def coded(words: Iterable[str]) -> Words:
    """Return codes for ``words``."""
    return {word: FIRST + i for i, word in enumerate(dict.fromkeys(words))}


def encode(column: pa.ChunkedArray, words: Words) -> Codes:
    """Return the code of each text: that of its word, ``OTHER`` or ``MISSING``."""
    dtype = np.uint8 if len(words) + FIRST <= np.iinfo(np.uint8).max else np.uint16
    if pa.types.is_dictionary(column.type):
        chunks = [_encode_dictionary(chunk, words) for chunk in column.chunks]
        return np.concatenate([np.empty(0, dtype), *chunks])
    found = pc.index_in(column, pa.array(["", *words], column.type))
    # From "not found" and the position in ["", *words] to the code.
    code_of = np.array([OTHER, MISSING, *words.values()], dtype)
    codes: Codes = code_of[pc.fill_null(found, -1).to_numpy() + 1]
    if column.null_count:
        codes[~_valid(column)] = MISSING
    return codes


def identities(column: pa.ChunkedArray) -> Ints:
    """Return a number for each different text, -1 where there is none."""
    encoded = column.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no chunk at all
        encoded = pa.concat_arrays([pa.array([], column.type), *encoded.chunks])
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    # A dictionary may hold a word twice; the first of its places stands for all.
    place: dict[str | None, int] = {None: -1, "": -1}
    words = [place.setdefault(word, i) for i, word in enumerate(encoded.dictionary.to_pylist())]
    number_of = np.array([*words, -1], np.int64)
    return number_of[_indices(encoded)]


def matching(column: pa.ChunkedArray, pattern: Pattern) -> Bools:
    """Return where the text contains, or starts with, the pattern."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    find = pc.match_substring if isinstance(pattern, Contains) else pc.starts_with
    found: Bools = pc.fill_null(find(column, pattern.text), False).to_numpy()  # noqa: FBT003
    return found


def _encode_dictionary(chunk: pa.DictionaryArray, words: Words) -> Codes:
    code_of = encode(pa.chunked_array([chunk.dictionary]), words)
    codes: Codes = np.append(code_of, np.array([MISSING], code_of.dtype))[_indices(chunk)]
    return codes


def _indices(array: pa.DictionaryArray) -> Ints:
    """Return the place of each value in the dictionary, -1 where it is missing."""
    indices: Ints = pc.fill_null(array.indices.cast(pa.int64()), -1).to_numpy()
    return indices


def _valid(column: pa.ChunkedArray) -> Bools:
    valid: Bools = column.is_valid().to_numpy()
    return valid
