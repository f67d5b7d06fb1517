"""Which version a reference names at this moment, asked for as cheaply as the registry can tell."""

from __future__ import annotations

import re

from assay.errors import NotFoundError
from assay.tracking.mlflow_client import client, told

_MOVING = re.compile(r"(?P<name>[^/@:]+)(@(?P<alias>.+))?")


def moves(reference: str) -> bool:
    """Whether a reference may name another version later: NAME and NAME@STAGE.

    >>> moves("income@production"), moves("income/3"), moves("runs:/abc")
    (True, False, False)
    """
    return _MOVING.fullmatch(reference.removeprefix("models:/")) is not None


def version_named(tracking_uri: str, reference: str) -> str:
    """The version that NAME or NAME@STAGE names: NAME/VERSION. One question to the registry.

    Raises:
        NotFoundError: There is none.
        TrackingError: The registry cannot be asked.
    """
    from mlflow.exceptions import MlflowException

    match = _MOVING.fullmatch(reference.removeprefix("models:/"))
    assert match is not None, "asked of references that move"
    name, alias = match["name"], match["alias"]
    with told(tracking_uri):
        asked = client(tracking_uri)
        try:
            if alias:
                found = asked.get_model_version_by_alias(name, alias)
                return f"{name}/{found.version}"
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise _none(reference) from None
        quote = '"' if "'" in name else "'"  # MLflow's filters have no way to write one inside
        newest = asked.search_model_versions(
            f"name = {quote}{name}{quote}", max_results=1, order_by=["version_number DESC"]
        )
    if not newest:
        raise _none(reference)
    return f"{name}/{newest[0].version}"


def _none(reference: str) -> NotFoundError:
    return NotFoundError(f"No version is {reference} now.", mend="assay models")
