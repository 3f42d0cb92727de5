//! Components that import a system, and get what stands in for one.

use ringwright_test_plugins::HashBodies;

use crate::tests::support::{hash, patient, runtime};
use crate::{CallError, HashPlugin, LoadError};

/// What a language runtime imports, in part.
const WASI: &str = "
    package wasi:io@0.2.3 {
        interface error { resource error; }
        interface poll { resource pollable { block: func(); } }
        interface streams {
            use error.{error};
            use poll.{pollable};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream {
                blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                subscribe: func() -> pollable;
            }
            resource output-stream {
                check-write: func() -> result<u64, stream-error>;
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.3 {
        interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            get-arguments: func() -> list<string>;
            initial-cwd: func() -> option<string>;
        }
        interface exit { exit: func(status: result); }
        interface stdin { use wasi:io/streams@0.2.3.{input-stream}; get-stdin: func() -> input-stream; }
        interface stdout { use wasi:io/streams@0.2.3.{output-stream}; get-stdout: func() -> output-stream; }
        interface terminal-input { resource terminal-input; }
        interface terminal-stdin {
            use terminal-input.{terminal-input};
            get-terminal-stdin: func() -> option<terminal-input>;
        }
    }
    package wasi:clocks@0.2.3 {
        interface wall-clock {
            record datetime { seconds: u64, nanoseconds: u32 }
            now: func() -> datetime;
            resolution: func() -> datetime;
        }
        interface monotonic-clock { now: func() -> u64; resolution: func() -> u64; }
    }
    package wasi:random@0.2.3 {
        interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }
        interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
    }
    package wasi:filesystem@0.2.3 {
        interface types { resource descriptor { sync: func(); } }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }
    }";

const IMPORTS: &str = "import wasi:cli/environment@0.2.3; import wasi:cli/exit@0.2.3;
    import wasi:cli/stdin@0.2.3; import wasi:cli/stdout@0.2.3;
    import wasi:cli/terminal-stdin@0.2.3; import wasi:clocks/wall-clock@0.2.3;
    import wasi:clocks/monotonic-clock@0.2.3; import wasi:random/random@0.2.3;
    import wasi:random/insecure-seed@0.2.3; import wasi:filesystem/preopens@0.2.3;
    import wasi:io/streams@0.2.3;";

const LINKED: &str = r#"
    (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.3" "get-arguments" (func $arguments (param i32)))
    (import "wasi:cli/environment@0.2.3" "initial-cwd" (func $cwd (param i32)))
    (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
    (import "wasi:cli/stdin@0.2.3" "get-stdin" (func $stdin (result i32)))
    (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
    (import "wasi:cli/terminal-stdin@0.2.3" "get-terminal-stdin" (func $terminal (param i32)))
    (import "wasi:clocks/wall-clock@0.2.3" "now" (func $wall (param i32)))
    (import "wasi:clocks/wall-clock@0.2.3" "resolution" (func $wall_grain (param i32)))
    (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $time (result i64)))
    (import "wasi:clocks/monotonic-clock@0.2.3" "resolution" (func $grain (result i64)))
    (import "wasi:random/random@0.2.3" "get-random-bytes" (func $bytes (param i64 i32)))
    (import "wasi:random/random@0.2.3" "get-random-u64" (func $random (result i64)))
    (import "wasi:random/insecure-seed@0.2.3" "insecure-seed" (func $seed (param i32)))
    (import "wasi:filesystem/preopens@0.2.3" "get-directories" (func $directories (param i32)))
    (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read"
        (func $read (param i32 i64 i32)))
    (import "wasi:io/streams@0.2.3" "[method]input-stream.subscribe"
        (func $subscribe (param i32) (result i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.check-write"
        (func $check (param i32 i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))"#;

/// A hash plugin that asks a system when it is asked for a slot.
fn asking(slot: &'static str) -> HashPlugin {
    let bodies = HashBodies {
        slot,
        packages: WASI,
        imports: IMPORTS,
        linked: LINKED,
        ..HashBodies::default()
    };
    hash(runtime().load(&bodies.component()))
}

fn answer(slot: &'static str) -> Result<u32, CallError> {
    asking(slot).slot(5, 65_537)
}

#[test]
fn there_is_no_environment() {
    // The lengths of three lists and whether there is a folder, all of which were 7.
    let lists =
        "(i32.store (i32.const 260) (i32.const 7)) (i32.store (i32.const 268) (i32.const 7))
        (i32.store (i32.const 276) (i32.const 7)) (i32.store8 (i32.const 280) (i32.const 7))
        (call $environment (i32.const 256)) (call $arguments (i32.const 264))
        (call $directories (i32.const 272)) (call $cwd (i32.const 280))
        (i32.add (i32.add (i32.load (i32.const 260)) (i32.load (i32.const 268)))
            (i32.add (i32.load (i32.const 276)) (i32.load8_u (i32.const 280))))";
    assert_eq!(answer(lists), Ok(0));
}

#[test]
fn clocks_stand_still() {
    let now = "(i64.store (i32.const 256) (i64.const 7)) (call $wall (i32.const 256))
        (i32.wrap_i64 (i64.add (call $time) (i64.load (i32.const 256))))";
    assert_eq!(answer(now), Ok(0));
    let grain = "(call $wall_grain (i32.const 256))
        (i32.wrap_i64 (i64.add (i64.load (i32.const 256))
            (i64.div_u (call $grain) (i64.const 1000000000))))";
    assert_eq!(answer(grain), Ok(2));
}

#[test]
fn randomness_is_the_same_in_every_instance() {
    // The fourth of five bytes, and their number.
    let bytes = "(call $bytes (local.get 0) (i32.const 256))
        (i32.add (i32.load8_u offset=3 (i32.load (i32.const 256)))
            (i32.shl (i32.load (i32.const 260)) (i32.const 8)))";
    let plugin = asking(bytes);
    let first = plugin.slot(5, 65_537);
    assert_eq!(first, Ok((5 << 8) + 3));
    assert_eq!([plugin.slot(5, 65_537), plugin.seated().slot(5, 65_537)], [first.clone(), first]);
    let drawn = "(call $seed (i32.const 256))
        (i32.add (i32.wrap_i64 (call $random)) (i32.load (i32.const 256)))";
    assert_eq!(asking(drawn).slot(0, u32::MAX), Ok(0x0302_0100));
    let endless = asking("(call $bytes (i64.const -1) (i32.const 256)) (i32.const 0)");
    assert!(matches!(endless.slot(0, 9), Err(CallError::Trap(_))));
}

#[test]
fn what_is_written_is_gone_and_there_is_nothing_to_read() {
    // 0 is well.
    let writes = "(local $out i32) (local.set $out (call $stdout))
        (i32.store8 (i32.const 256) (i32.const 7)) (i32.store8 (i32.const 272) (i32.const 7))
        (call $check (local.get $out) (i32.const 256))
        (call $write (local.get $out) (i32.const 1024) (i32.const 7) (i32.const 272))
        (i32.add (i32.load8_u (i32.const 256)) (i32.load8_u (i32.const 272)))";
    assert_eq!(answer(writes), Ok(0));
    // An error, which is `closed`; and no terminal.
    let reads = "(i32.store8 (i32.const 300) (i32.const 7)) (call $terminal (i32.const 300))
        (call $read (call $stdin) (i64.const 10) (i32.const 256))
        (i32.add (i32.load8_u (i32.const 300))
            (i32.add (i32.load8_u (i32.const 256)) (i32.load8_u (i32.const 260))))";
    assert_eq!(answer(reads), Ok(2));
    // More at once than a guest may say.
    let shouts = "(call $write (call $stdout) (i32.const 1024) (i32.const 100000) (i32.const 256))
        (i32.const 0)";
    assert!(answer(shouts).is_err());
}

#[test]
fn what_has_no_stand_in_fails_when_it_is_called() {
    let CallError::Trap(text) = answer("(call $exit (i32.const 0)) (i32.const 0)").unwrap_err()
    else {
        panic!("it left")
    };
    assert!(text.contains("wasi:cli/exit"), "{text}");
    assert!(answer("(call $subscribe (call $stdin))").is_err());
    let admitted = patient()
        .examine(
            "asking",
            &HashBodies {
                packages: WASI,
                imports: IMPORTS,
                linked: LINKED,
                ..HashBodies::default()
            }
            .component(),
        )
        .0;
    assert_eq!(admitted.refusal(), None);
}

#[test]
fn other_systems_are_refused_by_name() {
    let bodies = HashBodies {
        packages: "package acme:net@1.0.0 { interface socket { open: func(); } }",
        imports: "import acme:net/socket@1.0.0;",
        linked: r#"(import "acme:net/socket@1.0.0" "open" (func))"#,
        ..HashBodies::default()
    };
    let refusal = runtime().load(&bodies.component()).unwrap_err();
    assert_eq!(refusal, LoadError::Imports("acme:net/socket@1.0.0".to_owned()));
}
