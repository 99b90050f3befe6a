"""FITS files whose structure does not hold: axes, sizes, counts, headers without an end, parts that are missing."""

from __future__ import annotations

import gzip
import io
import itertools
from collections.abc import Iterator

import numpy as np
from astropy.io import fits

from .blocks import (
    BLOCK,
    CARD,
    IMAGE,
    PRIMARY,
    SHORT,
    SIDE,
    TABLE,
    Change,
    ascii_file,
    card,
    changed,
    header,
    image_file,
    packed,
    padded,
    sky,
    stars,
    table_file,
    written,
)  # fmt: skip
from .case import Case, Door, Group

BROKEN = "BROKEN_FITS"
CUT = "BROKEN_FITS FITS_CUT_SHORT"
MANY = "TOO_MANY_ROWS"
EXTENSION = header({"XTENSION": "'IMAGE'", "BITPIX": 8, "NAXIS": 0, "PCOUNT": 0, "GCOUNT": 1})


def cases() -> Iterator[Case]:
    yield from axes()
    yield from sizes()
    yield from headers()
    yield from many_hdus()
    yield from cut_short()
    yield from flipped()
    yield from after_the_end()


def axes() -> Iterator[Case]:
    group = Group("axes", Door.IMAGE)
    wrong: dict[str, object] = {
        "999999999": 999_999_999, "negative": -1, "1000": 1000, "real": "2.0", "text": "'two'", "missing": None,
        "thirty digits": "9" * 30, "undefined": "", "logical": True, "hexadecimal": "0x2", "underscored": "2_0",
        "arabic digits": "'\u00b2'",
    }  # fmt: skip
    yield from group.rejects(BROKEN, ((f"NAXIS {what}", image_file(("NAXIS", value))) for what, value in wrong.items()))
    short = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 999_999_999})
    yield group.reject("NAXIS 999999999 in one block", short, BROKEN)
    for length in (1, 2):
        every: dict[str, object] = {f"NAXIS{i}": length for i in range(1, 1000)}
        data = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 999, **every}) + padded(b"\1")
        yield group.reject(f"999 of {length}", data, f"{CUT} NO_IMAGE IMAGE_CUBE TOO_MANY_ROWS")
    yield group.reject("billion by billion", image_file(("NAXIS1", 10**9), ("NAXIS2", 10**9)), CUT)
    yield group.reject("2^31 by 2^33: a size of 0 in 64 bits", image_file(("NAXIS1", 2**31), ("NAXIS2", 2**33)), CUT)
    yield group.reject("2^62", image_file(("NAXIS1", 2**62)), CUT)
    yield group.reject("40000 by 40000 in one block", image_file(("NAXIS1", 40_000), ("NAXIS2", 40_000)), CUT)
    yield group.reject("first of length 0", image_file(("NAXIS1", 0)), "NO_IMAGE EMPTY_FILE BROKEN_FITS")
    yield group.reject("both of length 0", image_file(("NAXIS1", 0), ("NAXIS2", 0)), "NO_IMAGE EMPTY_FILE BROKEN_FITS")
    yield group.reject("negative length", image_file(("NAXIS2", -64)), BROKEN)
    yield group.reject("both lengths negative", image_file(("NAXIS1", -64), ("NAXIS2", -64)), BROKEN)
    yield group.reject("length missing", image_file(("NAXIS2", None)), BROKEN)
    yield group.reject("one axis", image_file(("NAXIS", 1), ("NAXIS1", SIDE * SIDE)), "NO_IMAGE")
    yield group.reject(
        "one pixel", image_file(("NAXIS1", 1), ("NAXIS2", 1), pixels=b"\1\2"), "NO_IMAGE IMAGE_TOO_SMALL"
    )
    yield group.reject("one column", image_file(("NAXIS1", 1), ("NAXIS2", 4096)), "NO_IMAGE IMAGE_TOO_SMALL")
    yield group.reject("8 by 512", image_file(("NAXIS1", 8), ("NAXIS2", 512)), "IMAGE_TOO_SMALL")
    cube = image_file(("NAXIS", 3), ("NAXIS1", 16), ("NAXIS2", 16), ("NAXIS3", 16))
    yield group.reject("a cube", cube, "IMAGE_CUBE")
    wide = image_file(("NAXIS", 4), ("NAXIS1", 1), ("NAXIS2", 1), ("NAXIS3", SIDE), ("NAXIS4", SIDE))
    yield group.either("degenerate axes first", wide)
    big = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": 2**13, "NAXIS2": 2**13 + 1})
    yield group.reject(
        "more pixels than are read",
        lambda: gzip.compress(big + bytes(2**26 + 2**13), 1),
        "IMAGE_TOO_LARGE TOO_LARGE_UNPACKED",
    )


def sizes() -> Iterator[Case]:
    group = Group("sizes", Door.IMAGE)
    bitpix: list[object] = [0, 7, 24, -16, -128, 9999, "'x'", "8.0", "1E1", "", None, "nan", -(2**31)]
    yield from group.rejects(BROKEN, ((f"BITPIX {value}", image_file(("BITPIX", value))) for value in bitpix))
    odd: list[Change] = [
        ("PCOUNT", -1), ("PCOUNT", -8192), ("PCOUNT", "'a'"), ("GCOUNT", -1), ("GCOUNT", 0), ("GCOUNT", "1.5"),
    ]  # fmt: skip
    yield from group.rejects(BROKEN, ((f"{key} {value}", image_file((key, value))) for key, value in odd))
    yield group.reject("PCOUNT of a terabyte", image_file(("PCOUNT", 2**40)), CUT)
    yield group.reject("GCOUNT of two billion", image_file(("GCOUNT", 2**31 - 1)), CUT)
    yield group.reject("64-bit pixels that are not there", image_file(("BITPIX", -64)), CUT)
    groups = changed(PRIMARY, ("NAXIS", 3), ("NAXIS1", 0), ("NAXIS2", 8), ("NAXIS3", 8), ("GROUPS", True))
    data = header({**groups, "PCOUNT": 2, "GCOUNT": 3}) + padded(bytes(3 * 66))
    yield group.reject("random groups", data, "NO_IMAGE EMPTY_FILE")
    data = header({**groups, "PCOUNT": 2**31, "GCOUNT": 2**31})
    yield group.reject("random groups without end", data, CUT)


def headers() -> Iterator[Case]:
    group = Group("headers", Door.IMAGE)
    good = image_file()
    body = good[: CARD * len(IMAGE)]
    yield group.reject("no END", padded(body, b" "), BROKEN)
    yield group.reject("no END, pixels follow", padded(body, b" ") + good[BLOCK:], BROKEN)
    yield group.either("END in small letters", good.replace(b"END", b"end", 1))
    yield group.reject("END with a value", good.replace(b"END  ", b"END =", 1), f"{BROKEN} NO_IMAGE")
    yield group.either("END not padded", body + b"END".ljust(CARD) + good[BLOCK:])
    yield group.reject("SIMPLE alone", b"SIMPLE  =                    T", BROKEN)
    yield group.reject("one card", card("SIMPLE", True), BROKEN)
    yield group.reject("SIMPLE not a logical", image_file(("SIMPLE", "'yes'")), BROKEN)
    yield group.either("SIMPLE = F", image_file(("SIMPLE", False)))
    yield group.reject("no SIMPLE", header(changed(IMAGE, ("SIMPLE", None))) + good[BLOCK:], "NO_IMAGE")
    yield group.reject("an extension alone", EXTENSION, f"{BROKEN} NO_IMAGE")
    cards = [b"COMMENT x"] * 1_000_000
    yield group.reject(
        "a million cards, packed",
        lambda: gzip.compress(image_file(more=cards), 1),
        f"{BROKEN} {MANY} TOO_LARGE_UNPACKED",
        huge=True,
    )
    yield group.reject("60 MB of blanks", lambda: body.ljust(60_000_000 // CARD * CARD), f"{BROKEN} {MANY}", huge=True)
    yield group.reject(
        "200 MB of blanks, packed",
        lambda: gzip.compress(body + b" " * 200_000_000, 1),
        f"{BROKEN} {MANY} TOO_LARGE_UNPACKED",
        huge=True,
    )
    yield group.accept("15,000 cards", image_file(more=[b"HISTORY x"] * 15_000))
    yield group.either("all cards twice", image_file(more=[card(key, value) for key, value in IMAGE.items()]))
    other = [card("NAXIS1", 10**9), card("BITPIX", -64), card("NAXIS", 7)]
    yield group.either("others contradict the first", image_file(more=other))
    yield group.accept("latin-1", image_file(more=[b"OBSERVER= 'Ond\xf8ejov \xe9\xe8 \xb5m'"]))
    yield group.accept("UTF-8", image_file(more=["OBSERVER= 'Łukasz 🔭'".encode()]))
    yield group.either("NUL bytes in a card", image_file(more=[b"OBSERVER= 'a\0b\0'", bytes(CARD)]))
    yield group.either("line breaks in cards", image_file(more=[b"OBSERVER= 'a\nEND\n'", b"\r\n\r\nEND"]))
    yield group.accept("a quote that is not closed", image_file(more=[b"OBJECT  = 'Gaia18bmt"]))
    yield group.accept("quotes only", image_file(more=[b"OBJECT  = " + b"'" * 70]))
    yield group.accept("a value too long to be one", image_file(more=[b"EXPTIME = " + b"9" * 70]))
    chain = [b"LONGTEXT= 'x&'", *[b"CONTINUE  'y&'"] * 15_000]
    yield group.accept("15,000 CONTINUE", image_file(more=chain))
    yield group.accept("CONTINUE that continues nothing", image_file(more=[b"CONTINUE  'y&'", b"CONTINUE  = 3"]))
    odd = [b"HIERARCH", b"HIERARCH =", b"HIERARCH a b c d e f = ", b"HIERARCH ESO = = =", b"HIERARCH " + b"=" * 71]
    yield group.accept("HIERARCH nonsense", image_file(more=odd))
    blank_keys = [b"= 3", b"        = 3", b" FILTER = 'R'", b"\xff\xff\xff\xff\xff\xff\xff\xff= 3", b"A" * 80]
    yield group.accept("keys that are none", image_file(more=blank_keys))
    yield group.accept("%s and {0} and ${HOME}", image_file(more=[b"OBJECT  = '%s%n{0}{x.__class__}${HOME}`id`'"]))
    yield group.accept("paths", image_file(more=[b"OBJECT  = '../../../etc/passwd'", b"FILTER  = '/dev/zero'"]))
    yield group.accept(
        "addresses", image_file(more=[b"OBJECT  = 'http://127.0.0.1/'", b"FILTER  = 'a.fits(new.fits)'"])
    )
    yield group.accept("a page", image_file(more=[b"OBJECT  = '<script>alert(1)</script>'"]))
    page = b"COMMENT <!DOCTYPE html><html><script>alert(1)</script></html>"
    yield group.accept("a page that is FITS", image_file(more=[page]))


def many_hdus() -> Iterator[Case]:
    group = Group("HDUs")
    yield group.reject("30,000", lambda: header(PRIMARY) + EXTENSION * 22_000, MANY, huge=True)
    yield group.reject(
        "30,000, packed",
        lambda: gzip.compress(header(PRIMARY) + EXTENSION * 30_000, 1),
        f"{MANY} TOO_LARGE_UNPACKED",
        huge=True,
    )
    yield group.reject("1000", header(PRIMARY) + EXTENSION * 1000, MANY)
    yield group.reject("250 without data", header(PRIMARY) + EXTENSION * 250, "EMPTY_FILE")
    yield group.accept("250 before the table", header(PRIMARY) + EXTENSION * 250 + table_file()[BLOCK:])
    for kind in ("FOREIGN", "DUMP", "A3DTABLE", "", "BINTABLE " * 7):
        odd = header(changed(TABLE, ("XTENSION", f"'{kind}'")))
        yield group.either(f"XTENSION {kind!r}", header(PRIMARY) + odd + padded(bytes(400)))
    image = Group("HDUs", Door.IMAGE)
    empty = written(fits.PrimaryHDU(), *[fits.ImageHDU() for _ in range(20)], fits.ImageHDU(sky()))
    yield image.accept("20 before the image", empty)
    masks = [fits.ImageHDU(sky().astype(np.uint8), name=name) for name in ("MASK", "WEIGHT", "BPM")]
    yield image.reject("masks only", written(fits.PrimaryHDU(), *masks), "NO_IMAGE")
    amplifiers = [fits.ImageHDU(sky(), name=f"AMP{i}") for i in range(4)]
    yield image.reject("amplifiers", written(fits.PrimaryHDU(), *amplifiers), "RAW_MOSAIC")


def good_files() -> dict[str, tuple[Door, bytes]]:
    """Files that are read, of which damaged ones are made."""
    ldac_head = fits.Column("Field Header Card", f"{BLOCK}A", array=[header(IMAGE).decode()])
    columns = [
        fits.Column(name, "D", array=stars()[:, i])
        for i, name in enumerate(("ALPHA_J2000", "DELTA_J2000", "MAG_AUTO", "MAGERR_AUTO"))
    ]
    ldac = [
        fits.BinTableHDU.from_columns([ldac_head], name="LDAC_IMHEAD"),
        fits.BinTableHDU.from_columns(columns, name="LDAC_OBJECTS"),
    ]
    return {
        "table": (Door.CATALOGUE, table_file()),
        "ASCII table": (Door.CATALOGUE, ascii_file()),
        "LDAC": (Door.CATALOGUE, written(fits.PrimaryHDU(), *ldac)),
        "image": (Door.IMAGE, image_file()),
        "RICE": (Door.IMAGE, packed("RICE_1")()),
        "HCOMPRESS": (Door.IMAGE, packed("HCOMPRESS_1", tile_shape=(16, 16))()),
        "GZIP_2 of floats": (Door.IMAGE, packed("GZIP_2", sky())()),
    }


def cut_short() -> Iterator[Case]:
    """At every block, about its edges, and at odd places."""
    for name, (door, data) in good_files().items():
        group = Group("cut short", door)
        edges = range(0, len(data), BLOCK)
        near = {edge + step for edge in (BLOCK, 2 * BLOCK) for step in (-CARD, -1, 1, CARD)}
        for n in sorted({*edges, *near, 7, 79, len(data) // 3 | 1}):
            if n < len(data):
                whole = data[:n] + b"" if n else b""
                yield (
                    group.reject(f"{name} at {n}", whole, f"{CUT} EMPTY_FILE NOT_A_CATALOGUE NO_IMAGE MISSING_COLUMN")
                    if n < _needed(data)
                    else group.either(f"{name} at {n}", whole)
                )


def _needed(data: bytes) -> int:
    """Return how many bytes hold everything but the padding at the end."""
    with fits.open(io.BytesIO(data), disable_image_compression=True) as hdus:
        return int(hdus[-1].fileinfo()["datLoc"] + hdus[-1].size)


def flipped() -> Iterator[Case]:
    """Bits of the headers, and of everything, turned over."""
    for number, (name, (door, data)) in enumerate(good_files().items()):
        group = Group("bits turned", door)
        for seed, n_bits in itertools.product(range(4), (1, 30)):
            rng = np.random.default_rng((number, seed, n_bits))
            damaged = np.frombuffer(data, dtype=np.uint8).copy()
            reach = 2 * BLOCK if n_bits == 1 else len(data)
            for at in rng.integers(0, reach, n_bits):
                damaged[at] ^= 1 << int(rng.integers(8))
            yield group.either(f"{name}, {n_bits}, {seed}", damaged.tobytes())
    for seed in range(6):
        rng = np.random.default_rng(seed)
        noise = rng.integers(0, 256, BLOCK * 3, dtype=np.uint8).tobytes()
        text = rng.integers(32, 127, BLOCK * 3, dtype=np.uint8).tobytes()
        for door in (Door.CATALOGUE, Door.IMAGE):
            group = Group("noise", door)
            yield group.reject(f"after SIMPLE, {door}, {seed}", card("SIMPLE", True) + noise, BROKEN)
            yield group.reject(f"text after SIMPLE, {door}, {seed}", card("SIMPLE", True) + text, BROKEN)
            yield group.reject(f"alone, {door}, {seed}", noise, "NOT_A_CATALOGUE NO_IMAGE")


def after_the_end() -> Iterator[Case]:
    group = Group("after the end")
    good = table_file()
    yield group.accept("blocks of zeros", good + bytes(10 * BLOCK))
    yield group.accept("a line break", good + b"\r\n")
    yield group.reject("a page", good + b"<html>" * 1000, BROKEN)
    yield group.reject("a second file", good + good, BROKEN)
    yield group.accept("not padded", good[: 3 * BLOCK - 100] if len(good) > 3 * BLOCK else good)
    image = Group("after the end", Door.IMAGE)
    spare = np.zeros(SIDE, dtype=SHORT).tobytes()
    yield image.accept("blocks of zeros behind an image", image_file(after=bytes(BLOCK * 3) + spare))
    yield image.reject("noise behind an image", image_file(after=b"\x8f\xa0" * BLOCK), BROKEN)
