//! The fixed answers: of WASI 0.2, what a runtime asks for as it starts.

use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

use crate::limits::Limits;

/// The most random bytes at once. A runtime draws some dozen to start with.
const RANDOM_BYTES: u64 = 64 << 10;

/// A handle to nothing. All resources are of one type: whatever a guest hands back, it is not
/// looked at.
type Handle = Resource<()>;

/// A point in time by the wall clock.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// How a stream fails.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code)] // the type has it; these streams do not fail so
    LastOperationFailed(Handle),
    #[component(name = "closed")]
    Closed,
}

/// Writing succeeds, and what is written is gone.
type Written = Result<(), StreamError>;
/// There is nothing to read.
type Bytes = Result<Vec<u8>, StreamError>;

const EPOCH: Datetime = Datetime { seconds: 0, nanoseconds: 0 };
const SECOND: Datetime = Datetime { seconds: 1, nanoseconds: 0 };

/// Defines the function of that name, where it has an answer.
pub(super) fn define(
    at: &mut LinkerInstance<Limits>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<()> {
    match (interface, name) {
        ("wasi:cli/environment", "get-environment") => {
            at.func_wrap(name, |_, ()| Ok((Vec::<(String, String)>::new(),)))
        }
        ("wasi:cli/environment", "get-arguments") => {
            at.func_wrap(name, |_, ()| Ok((Vec::<String>::new(),)))
        }
        ("wasi:cli/environment", "initial-cwd") => {
            at.func_wrap(name, |_, ()| Ok((None::<String>,)))
        }
        ("wasi:filesystem/preopens", "get-directories") => {
            at.func_wrap(name, |_, ()| Ok((Vec::<(Handle, String)>::new(),)))
        }
        ("wasi:clocks/wall-clock", "now") => at.func_wrap(name, |_, ()| Ok((EPOCH,))),
        ("wasi:clocks/wall-clock", "resolution") => at.func_wrap(name, |_, ()| Ok((SECOND,))),
        ("wasi:clocks/monotonic-clock", "now") => at.func_wrap(name, |_, ()| Ok((0_u64,))),
        ("wasi:clocks/monotonic-clock", "resolution") => {
            at.func_wrap(name, |_, ()| Ok((1_000_000_000_u64,)))
        }
        ("wasi:cli/stdin", "get-stdin")
        | ("wasi:cli/stdout", "get-stdout")
        | ("wasi:cli/stderr", "get-stderr") => {
            at.func_wrap(name, |_, ()| Ok((Handle::new_own(0),)))
        }
        ("wasi:cli/terminal-stdin", "get-terminal-stdin")
        | ("wasi:cli/terminal-stdout", "get-terminal-stdout")
        | ("wasi:cli/terminal-stderr", "get-terminal-stderr") => {
            at.func_wrap(name, |_, ()| Ok((None::<Handle>,)))
        }
        ("wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed", _) => {
            random(at, name)
        }
        ("wasi:io/streams", _) => stream(at, name),
        _ => Ok(()),
    }
}

fn random(at: &mut LinkerInstance<Limits>, name: &str) -> wasmtime::Result<()> {
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            at.func_wrap(name, |_, (length,): (u64,)| {
                wasmtime::ensure!(length <= RANDOM_BYTES, "it asked for {length} random bytes");
                Ok(((0..=u8::MAX).cycle().take(length as usize).collect::<Vec<u8>>(),))
            })
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            at.func_wrap(name, |_, ()| Ok((0x0706_0504_0302_0100_u64,)))
        }
        "insecure-seed" => at.func_wrap(name, |_, ()| Ok(((0_u64, 0_u64),))),
        _ => Ok(()),
    }
}

fn stream(at: &mut LinkerInstance<Limits>, name: &str) -> wasmtime::Result<()> {
    match name {
        "[method]output-stream.check-write" => at.func_wrap(name, |_, (_,): (Handle,)| {
            Ok((Ok::<u64, StreamError>(4096),)) // as much as a guest may say at once
        }),
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => at
            .func_wrap(name, |_, (_, _): (Handle, Vec<u8>)| {
                let written: Written = Ok(());
                Ok((written,))
            }),
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            at.func_wrap(name, |_, (_,): (Handle,)| {
                let written: Written = Ok(());
                Ok((written,))
            })
        }
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            at.func_wrap(name, |_, (_, _): (Handle, u64)| {
                let read: Bytes = Err(StreamError::Closed);
                Ok((read,))
            })
        }
        _ => Ok(()),
    }
}
