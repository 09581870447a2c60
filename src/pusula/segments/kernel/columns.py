"""Arrow columns as typed numpy vectors; text as small codes of only the words that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pusula.segments.kernel.block import Bools, Ints
from pusula.segments.language.nodes import Contains, Ends, Has, Matches, Starts
from pusula.segments.language.schema import Kind

# Codes of text: missing, a word no condition mentions, and from here on those that are mentioned.
MISSING, OTHER, FIRST = 0, 1, 2

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
Words = Mapping[str, int]  # mentioned words and their codes, ascending
Pattern = Contains | Starts | Ends | Matches | Has
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
    dtype = np.min_scalar_type(len(words) + FIRST)
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


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The different texts of a column, and at which place of them each row's stands.

    A missing text has the place -1.
    """

    words: pa.Array
    places: Ints


def lexicon(column: pa.ChunkedArray) -> Lexicon:
    """Return the different texts of a column."""
    encoded = column.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no chunk at all
        encoded = pa.concat_arrays([pa.array([], column.type), *encoded.chunks])
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
        places = _indices(encoded)
        empty = pc.index(encoded.dictionary, "").as_py()  # -1 if there is none
        return Lexicon(encoded.dictionary, np.where(places == empty, -1, places))
    # A dictionary from outside may hold a word twice; the first of its places stands for all.
    first: dict[str | None, int] = {None: -1, "": -1}
    words = encoded.dictionary
    numbers_ = [first.setdefault(word, i) for i, word in enumerate(words.to_pylist())]
    return Lexicon(words, np.array([*numbers_, -1], np.int64)[_indices(encoded)])


def matching(words: pa.Array | pa.ChunkedArray, pattern: Pattern) -> Bools:
    """Return which words have the pattern; a list has the texts that line feeds part."""
    match pattern:
        case Contains(text):
            found = pc.match_substring(words, text)
        case Starts(text):
            found = pc.starts_with(words, text)
        case Ends(text):
            found = pc.ends_with(words, text)
        case Matches(written):
            found = pc.match_substring_regex(words, written)
        case Has(values, is_all):
            lines = pc.binary_join_element_wise("", words, "", "\n")
            has = [pc.match_substring(lines, f"\n{value}\n") for value in values]
            found = reduce(pc.and_ if is_all else pc.or_, has)
    matched: Bools = pc.fill_null(found, False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return matched


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
