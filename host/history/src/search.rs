//! The search for an order, left to the checker of Wing, Gong and Lowe in todc-utils.

use std::collections::BTreeMap;

use todc_utils::{Action, History, WGLChecker};

use crate::row::{Answered, OneRow};
use crate::{Event, Op};

/// Whether some order explains what one key's operations were answered.
///
/// An operation without an answer returns after all others, and any answer suits it: whether it
/// was done at once or much later, its place in the order is free from its call on, and the
/// last place is as good as never.
pub(crate) fn explains(events: &[Event]) -> bool {
    let mut answers = BTreeMap::new();
    let mut skipped = Vec::new();
    for event in events {
        match event {
            Event::Called(..) => {}
            Event::Returned(number, outcome) => {
                answers.insert(*number, outcome.clone());
            }
            Event::Undone(number) => skipped.push(*number),
        }
    }
    let mut open: BTreeMap<usize, Answered> = BTreeMap::new();
    let mut actions = Vec::new();
    let mut processes = 0..;
    let mut process_of = BTreeMap::new();
    for event in events {
        let number = event.number();
        match event {
            // Whatever an unanswered read saw, nobody knows it.
            Event::Called(_, Op::Read(_)) if !answers.contains_key(&number) => {}
            Event::Called(..) if skipped.contains(&number) => {}
            Event::Called(_, op) => {
                let answered = (op.clone(), answers.get(&number).cloned());
                let process = processes.next().unwrap_or(usize::MAX);
                process_of.insert(number, process);
                actions.push((process, Action::Call(answered.clone())));
                open.insert(number, answered);
            }
            Event::Returned(..) => {
                if let Some(answered) = open.remove(&number) {
                    actions.push((process_of[&number], Action::Response(answered)));
                }
            }
            Event::Undone(_) => {}
        }
    }
    for (number, unknown) in open {
        actions.push((process_of[&number], Action::Response(unknown)));
    }
    // The checker wants at least one operation.
    actions.is_empty() || WGLChecker::<OneRow>::is_linearizable(History::from_actions(actions))
}
