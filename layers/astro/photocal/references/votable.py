"""VOTables, as VizieR answers and as people keep them."""

from __future__ import annotations

import io
import warnings

import numpy as np

from cpcs.errors import NotACatalogue
from photocal.arrays import Anything, Floats
from photocal.readers.numbers import is_sexagesimal, number
from photocal.readers.table import RawTable


def is_votable(data: bytes) -> bool:
    """Whether the bytes begin as a VOTable does."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and b"<VOTABLE" in start


def read_votable(data: bytes) -> RawTable | None:
    """Return the first table of a VOTable; None where there is none, which is how VizieR says "no star".

    Raises
    ------
    NotACatalogue
        It is cut short, broken, or the answer to a query that failed or was cut off.
    """
    from astropy.io import votable

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = votable.parse(io.BytesIO(data), verify="ignore")
            _check_status(document)
            table = next(iter(document.iter_tables()), None)
            if table is None or not table.fields:
                return None
            columns = {item.name: table.array[item.ID] for item in table.fields}
            units = {item.name: str(item.unit) for item in table.fields if item.unit is not None}
    except NotACatalogue:
        raise
    except Exception as error:  # the parser raises a dozen kinds for what a line noise can do
        raise NotACatalogue(reason=f"the VOTable is broken ({type(error).__name__}: {str(error)[:100]})") from error

    def numbers(names: list[str]) -> Floats:
        return np.stack([_floats(columns[name]) for name in names], axis=1)

    def sexagesimal(name: str) -> bool:
        return len(columns[name]) > 0 and is_sexagesimal(texts(name)[0])

    def constant(name: str) -> str:
        values = {str(value) for value in columns[name]}
        return values.pop() if len(values) == 1 else ""

    def texts(name: str) -> list[str]:
        return ["" if value is np.ma.masked else _text(value) for value in columns[name]]

    n_rows = len(next(iter(columns.values())))
    return RawTable(
        format="votable",
        names=tuple(columns),
        n_rows=n_rows,
        numbers=numbers,
        constant=constant,
        texts=texts,
        sexagesimal=sexagesimal,
        units=units,
    )


def _text(value: object) -> str:
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()


def _check_status(document: object) -> None:
    infos = list(getattr(document, "infos", []))
    for resource in getattr(document, "resources", []):
        infos += list(resource.infos)
    for info in infos:
        status = f"{info.name}".upper()
        if status == "QUERY_STATUS" and f"{info.value}".upper() in {"ERROR", "OVERFLOW"}:
            raise NotACatalogue(reason=f"the query ended with {info.value}")
        if status in {"ERRORS", "ERROR"}:
            raise NotACatalogue(reason=f"the query failed: {str(info.value)[:100]}")


def _floats(column: Anything) -> Floats:
    try:
        values = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
    except (TypeError, ValueError):
        return np.array([np.nan if value is np.ma.masked else number(_text(value)) for value in column])
    return values if values.ndim == 1 else np.full(len(column), np.nan)
