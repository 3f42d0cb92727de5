//! What a change of servers moves.

/// How many keys a change gave another server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Keys looked at.
    pub keys: u64,
    /// Those whose server is another now.
    pub moved: u64,
    /// Of these, those that went from one server to another although both were there before and
    /// after. A monotone function has none.
    pub needless: u64,
}

impl Moves {
    /// Counts over the owners of each key, before and after. `stayed` says of a server whether
    /// it was there both times.
    pub fn count<S: PartialEq>(
        owners: impl IntoIterator<Item = (S, S)>,
        stayed: impl Fn(&S) -> bool,
    ) -> Self {
        let mut moves = Moves::default();
        for (before, after) in owners {
            moves.keys += 1;
            if before != after {
                moves.moved += 1;
                moves.needless += u64::from(stayed(&before) && stayed(&after));
            }
        }
        moves
    }

    /// The share of the keys that moved, from 0 to 1; 0 of none.
    pub fn share(&self) -> f64 {
        if self.keys == 0 { 0.0 } else { self.moved as f64 / self.keys as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_moves_between_those_that_stayed_are_needless() {
        // Server 3 is new, server 0 is gone.
        let stayed = |s: &u32| [1, 2].contains(s);
        let owners = [(1, 1), (1, 2), (2, 3), (0, 1), (0, 3)];
        let moves = Moves::count(owners, stayed);
        assert_eq!(moves, Moves { keys: 5, moved: 4, needless: 1 });
        assert_eq!(moves.share(), 0.8);
        assert_eq!(Moves::default().share(), 0.0);
    }
}
