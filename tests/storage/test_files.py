"""What lies in S3, and where; the queue."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from cpcs.errors import FileTooLarge, UnknownJob
from cpcs.storage import Store, layout
from tests.support.aws import REGION, SETTINGS, Clock, Scene, make_aws, session

JOB = "01KAQ0000000000000000000ZZ"


def test_a_form_for_one_file_of_bounded_size(store: Store):
    form = store.files.presign_upload(JOB, 20_000_000)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert ["content-length-range", 1, 20_000_000] in policy["conditions"]
    assert {"key": f"uploads/{JOB}/file"} in policy["conditions"]
    assert {"bucket": SETTINGS.data_bucket} in policy["conditions"]
    assert form.fields["key"] == f"uploads/{JOB}/file"
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert form.expires_at == "2026-11-22T22:15:00Z"
    assert SETTINGS.data_bucket in form.url


def test_a_form_for_the_front_server():
    with mock_aws():
        address = "http://127.0.0.1:8020/upload-target"
        store = Store.connect(replace(SETTINGS, upload_url=address), session(), now=Clock())
        assert store.files.presign_upload(JOB, 1).url == address


def test_another_s3_than_aws_has_the_bucket_in_the_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    used = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    form = Store.connect(SETTINGS, used).files.presign_upload(JOB, 1)
    assert form.url.rstrip("/") == f"http://127.0.0.1:4566/{SETTINGS.data_bucket}"


def test_uploads(store: Store):
    assert store.files.upload_exists(JOB) is False
    with pytest.raises(UnknownJob):
        store.files.read_upload(JOB)
    store.files.put_upload(JOB, b"")
    assert store.files.upload_exists(JOB) is True
    assert store.files.read_upload(JOB) == b""
    store.files.put_upload(JOB, b"1 2 3")
    assert store.files.read_upload(JOB) == b"1 2 3"


def test_what_is_too_large_is_not_read():
    with mock_aws():
        store = Store.connect(replace(make_aws(), max_upload_bytes=4), session())
        store.files.put_upload(JOB, b"12345")
        with pytest.raises(FileTooLarge) as caught:
            store.files.read_upload(JOB)
        assert caught.value.metadata == {"size": 5, "limit": 4}


def test_results(store: Store):
    assert store.files.read_result(JOB, 1, "report.json") is None
    store.files.write_result(JOB, 1, "figures/panel.png", b"png", "image/png")
    assert store.files.read_result(JOB, 1, "figures/panel.png") == b"png"
    assert list(store.data.list("results/")) == [f"results/{JOB}/0001/figures/panel.png"]


@pytest.mark.parametrize("name", ["../0002/report.json", "/report.json", "a//b", "..", "", "a/../b", "a b"])
def test_no_way_out_of_the_results(store: Store, name: str):
    with pytest.raises(ValueError, match="does not name a result"):
        store.files.write_result(JOB, 1, name, b"", "text/plain")
    assert store.files.read_result(JOB, 1, name) is None
    assert store.files.read_result("../x", 1, "report.json") is None


def test_public_documents_say_how_they_are_packed(store: Store):
    key = layout.public_lightcurve("nvo.caltech/voeventnet/catot#1208121350994133433")
    assert key == "data/lightcurves/nvo.caltech%2Fvoeventnet%2Fcatot%231208121350994133433.json"
    assert store.files.read_published(key) is None
    store.files.publish(key, b"packed", "application/json", encoding="gzip")
    head = session().client("s3").head_object(Bucket=SETTINGS.site_bucket, Key=key)
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/json", "gzip")
    assert "max-age" in head["CacheControl"]
    assert store.files.read_published(key) == b"packed"


def test_reference_blobs(store: Store):
    assert store.references.get("APASS/5/1234.npz") is None
    store.references.put("APASS/5/1234.npz", b"stars")
    store.references.put("PS1/5/1234.npz", b"more")
    assert store.references.get("APASS/5/1234.npz") == b"stars"
    assert list(store.references.list("APASS/")) == ["APASS/5/1234.npz"]
    assert len(list(store.references.list())) == 2


def test_lists_go_over_pages(store: Store):
    for number in range(1005):
        store.data.put(f"references/X/{number:04d}", b"")
    assert [int(key[2:]) for key in store.references.list("X/")] == list(range(1005))


def test_keys_are_read_back():
    assert layout.job_of_upload(layout.upload(JOB)) == JOB
    assert layout.job_of_upload("uploads/a/b/file") is None
    assert layout.job_of_upload("jobs/a/request.json") is None
    assert layout.job_of_request(layout.request(JOB)) == JOB
    assert layout.parts_of_result(layout.result(JOB, 12, "figures/panel.png")) == (JOB, 12, "figures/panel.png")


def test_the_queue_speaks_as_s3_does(scene: Scene):
    queue = scene.store.queue
    queue.send(JOB)
    sqs = session().client("sqs")
    message = sqs.receive_message(QueueUrl=queue.url)["Messages"][0]
    records = json.loads(message["Body"])["Records"]
    assert [layout.job_of_upload(record["s3"]["object"]["key"]) for record in records] == [JOB]
    queue.come_back(message["ReceiptHandle"], seconds=0)
    assert sqs.receive_message(QueueUrl=queue.url)["Messages"][0]["MessageId"] == message["MessageId"]


def test_ids_sort_by_time_and_differ(scene: Scene, now: Clock):
    ids = []
    for _ in range(20):
        ids.append(scene.store.jobs.new_id())
        now.turn(0.002)
    assert ids == sorted(ids)
    assert len({job_id[10:] for job_id in ids}) == 20
    assert all(len(job_id) == 26 and job_id.isalnum() for job_id in ids)
