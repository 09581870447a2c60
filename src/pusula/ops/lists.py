"""``pusula lists``: uploaded lists of customers, for segments to ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.figures import number
from pusula.pipeline import live
from pusula.privacy import audit
from pusula.segments import identified, sets
from pusula.segments.identified import Identified
from pusula.segments.language.parse import KEY
from pusula.segments.models import ProfileSet, ProfileSort
from pusula.segments.sets import Put
from pusula.sources import files
from pusula.sources.mapping import FileFormat

_SHOWN = 5  # words in one sentence
_LONGEST = 80, 200  # of a key, of a title


class ListError(PusulaError):
    """A list cannot be put, shown or removed as asked."""

    code = "list"


@click.group()
def lists() -> None:
    """Keep lists of customers that segments can ask for."""


@lists.command()
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--title", help="What people call the list; a new one is called by its key.")
@click.option("--column", help="The column that holds the identifiers, if FILE is a table.")
@click.option("--system", default="", help="The identifiers are numbers of this system.")
@click.option("--strict", is_flag=True, help="Write nothing if somebody is unknown.")
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def put(
    *,
    key: str,
    file: Path,
    title: str | None,
    column: str | None,
    system: str,
    strict: bool,
    as_json: bool,
) -> None:
    """Make the list KEY hold exactly the customers in FILE.

    FILE has one identifier a line: an e-mail address, a phone number, or a number with its system
    (pms:10027). With --column it is a table: CSV, XLSX or Parquet. Who was in the list stays
    since when they were. Identifiers that lead to nobody, or to several, are told and left out.
    """
    _check(key, title)
    words = _cells(file, column) if column else _lines(file)
    found = identified.find(words, region=settings.PUSULA.phone_region, system=system)
    if not found.ids:
        words_ = {"file": file.name}
        raise ListError(_("%(file)s: nobody in it is a customer; nothing was written") % words_)
    if strict and (found.unknown or found.shared):
        raise ListError("\n".join([*_left_out(found), _("nothing was written")]))
    with transaction.atomic():
        done = sets.put_list(key, title or _title(key), found.ids, at=clock.now())
        audit.record(audit.operator(), "list.put", f"list:{key}", n=len(found.ids))
    live.refresh(np.concatenate([done.added, done.removed]), cause="list")
    if as_json:
        click.echo(json.dumps(_plain(key, found, done), ensure_ascii=False, indent=2))
        return
    said = _("%(key)s: %(n)s customers; %(added)s came in, %(removed)s went out.") % {
        "key": key,
        "n": number(len(found.ids)),
        "added": number(len(done.added)),
        "removed": number(len(done.removed)),
    }
    click.echo("\n".join([said, *_left_out(found)]))


@lists.command()
@click.argument("key")
@click.option("--force", is_flag=True, help="Remove it though segments ask for it.")
def remove(*, key: str, force: bool) -> None:
    """Forget the list KEY.

    Segments that ask for it keep the members they have and are shown as stale.
    """
    asking = sets.naming(ProfileSort.LIST, key)
    if asking and not force:
        words = {"key": key, "segments": ", ".join(asking)}
        raise ListError(
            _("%(key)s: these segments ask for it: %(segments)s; change them or say --force")
            % words
        )
    if not sets.remove_list(key):
        raise ListError(_("there is no list %(key)s") % {"key": key})
    audit.record(audit.operator(), "list.removed", f"list:{key}")
    click.echo(_("%(key)s is removed.") % {"key": key})


@lists.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def show(*, as_json: bool) -> None:
    """Show the lists and how many customers are in each."""
    held = ProfileSet.objects.filter(sort=ProfileSort.LIST).annotate(n=Count("members"))
    rows = list(held.order_by("key").values_list("key", "title", "n"))
    if as_json:
        told = [{"key": key, "title": title, "n_members": n} for key, title, n in rows]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif not rows:
        click.echo(_("There is no list yet."))
    else:
        click.echo("\n".join(f"{key:<32}{number(n):>12}  {title}" for key, title, n in rows))


def _check(key: str, title: str | None) -> None:
    longest_key, longest_title = _LONGEST
    if not KEY.fullmatch(key) or len(key) > longest_key:
        words = {"key": key}
        raise ListError(_("%(key)s: a key has small letters, digits and hyphens") % words)
    if title is not None and len(title) > longest_title:
        raise ListError(_("a title has at most %(n)s characters") % {"n": longest_title})


def _title(key: str) -> str:
    """Return what the list ``key`` is called so far, a new one by its key."""
    held = ProfileSet.objects.filter(sort=ProfileSort.LIST, key=key).first()
    return held.title if held else key


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        words = {"file": str(file), "error": str(error.strerror)}
        raise ListError(_("%(file)s: cannot be read: %(error)s") % words) from error
    except UnicodeDecodeError as error:
        words = {"file": file.name}
        raise ListError(
            _("%(file)s: no text in UTF-8; if it is a table, say --column") % words
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _cells(file: Path, column: str) -> Iterator[str]:
    for batch in files.read(file, FileFormat(), [column]).batches:
        if batch.faults:
            fault = batch.faults[0]
            raise ListError(f"{file.name}:{fault.line}: {fault.reason}")
        cells = batch.columns[column].cells
        yield from (text for cell in cells if (text := _text(cell)))


def _text(cell: object) -> str:
    """Return a cell as text; tables hold numbers as 10027.0."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _left_out(found: Identified) -> Iterator[str]:
    """Yield who is left out, a sentence for each reason."""
    if n := len(found.unknown):
        said = ngettext(
            "%(n)s identifier leads to nobody: %(words)s",
            "%(n)s identifiers lead to nobody: %(words)s",
            n,
        )
        yield said % {"n": number(n), "words": _some(found.unknown)}
    if n := len(found.shared):
        said = ngettext(
            "%(n)s identifier belongs to several customers: %(words)s",
            "%(n)s identifiers belong to several customers: %(words)s",
            n,
        )
        yield said % {"n": number(n), "words": _some(found.shared)}


def _some(words: tuple[str, ...]) -> str:
    return ", ".join(words[:_SHOWN]) + (", …" if len(words) > _SHOWN else "")


def _plain(key: str, found: Identified, done: Put) -> dict[str, object]:
    return {
        "key": key,
        "n_members": len(found.ids),
        "n_added": len(done.added),
        "n_removed": len(done.removed),
        "unknown": list(found.unknown),
        "shared": list(found.shared),
    }
