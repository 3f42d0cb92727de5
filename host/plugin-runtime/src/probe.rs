//! Trying a hash function before requests depend on it.

use crate::{CallError, HashPlugin};

/// How often a slot that took too long is asked for again. A busy machine may take the thread its
/// processor for as long as that; only what is slow each time is slow.
const MORE_TRIES: usize = 2;

/// Request ids to try: the ends of what they can be, and some of those that clients draw.
fn requests() -> Vec<u64> {
    let ends = [0, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX - 1, u64::MAX];
    let drawn = (100_000..1_000_000).step_by(7_919);
    ends.into_iter().chain(drawn).collect()
}

impl HashPlugin {
    /// Asks for some slots, one by one and all at once, and compares. It may take a while: not
    /// for a thread that serves requests.
    ///
    /// # Errors
    /// Says how the plugin failed.
    pub fn probe(&self, slots: u32) -> Result<(), CallError> {
        let requests = requests();
        let all = self.slots(&requests, slots)?;
        for (&request, among) in requests.iter().zip(all) {
            let alone = self.patiently(request, slots)?;
            if alone != among {
                return Err(CallError::Disagrees { request, alone, among });
            }
        }
        Ok(())
    }

    fn patiently(&self, request: u64, slots: u32) -> Result<u32, CallError> {
        for _ in 0..MORE_TRIES {
            match self.slot(request, slots) {
                Err(CallError::TimedOut) => {}
                told => return told,
            }
        }
        self.slot(request, slots)
    }
}
