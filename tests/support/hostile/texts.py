"""Texts: catalogues that are none, numbers that are none, and what goes wrong with letters and lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from .blocks import stars
from .case import Case, Door, Group

NOT = "NOT_A_CATALOGUE"
NONE = "NO_USABLE_STARS"
MISSING = "MISSING_COLUMN"
MANY = "TOO_MANY_ROWS"
MARKUP = "MARKUP_SENT"

NAMES = "ra dec mag magerr"
LINES = [f"{ra:.5f} {dec:.5f} {mag:.3f} {err:.3f}" for ra, dec, mag, err in stars()]
HEAD = "#   1 ALPHA_J2000   [deg]\n#   2 DELTA_J2000   [deg]\n#   3 MAG_AUTO   [mag]\n#   4 MAGERR_AUTO   [mag]\n"
BODY = "\n".join(LINES) + "\n"
SEXTRACTOR = HEAD + BODY
CSV = NAMES.replace(" ", ",") + "\n" + BODY.replace(" ", ",")
ECSV_HEAD = """# %ECSV 1.0
# ---
# datatype:
# - {name: ra, unit: deg, datatype: float64}
# - {name: dec, unit: deg, datatype: float64}
# - {name: mag, datatype: float64}
# - {name: magerr, datatype: float64}
"""
ECSV = f"{ECSV_HEAD}{NAMES}\n{BODY}"


def cases() -> Iterator[Case]:
    yield from good()
    yield from not_catalogues()
    yield from sizes()
    yield from encodings()
    yield from heads()
    yield from numbers()
    yield from strings()
    yield from bombs()


def good() -> Iterator[Case]:
    group = Group("good texts")
    texts = {
        "SExtractor": SEXTRACTOR, "four columns": BODY, "CSV": CSV, "ECSV": ECSV, "semicolons": CSV.replace(",", ";"),
        "tabs": CSV.replace(",", "\t"), "old Mac": SEXTRACTOR.replace("\n", "\r"),
        "Windows": SEXTRACTOR.replace("\n", "\r\n"), "no last line break": SEXTRACTOR.rstrip(),
        "names in a comment": f"# {NAMES}\n{BODY}", "blank lines": SEXTRACTOR.replace("\n", "\n\n"),
        "numbered": "".join(f"{i} {line}\n" for i, line in enumerate(LINES, 1)),
        "one star": f"{NAMES}\n{LINES[0]}\n", "Fortran's D": SEXTRACTOR.replace("15.0", "15.0D+00"),
        "padded with blanks": SEXTRACTOR + " \n" * 500,
    }  # fmt: skip
    for name, text in texts.items():
        yield group.accept(name, text.encode())
    yield group.accept("180,000 lines", lambda: SEXTRACTOR.encode() + BODY.encode() * 15_000)


def not_catalogues() -> Iterator[Case]:
    group = Group("not catalogues")
    markup = {
        "HTML": "<!DOCTYPE html><html><body>Login</body></html>", "HTML in capitals": "<HTML><HEAD></HEAD></HTML>",
        "HTML after blanks": "\n\n   <html>", "HTML after a mark": "\ufeff<html>", "XML": "<?xml version='1.0'?><a/>",
        "a VOTable": "<?xml version='1.0'?><VOTABLE><RESOURCE/></VOTABLE>", "SVG": "<svg onload='alert(1)'/>",
        "entities that grow": '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>',
        "an entity that reads": '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>',
    }  # fmt: skip
    yield from group.rejects(MARKUP, ((name, text.encode()) for name, text in markup.items()))
    rows = [dict(zip(NAMES.split(), map(float, star), strict=True)) for star in stars()]
    other = {
        "JSON": json.dumps(rows), "JSON, deep": "[" * 100_000, "JSON of one": "{}",
        "a path": "/etc/passwd", "two paths": "/etc/passwd\n/etc/shadow\n", "a parent's path": "../../../../etc/passwd",
        "an address": "http://127.0.0.1/", "an address of metadata": "http://169.254.169.254/latest/meta-data/",
        "file:": "file:///etc/passwd", "s3:": "s3://bucket/key", "cfitsio's names": "x.fits[1][col a=1](new.fits)",
        "a pipe": "| cat /etc/passwd", "a poem": "Twas brillig, and the slithy toves\nDid gyre and gimble\n" * 50,
        "Python": "import os\nos.system('id')\n", "a shell": "#!/bin/sh\nrm -rf /\n", "LaTeX": "\\input{/etc/passwd}\n",
        "PostScript": "%!PS-Adobe-3.0\n", "an e-mail": "From: a@b.c\nSubject: catalogue\n\nplease see attached\n",
        "base64": "U0lNUExFICA9ICAgICAgICAg" * 50,
        "a mapping": "Observatory : - : OBSERVAT : str : LOIANO : -\n", "YAML": "a: &a [x]\nb: [*a, *a]\n",
        "a pickle": "cos\nsystem\n(S'id'\ntR.", "five columns of words": "a b c d e\n" * 20,
        "three columns": "1.0 2.0 3.0\n" * 20, "one column": "1.0\n" * 20,
        "four columns, not on the sky": "5000.0 2.0 3.0 4.0\n" * 20,
    }  # fmt: skip
    codes = f"{NOT} EMPTY_FILE {MISSING} {MANY}"
    yield from group.rejects(codes, ((name, text.encode()) for name, text in other.items()))
    yield group.reject("a header as text", b"SIMPLE  = T\nBITPIX  = 16\nNAXIS   = 2\nEND\n", f"{NOT} BROKEN_FITS")
    yield from group.rejects("EMPTY_FILE", [("nothing", b""), ("a blank", b" "), ("line breaks", b"\r\n" * 5000)])
    yield from group.rejects(
        "EMPTY_FILE",
        [("a head only", HEAD.encode()), ("comments only", b"# nothing\n" * 900), ("a mark", b"\xef\xbb\xbf")],
    )
    yield group.reject("names only", NAMES.encode(), f"EMPTY_FILE {NOT}")
    image = Group("not images", Door.IMAGE)
    for name, text in {**markup, "SExtractor": SEXTRACTOR, "a path": "/etc/passwd", "nothing": ""}.items():
        yield image.reject(name, text.encode(), "NO_IMAGE EMPTY_FILE")


def sizes() -> Iterator[Case]:
    group = Group("sizes of texts")
    wide = " ".join(["1.0"] * 20_000)
    codes = f"{MANY} {NOT}"
    yield group.reject("20,000 columns in three lines", f"{wide}\n{wide}\n{wide}\n".encode(), codes)
    names = ",".join(f"c{i}" for i in range(20_000))
    yield group.reject("20,000 names", f"{names}\n{wide.replace(' ', ',')}\n".encode(), codes)
    short = ",".join(["1"] * 2000)
    yield group.reject("2000 columns in lines of 4 kB", f"{short}\n{short}\n".encode(), codes)
    yield group.reject("commas only", b"," * 4000 + b"\n" + b"," * 4000, f"{codes} {MISSING}")
    yield group.reject(
        "a head of 9999", "".join(f"# {i} C{i}\n" for i in range(1, 9999)).encode() + BODY.encode(), codes
    )
    yield group.reject("a million lines", lambda: b"1 2 3 0.1\n" * 1_000_000, MANY)
    yield group.reject("six million lines", lambda: b"1 2\n" * 6_000_000, MANY, huge=True)
    yield group.reject("ten million empty lines", lambda: b"\n" * 10_000_000, f"{MANY} EMPTY_FILE")
    yield group.reject("a line of 15 MB", lambda: b"1" * 15_000_000, MANY)
    yield group.reject("a line of 5 MB in a catalogue", lambda: SEXTRACTOR.encode() + b"1 " * 2_500_000, MANY)
    yield group.reject("60 MB", lambda: b"120.0 20.0 15.0 0.01\n" * 3_000_000, MANY, huge=True)
    yield group.accept("199,000 comments", b"# x\n" * 199_000 + SEXTRACTOR.encode())
    yield group.reject("a million quotes", b'"' * 1_000_000, MANY)
    quotes = NAMES.replace(" ", ",") + "\n" + ('"' * 4000 + "\n") * 250
    yield group.reject("a million quotes in lines", quotes.encode(), f"{NONE} {NOT}")
    alternating = NAMES.replace(" ", ",") + "\n" + ('","' * 1300 + "\n") * 250
    yield group.reject("quotes and commas", alternating.encode(), f"{NONE} {NOT} {MANY}")
    yield group.accept("a quote that is not closed", (CSV + '"120.5,20.5,15.0,0.02\n').encode())
    yield group.reject("sharps", lambda: (b"#" * 4000 + b"\n") * 4000, "EMPTY_FILE")
    yield group.either("blanks in lines of 4 kB", lambda: NAMES.encode() + b"\n" + (b" " * 4000 + b"1\n") * 2000)
    yield group.either("comments of 3 kB", lambda: (b"# " + b"a" * 3000 + b"\n") * 4000 + SEXTRACTOR.encode())
    dashes = f"{NAMES}\n{NAMES}\n" + "-- -- -- --\n" * 5000
    yield group.either("rules of dashes", dashes.encode())


def encodings() -> Iterator[Case]:
    group = Group("encodings")
    for name in ("utf-16", "utf-8-sig", "latin-1", "cp1252"):
        yield group.accept(name, SEXTRACTOR.encode(name))
    marked = SEXTRACTOR.encode("utf-16-be")
    yield group.accept("UTF-16, big end first", b"\xfe\xff" + marked)
    yield group.reject("UTF-16 without a mark", marked, NOT)
    yield group.reject("UTF-32", SEXTRACTOR.encode("utf-32"), f"{NOT} EMPTY_FILE {MISSING}")
    yield group.either("UTF-16 cut in a letter", SEXTRACTOR.encode("utf-16")[:-1])
    yield group.either("half of a pair", b"\xff\xfe" + b"\x00\xd8" * 200)
    yield group.either("UTF-7", b"ra,dec,mag,magerr\n+AGE-")
    yield group.reject("NUL bytes", SEXTRACTOR.replace(" ", "\0").encode(), NOT)
    yield group.reject("one NUL byte", SEXTRACTOR.encode() + b"\0", NOT)
    comment = "# obs: Łukasz, Ondřejov 🔭 \u202e\u2066 Ω\n"
    yield group.accept("emoji", (comment + SEXTRACTOR).encode())
    yield group.accept("latin-1 letters", "# Ondøejov µm é\n".encode("latin-1") + SEXTRACTOR.encode())
    yield group.accept("bytes of no encoding", b"# \xff\xfe\x80\x81\n" + SEXTRACTOR.encode())
    digits = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    yield group.either("arabic digits", SEXTRACTOR.translate(digits).encode())
    yield group.either("arabic digits in the rows", (HEAD + BODY.translate(digits)).encode())
    yield group.either("full-width digits", (HEAD + BODY.translate({48 + i: 0xFF10 + i for i in range(10)})).encode())
    superscript = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    yield group.reject("superscripts", (HEAD + BODY.translate(superscript)).encode(), f"{NONE} {NOT}")
    yield group.either("superscripts in the head", SEXTRACTOR.replace("#   1", "#   ¹").encode())
    for mark in ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u00a0", "\u3000", "\u200b"):
        yield group.either(f"blanks of {mark!r}", SEXTRACTOR.replace(" ", mark).encode())
        yield group.either(f"lines of {mark!r}", (HEAD + BODY.replace("\n", mark)).encode())


def heads() -> Iterator[Case]:
    group = Group("heads")
    texts = {
        "number 0": HEAD.replace(" 1 ", " 0 "), "numbers of 9999": HEAD.replace(" 3 ", " 9999 "),
        "all number 1": HEAD.replace(" 2 ", " 1 ").replace(" 3 ", " 1 ").replace(" 4 ", " 1 "),
        "names twice": HEAD + HEAD, "a vector": HEAD.replace("MAG_AUTO", "MAG_AUTO(1000)"),
        "number of five digits": HEAD.replace(" 3 ", " 99999 "), "units without end": HEAD.replace("[mag]", "[" * 500),
        "no blank": HEAD.replace("#   ", "#"), "letters beyond ASCII": HEAD.replace("MAG_AUTO", "MAG_AUTÖ"),
    }  # fmt: skip
    for name, text in texts.items():
        yield group.either(name, (text + BODY).encode())
    yield group.reject(
        "pixels only", SEXTRACTOR.replace("ALPHA_J2000", "X_IMAGE").replace("DELTA_J2000", "Y_IMAGE").encode(), MISSING
    )
    yield group.reject("no error", SEXTRACTOR.replace("MAGERR_AUTO", "BACKGROUND").encode(), MISSING)
    yield group.reject("no magnitude", SEXTRACTOR.replace("MAG_AUTO", "ELONGATION").encode(), MISSING)
    for name in ("=1+1", "@SUM(1)", "<img src=x onerror=alert(1)>", "%s%n", "{0.__class__}", "a" * 3000, "\x1b[31m"):
        yield group.accept(f"a column {name[:20]!r}", (CSV.replace("magerr", f"magerr,{name}")).encode())
    iraf = "#K IRAF\n# ra 1 0 d degrees %10.5f\n# dec 2 0 d degrees %10.5f\n# mag 3 0 d mag %f\n# magerr 4 0 d mag %f\n"
    yield group.accept("IRAF", (iraf + BODY).encode())
    yield group.either(
        "IRAF, columns of 0 and 9999", (iraf.replace(" 3 0 ", " 9999 0 ").replace(" 1 0 ", " 0 0 ") + BODY).encode()
    )


def numbers() -> Iterator[Case]:
    group = Group("numbers")
    words = ("nan", "NaN", "inf", "-inf", "1e400", "-1e400", "1e-400", "99.99", "--", "INDEF", "", "0x10", "1_0", "1,5",
             "1e", "\u0661\u0665", "1" * 400, "15..0", "+-15", "True", "None", "=1+1", "1e999999999", "15.0.0",
             "½")  # fmt: skip
    for word in words:
        for column, name in ((0, "RA"), (2, "magnitude"), (3, "error")):
            lines = [line.split() for line in LINES]
            for cells in lines:
                cells[column] = word
            csv = NAMES.replace(" ", ";") + "\n" + "\n".join(";".join(cells) for cells in lines)
            usable = (word, column) in {
                ("1e-400", 2),
                ("1e-400", 3),
                ("1e-400", 0),
                ("99.99", 0),
                ("1_0", 0),
                ("1_0", 2),
                ("1_0", 3),
            }
            either = word == "\u0661\u0665" or usable
            made = group.either if either else group.reject
            extra = () if either else (f"{NONE} {NOT} {MISSING}",)
            yield made(f"{name} {word[:12]!r}", csv.encode(), *extra)
    yield group.accept("a few are not numbers", (SEXTRACTOR + "nan inf 1e400 --\n" * 20).encode())
    yield group.accept("a short row", (SEXTRACTOR + "120.1 20.1\n").encode())
    yield group.accept("long rows", (HEAD + BODY.replace("\n", " 7 7 7\n")).encode())
    for ra, dec in ((400, 20), (120, 95), (-200, 20), (120, -90.001), (1e300, 0), (7200.5, 0)):
        rows = "".join(f"{ra} {dec} 15.{i} 0.02\n" for i in range(9))
        yield group.reject(f"at {ra} {dec}", (HEAD + rows).encode(), NONE)
    for angle in ("25:61:61", "5:30", "-0:0:0.1", "05h33m17.6", "99999:00:00", "1:2:3:4", "::", "05 33 17"):
        csv = CSV.splitlines()
        csv[1:] = [",".join([angle, *line.split(",")[1:]]) for line in csv[1:]]
        yield group.either(f"RA {angle}", "\n".join(csv).encode())
    yield group.accept("all alike", (HEAD + LINES[0] + ("\n" + LINES[0]) * 500).encode())
    yield group.accept("two rows", (HEAD + "\n".join(LINES[:2])).encode())
    rng = np.random.default_rng(4)
    noise = "\n".join(" ".join(f"{x:.17g}" for x in row) for row in rng.standard_cauchy((200, 4)) * 1e10)
    yield group.either("wild", (HEAD + noise).encode())


def strings() -> Iterator[Case]:
    """Cards and cells that other programs would obey."""
    group = Group("strings")
    texts = (
        '=HYPERLINK("http://x")', "+1", "-1+1", "@x", "%s%s%n", "{0}{x.__class__.__mro__}",
        "${jndi:ldap://127.0.0.1/a}",
        "../../../etc/passwd", "..\\..\\windows", "'; DROP TABLE x;--", "<script>alert(1)</script>", "$(id)", "`id`",
        "\x00".replace("\x00", "\\0"), "a\x1b]0;x\x07", "\u202egnp.exe", "A" * 4000, "ivo://x#y", "NaN", "null", "[]",
    )  # fmt: skip
    for text in texts:
        held = f"# OBJECT = {text}\n# FILTER = {text}\n# EXPTIME: {text}\n"
        yield group.accept(f"cards {text[:24]!r}", (held + SEXTRACTOR).encode())
        quoted = text.replace('"', '""')
        cells = CSV.replace("magerr", "magerr,filter").replace("0.020", f'0.020,"{quoted}"')
        yield group.either(f"cells {text[:24]!r}", cells.encode())


def bombs() -> Iterator[Case]:
    """YAML that grows when it is read; here nobody reads it as YAML."""
    group = Group("YAML bombs")
    lines = ["# a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"# a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    laughs = "\n".join(lines) + "\n"
    split = ECSV_HEAD.splitlines(keepends=True)
    yield group.accept(
        "a billion laughs in ECSV", ("".join(split[:2]) + laughs + "".join(split[2:]) + NAMES + "\n" + BODY).encode()
    )
    tag = "# meta: !!python/object/apply:os.system ['id']\n"
    yield group.accept("a call in ECSV", ("".join(split[:2]) + tag + "".join(split[2:]) + NAMES + "\n" + BODY).encode())
    deep = "# " + "{name: " * 500 + "\n"
    yield group.accept(
        "braces in ECSV", ("".join(split[:2]) + deep + "".join(split[2:]) + NAMES + "\n" + BODY).encode()
    )
    yield group.either("a delimiter of two", ECSV.replace("# ---", "# ---\n# delimiter: ',,'").encode())
    yield group.either("no names", ECSV.replace(NAMES, "").encode())
    yield group.reject("a billion laughs as YAML", laughs.replace("# ", "").encode(), f"{NOT} {MISSING}")
    slow = "# - {name: " + "'" + "a" * 4000 + "\n"
    yield group.accept(
        "quotes that are not closed",
        ("".join(split[:3]) + slow * 500 + "".join(split[3:]) + NAMES + "\n" + BODY).encode(),
    )
