//! Reads of one server taken together: whatever waits goes out as one request.
//!
//! Nothing is ever held back to fill a batch. A batch forms by itself while the one before it
//! is under way, as group commit does for writes.

use std::sync::Arc;

use ringwright_trace::Cause;
use ringwright_wire::{QueryResult, RangeQuery, Read, ShardServer, Stamp, WireError};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Most queries of one request.
const BATCH: usize = 256;

/// Requests under way at once to one server: one that the server works on, one on its way.
const LANES: usize = 2;

type Reply = oneshot::Sender<Result<QueryResult, WireError>>;
type Waiting = (RangeQuery, (Cause, Reply));

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
        self.0.send((query, (Cause::current(), send))).map_err(|_| gone())?;
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
        let (queries, askers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let (causes, replies): (Vec<Cause>, Vec<Reply>) = askers.into_iter().unzip();
        let asked = queries.len();
        let read = server.read(Read { stamp: stamp.clone(), queries });
        match Cause::of_all(causes.iter()).run(read).await {
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
