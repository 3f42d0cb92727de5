//! The charge: the right to serve, held by one balancer at a time.
//!
//! The store has no clock we trust. Whoever wants the charge watches its beat stand still for a
//! whole term of the holder's, by its own clock; whoever holds it counts its right from before it
//! asked for the last beat. So the right ends at the holder before it can begin elsewhere,
//! however long either was paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ringwright_events::{Events, tell};
use ringwright_metadata::{Charge as Seen, MetadataError, MetadataStore};
use ringwright_model::Epoch;

use crate::Clock;
use crate::store::within;

/// How long a store that does not answer is asked for the charge: it may be starting, too.
const STORE_START: Duration = Duration::from_secs(60);

/// How long to wait before it is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// A charge that was taken.
pub struct Charge {
    epoch: Epoch,
    term: Duration,
    store: Arc<dyn MetadataStore>,
    clock: Arc<dyn Clock>,
    events: Events,
    /// Until when, in nanoseconds of `clock`, this balancer may answer.
    valid_until: AtomicU64,
    lost: AtomicBool,
}

/// This balancer may not answer: another one may be in charge by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this balancer is not in charge of the cluster")]
pub struct NotInCharge;

impl Charge {
    /// Takes charge for `term`, after whoever has it let go of it or has been silent for as long
    /// as theirs lasts, and no less than `term`.
    ///
    /// `exclusive` says that the caller knows by other means (a lock on the data folder) that
    /// no other balancer lives, so that there is nothing to wait for.
    ///
    /// A store that does not answer is asked again for a minute: it may have been started together
    /// with this balancer.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn take(
        store: Arc<dyn MetadataStore>,
        clock: Arc<dyn Clock>,
        holder: &str,
        term: Duration,
        exclusive: bool,
    ) -> Result<Arc<Charge>, MetadataError> {
        let mut look = Patience::new(&*clock);
        let mut take = Patience::new(&*clock);
        let mut tried = None;
        let (asked, epoch) = loop {
            let seen = lapsed(&*store, &mut look, term, exclusive).await?;
            if tried.as_ref() != Some(&seen) {
                take.answered();
            }
            let asked = clock.now();
            match store.take_charge(holder, term, &seen).await {
                Ok(Some(epoch)) => break (asked, epoch),
                // Its holder has shown a sign of life since, or another was faster.
                Ok(None) => {}
                Err(error) => take.bear(error).await?,
            }
            tried = Some(seen);
        };
        let events = Events::start(store.clone(), epoch);
        tell!(events, INFO, ChargeTaken, epoch = epoch, holder = holder;
            "took charge of the cluster");
        let charge = Charge {
            epoch,
            term,
            store,
            events,
            clock,
            valid_until: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        };
        charge.extend_from(asked);
        Ok(Arc::new(charge))
    }

    /// The epoch this charge began.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What happens while it is held, and that it was lost.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Whether this balancer may answer now.
    ///
    /// # Errors
    /// [`NotInCharge`] where the charge may have passed to another.
    pub fn check(&self) -> Result<(), NotInCharge> {
        let now = nanos(self.clock.now());
        let held = !self.is_lost() && now < self.valid_until.load(Ordering::Acquire);
        if held { Ok(()) } else { Err(NotInCharge) }
    }

    /// Whether the charge is gone, given back or taken by another: there is no way back.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Notes that another balancer has taken charge.
    pub fn set_lost(&self) {
        if !self.lost.swap(true, Ordering::AcqRel) {
            tell!(self.events, ERROR, ChargeLost, epoch = self.epoch;
                "another balancer has taken charge: standing down");
        }
    }

    /// Renews the charge until it is lost.
    ///
    /// The right lasts three quarters of the term. Asked for after one, given up after two and
    /// asked for again, it outlives a call that is lost.
    pub async fn keep(&self) {
        loop {
            let renewed = self.renew().await;
            if self.is_lost() {
                return;
            }
            self.clock.sleep(self.term / if renewed { 4 } else { 16 }).await;
        }
    }

    /// Renews the charge once; tells whether that is known to have succeeded.
    pub async fn renew(&self) -> bool {
        let asked = self.clock.now();
        let renewed = within(&*self.clock, self.answer_time(), self.store.renew(self.epoch)).await;
        match &renewed {
            Ok(()) => self.extend_from(asked),
            Err(MetadataError::ChargeLost { .. }) => self.set_lost(),
            Err(error) => tracing::warn!(%error, "the charge could not be renewed"),
        }
        renewed.is_ok()
    }

    /// How long the store may take to answer before it is asked again.
    pub(crate) fn answer_time(&self) -> Duration {
        self.term / 4
    }

    /// Gives the charge back, for good: whatever watches for its loss ends.
    pub async fn release(&self) {
        self.lost.store(true, Ordering::Release);
        if let Err(error) = self.store.release(self.epoch).await {
            tracing::warn!(%error, "the charge could not be given back");
        }
    }

    fn extend_from(&self, asked: Duration) {
        // A quarter less than the term, in case two machines' clocks run at different rates.
        self.valid_until.fetch_max(nanos(asked + self.term * 3 / 4), Ordering::AcqRel);
    }
}

/// How long a store is borne with that does not answer.
struct Patience<'a> {
    clock: &'a dyn Clock,
    /// When the first of the calls failed of which none has been answered since.
    silent_since: Option<Duration>,
}

impl<'a> Patience<'a> {
    fn new(clock: &'a dyn Clock) -> Self {
        Patience { clock, silent_since: None }
    }

    /// A call was answered.
    fn answered(&mut self) {
        self.silent_since = None;
    }

    /// Waits a little after a call that failed; gives the error back once it has been enough.
    async fn bear(&mut self, error: MetadataError) -> Result<(), MetadataError> {
        let now = self.clock.now();
        let silent = now.saturating_sub(*self.silent_since.get_or_insert(now));
        if matches!(error, MetadataError::Corrupt(_)) || silent >= STORE_START {
            return Err(error);
        }
        tracing::warn!(%error, "waiting for the metadata store to give the charge");
        self.clock.sleep(RETRY).await;
        Ok(())
    }
}

/// The charge as nobody holds it: given back, or silent for as long as it lasts its holder.
async fn lapsed(
    store: &dyn MetadataStore,
    patience: &mut Patience<'_>,
    term: Duration,
    exclusive: bool,
) -> Result<Seen, MetadataError> {
    let mut seen = look(store, patience).await?;
    while !exclusive && seen.epoch != 0 && !seen.released {
        tracing::info!(holder = %seen.holder, "waiting for the balancer in charge to lapse");
        patience.clock.sleep(term.max(seen.term)).await;
        let now = look(store, patience).await?;
        if now == seen {
            break;
        }
        seen = now;
    }
    Ok(seen)
}

/// The charge as the store has it.
async fn look(
    store: &dyn MetadataStore,
    patience: &mut Patience<'_>,
) -> Result<Seen, MetadataError> {
    loop {
        match store.charge().await {
            Ok(seen) => {
                patience.answered();
                return Ok(seen);
            }
            Err(error) => patience.bear(error).await?,
        }
    }
}

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}
