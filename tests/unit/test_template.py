"""What `template.yaml` promises to AWS is held to the code: handlers, settings, rights, keys."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from cpcs.settings import Settings
from cpcs.storage.models import SCHEMA
from infra.local import template as templates

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"UploadFunction": "upload", "CalibrateFunction": "calibrate", "QueryFunction": "query"}
NOT_SETTINGS = {"HOME", "MPLCONFIGDIR"}  # where libraries may write

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_TABLE = {"dynamodb:GetItem", "dynamodb:Query"}
WRITE_TABLE = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
ALLOWED_VERBS = {
    "UploadRole": LOGS
    | READ_TABLE
    | WRITE_TABLE
    | {"dynamodb:DeleteItem", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "sqs:SendMessage"},
    "QueryRole": LOGS | READ_TABLE | {"dynamodb:BatchGetItem", "s3:GetObject", "s3:ListBucket"},
    "CalibrateRole": LOGS
    | READ_TABLE
    | WRITE_TABLE
    | {"dynamodb:DeleteItem"}
    | {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"}
    | {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
    | {"sqs:SendMessage"},
}
NAMED = re.compile(  # a wildcard stands only behind a name of ours, at the end of the resource
    r"(.*:s3:::cpcs-[^*]*/(uploads|jobs|mappings|recalibrations|registry|results|references|tombstones|data)/\*"
    r"|.*:log-group:/aws/lambda/[^*]+:\*"
    r"|[^*]*)"
)


@pytest.fixture(scope="module")
def template() -> templates.Template:
    return templates.load(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def translated(template: templates.Template) -> dict[str, Any]:
    """The template as SAM hands it to CloudFormation."""
    local = templates.for_emulator(template, code="s3://code/functions.zip", environment={})
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="us-east-1"):
        resources = Translator({}, Parser()).translate(local, {})["Resources"]
    assert len(resources) > len(local["Resources"]) - 1
    return resources


def _statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        statement for policy in role["Properties"]["Policies"] for statement in policy["PolicyDocument"]["Statement"]
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role"}


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_handler_resolves(template, function, folder):
    module, name = template["Resources"][function]["Properties"]["Handler"].rsplit(".", 1)
    file = ROOT / "functions" / Path(*module.split(".")).with_suffix(".py")
    assert module == f"{folder}.app"
    assert file.is_file()
    assert importlib.util.find_spec(f"functions.{module}") is not None
    assert re.search(rf"^(def {name}\(|{name} = )", file.read_text(), re.MULTILINE)


def test_layers_hold_what_the_functions_import(template):
    folders = {
        name: properties["ContentUri"]
        for name, properties in templates.resources_of_type(template, "AWS::Serverless::LayerVersion").items()
    }
    assert (ROOT / folders["CoreLayer"] / "cpcs" / "__init__.py").is_file()
    assert (ROOT / folders["AstroLayer"] / "photocal" / "__init__.py").is_file()
    for folder in folders.values():
        assert "--hash=sha256:" in (ROOT / folder / "requirements.txt").read_text()


def test_only_calibrate_carries_the_astro_layer(template):
    carrying = {
        name
        for name, properties in templates.resources_of_type(template, "AWS::Serverless::Function").items()
        if {"Ref": "AstroLayer"} in properties["Layers"]
    }
    assert carrying == {"CalibrateFunction"}


def test_environment_is_what_settings_reads(template):
    names = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for properties in templates.resources_of_type(template, "AWS::Serverless::Function").values():
        names |= set(properties["Environment"]["Variables"])
    seen: set[str] = set()

    class Recording(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            seen.add(name)
            return ""

        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            seen.add(name)
            return default

    settings = Settings.from_environment(Recording())
    assert names - NOT_SETTINGS == seen - {"AWS_REGION"}  # which Lambda sets
    assert {name.removeprefix("CPCS_").lower() for name in names - NOT_SETTINGS} <= {
        field.name for field in dataclasses.fields(settings)
    }


def test_timeout_told_is_the_timeout(template):
    for properties in templates.resources_of_type(template, "AWS::Serverless::Function").values():
        assert properties["Environment"]["Variables"]["CPCS_FUNCTION_TIMEOUT_S"] == str(properties["Timeout"])


def test_one_role_for_each_function(translated):
    functions = {name: translated[name]["Properties"]["Role"] for name in FUNCTIONS}
    assert functions == {name: {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]} for name in FUNCTIONS}
    assert set(_roles(translated)) == set(ALLOWED_VERBS)


def test_roles_may_do_only_what_is_listed(translated):
    for name, role in _roles(translated).items():
        verbs = {verb for statement in _statements(role) for verb in _listed(statement["Action"])}
        assert verbs == ALLOWED_VERBS[name]
        assert "ManagedPolicyArns" not in role["Properties"]


def test_no_wildcard_but_below_a_name(translated):
    # AWS demands "*" for nothing that is used here.
    for role in _roles(translated).values():
        for statement in _statements(role):
            assert statement["Effect"] == "Allow"
            assert not [verb for verb in _listed(statement["Action"]) if "*" in verb]
            for resource in _listed(statement["Resource"]):
                text = resource if isinstance(resource, str) else str(next(iter(resource.values())))
                assert NAMED.fullmatch(text), text


def test_query_writes_nothing(translated):
    verbs = {verb for statement in _statements(translated["QueryRole"]) for verb in _listed(statement["Action"])}
    assert not {verb for verb in verbs - LOGS if re.search("Put|Update|Delete|Send|Create|ConditionCheck", verb)}


def test_invocation_is_granted_by_source(translated):
    permissions = [resource for resource in translated.values() if resource["Type"] == "AWS::Lambda::Permission"]
    assert len(permissions) == 3
    assert all("SourceArn" in permission["Properties"] for permission in permissions)


def test_queue_outlives_its_function(template):
    queue = template["Resources"]["UploadQueue"]["Properties"]
    timeout = template["Resources"]["CalibrateFunction"]["Properties"]["Timeout"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5


def test_queue_takes_only_our_bucket(template):
    (statement,) = template["Resources"]["UploadQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    bucket = template["Resources"]["DataBucket"]["Properties"]["BucketName"]["Fn::Sub"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"].endswith(f":s3:::{bucket}")
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_bucket_names_are_the_ones_told(template):
    told = template["Globals"]["Function"]["Environment"]["Variables"]
    for bucket, variable in (("DataBucket", "CPCS_DATA_BUCKET"), ("SiteBucket", "CPCS_SITE_BUCKET")):
        assert template["Resources"][bucket]["Properties"]["BucketName"] == told[variable]


@pytest.mark.parametrize("bucket", ["DataBucket", "SiteBucket"])
def test_buckets_are_private_and_encrypted(template, bucket):
    properties = template["Resources"][bucket]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]


def test_data_bucket_is_versioned_and_notifies_of_uploads_only(template):
    properties = template["Resources"]["DataBucket"]["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (notification,) = properties["NotificationConfiguration"]["QueueConfigurations"]
    assert notification["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "uploads/"}]


def test_table_has_the_keys_of_the_storage(template):
    properties = template["Resources"]["Table"]["Properties"]
    for part in ("KeySchema", "GlobalSecondaryIndexes", "AttributeDefinitions"):
        assert properties[part] == SCHEMA[part]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_buckets_refuse_unencrypted_connections(template):
    for policy in templates.resources_of_type(template, "AWS::S3::BucketPolicy").values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_emulator_gets_the_same_but_runtime_layers_and_transport(template):
    local = templates.for_emulator(template, code="s3://b/k", environment={"CalibrateFunction": {"HOME": "/elsewhere"}})
    gone = set(template["Resources"]) - set(local["Resources"])
    assert gone == {"CoreLayer", "AstroLayer", "DataBucketPolicy", "SiteBucketPolicy"}
    changed = {name for name, resource in local["Resources"].items() if resource != template["Resources"][name]}
    assert changed == set(FUNCTIONS)
    assert template["Resources"]["CalibrateFunction"]["Properties"]["Environment"]["Variables"]["HOME"] == "/tmp"
    assert local["Resources"]["CalibrateFunction"]["Properties"]["Environment"]["Variables"]["HOME"] == "/elsewhere"
