//! On whose behalf something is done.

use tracing::{Instrument, Span};

use crate::RequestId;

tokio::task_local! {
    static REQUEST: RequestId;
}

/// A request, or several, that something is done for: by their id, and in their span.
#[derive(Clone, Debug)]
pub struct Cause {
    request: Option<RequestId>,
    span: Span,
}

impl Cause {
    /// That of what is done here; taken along to another task.
    pub fn current() -> Self {
        Cause { request: RequestId::current(), span: Span::current() }
    }

    /// That of all who are served together. It is told in the span of the first.
    pub fn of_all<'a>(causes: impl Iterator<Item = &'a Cause> + Clone) -> Self {
        let span = causes.clone().next().map_or_else(Span::none, |cause| cause.span.clone());
        Cause { request: RequestId::of_all(causes.filter_map(|c| c.request.as_ref())), span }
    }

    /// The same, in a span of its own.
    pub fn within(self, span: Span) -> Self {
        Cause { span, ..self }
    }

    /// The request's id, where there is one.
    pub fn request(&self) -> Option<&str> {
        self.request.as_ref().map(RequestId::as_str)
    }

    /// The span it is done in.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Does it.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        let work = work.instrument(self.span);
        match self.request {
            Some(request) => REQUEST.scope(request, work).await,
            None => work.await,
        }
    }
}

impl RequestId {
    /// That of the request that is served here.
    pub fn current() -> Option<Self> {
        REQUEST.try_with(Clone::clone).ok()
    }

    /// Does something on this one's behalf, in the span that is current.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        REQUEST.scope(self, work).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[tokio::test]
    async fn a_cause_goes_along_to_another_task() {
        assert_eq!(RequestId::current(), None);
        let id = RequestId::named(format_args!("me"));
        let seen = id.clone().run(async {
            let there = Cause::current().run(async { RequestId::current() });
            let forgotten = tokio::spawn(async { RequestId::current() });
            (tokio::spawn(there).await.unwrap(), forgotten.await.unwrap())
        });
        assert_eq!(seen.await, (Some(id), None));
    }

    #[tokio::test]
    async fn several_causes_are_one() {
        let cause = |name: &str| {
            let id = RequestId::named(format_args!("{name}"));
            id.run(async { Cause::current() })
        };
        let causes = [cause("a").await, Cause::current(), cause("b").await];
        assert_eq!(Cause::of_all(causes.iter()).request(), Some("a,b"));
        assert_eq!(Cause::of_all([].iter()).request(), None);
    }
}
