"""The check of the live service, on recorded answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpcs.passbands import catalogue_data
from infra.check_vizier import FINE, NO_NETWORK, NOT_FINE, check, declared, main

SAMPLES = Path(__file__).parent.parent / "data" / "vizier"
NAME_OF = {catalogue_data()[name]["vizier"]: name for name in declared()}


def answer(query):
    return (SAMPLES / f"{NAME_OF[query.table]}.vot").read_bytes()


def run(transport, *, reach=True, names=None):
    return check(names or declared(), "vizier.example", transport=transport, reach=lambda _: reach)


def test_all_is_well(capsys):
    assert run(answer) == FINE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(declared()) + 2
    assert all(line.endswith("fine") for line in lines[1:])
    assert "OGLE3" not in declared()


def test_a_column_that_was_renamed_is_named(capsys):
    def renamed(query):
        return answer(query).replace(b'"gmag"', b'"g_mag_new"')

    assert run(renamed, names=["PS1", "2MASS"]) == NOT_FINE
    out = capsys.readouterr().out
    assert "no magnitude in g" in out
    assert "1 of 2 catalogues fine" in out


def test_every_column_and_every_flag_is_looked_for(capsys):
    def changed(query):
        sent = answer(query)
        for old, new in ((b'"Cflg"', b'"C_flag"'), (b'"dupvar"', b'"dv"')):
            sent = sent.replace(old, new)
        return sent

    assert run(changed, names=["2MASS", "REFCAT2", "PS1"]) == NOT_FINE
    lines = capsys.readouterr().out.splitlines()
    assert "no column Cflg" in lines[1]
    assert "no column dupvar" in lines[2]
    assert lines[3].endswith("fine")


def test_a_flag_that_says_nothing_is_told(capsys):
    assert run(lambda query: answer(query).replace(b"<TD>52</TD>", b"<TD></TD>").replace(b"<TD>180</TD>", b"<TD></TD>"),
               names=["PS1"]) == NOT_FINE  # fmt: skip
    assert "nothing in Qual" in capsys.readouterr().out


def test_one_that_fails_does_not_stop_the_others(capsys):
    def first_refused(query):
        if query.table == catalogue_data()["PS1"]["vizier"]:
            raise OSError("refused")
        return answer(query)

    assert run(first_refused) == NOT_FINE
    assert f"{len(declared()) - 1} of {len(declared())} catalogues fine" in capsys.readouterr().out


def test_no_network_is_said_at_once(capsys):
    asked = []

    def cut_off(query):
        asked.append(query)
        raise OSError("Name or service not known")

    assert run(cut_off, reach=False) == NO_NETWORK
    assert len(asked) == 1
    assert "no network" in capsys.readouterr().out


def test_a_catalogue_that_vizier_does_not_have(capsys):
    with pytest.raises(SystemExit):
        main(["OGLE3"])
    assert "not at VizieR" in capsys.readouterr().err
