//! What goes along with a request from one program to another.

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::RequestId;
use crate::request_id::HEADER;

/// The header of W3C's trace context.
const TRACE_PARENT: &str = "traceparent";

/// Tells another program on whose behalf it is asked: the request's id, and its place in the trace
/// where there is one.
pub fn pass_on(headers: &mut HeaderMap) {
    if let Some(id) = RequestId::current().and_then(|id| id.value()) {
        headers.insert(HEADER, id);
    }
    let context = Span::current().context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
    }
}

/// Puts a span into the trace that a request belongs to, where it says so.
pub(crate) fn join_trace(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key(TRACE_PARENT) {
        return;
    }
    let parent = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &HeaderExtractor(headers));
    // Nothing is traced where nobody collects it.
    let _ = span.set_parent(parent);
}
