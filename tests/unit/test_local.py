"""Small parts of the embedded stack, without an emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO

from infra.local import deploy, objects, processes, template


def test_short_forms_become_long_ones(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text("a: !Ref B\nc: !GetAtt D.E.F\ng: !If [H, !Sub 'x${I}', !Ref J]\nk: {l: !Equals [1, 2]}\n")
    assert template.load(path) == {
        "a": {"Ref": "B"},
        "c": {"Fn::GetAtt": ["D", "E.F"]},
        "g": {"Fn::If": ["H", {"Fn::Sub": "x${I}"}, {"Ref": "J"}]},
        "k": {"l": {"Fn::Equals": [1, 2]}},
    }


def test_package_holds_the_functions_and_a_bootstrap():
    with zipfile.ZipFile(BytesIO(deploy.pack_functions())) as package:
        names = package.namelist()
        assert "calibrate/app.py" in names
        assert not [name for name in names if "__pycache__" in name]
        assert package.getinfo("bootstrap").external_attr >> 16 == 0o755
        assert sys.executable in package.read("bootstrap").decode()


def _object(folder, name, content, *, content_ns, description_ns):
    path = folder / "bucket" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    description = path.with_name(f"{name}.meta.json")
    description.write_text(json.dumps({"size": 3, "etag": '"old"', "content_type": "text/plain", "key": name}))
    os.utime(path, ns=(content_ns, content_ns))
    os.utime(description, ns=(description_ns, description_ns))
    return description


def test_description_behind_its_object_forgets_the_size(tmp_path):
    torn = _object(tmp_path, "torn", b"longer", content_ns=2_000, description_ns=1_000)
    whole = _object(tmp_path, "whole", b"old", content_ns=1_000, description_ns=2_000)
    (tmp_path / "bucket" / "half.tmp").write_bytes(b"ha")
    assert objects.mend(tmp_path) == 1
    assert json.loads(torn.read_text()) == {"content_type": "text/plain", "key": "torn"}
    assert json.loads(whole.read_text())["size"] == 3
    assert not (tmp_path / "bucket" / "half.tmp").exists()


def test_pid_is_believed_only_for_the_process_meant(tmp_path):
    command = [sys.executable, "-c", "print(flush=True); input()", "the-mark"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()  # the command line can be read from here on
        path = tmp_path / "pid"
        processes.write_pid(path, child.pid)
        assert processes.read_pid(path, mark="the-mark") == child.pid
        assert processes.read_pid(path, mark="another") is None
        assert not processes.end_group(path, mark="another")
        assert child.poll() is None
        child.communicate(b"\n")
    processes.write_pid(path, child.pid)
    assert processes.read_pid(path, mark="the-mark") is None
