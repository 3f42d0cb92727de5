//! The one call that tells the log and notes the event.

/// Writes a line to the log, and notes the event with the line's message and fields.
///
/// The fields `server`, `shard` and `plugin` are what the event is about; all others become its
/// details. They are evaluated once, and must be what both `tracing` and JSON take: texts, numbers,
/// booleans.
///
/// ```
/// # fn flatline(events: &ringwright_events::Events) {
/// ringwright_events::tell!(
///     events, ERROR, Flatline, server = "Server1", misses = 5; "FLATLINE: the server is given up"
/// );
/// # }
/// ```
#[macro_export]
macro_rules! tell {
    ($events:expr, $level:ident, $kind:ident $(, $field:ident = $value:expr)*; $message:literal) => {{
        $(
            #[allow(clippy::redundant_locals, reason = "a variable may have the field's name")]
            let $field = $value;
        )*
        $crate::told::tracing::event!(
            $crate::told::tracing::Level::$level, $($field,)* $message
        );
        $events.note(
            $crate::EventKind::$kind,
            $message,
            [$((stringify!($field), $crate::told::json!($field))),*],
        );
    }};
}
