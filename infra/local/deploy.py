"""Deploys the template on the emulator: code to S3, stack to CloudFormation, then what the emulator drops.

Everything is done through the AWS APIs, as the account's root, and checked afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shlex
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local import template as templates
from infra.local.emulator import ROOT_KEY, EmulatorError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK = "cpcs-local"
REGION = "us-east-1"
ROOT = Path(__file__).parents[2]
ARTEFACTS = "cpcs-local-artefacts"
DEPLOYING_S = 120.0
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_SEEN_BY_EVERYBODY, _EXECUTABLE = 0o644, 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What was deployed, and what it was made of.

    Attributes
    ----------
    digest
        SHA-256 of template, parameters and functions' code: another one means another deployment.
    """

    digest: str
    api_id: str
    table: str
    data_bucket: str
    site_bucket: str
    queue_url: str
    dead_letter_queue_url: str
    calibrate_function: str

    def save(self, path: Path) -> None:
        """Write it down."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Deployment | None:
        """Return what was written down, or None if nothing usable was."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to deploy.

    Attributes
    ----------
    parameters
        The template's parameters.
    environment
        Variables of a function that differ on a laptop, by its logical name.
    """

    parameters: Mapping[str, str]
    environment: Mapping[str, Mapping[str, str]]

    def template(self, code: str) -> templates.Template:
        """Return the template for the emulator, with the code at ``code``."""
        return templates.for_emulator(templates.load(ROOT / "template.yaml"), code=code, environment=self.environment)

    def digest(self, package: bytes) -> str:
        """Return what identifies the deployment."""
        parts = [self.template(""), dict(self.parameters), hashlib.sha256(package).hexdigest()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def session() -> boto3.Session:
    """Return a session of the emulator's root; one for all, as it takes long to read boto3's descriptions."""
    return boto3.Session(aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=REGION)


def client(service: Any, endpoint: str) -> Any:  # noqa: ANN401  # boto3 has a type for each name, and no common one
    """Return a boto3 client of the emulator, as the account's root."""
    config = Config(
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "path"},
        retries={"max_attempts": 2, "mode": "standard"},
        proxies={},
    )
    return session().client(service, endpoint_url=endpoint, config=config)


def pack_functions(folder: Path = ROOT / "functions") -> bytes:
    """Return the functions' code with a ``bootstrap``, as a zip that is the same for the same code."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "bootstrap": _bootstrap().encode()}.items():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.external_attr = (_EXECUTABLE if name == "bootstrap" else _SEEN_BY_EVERYBODY) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _bootstrap() -> str:
    python = shlex.quote(sys.executable)
    return (
        "#!/bin/sh\n"
        'cd "$LAMBDA_TASK_ROOT" || exit 1\n'
        'export PYTHONPATH="$LAMBDA_TASK_ROOT"\n'
        f'exec {python} -m awslambdaric "$_HANDLER"\n'
    )


def deploy(endpoint: str, plan: Plan) -> Deployment:
    """Create the stack, or update it when it is there.

    Raises
    ------
    EmulatorError
        The stack did not come up, or lacks something afterwards; the message says what.
    """
    package = pack_functions()
    digest = plan.digest(package)
    template = plan.template(_upload_code(endpoint, package))
    cloudformation: CloudFormationClient = client("cloudformation", endpoint)
    request: dict[str, Any] = {
        "StackName": STACK,
        "TemplateBody": json.dumps(template, default=str),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in plan.parameters.items()],
    }
    try:
        cloudformation.create_stack(**request)
    except cloudformation.exceptions.AlreadyExistsException:
        _update(cloudformation, request)
    outputs = _wait(cloudformation)
    deployment = Deployment(
        digest=digest,
        api_id=outputs["ApiId"],
        table=outputs["TableName"],
        data_bucket=outputs["DataBucketName"],
        site_bucket=outputs["SiteBucketName"],
        queue_url=outputs["UploadQueueUrl"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
        calibrate_function=outputs["CalibrateFunctionName"],
    )
    repair(endpoint, deployment, template)
    verify(endpoint, deployment, template)
    return deployment


def _upload_code(endpoint: str, package: bytes) -> str:
    s3 = client("s3", endpoint)
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=ARTEFACTS)
    key = f"functions-{hashlib.sha256(package).hexdigest()[:32]}.zip"
    s3.put_object(Bucket=ARTEFACTS, Key=key, Body=package)
    return f"s3://{ARTEFACTS}/{key}"


def _update(cloudformation: CloudFormationClient, request: dict[str, Any]) -> None:
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise


def _wait(cloudformation: CloudFormationClient) -> dict[str, str]:
    give_up = time.monotonic() + DEPLOYING_S
    while time.monotonic() < give_up:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        status = stack["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if status.endswith(("FAILED", "ROLLBACK_COMPLETE")):
            raise EmulatorError(f"the stack is {status}: {_reasons(cloudformation)}")
        time.sleep(0.05)
    raise EmulatorError(f"the stack was not ready after {DEPLOYING_S:.0f} s")


def _reasons(cloudformation: CloudFormationClient) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}" for event in failed)


def repair(endpoint: str, deployment: Deployment, template: templates.Template) -> None:
    """Do what the emulator's CloudFormation leaves out: the table's time to live."""
    (table,) = templates.resources_of_type(template, "AWS::DynamoDB::Table").values()
    dynamodb = client("dynamodb", endpoint)
    status = dynamodb.describe_time_to_live(TableName=deployment.table)["TimeToLiveDescription"]
    if status["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
        dynamodb.update_time_to_live(
            TableName=deployment.table, TimeToLiveSpecification=table["TimeToLiveSpecification"]
        )


def verify(endpoint: str, deployment: Deployment, template: templates.Template) -> None:
    """Check that everything that an upload's journey needs is there.

    Raises
    ------
    EmulatorError
        The message lists what is missing.
    """
    missing = [
        what
        for what, there in (
            ("routes", _routes(endpoint, deployment.api_id) == _wanted_routes(template)),
            ("versioning", _versioned(endpoint, deployment.data_bucket)),
            ("the notification of uploads", _notifies(endpoint, deployment.data_bucket)),
            ("the queue's way to calibrate", _mapped(endpoint, deployment.calibrate_function)),
            ("the table's time to live", _forgets(endpoint, deployment.table)),
        )
        if not there
    ]
    if missing:
        raise EmulatorError(f"deployed, but without {', '.join(missing)}")


def _wanted_routes(template: templates.Template) -> set[str]:
    return {route["RouteKey"] for route in templates.resources_of_type(template, "AWS::ApiGatewayV2::Route").values()}


def _routes(endpoint: str, api_id: str) -> set[str]:
    return {route["RouteKey"] for route in client("apigatewayv2", endpoint).get_routes(ApiId=api_id)["Items"]}


def _versioned(endpoint: str, bucket: str) -> bool:
    return bool(client("s3", endpoint).get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled")


def _notifies(endpoint: str, bucket: str) -> bool:
    found = client("s3", endpoint).get_bucket_notification_configuration(Bucket=bucket)
    return bool(found.get("QueueConfigurations"))


def _mapped(endpoint: str, function: str) -> bool:
    found = client("lambda", endpoint).list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    return [mapping["FunctionResponseTypes"] for mapping in found] == [["ReportBatchItemFailures"]]


def _forgets(endpoint: str, table: str) -> bool:
    found = client("dynamodb", endpoint).describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return bool(found["TimeToLiveStatus"] in {"ENABLED", "ENABLING"})
