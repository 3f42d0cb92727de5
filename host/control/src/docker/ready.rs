//! Waiting for a server to listen.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::engine::Engine;
use crate::{ControlError, Instance};

/// How often a server that starts is called.
pub(super) const POLL: Duration = Duration::from_millis(25);

/// How long a call may take: the network is this machine's.
const CALL: Duration = Duration::from_millis(500);

/// How many calls lie between two looks whether its container still runs.
const LOOK: u32 = 10;

/// Waits until the server takes connections; fails where its container ends before, or `limit`
/// passes.
pub(super) async fn listens(
    engine: &Engine,
    instance: &Instance,
    limit: Duration,
) -> Result<(), ControlError> {
    let Instance { name, address, handle } = instance;
    let deadline = Instant::now() + limit;
    for call in 1_u32.. {
        if matches!(timeout(CALL, TcpStream::connect(address)).await, Ok(Ok(_))) {
            return Ok(());
        }
        if call.is_multiple_of(LOOK) && !engine.runs(handle).await? {
            return Err(engine.exited(name, handle).await);
        }
        if Instant::now() >= deadline {
            break;
        }
        sleep(POLL).await;
    }
    let log = engine.log_tail(handle).await;
    Err(ControlError::Slow { name: name.clone(), limit, log })
}
