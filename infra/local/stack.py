"""The embedded stack as one object: start, stop, restart, and what happens after a ``kill -9``.

S3's objects are the record and are on disk when they are acknowledged. Everything else the emulator writes only when
it is asked to end. So a folder without the mark ``running`` holds a whole state, and the stack starts from it; with
the mark, the state is thrown away, the template is deployed afresh beside the objects, the table is rebuilt from them
and what was waiting is queued again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from cpcs.settings import Settings
from infra.local import deploy, emulator, home, objects
from infra.local.answers import UPLOAD_TARGET
from infra.local.deploy import Deployment
from infra.local.emulator import Emulator, EmulatorError
from infra.local.front import FrontServer, Upstream
from infra.local.home import Home, StackError

DRAINING_S = 5.0
REINDEXING_S = 3600.0


@dataclass(slots=True)
class EmbeddedStack:
    """The whole server on loopback, with its state in one folder.

    Parameters
    ----------
    folder
        The state; made when it is not there.
    port
        Of the site and the API; 0 takes the last one again, or any.
    vizier
        Host of the VizieR service that missing reference stars are asked for; "" means none is asked.
    data_access
        ``public`` or ``key``: the template's DataAccess.
    site
        The built site.

    Attributes
    ----------
    recovered
        What `start` rebuilt after an unclean end, None if there was nothing to do.

    Examples
    --------
    >>> with EmbeddedStack(Path(".local")) as stack:  # doctest: +SKIP
    ...     print(stack.url)
    http://127.0.0.1:8020
    """

    folder: Path
    port: int = 0
    vizier: str = ""
    data_access: str = "public"
    site: Path = deploy.ROOT / "web" / "dist"
    recovered: dict[str, Any] | None = field(default=None, init=False)
    _emulator: Emulator = field(init=False)
    _deployment: Deployment | None = field(default=None, init=False)
    _front: FrontServer | None = field(default=None, init=False)
    _home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self._home = Home(self.folder)
        self._emulator = Emulator(self.folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what one can ask of it -----------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address of the site and the API."""
        return f"http://{emulator.HOST}:{self.port}"

    @property
    def endpoint(self) -> str:
        """The address of the emulated AWS APIs."""
        return self._emulator.endpoint

    @property
    def deployment(self) -> Deployment:
        """What is deployed."""
        if self._deployment is None:
            raise StackError("the stack is not running")
        return self._deployment

    @property
    def is_running(self) -> bool:
        """Whether the emulator is there."""
        return self._emulator.is_running

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a process works on this stack as the account's root."""
        deployment = self.deployment
        return emulator.no_proxy() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": emulator.ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": emulator.ROOT_KEY,
            "AWS_REGION": deploy.REGION,
            "AWS_DEFAULT_REGION": deploy.REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CPCS_TABLE": deployment.table,
            "CPCS_DATA_BUCKET": deployment.data_bucket,
            "CPCS_SITE_BUCKET": deployment.site_bucket,
            "CPCS_QUEUE_URL": deployment.queue_url,
            "CPCS_DATA_ACCESS": self.data_access,
            "CPCS_UPLOAD_URL": self.url + UPLOAD_TARGET,
            "CPCS_PUBLIC_URL": self.url,
            "CPCS_VIZIER_SERVER": self.vizier,
        }

    @property
    def settings(self) -> Settings:
        """The settings of the functions."""
        return Settings.from_environment(self.environment)

    def client(self, service: str) -> Any:  # noqa: ANN401  # as `deploy.client`
        """Return a boto3 client of the emulator, as the account's root."""
        return deploy.client(service, self.endpoint)

    def run(self, module: str, *arguments: str, timeout: float = REINDEXING_S) -> str:
        """Run a module of this project on the stack, in a process of its own; return what it prints.

        Raises
        ------
        StackError
            It failed; the message holds what it said.
        """
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=deploy.ROOT,
            env=os.environ | self.environment,
        )
        if done.returncode:
            raise StackError(f"{module} failed:\n{done.stderr[-4000:]}")
        return done.stdout

    def warm_up(self) -> None:
        """Let the sweeper look once, in the background: the first upload then finds the science loaded."""
        self.client("lambda").invoke(
            FunctionName=self.deployment.calibrate_function, InvocationType="Event", Payload=b'{"task": "sweep"}'
        )

    # --- its life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; afterwards `url` answers.

        Raises
        ------
        StackError
            The folder or the port is in use.
        EmulatorError
            The emulator or the deployment failed.
        """
        with contextlib.ExitStack() as undoing:
            self._home.lock()
            undoing.callback(self._home.unlock)
            listener = home.listen(self.port or home.the_same_or_another(self._home.notes().get("port", 0)))
            undoing.callback(listener.close)
            self.port = listener.getsockname()[1]
            self._emulator.end_leftover()
            undoing.callback(self._kill_emulator)
            self._start_emulator()
            upstream = Upstream(endpoint=self.endpoint, deployment=self.deployment, site=self.site)
            self._front = FrontServer(listener, upstream)
            self._front.start()
            undoing.pop_all()
        self._home.write_notes(
            {"url": self.url, "port": self.port, "emulator_port": self._emulator.port, "environment": self.environment}
        )

    def stop(self) -> None:
        """End everything so that nothing needs to be rebuilt."""
        self._stop_front()
        try:
            if self._emulator.is_running:
                self._drain()
                self._emulator.stop()
                self._home.mark.unlink(missing_ok=True)
        finally:
            self._home.unlock()

    def kill9(self) -> None:
        """End everything as ``kill -9`` or a power switch would; for tests."""
        self._kill_emulator()
        self._stop_front()
        self._home.unlock()

    def restart(self) -> None:
        """Stop and start again, on the same port."""
        self.stop()
        self.start()

    # --- the parts of starting --------------------------------------------------------------------

    @property
    def _plan(self) -> deploy.Plan:
        return deploy.Plan(
            parameters={
                "Stage": "local",
                "DataAccess": self.data_access,
                "UploadUrl": self.url + UPLOAD_TARGET,
                "PublicUrl": self.url,
                "VizierServer": self.vizier,
            },
            environment={
                "CalibrateFunction": {
                    "HOME": str(self.folder / "tmp" / "home"),
                    "MPLCONFIGDIR": str(self.folder / "mpl"),  # keeps the list of fonts between runs
                },
            },
        )

    def _start_emulator(self) -> None:
        self.recovered = None
        port = self._home.notes().get("emulator_port", 0)
        self._emulator.port = home.the_same_or_another(port)
        # The emulator knows its queues by their addresses: with another port, its old state finds none of them.
        unclean = self._home.mark.exists() or (port and port != self._emulator.port)
        self._home.mark.touch()
        if unclean:
            self._rebuild_state()
        self._emulator.start()
        self._deployment = Deployment.read(self._home.deployment)
        if not self._is_current():
            try:
                self._deploy(self._emulator)
            except (EmulatorError, BotoCoreError, ClientError):
                if self._deployment is None:
                    raise
                # The update failed: begin anew beside the objects, as after an unclean end.
                self._emulator.kill()
                self._rebuild_state()
                self._emulator.start()
                unclean = True
        if unclean:
            self.recovered = json.loads(self.run("infra.local.recover"))

    def _is_current(self) -> bool:
        return self._deployment is not None and self._deployment.digest == self._plan.digest(deploy.pack_functions())

    def _deploy(self, target: Emulator) -> None:
        self._deployment = deploy.deploy(target.endpoint, self._plan)
        self._deployment.save(self._home.deployment)

    def _rebuild_state(self) -> None:
        """Replace the emulator's state by that of a fresh deployment; S3's objects stay where they are."""
        objects.mend(self._emulator.objects_folder)
        fresh = Emulator(self.folder, state_name="emulator.new", objects_name="s3.new", port=self._emulator.port)
        for folder in (fresh.state_folder, fresh.objects_folder):
            shutil.rmtree(folder, ignore_errors=True)
        fresh.start()
        try:
            self._deploy(fresh)
            fresh.stop()
        finally:
            if fresh.is_running:
                fresh.kill()
        shutil.rmtree(self._emulator.state_folder, ignore_errors=True)
        fresh.state_folder.rename(self._emulator.state_folder)
        shutil.rmtree(fresh.objects_folder)

    def _kill_emulator(self) -> None:
        if self._emulator.is_running:
            self._emulator.kill()

    def _drain(self) -> None:
        """Give the calibrations under way a moment to finish; what is left comes back from the queue."""
        sqs = self.client("sqs")
        give_up = time.monotonic() + DRAINING_S
        while time.monotonic() < give_up:
            found = sqs.get_queue_attributes(
                QueueUrl=self.deployment.queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
            )
            if found["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0":
                return
            time.sleep(0.1)

    def _stop_front(self) -> None:
        if self._front is not None:
            self._front.stop()
            self._front = None
