"""A bucket, as far as it is needed here: get, put, put if nothing is there yet, size, list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"412", "PreconditionFailed"})
_RACING = frozenset({"409", "ConditionalRequestConflict", "OperationAborted"})
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of an object without reading it; ``version`` is None in a bucket without versions."""

    size: int
    version: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. Every method raises botocore's ``ClientError`` for what it does not expect."""

    client: S3Client
    name: str

    def get(self, key: str, version: str | None = None) -> bytes | None:
        """Return an object's bytes, or None when it is not there."""
        try:
            if version is None:
                answer = self.client.get_object(Bucket=self.name, Key=key)
            else:
                answer = self.client.get_object(Bucket=self.name, Key=key, VersionId=version)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        with answer["Body"] as body:
            return body.read()

    def head(self, key: str) -> Head | None:
        """Return an object's size and version, or None when it is not there."""
        try:
            answer = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        version = answer.get("VersionId")
        return Head(size=answer["ContentLength"], version=version if version != "null" else None)

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str = "application/octet-stream",
        *,
        encoding: str | None = None,
        cache_control: str | None = None,
    ) -> None:
        """Write an object, over whatever is there."""
        request: PutObjectRequestTypeDef = {
            "Bucket": self.name,
            "Key": key,
            "Body": data,
            "ContentType": content_type,
        }
        if encoding is not None:
            request["ContentEncoding"] = encoding
        if cache_control is not None:
            request["CacheControl"] = cache_control
        self.client.put_object(**request)

    def put_new(self, key: str, data: bytes, content_type: str = "application/json") -> bytes:
        """Write an object unless one is there.

        Returns
        -------
        bytes
            What is there now: ``data``, or what somebody else wrote first.
        """
        for _ in range(_TRIES):
            try:
                self.client.put_object(Bucket=self.name, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) not in _TAKEN | _RACING:
                    raise
                there = self.get(key)
                if there is not None:
                    return there
            else:
                return data
        raise TimeoutError(f"{key} is being written again and again")

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with ``prefix``, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"]


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
