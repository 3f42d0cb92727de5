//! Trying a hash function before requests depend on it.

use crate::{CallError, HashPlugin};

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
            let alone = self.slot(request, slots)?;
            if alone != among {
                return Err(CallError::Disagrees { request, alone, among });
            }
        }
        Ok(())
    }
}
