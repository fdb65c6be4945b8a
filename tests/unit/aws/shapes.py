"""AWS's own descriptions of its services, as botocore carries them: stand-ins take more than AWS does."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel
from botocore.serialize import create_serializer
from botocore.validate import validate_parameters

from safelight.aws.client import Client


@cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def operation(service: str, action: str) -> OperationModel:
    return _service(service).operation_model(action)


def form_of(action: str, fields: dict[str, Any]) -> dict[str, str]:
    """Return the form that botocore sends to SNS."""
    return dict(create_serializer("query").serialize_to_request(fields, operation("sns", action))["body"])


class CheckedClient(Client):
    """A client that sends nothing which AWS's description does not allow."""

    def json(self, service: str, action: str, fields: Any, answer: type[Any]) -> Any:
        validate_parameters(fields, operation(service, action).input_shape)
        _check_words(fields, operation(service, action).input_shape)
        _check_expressions(fields)
        return super().json(service, action, fields, answer)


def _check_words(value: Any, shape: Any) -> None:
    """Check what botocore leaves to the service: words of a list, lengths, and fields that are nobody's."""
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{set(value) - set(shape.members)} in {shape.name}"
        for name, inner in value.items():
            _check_words(inner, shape.members[name])
    elif shape.type_name == "list":
        for inner in value:
            _check_words(inner, shape.member)
    elif shape.type_name == "map":
        for inner in value.values():
            _check_words(inner, shape.value)
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum, f"{value} in {shape.name}"
        assert len(value) >= shape.metadata.get("min", 0)
        assert len(value) <= shape.metadata.get("max", len(value))


def _check_expressions(value: Any) -> None:
    """Check that every name and value of an expression is defined and used, which DynamoDB insists on."""
    if isinstance(value, dict):
        text = " ".join(each for name, each in value.items() if name.endswith("Expression"))
        for defined, sign in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
            assert set(value.get(defined, {})) == set(re.findall(rf"{sign}\w+", text)), defined
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_expressions(inner)
