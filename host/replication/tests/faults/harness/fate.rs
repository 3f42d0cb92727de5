//! What becomes of a message.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Gate;

/// What becomes of one message and its answer.
#[derive(Clone)]
pub enum Fate {
    /// It never arrives.
    LoseRequest,
    /// It is done, and nobody hears of it.
    LoseAnswer,
    /// The sender is told at once that nobody answered; it is done once the gate opens.
    Late(Arc<Gate>),
    /// The same, after a while.
    LateBy(Duration),
    /// It waits at the gate before it is done.
    HoldRequest(Arc<Gate>),
    /// It waits at the gate after it was done.
    HoldAnswer(Arc<Gate>),
    /// It takes so long on the way there and on the way back.
    Slow(Duration, Duration),
}

/// Fates by chance, the same for the same seed and the same order of messages.
pub struct Dice {
    random: Mutex<StdRng>,
    /// Of a thousand messages, how many are lost, answered to nobody, or late.
    bad: [u32; 3],
    /// How long a message may take each way.
    slow: Duration,
}

impl Dice {
    pub fn new(seed: u64, bad: [u32; 3], slow: Duration) -> Arc<Dice> {
        Arc::new(Dice { random: Mutex::new(StdRng::seed_from_u64(seed)), bad, slow })
    }

    pub fn throw(&self) -> Fate {
        let mut random = self.random.lock();
        let n = random.random_range(0..1000);
        let [lost, unanswered, late] = self.bad;
        let mut some = |most: Duration| most.mul_f64(random.random::<f64>());
        match n {
            _ if n < lost => Fate::LoseRequest,
            _ if n < lost + unanswered => Fate::LoseAnswer,
            _ if n < lost + unanswered + late => Fate::LateBy(some(self.slow * 20)),
            _ => Fate::Slow(some(self.slow), some(self.slow)),
        }
    }
}
