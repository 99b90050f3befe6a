"""The life of the embedded stack: stop, restart, ``kill -9``, what stays and what is rebuilt."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra import seed
from infra.local import deploy, processes
from infra.local.home import Home, StackError
from infra.local.stack import EmbeddedStack

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A stack that these tests may kill."""
    stack = EmbeddedStack(tmp_path_factory.mktemp("own"))
    stack.start()
    yield stack
    if stack.is_running:
        stack.stop()


def put(stack, key, body, **more):
    stack.client("s3").put_object(Bucket=stack.deployment.data_bucket, Key=key, Body=body, **more)


def objects(stack):
    """Return everything that S3 says about every object, old versions included."""
    s3 = stack.client("s3")
    buckets = (stack.deployment.data_bucket, stack.deployment.site_bucket)
    versions = [
        (bucket, version["Key"], version["VersionId"])
        for bucket in buckets
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", [])
    ]
    told = ("ETag", "ContentType", "Metadata", "LastModified")
    return {
        (bucket, key, version): (found["Body"].read(), *(found[name] for name in told))
        for bucket, key, version in versions
        for found in [s3.get_object(Bucket=bucket, Key=key, VersionId=version)]
    }


def test_second_launcher_in_the_same_folder_is_refused(own):
    with pytest.raises(StackError, match="already, at http"):
        EmbeddedStack(own.folder).start()


def test_port_in_use_is_refused(own, tmp_path):
    with pytest.raises(StackError, match="in use"):
        EmbeddedStack(tmp_path, port=own.port).start()


def as_role(stack, function):
    """Return a session with the rights of one function."""
    (arn,) = [role["Arn"] for role in stack.client("iam").list_roles()["Roles"] if function in role["RoleName"]]
    found = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="tester")["Credentials"]
    return boto3.Session(
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
        region_name=deploy.REGION,
    )


def test_rights_are_enforced(own):
    item = {"pk": {"S": "rights"}, "sk": {"S": "rights"}}
    wanted = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": item["pk"]}}
    table = own.deployment.table
    for function, may_write in (("Query", False), ("Upload", True), ("Calibrate", True)):
        dynamodb = as_role(own, function).client("dynamodb", endpoint_url=own.endpoint)
        with contextlib.nullcontext() if may_write else pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.put_item(TableName=table, Item=item)
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.scan(TableName=table)
        assert dynamodb.query(TableName=table, **wanted)["Count"] <= 1


@pytest.mark.parametrize(
    ("function", "key", "may_put"),
    [
        ("Upload", "uploads/rights/other", True),
        ("Upload", "results/rights/0001/outcome.json", False),
        ("Upload", "references/APASS/1", False),
        ("Calibrate", "references/APASS/rights", True),
        ("Calibrate", "registry/keys/rights.json", False),
        ("Calibrate", "tombstones/rights.json", False),
        ("Query", "registry/cursor-secret", False),
    ],
)
def test_each_function_writes_only_its_own_objects(own, function, key, may_put):
    s3 = as_role(own, function).client("s3", endpoint_url=own.endpoint, config=Config(s3={"addressing_style": "path"}))
    with contextlib.nullcontext() if may_put else pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=own.deployment.data_bucket, Key=key, Body=b"x")
    if may_put:
        assert s3.list_objects_v2(Bucket=own.deployment.data_bucket, Prefix=key)["KeyCount"] == 1
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=own.deployment.data_bucket, Key=key)


def test_restart_keeps_everything(own, connect):
    put(own, "references/kept", b"{}", ContentType="application/json", Metadata={"who": "me"})
    token = connect(own).keys.open_session(seed.observer(connect(own), "Restart Observatory", owner="tester").secret)
    before, url = objects(own), own.url
    own.restart()
    assert own.recovered is None
    assert own.url == url
    assert objects(own) == before
    assert connect(own).keys.session(token).owner == "tester"  # only in the table


def test_kill_keeps_what_was_acknowledged_and_rebuilds_the_table(own, connect):
    store = connect(own)
    key = seed.observer(store, "Kill Observatory", owner="killed")
    event = seed.event(store, "Gaia99kil", 10.0, 20.0)
    put(own, "references/twice", b"first", ContentType="text/plain")
    put(own, "references/twice", b"second, longer", ContentType="application/json", Metadata={"n": "2"})
    before = objects(own)
    own.kill9()
    own.start()
    assert own.recovered is not None
    assert objects(own) == before
    store = connect(own)
    assert store.events.get("Gaia99kil") == event
    assert store.keys.verify(key.secret).owner == "killed"
    assert seed.event(store, "Gaia99new", 1.0, 2.0).event_id > event.event_id


def test_kill_before_the_first_clean_stop_and_again(tmp_path):
    stack = EmbeddedStack(tmp_path)
    stack.start()
    for round_ in range(2):
        put(stack, f"references/round-{round_}", b"%d" % round_)
        stack.kill9()
        stack.start()
    assert {key for _, key, _ in objects(stack) if key.startswith("references/")} == {
        "references/round-0",
        "references/round-1",
    }
    stack.stop()
    stack.start()
    assert stack.recovered is None
    stack.stop()


def test_front_says_when_the_emulator_is_away(own):
    own._emulator.kill()
    answer = httpx.get(f"{own.url}/api/health", trust_env=False)
    assert answer.status_code == 503
    assert answer.json()["code"] == "UNAVAILABLE"
    own.kill9()
    own.start()
    assert httpx.get(f"{own.url}/api/health", trust_env=False, timeout=60).status_code == 200


def test_changed_code_is_deployed(own, monkeypatch, tmp_path):
    before = own.deployment
    folder = tmp_path / "functions"
    (folder / "query").mkdir(parents=True)
    (folder / "query" / "app.py").write_text(
        "def handler(event, context):\n    return {'statusCode': 200, 'body': 'new code'}\n"
    )
    packed = deploy.pack_functions(folder)
    own.stop()
    monkeypatch.setattr(deploy, "pack_functions", lambda: packed)
    own.start()
    changed = own.deployment
    assert changed.digest != before.digest
    assert httpx.get(f"{own.url}/api/health", trust_env=False, timeout=60).text == "new code"
    assert own.recovered is None
    monkeypatch.undo()
    own.restart()
    assert own.deployment.digest != changed.digest
    assert httpx.get(f"{own.url}/api/health", trust_env=False, timeout=60).json()["status"] == "ok"


def test_package_is_the_same_for_the_same_code():
    assert deploy.pack_functions() == deploy.pack_functions()


def test_killed_launcher_leaves_nothing_running(tmp_path):
    command = [sys.executable, "-m", "infra.local", "start", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as launcher:
        line = launcher.stdout.readline()
        assert "CPCS is at http://127.0.0.1:" in line
        guard = int((tmp_path / "emulator.pid").read_text())
        assert processes.command_line(guard)
        launcher.send_signal(signal.SIGKILL)
        launcher.wait()
    assert processes.wait_for_end(guard, 10.0)
    give_up = time.monotonic() + 10.0
    while time.monotonic() < give_up:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard, 0)
            time.sleep(0.05)
            continue
        break
    with pytest.raises(ProcessLookupError):
        os.killpg(guard, 0)


def test_command_line_starts_tells_and_stops(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "infra.local", *words, "--state", str(tmp_path)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    assert run("status").returncode == 1
    command = [sys.executable, "-m", "infra.local", "start", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert "CPCS is at" in launcher.stdout.readline()
        assert Home(tmp_path).notes()["url"] in run("status").stdout
        assert run("start", "--fresh").returncode == 1
        secret = run("admin-key").stdout.strip()
        assert secret.startswith("cpcs_")
        assert "Ended" in run("stop").stdout
        assert launcher.wait(30) == 0
    assert not (tmp_path / "running").exists()


def test_fresh_throws_away_only_a_state_folder(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    command = [sys.executable, "-m", "infra.local", "start", "--fresh", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "is not a state folder" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"
