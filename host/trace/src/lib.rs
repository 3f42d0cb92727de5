//! Who asked: a request's id and span, from the client to the disk.
//!
//! A request gets an id where it comes in ([`begin`]) and is handled in a span that has it, so
//! that each line of the log says on whose behalf it was written. Whatever is done for it
//! elsewhere, on a task or together with others, is done by its [`Cause`]; what is asked of another
//! program takes the id along ([`pass_on`]), and is handled there in a span that has it too
//! ([`follow`]). Where an operator names a collector, the spans of all of them go there as one trace
//! ([`export`]).

mod cause;
pub mod export;
mod headers;
mod request_id;
mod serve;

pub use cause::Cause;
pub use headers::pass_on;
pub use request_id::RequestId;
pub use serve::{begin, follow};
