//! The specification of one key: a row that is there or not.

use todc_utils::Specification;

use crate::{Op, Outcome, Row};

/// An operation with its answer; none where the outcome is unknown.
pub(crate) type Answered = (Op, Option<Outcome>);

pub(crate) struct OneRow;

impl Specification for OneRow {
    type State = Option<Row>;
    type Operation = Answered;

    fn init() -> Self::State {
        None
    }

    fn apply((op, answer): &Answered, state: &Self::State) -> (bool, Self::State) {
        let (outcome, next) = match (op, state) {
            (Op::Read(_), state) => (Outcome::Row(state.clone()), state.clone()),
            (Op::Insert(_, row), None) | (Op::Update(_, row), Some(_)) => {
                (Outcome::Done, Some(row.clone()))
            }
            (Op::Delete(_), Some(_)) => (Outcome::Done, None),
            (_, state) => (Outcome::Refused, state.clone()),
        };
        match answer {
            Some(answer) if *answer != outcome => (false, state.clone()),
            _ => (true, next),
        }
    }
}
