//! Reads of one server taken together: whatever waits goes out as one request.
//!
//! Nothing is ever held back to fill a batch. A batch forms by itself while the one before it
//! is under way, as group commit does for writes.

use std::sync::Arc;

use ringwright_wire::{QueryResult, RangeQuery, Read, ShardServer, Stamp, WireError};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Most queries of one request.
const BATCH: usize = 256;

/// Requests under way at once to one server: one that the server works on, one on its way.
const LANES: usize = 2;

type Waiting = (RangeQuery, oneshot::Sender<Result<QueryResult, WireError>>);

pub(crate) struct ReadBatcher(mpsc::UnboundedSender<Waiting>);

impl ReadBatcher {
    pub(crate) fn new(server: Arc<dyn ShardServer>, stamp: Stamp) -> Self {
        let (send, receive) = mpsc::unbounded_channel();
        let receive = Arc::new(Mutex::new(receive));
        for _ in 0..LANES {
            tokio::spawn(lane(server.clone(), stamp.clone(), receive.clone()));
        }
        ReadBatcher(send)
    }

    pub(crate) async fn query(&self, query: RangeQuery) -> Result<QueryResult, WireError> {
        let (send, receive) = oneshot::channel();
        let gone = || WireError::Unreachable { message: "the link was closed".into() };
        self.0.send((query, send)).map_err(|_| gone())?;
        receive.await.map_err(|_| gone())?
    }
}

/// Ends when the batcher is dropped and nothing waits.
async fn lane(
    server: Arc<dyn ShardServer>,
    stamp: Stamp,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<Waiting>>>,
) {
    loop {
        let mut batch = Vec::new();
        if queue.lock().await.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (queries, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let asked = queries.len();
        match server.read(Read { stamp: stamp.clone(), queries }).await {
            Ok(answer) if answer.results.len() == asked => {
                for (reply, result) in replies.into_iter().zip(answer.results) {
                    let _ = reply.send(Ok(result)); // whoever asked may have gone
                }
            }
            other => {
                let error = other.err().unwrap_or_else(|| WireError::Unreachable {
                    message: "the answer does not match the question".into(),
                });
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
}
