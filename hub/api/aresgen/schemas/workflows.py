"""Workflows and their runs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hub.api.aresgen.schemas.kinds import Cursor, RunId, Time, WorkflowId
from hub.pydantic_base import Snake

Json = dict[str, Any]
RunStatus = Literal["queued", "running", "success", "failed", "cancelled"]
StepStatus = Literal["queued", "running", "success", "failed", "skipped", "cancelled"]


class WorkflowLine(Snake):
    id: WorkflowId
    name: str
    version: int
    created_at: Time
    updated_at: Time


class WorkflowOut(WorkflowLine):
    definition: Json


class VersionLine(Snake):
    version: int
    definition: Json
    created_at: Time


class RunIn(Snake):
    input: Annotated[Json, Field(description="Values of the workflow's inputs.")] = {}
    version: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="By default the newest.")] = None


class RunQuery(Cursor):
    status: RunStatus | None = None


class RunLine(Snake):
    id: RunId
    workflow_id: WorkflowId
    version: int
    status: RunStatus
    duration_ms: int | None
    cost_usd: float
    error: Json | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None

    @classmethod
    def fields(cls, row: Json) -> Json:
        spent = (row["finished_at"] - row["started_at"]) if row["finished_at"] and row["started_at"] else None
        cost = row["cost"] if "cost" in row else sum(s["cost"] for s in row["steps"])
        return {
            **{n: row[n] for n in ("id", "workflow_id", "version", "status", "error")},
            **{n: row[n] for n in ("created_at", "started_at", "finished_at")},
            "duration_ms": round(spent.total_seconds() * 1000) if spent is not None else None, "cost_usd": cost,
        }


class StepOut(Snake):
    id: str
    type: str
    status: StepStatus
    latency_ms: int | None
    cost_usd: float
    retries: int
    output: Any
    error: Json | None

    @classmethod
    def of(cls, row: Json) -> "StepOut":
        return cls(
            id=row["name"], type=row["type"], status=row["status"],
            latency_ms=round(row["seconds"] * 1000) if row["seconds"] is not None else None, cost_usd=row["cost"],
            retries=max(0, row["attempts"] - 1), output=row["output"], error=row["error"],
        )


class RunOut(RunLine):
    input: Json
    steps: list[StepOut]
    output: Any

    @classmethod
    def of(cls, row: Json) -> "RunOut":
        steps = [StepOut.of(s) for s in row["steps"]]
        return cls(**cls.fields(row), input=row["input"], output=row["output"], steps=steps)
