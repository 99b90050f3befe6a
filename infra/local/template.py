"""`template.yaml` as data, and the few changes with which the emulator runs it.

The functions run under ``awslambdaric`` in this Python environment (the emulator's own executor would run them in its
process image, see docs/embedded.md), so the layers' packages come from here too. Nothing else differs from AWS but
the policies that demand encrypted connections, and the number of calibrations at a time.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Template = dict[str, Any]

LOCAL_RUNTIME = "provided.al2023"
_SHORT_FORMS_WITHOUT_PREFIX = {"Ref", "Condition"}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (``!Ref``, ``!GetAtt`` ...)."""


def _intrinsic(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101  # YAML has three kinds of nodes
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in _SHORT_FORMS_WITHOUT_PREFIX else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(path: Path) -> Template:
    """Read a template; short forms become long ones."""
    with path.open(encoding="utf-8") as file:
        template: Template = yaml.load(file, _Loader)  # noqa: S506  # a SafeLoader
    return template


def for_emulator(template: Template, *, code: str, environment: Mapping[str, Mapping[str, str]]) -> Template:
    """Return the template as the emulator gets it; the one given stays as it is.

    Parameters
    ----------
    template
        As `load` returns it.
    code
        ``s3://bucket/key`` of the functions' code with its ``bootstrap``.
    environment
        For a function's logical name, variables that replace those in the template.
    """
    local = copy.deepcopy(template)
    local["Globals"]["Function"] |= {"Runtime": LOCAL_RUNTIME, "CodeUri": code}
    resources = local["Resources"]
    for name, resource in list(resources.items()):
        if resource["Type"] in {"AWS::Serverless::LayerVersion", "AWS::S3::BucketPolicy"}:
            # The packages are in this environment; loopback needs no encrypted connections.
            del resources[name]
        elif resource["Type"] == "AWS::Serverless::Function":
            _localise_function(resource["Properties"], environment.get(name, {}))
    return local


def _localise_function(properties: dict[str, Any], environment: Mapping[str, str]) -> None:
    properties.pop("Layers", None)
    properties.setdefault("Environment", {}).setdefault("Variables", {}).update(environment)
    for source in properties.get("Events", {}).values():
        scaling = source["Properties"].get("ScalingConfig")
        if scaling:  # calibrations are limited by processors; 2 is the least that AWS takes
            scaling["MaximumConcurrency"] = max(2, min(scaling["MaximumConcurrency"], os.cpu_count() or 1))


def resources_of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of one type, by logical name."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }
