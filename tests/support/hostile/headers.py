"""Headers as text, YAML and JSON, and tables of mappings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

from .blocks import PRIMARY, card, header, image_file, packed, table_file
from .case import Case, Door, Group
from .images import ODD, TIME, WCS

NONE = "NOT_A_HEADER"
BAD = "BAD_MAPPING"
GOOD = {**WCS, **TIME}
LINES = "".join(f"{key:8s}= {value} / as it was\n" for key, value in GOOD.items())
RULES = """# DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT
#! camera : BFOSC
#! recognise : INSTRUME : BFOSC*
Observatory : - : OBSERVAT : str : LOIANO : -
Exposure : EXPOS|EXPTIME : EXPTIME : float min : - : -
Start : UT : TIME-OBS : time hms start utc : - : -
Filter : INSFILTE : FILTER : str : 1=U, 2=B, "2 1"=R : position of the wheel
"""


def cases() -> Iterator[Case]:
    yield from texts()
    yield from trees()
    yield from mappings()


def texts() -> Iterator[Case]:
    group = Group("headers as text", Door.HEADER)
    yield group.accept("lines", LINES.encode())
    yield group.accept("Windows", LINES.replace("\n", "\r\n").encode())
    yield group.accept("UTF-16", LINES.encode("utf-16"))
    yield group.accept("latin-1", (LINES + "OBSERVER= 'Ond\xf8ejov'\n").encode("latin-1"))
    yield group.accept("an image", image_file(*GOOD.items()))
    yield group.accept("an image, packed", gzip.compress(image_file(*GOOD.items())))
    yield group.accept("an image, tiles", packed("RICE_1"))
    yield group.accept("a table", table_file())
    yield group.accept("cut short", image_file(*GOOD.items())[:3000])
    yield group.accept("a header by itself", header(PRIMARY | GOOD))
    for what, odd in ODD.items():
        lines = "".join(f"{key:8s}= {value}\n" for key, value in (GOOD | odd).items())
        yield group.accept(what, lines.encode())
    yield group.accept("keywords twice", (LINES * 20).encode())
    yield group.accept("19,000 lines", ("COMMENT x\n" * 19_000 + LINES).encode())
    yield group.accept("a million lines", lambda: LINES.encode() + b"\n" * 1_000_000)
    yield group.either("4 MB of one line", lambda: b"EXPTIME = " + b"9" * 4_000_000)
    yield group.either("4 MB of equals signs", lambda: b"=" * 4_000_000)
    yield group.either("4 MB of letters", lambda: b"A" * 4_000_000)
    yield group.either("words without end", lambda: b"a " * 500_000 + b"= 3")
    yield group.either("lines of words", lambda: (b"a b c d e f g h i j k l m n o p " * 100 + b"\n") * 1000)
    yield group.either("a key of blanks", lambda: b"KEY" + b" " * 1_000_000 + b"= 3\n")
    yield group.either("quotes", lambda: b"KEY = '" + b"'" * 1_000_000)
    yield group.reject("60 MB", lambda: b"EXPTIME = 3\n" * 5_000_000, NONE, huge=True)
    none = {
        "nothing": b"", "blanks": b" " * 3000, "HTML": b"<html><body>Login</body></html>",
        "noise": bytes(range(256)) * 9,
        "a path": b"/etc/passwd", "a NUL": b"EXPTIME = 3\0", "END": b"END" + b" " * 77,
    }  # fmt: skip
    yield from group.rejects(NONE, none.items())
    yield group.either("an address", b"http://127.0.0.1/\n")
    chain = b"".join([card("LONGTEXT", b"'x&'"), *[b"CONTINUE  'y&'".ljust(80)] * 15_000])
    yield group.accept("15,000 CONTINUE", header(PRIMARY, chain))
    long = "LONGTEXT= 'x&'\n" + "CONTINUE  'y" + "y" * 3000 + "&'\n" * 900
    yield group.either("CONTINUE of megabytes", long.encode())


def trees() -> Iterator[Case]:
    group = Group("headers as trees", Door.HEADER)
    plain = {key: str(value).strip("'") for key, value in GOOD.items()}
    yield group.accept("JSON", json.dumps(plain).encode())
    yield group.accept("JSON of cards", json.dumps([[key, value, "x"] for key, value in plain.items()]).encode())
    yield group.accept("YAML", "".join(f"{key}: {value!r}\n" for key, value in plain.items()).encode())
    laughs = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    bad = {
        "a billion laughs": "\n".join(laughs), "an anchor in itself": "a: &a [*a]\n",
        "merge keys": "a: &a {b: 1}\nc: {<<: *a}\n",
        "YAML, deep": "a: " + "[" * 5000, "YAML, deeper": "a:\n" + "".join(" " * i + "- \n" for i in range(1, 600)),
        "YAML, many": "a: [" + "1," * 200_000 + "]", "JSON, deep": '{"a":' * 100_000, "JSON, lists": "[[" * 50_000,
        "JSON, cut": '{"EXPTIME": 6', "YAML, tabs": "a:\t\n\t- \tb: [", "YAML, NUL": 'a: "\\0"\n%',
        "aliases": "a: *b\n",
    }  # fmt: skip
    yield from group.rejects(NONE, ((name, text.encode()) for name, text in bad.items()))
    odd = {
        "a call": "!!python/object/apply:os.system ['id']\n", "a call as value": "EXPTIME: !!python/name:os.system\n",
        "a tag": "!<tag:x> {EXPTIME: 60}\n", "binary": "EXPTIME: !!binary aGVsbG8=\n",
        "JSON of NaN": '{"EXPTIME": NaN, "JD": 1e999}',
        "JSON of huge integers": '{"EXPTIME": ' + "9" * 100_000 + "}",
        "JSON, keys twice": '{"EXPTIME": 1, "EXPTIME": 2}',
        "JSON of nothing": '{"": "", " ": null}', "JSON of half pairs": '{"OBJECT": "\\ud800", "FILTER": "\\u0000"}',
        "JSON of lists": '[[[1, 2], [3]], "x", null, {"a": []}]', "JSON of a number": "[1]",
        "YAML dates": "DATE-OBS: 2019-02-31\n",
        "YAML sexagesimal": "RA: 12:30:45\n", "YAML of documents": "a: 1\n---\nb: 2\n---\n",
        "a key of 1 MB": '{"' + "K" * 1_000_000 + '": 1}',
        "a value of 1 MB": '{"OBJECT": "' + "V" * 1_000_000 + '"}', "a key of a list": "? [a, b]\n: c\nEXPTIME: 3\n",
        "100,000 keys": json.dumps({f"K{i}": i for i in range(100_000)}),
    }  # fmt: skip
    for name, text in odd.items():
        yield group.either(name, text.encode())


def mappings() -> Iterator[Case]:
    group = Group("mappings", Door.MAPPING)
    yield group.accept("as it should be", RULES.encode())
    yield group.accept("Windows, with a mark", ("\ufeff" + RULES.replace("\n", "\r\n")).encode())
    yield group.accept("latin-1", (RULES + "# \xe9\n").encode("latin-1"))
    bad = {
        "a keyword that is none": "a : - : NONSENSE : str : x : -",
        "a format that is none": "a : b : EXPTIME : float parsec : - : -",
        "a zone that is none": "a : b : TIME-OBS : time hms utc+99 : - : -",
        "a value that is none": "a : - : EXPTIME : float : sixty : -",
        "31 February": "a : - : DATE-OBS : date yyyy-mm-dd : 2019-02-31 : -",
        "1e400": "a : - : EXPTIME : float : 1e400 : -",
        "NaN": "a : - : GAIN : float : nan : -", "latitude 95": "a : - : LATITUDE : angle deg : 95 : -",
        "two of one": "a : b : FILTER : str\n" * 2,
        "too many fields": ":" * 50, "too few fields": "a : b",
        "a quote that is not closed": 'a : b : FILTER : str : "1=U : -',
        "a map without equals": "a : b : FILTER : str : 1 2 3 : -", "a directive that is none": "#! exec : id",
        "a version that is none": "#! version : 1e9", "HTML": "<html>\n<body>", "megabytes": "# x\n" * 100_000,
        "a version of another script": "#! version : \u0663", "NUL": "a : b\0 : FILTER : str : - : -",
        "controls": "a : - : OBSERVER : str : \x1b[31m : -",
    }  # fmt: skip
    yield from group.rejects(BAD, ((name, (text + "\n").encode()) for name, text in bad.items()))
    rules = [f"a : K{i} : {key} : str : - : -" for i, key in enumerate(("OBSERVER", "ORIGIN", "OBJECT", "TELESCOP"))]
    odd = {
        "backslashes": "a\\" * 500 + " : b : FILTER : str : - : -",
        "a formula": '=cmd : b : FILTER : str : "=1+1"=R : @x',
        "a page": "<script> : b : FILTER : str : - : <img src=x>",
        "patterns": "#! recognise : INSTRUME : " + "*?" * 50 + "x",
        "stars": "#! recognise : INSTRUME : " + "*" * 5000,
        "many sources": "a : " + "|".join(f"K{i}" for i in range(5000)) + " : FILTER : str",
        "many values": "a : b : FILTER : str : " + ", ".join(f"{i}=R" for i in range(5000)), "noise": bytes(range(32,
        127)).decode() * 30,
        "four fields": "\n".join(rules), "nothing": "", "comments": "# x\n" * 5000, "quotes": '"' * 20_001,
        "colons in quotes": '":":":":":":":"',
    }  # fmt: skip
    for name, text in odd.items():
        yield group.either(name, (text + "\n").encode())
