"""What the environment says, read once in each function's handler and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one function; every name is an environment variable in ``template.yaml``."""

    table: str
    data_bucket: str
    site_bucket: str
    queue_url: str = ""
    region: str = "us-east-1"
    data_access: str = "public"  # or "key": full light curves only with a key
    upload_url: str = ""  # where presigned forms are posted; "" means S3's own address
    public_url: str = ""  # the address people type; "" means relative links
    vizier_server: str = ""  # host name; "" means tiles only
    max_upload_bytes: int = 80 * 1024 * 1024
    function_timeout_s: int = 120

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from ``environ`` (``os.environ`` in a handler, a dict in a test).

        Raises
        ------
        KeyError
            ``CPCS_TABLE``, ``CPCS_DATA_BUCKET`` or ``CPCS_SITE_BUCKET`` is not set: the deployment is broken.
        """
        return cls(
            table=environ["CPCS_TABLE"],
            data_bucket=environ["CPCS_DATA_BUCKET"],
            site_bucket=environ["CPCS_SITE_BUCKET"],
            queue_url=environ.get("CPCS_QUEUE_URL", ""),
            region=environ.get("AWS_REGION", "us-east-1"),
            data_access=environ.get("CPCS_DATA_ACCESS", "public"),
            upload_url=environ.get("CPCS_UPLOAD_URL", ""),
            public_url=environ.get("CPCS_PUBLIC_URL", ""),
            vizier_server=environ.get("CPCS_VIZIER_SERVER", ""),
            function_timeout_s=int(environ.get("CPCS_FUNCTION_TIMEOUT_S", "120")),
        )
