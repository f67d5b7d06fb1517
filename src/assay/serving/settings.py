"""How a server behaves: limits, access, rows, batches, swaps, its end and its log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from assay.serving.monitoring.settings import SamplingSettings
from assay.serving.traffic.settings import TrafficSettings

Form = Literal["json", "arrow", "parquet"]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
"""At most a year: timers take no number that is much larger."""
Size = Annotated[float, Field(gt=0, le=1_048_576)]
"""In KiB or MiB."""


class Limits(BaseModel):
    """What a request may ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    body_mib: Size = Field(8, description="Largest body, in MiB.")
    table_mib: Size = Field(
        128, description="Largest table that a table body may unpack to, in MiB."
    )
    depth: int = Field(8, ge=3, le=64, description="Deepest nesting of a JSON body.")
    rows: int = Field(10_000, ge=1, description="Most rows of one request.")
    pixels: int = Field(25_000_000, ge=1, description="Most pixels of one image.")
    problems: int = Field(
        1_000, ge=1, description="Most problems that an answer lists; it always counts all."
    )
    body_s: Seconds = Field(10, description="Seconds that a client has to send its body.")
    headers_s: Seconds = Field(10, description="Seconds that it has to send its headers.")
    headers_kib: Size = Field(32, ge=1, description="Largest head of a request, in KiB.")
    idle_s: Seconds = Field(30, description="Seconds that an idle connection is kept.")
    request_s: Seconds = Field(
        30, description="Seconds after which a request is answered 503 if it is not done."
    )
    waiting: int = Field(
        256, ge=1, description="Most requests that wait for the model; more are answered 503."
    )
    connections: int = Field(1_000, ge=1, description="Most connections at once.")


class Access(BaseModel):
    """Who may ask, and what is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_variable: str = Field(
        "ASSAY_API_KEY",
        description="Variable of the environment with the key that clients must send; several are "
        "separated by commas. Unset: everybody may ask.",
    )
    hide_schema: bool = Field(
        False,
        description="Whether /schema, /model and what answers would tell of columns and levels "
        "that the client has not named are hidden.",
    )
    origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may ask (CORS): https://app.example. None by default."
    )
    certificate: str | None = Field(None, description="File with the TLS certificates, in PEM.")
    private_key: str | None = Field(None, description="File with the key of the certificate.")
    forms: tuple[Form, ...] = Field(
        ("json", "arrow", "parquet"), description="Forms of bodies that are read."
    )

    @field_validator("private_key")
    @classmethod
    def _has_certificate(cls, private_key: str | None, given: ValidationInfo) -> str | None:
        if private_key is not None and given.data.get("certificate") is None:
            raise PydanticCustomError("no_certificate", "certificate is missing beside it")
        return private_key


class Batching(BaseModel):
    """How rows of several requests are put together for a network."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rows: int = Field(64, ge=1, description="Most rows of a batch; 1: every request by itself.")
    wait_ms: float = Field(
        2,
        ge=0,
        le=60_000,
        description="Milliseconds that a batch waits for more, where more are under way.",
    )


class ServingSettings(BaseModel):
    """The file of `assay serve --settings`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    limits: Limits = Field(Limits(), description="What a request may ask for.")
    access: Access = Field(Access(), description="Who may ask, and what is told.")
    batching: Batching = Field(Batching(), description="Batches of a network's rows.")
    traffic: TrafficSettings = Field(
        TrafficSettings(), description="How challengers share the traffic, and what stops them."
    )
    sampling: SamplingSettings = Field(
        SamplingSettings(), description="What is kept of the traffic, for `assay monitor`."
    )
    extra_column: Literal["error", "warn", "ignore"] = Field(
        "error", description="A column that the model was not trained beside: error, warn, ignore."
    )
    poll_s: Seconds = Field(
        5, description="Seconds between two looks at the registry for a version that moved."
    )
    drain_s: float = Field(
        0,
        ge=0,
        le=86_400,
        description="Seconds that a server which ends still accepts, while /ready says 503.",
    )
    grace_s: Seconds = Field(
        30, description="Seconds that requests in flight have when the server ends."
    )
    log_requests: bool = Field(True, description="Whether every request is a line of the log.")
