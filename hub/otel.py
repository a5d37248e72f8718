"""Traces by OpenTelemetry's SDK over OTLP/HTTP. Nobody ever waits for the collector: what it does not take is dropped.

Imported only when a collector is set (`hub.runtime`).
"""

import asyncio
import contextlib
import logging
import threading
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hub.tracing import NO_ATTRIBUTES, Attributes, Span

KINDS = {
    "internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT, "consumer": SpanKind.CONSUMER,
}
# Spans that wait, how many go at once, milliseconds between two goes, and seconds for one.
WAITING, TOGETHER, PAUSE, SECONDS = 4096, 256, 500, 5
LONGEST = 8000
LAST = 2.0


class _Span:
    def __init__(self, span: trace.Span, current: bool) -> None:
        self._span = span
        self._current = current
        self._token: Token[Context] | None = None

    def set(self, name: str, value: Any) -> None:
        if value is not None:
            self._span.set_attribute(name, value)

    def failed(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        self._span.end()

    def __enter__(self) -> Self:
        if self._current:
            self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            context.detach(self._token)
        if kind is not None and error is not None and not isinstance(error, asyncio.CancelledError):
            # The class only: what an error says may be somebody's words.
            self.failed(str(getattr(error, "code", None) or kind.__name__))
        self._span.end()


class Otel:
    """Everything that goes on in this process, told to one collector."""

    on = True

    def __init__(self, endpoint: str, version: str, content: bool) -> None:
        """endpoint: the collector's, without its path."""
        self.content = content
        # A line for each span that is dropped would cost more than the spans.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        # OTEL_RESOURCE_ATTRIBUTES adds to it.
        resource = Resource.create({"service.name": "chathub", "service.version": version})
        self._provider = TracerProvider(
            resource=resource, shutdown_on_exit=False, span_limits=SpanLimits(max_attribute_length=LONGEST)
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(
            exporter, max_queue_size=WAITING, max_export_batch_size=TOGETHER, schedule_delay_millis=PAUSE,
        ))
        self._tracer = self._provider.get_tracer("hub", version)
        self._carried = TraceContextTextMapPropagator()

    def within(
        self, name: str, kind: str = "internal", attributes: Attributes = NO_ATTRIBUTES, parent: str | None = None
    ) -> Span:
        whose = self._carried.extract({"traceparent": parent}, Context()) if parent else None
        return _Span(self._started(name, kind, attributes, whose), True)

    def start(self, name: str, kind: str = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Span:
        return _Span(self._started(name, kind, attributes, None), False)

    def _started(self, name: str, kind: str, attributes: Attributes, whose: Context | None) -> trace.Span:
        known = {n: v for n, v in attributes.items() if v is not None}
        return self._tracer.start_span(name, context=whose, kind=KINDS[kind], attributes=known)

    def carrier(self) -> str | None:
        found: dict[str, str] = {}
        self._carried.inject(found)
        return found.get("traceparent")

    async def close(self) -> None:
        """Tell what waits; a collector that takes long is not waited for."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()

        def finish() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop was not waiting any more
                loop.call_soon_threadsafe(told.set)

        threading.Thread(target=finish, daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                await told.wait()
