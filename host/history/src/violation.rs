//! What is wrong with a history, told so that a person can see it.

use std::fmt;

use crate::search::explains;
use crate::{Event, Key};

/// How much of a history is printed: what came long before the trouble hardly explains it.
const SHOWN: usize = 40;

/// No order explains what the operations on a key were answered.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Violation {
    /// The key.
    pub key: Key,
    /// What happened to it, up to the first answer that nothing explains.
    events: Vec<Event>,
}

impl Violation {
    /// Shortens a history that nothing explains to where the trouble shows.
    pub(crate) fn of(key: Key, mut events: Vec<Event>) -> Violation {
        // What explains a history explains its beginnings, so the border can be halved for.
        let (mut good, mut bad) = (0, events.len());
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            let split = if explains(&events[..middle]) { &mut good } else { &mut bad };
            *split = middle;
        }
        events.truncate(bad);
        Violation { key, events }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "key {}: no order explains this", self.key)?;
        let skipped = self.events.len().saturating_sub(SHOWN);
        if skipped > 0 {
            write!(f, "\n  ({skipped} steps before)")?;
        }
        for event in self.events.iter().skip(skipped) {
            match event {
                Event::Called(number, op) => write!(f, "\n  #{number} called {op:?}")?,
                Event::Returned(number, outcome) => {
                    write!(f, "\n  #{number} returned {outcome:?}")?
                }
                Event::Undone(number) => write!(f, "\n  #{number} was not done")?,
            }
        }
        Ok(())
    }
}
