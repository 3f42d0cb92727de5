//! Asking the metadata store, which may not answer.

use std::time::Duration;

use ringwright_metadata::MetadataError;

use crate::Clock;

/// The call's outcome, unknown where the store does not answer within `limit`.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    call: impl Future<Output = Result<T, MetadataError>>,
) -> Result<T, MetadataError> {
    tokio::select! {
        biased;
        answer = call => answer,
        () = clock.sleep(limit) => {
            Err(MetadataError::Unavailable(format!("no answer within {limit:?}")))
        }
    }
}
