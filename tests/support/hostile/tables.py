"""FITS tables: columns that are none, rows that are not there, descriptors that point anywhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from .blocks import (
    ASCII,
    N_STARS,
    PRIMARY,
    TABLE,
    Change,
    ascii_file,
    changed,
    header,
    padded,
    rows,
    stars,
    table_file,
    text_rows,
)  # fmt: skip
from .case import Case, Group

BROKEN = "BROKEN_FITS"
CUT = "BROKEN_FITS FITS_CUT_SHORT"
NONE = "NO_USABLE_STARS"


def cases() -> Iterator[Case]:
    yield from shapes()
    yield from forms()
    yield from scaling()
    yield from names()
    yield from variable()
    yield from text_tables()
    yield from contents()


def shapes() -> Iterator[Case]:
    group = Group("table")
    wrong: list[Change] = [
        ("NAXIS2", -1), ("NAXIS2", -(2**31)), ("NAXIS1", -1), ("NAXIS1", 31), ("NAXIS1", 33), ("NAXIS1", 0),
        ("NAXIS2", "1.5"), ("NAXIS2", None), ("NAXIS", 1), ("NAXIS", 3), ("NAXIS", 0), ("BITPIX", 16), ("BITPIX", -8),
        ("TFIELDS", -1), ("TFIELDS", 1000), ("TFIELDS", 999_999_999), ("TFIELDS", None), ("TFIELDS", "'4x'"),
        ("TFIELDS", 5), ("TFIELDS", 3), ("PCOUNT", -1), ("GCOUNT", 0), ("GCOUNT", -1), ("THEAP", -1), ("THEAP", 10**9),
        ("THEAP", "'x'"),
    ]  # fmt: skip
    yield from group.rejects(CUT, ((f"{key} {value}", table_file((key, value))) for key, value in wrong))
    yield group.reject("NAXIS2 = -1, and 2880 bytes", table_file(("NAXIS2", -1), ("NAXIS1", 2880)), BROKEN)
    huge = f"{CUT} TOO_MANY_ROWS"
    for value in (2**31, 2**33, 2**40, 2**63, 10**6):
        yield group.reject(f"{value} rows", table_file(("NAXIS2", value)), huge)
    yield group.reject("PCOUNT of a terabyte", table_file(("PCOUNT", 2**40)), CUT)
    yield group.reject("no row", table_file(("NAXIS2", 0), data=b""), "EMPTY_FILE")
    yield group.reject("no column", table_file(("TFIELDS", 0), ("NAXIS1", 0), data=b""), "EMPTY_FILE BROKEN_FITS")
    many: list[Change] = [(f"TFORM{i}", "'0D'") for i in range(5, 1000)]
    yield group.reject("999 columns", table_file(("TFIELDS", 999), *many), "TOO_MANY_ROWS")
    yield group.accept("300 columns", table_file(("TFIELDS", 300), *many))
    wide = table_file(("NAXIS1", 2**30), ("TFORM4", f"'{2**27 - 3}D'"))
    yield group.reject("a row of a gigabyte", wide, CUT)
    yield group.accept("one row", table_file(("NAXIS2", 1)))
    yield group.accept("two rows", table_file(("NAXIS2", 2)))


def forms() -> Iterator[Case]:
    group = Group("TFORM")
    wrong = [
        "", "Z", "99999999999D", "-1D", "1.5D", "2147483647D", "4294967297D", "0D", "2D", "D2Q", "1QD(2147483647)",
        "1PD(-1)", "PD(", "(D)", "8", "F10.5", "1E400", "D" * 60, "'' OR 1=1", "%s", "\u00e9D", "1d",
    ]  # fmt: skip
    for form in wrong:
        shown = form.replace("'", "''")
        yield group.either(f"{form!r} of the magnitude", table_file(("TFORM3", f"'{shown}'")))
        extra = table_file(("TFIELDS", 5), ("TFORM5", f"'{shown}'"))
        yield group.either(f"{form!r} of one more", extra)
    yield group.reject("a number", table_file(("TFORM3", 8)), BROKEN)
    yield group.reject("missing", table_file(("TFORM3", None)), BROKEN)
    for letter, width in (("L", 1), ("X", 64), ("A", 8), ("C", 1), ("P", 1), ("Q", 1)):
        repeat = {"L": 8, "C": 1, "P": 1}.get(letter, width if letter != "Q" else 0)
        data = table_file(("TFORM3", f"'{repeat}{letter}'"))
        yield group.reject(f"{repeat}{letter} as a magnitude", data, f"{NONE} {BROKEN} MISSING_COLUMN")


def scaling() -> Iterator[Case]:
    group = Group("TSCAL")
    for key in ("TSCAL3", "TZERO3"):
        for value in ("1E400", "-1E400", "NaN", "inf", "1E308"):
            yield group.reject(f"{key} {value}", table_file((key, value)), f"{NONE} {BROKEN}")
        for value in ("'x'", "(1,2)", "1,5", "0x10"):
            yield group.reject(f"{key} {value}", table_file((key, value)), BROKEN)
        yield group.either(f"{key} undefined", table_file((key, "")))
    yield group.reject("TSCAL 0 of the position and the error", table_file(("TSCAL4", 0), ("TZERO4", -1)), NONE)
    yield group.either("TSCAL of a column of text", table_file(("TFORM3", "'8A'"), ("TSCAL3", 2)))
    for value in ("'x'", "1.5", "1E400", "9" * 30, "nan", ""):
        whole = table_file(("TFORM3", "'K'"), ("TNULL3", value))
        yield group.either(f"TNULL {value}", whole)
    for value in ("'(2,2)'", "'(-1)'", "'(99999999999,9)'", "'x'", "3", "'('", "'()'"):
        yield group.accept(f"TDIM {value}", table_file(("TDIM3", value)))


def names() -> Iterator[Case]:
    group = Group("TTYPE")
    yield group.either("all the same", table_file(*((f"TTYPE{i}", "'RA'") for i in range(1, 5))))
    yield group.reject("none", table_file(*((f"TTYPE{i}", None) for i in range(1, 5))), "MISSING_COLUMN")
    yield group.reject("empty", table_file(*((f"TTYPE{i}", "''") for i in range(1, 5))), "MISSING_COLUMN")
    yield group.reject("numbers", table_file(*((f"TTYPE{i}", i) for i in range(1, 5))), "MISSING_COLUMN")
    for name in (
        "MAG\0",
        "MAG_\xff",
        "=cmd|'/c calc'!A0",
        "<b>MAG</b>",
        "MAG[999999]",
        "MAG[-1]",
        "%n%s",
        "{0}",
        "../MAG",
    ):
        shown = name.replace("'", "''")
        yield group.either(repr(name), table_file(("TTYPE3", f"'{shown}'")))
    yield group.accept("beside a page", table_file(("TFIELDS", 5), ("TFORM5", "'0A'"), ("TTYPE5", "'<script>'")))
    for unit in ("'rad'", "'h'", "'furlong'", "'\xb0'", "'" + "m" * 60 + "'", "7"):
        yield group.either(f"unit {unit}", table_file(("TUNIT1", unit)))


def _described(form: str, descriptors: list[tuple[int, int]], heap: bytes, *, name: str = "RAGGED") -> bytes:
    """Return the dozen stars with one more column of variable length."""
    wide = ">qq" if "Q" in form else ">ii"
    held = [*descriptors, *[descriptors[-1]] * N_STARS][:N_STARS]
    each = [rows()[i * 32 : i * 32 + 32] + struct.pack(wide, *held[i]) for i in range(N_STARS)]
    cards = (("NAXIS1", 32 + struct.calcsize(wide)), ("TFIELDS", 5), ("TTYPE5", f"'{name}'"), ("TFORM5", f"'{form}'"))
    return table_file(*cards, ("PCOUNT", len(heap)), data=b"".join(each) + heap)


def variable() -> Iterator[Case]:
    """Columns of variable length are passed over: what their descriptors say may not matter."""
    group = Group("variable length")
    most = 2**31 - 1
    odd: dict[str, tuple[str, list[tuple[int, int]]]] = {
        "outside the heap": ("1PE(9)", [(10, 10_000)]),
        "negative": ("1PE(9)", [(-1, -1)]),
        "all on one another": ("1PE(9)", [(20, 0)]),
        "two gigabytes each": ("1PB(2147483647)", [(most, 0)]),
        "a sum beyond 64 bits": ("1QD(9)", [(2**62, 2**62)]),
        "negative, 64 bits": ("1QD(9)", [(-(2**63), -(2**63))]),
        "a length that lies": ("1PE(99999999)", [(1, 0)]),
        "at the very end": ("1PE(9)", [(20, 80), (0, 80), (1, 79)]),
    }
    for what, (form, descriptors) in odd.items():
        yield group.either(what, _described(form, descriptors, bytes(80)))
        as_magnitude = _described(form, descriptors, bytes(80), name="MAG").replace(b"TTYPE3  =", b"TTYPE9  =", 1)
        yield group.reject(f"{what}, as the magnitude", as_magnitude, f"{NONE} MISSING_COLUMN BROKEN_FITS")
    yield group.accept("as it should be", _described("1PE(5)", [(5, 0)], bytes(80)))
    big = header(PRIMARY) + header(
        changed(
            TABLE,
            ("NAXIS1", 8),
            ("NAXIS2", 500),
            ("TFIELDS", 1),
            ("TTYPE1", "'MAG'"),
            ("TFORM1", "'1PD(500)'"),
            ("PCOUNT", 4000),
        )
    )
    asks = struct.pack(">ii", 477_218, 0) * 500
    yield group.reject("9 kB that ask for 1.9 GB", big + padded(asks + bytes(4000)), f"MISSING_COLUMN {BROKEN}")


def text_tables() -> Iterator[Case]:
    group = Group("ASCII table")
    yield group.accept("as it should be", ascii_file())
    wrong: list[Change] = [
        ("TBCOL3", 0), ("TBCOL3", -5), ("TBCOL3", 36), ("TBCOL3", 10**9), ("TBCOL3", "'x'"), ("TBCOL3", None),
        ("TBCOL3", 2**63), ("TFORM3", "'F99.5'"), ("TFORM3", "'Z9'"), ("TFORM3", "'F'"), ("TFORM3", "''"),
        ("TFORM3", "'F99999999999.5'"), ("TFORM3", 5), ("TSCAL3", "'x'"), ("TZERO3", "1,5"),
    ]  # fmt: skip
    yield from group.rejects(BROKEN, ((f"{key} {value}", ascii_file((key, value))) for key, value in wrong))
    yield group.either("columns on one another", ascii_file(("TBCOL2", 1), ("TBCOL3", 5)))
    yield group.either("no width", ascii_file(("TFORM3", "'F0.0'")))
    yield group.reject("letters", ascii_file(data=b"x" * len(text_rows())), NONE)
    yield group.reject("NUL bytes", ascii_file(data=bytes(len(text_rows()))), NONE)
    yield group.reject("no number ends", ascii_file(data=b"1" * len(text_rows())), NONE)
    yield group.reject("high bytes", ascii_file(data=b"\xb2" * len(text_rows())), NONE)
    yield group.either("TNULL", ascii_file(("TNULL3", "'  15.00000'")))
    alone = header(changed(ASCII, ("XTENSION", None)))
    yield group.reject("no XTENSION", header(PRIMARY) + alone + padded(text_rows(), b" "), f"{BROKEN} EMPTY_FILE")


def contents() -> Iterator[Case]:
    """Numbers that are no stars."""
    group = Group("values")
    for value in (np.nan, np.inf, -np.inf, 1e300, 99.0, -99.0, 5e-324):
        for column, name in enumerate(("RA", "Dec", "magnitude", "error")):
            held = stars().copy()
            held[:, column] = value
            refused = not _is_usable(column, value)
            data = table_file(data=held.astype(">f8").tobytes())
            yield group.reject(f"{name} {value}", data, NONE) if refused else group.accept(f"{name} {value}", data)
    for ra, dec in ((400.0, 20.0), (120.0, 95.0), (-181.0, 20.0), (120.0, -91.0), (1e9, 1e9)):
        held = stars().copy()
        held[:, :2] = ra, dec
        yield group.reject(f"at {ra} {dec}", table_file(data=held.astype(">f8").tobytes()), NONE)
    mixed = stars().copy()
    mixed[::2, 2] = np.nan
    yield group.accept("every other magnitude", table_file(data=mixed.astype(">f8").tobytes()))
    for name, pattern in (("ones", b"\xff"), ("zeros", b"\0"), ("signalling NaN", b"\x7f\xf0\0\0\0\0\0\1")):
        data = (pattern * (N_STARS * 32))[: N_STARS * 32]
        yield group.either(f"bytes of {name}", table_file(data=data))


def _is_usable(column: int, value: float) -> bool:
    """Whether a column of such values leaves stars: as the readers' manual says."""
    if column == 0:
        return -180 <= value <= 360
    if column == 1:
        return abs(value) <= 90
    return abs(value) < 50 if column == 2 else 0 < value < 50
