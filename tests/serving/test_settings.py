"""Settings: every number has an end, and the files for TLS are held against each other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from assay.errors import InputError
from assay.serving.monitoring.settings import SamplingSettings
from assay.serving.settings import Access, Batching, Limits, ServingSettings
from assay.serving.traffic.settings import GuardRails, TrafficSettings
from assay.serving_models import read_settings, serve

NUMBERS = [
    f"{block}{name}"
    for block, model in (
        ("limits.", Limits), ("batching.", Batching), ("traffic.", TrafficSettings),
        ("traffic.guards.", GuardRails), ("sampling.", SamplingSettings), ("", ServingSettings),
    )
    for name, field in model.model_fields.items()
    if "float" in str(field.annotation)
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_no_setting_is_infinite(name: str, tmp_path: Path) -> None:
    assert len(NUMBERS) > 15
    path = tmp_path / "serving.yaml"
    for value in (".inf", ".nan", "1.0e+305"):
        *blocks, key = name.split(".")
        inside = f"{key}: {value}"
        for each in reversed(["serving", *blocks]):
            inside = f"{each}: {{{inside}}}"
        path.write_text(inside)
        if value == "1.0e+305" and name in COMPARED:
            read_settings(path)
            continue
        with pytest.raises(InputError, match=rf"serving\.{name} is ") as caught:
            read_settings(path)
        assert f"{key}: " in caught.value.mend


COMPARED = "traffic.guards.slow_ms", "traffic.guards.worse_by", "traffic.largest_error"
"""Whose values are held against others alone, so that any number will do."""


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate, its key, and the key again, encrypted."""
    folder = tmp_path_factory.mktemp("pems")
    for command in (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
        " -out certificate.pem -subj /CN=localhost -days 2",
        "pkey -in key.pem -aes256 -passout pass:secret -out encrypted.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


def test_a_key_for_tls_goes_with_its_certificate_and_is_not_encrypted(
    pems: Path, packed_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "serving.yaml"
    path.write_text(f"serving: {{access: {{private_key: {pems / 'key.pem'}}}}}")
    with pytest.raises(InputError, match=r"key\.pem: certificate is missing beside it"):
        read_settings(path)
    told: list[str] = []
    for key, match in (
        ("encrypted.pem", "private key is encrypted"),
        ("certificate.pem", "TLS cannot be used"),
        ("none.pem", "TLS cannot be used: .*No such file"),
    ):
        access = Access(certificate=str(pems / "certificate.pem"), private_key=str(pems / key))
        with pytest.raises(InputError, match=match):
            serve(
                str(packed_folder),
                port=0,
                settings=ServingSettings(access=access),
                listens=told.append,
            )
    assert told == []
