//! Files that do not load.

use super::{BOMB, Fate, Hostile, LOOP, bodies, default};
use crate::{HashBodies, built};

/// What is no plugin.
pub(super) fn files() -> Vec<Hostile> {
    let file = |name, bytes| Hostile { name, bytes, fate: Fate::RefusedAtLoad };
    let text = |text: &str| wat::parse_str(text).unwrap();
    let whole = built("quadratic");
    vec![
        file("empty", Vec::new()),
        file("half", whole[..whole.len() / 2].to_vec()),
        file("core-module", text("(module)")),
        file("another-world", text("(component)")),
        file("extra-import", text(r#"(component (import "clock" (func)))"#)),
        file(
            "missing-export",
            text(
                r#"(component (instance $i)
                (export "ringwright:plugin/hash@0.1.0" (instance $i)))"#,
            ),
        ),
        bodies(
            "another-version",
            Fate::RefusedAtLoad,
            HashBodies { version: "0.2.0", ..default() },
        ),
    ]
}

/// What goes wrong before it has said what it is.
pub(super) fn loading() -> Vec<Hostile> {
    let refused = |name, harm| bodies(name, Fate::RefusedAtLoad, harm);
    // Its name is 100,000 bytes.
    let huge = "(i32.store (i32.const 4) (i32.const 100000)) (i32.const 0)";
    // One setting more than there may be.
    let settings = "(i32.store (i32.const 32) (i32.const 0x100000))
        (i32.store (i32.const 36) (i32.const 33)) (i32.const 0)";
    let name = "invalid-utf8";
    let unnamed = HashBodies { name: r"\ff\fe\fd", ..default() }.component();
    vec![
        refused("loop-in-start", HashBodies { start: LOOP, ..default() }),
        refused("bomb-in-start", HashBodies { start: BOMB, ..default() }),
        refused("trap-in-start", HashBodies { start: "(unreachable)", ..default() }),
        refused("loop-in-describe", HashBodies { describe: LOOP, ..default() }),
        refused("loop-in-declare", HashBodies { declare: LOOP, ..default() }),
        refused("huge-string", HashBodies { describe: huge, ..default() }),
        refused("too-many-settings", HashBodies { describe: settings, ..default() }),
        Hostile { name, bytes: unnamed, fate: Fate::RefusedAtLoad },
    ]
}
