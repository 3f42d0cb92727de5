//! An instance of a hash function: what its exports are asked, and checks of what they answer.

use std::time::Duration;

use ringwright_ring::{Layout, Point};

use crate::about::Traits;
use crate::bindings::hash;
use crate::grants::Granted;
use crate::guest::{ABOUT_BYTES, Guest, REASON_BYTES};
use crate::limits::Limits;
use crate::text::fit;
use crate::{CallError, ServerInfo};

/// The most requests handed to a guest at once: 512 KiB, which fits any guest's memory.
const BATCH: usize = 65_536;

pub(crate) struct Instance {
    guest: Guest<hash::HashPlugin>,
    granted: Granted,
}

impl Instance {
    pub(super) fn start(
        pre: &hash::HashPluginPre<Limits>,
        granted: &Granted,
        deadline: Duration,
    ) -> Result<Self, CallError> {
        let guest = Guest::start(pre.engine(), granted, deadline, |store| pre.instantiate(store))?;
        Ok(Instance { guest, granted: *granted })
    }

    pub(crate) fn describe(&mut self) -> Result<hash::Description, CallError> {
        self.guest.call(self.granted.work_deadline, ABOUT_BYTES, |exports, store| {
            exports.ringwright_plugin_hash().call_describe(store)
        })
    }

    pub(crate) fn declare(&mut self) -> Result<Traits, CallError> {
        let traits =
            self.guest.call(self.granted.work_deadline, ABOUT_BYTES, |exports, store| {
                exports.ringwright_plugin_hash().call_declare(store)
            })?;
        Ok(traits.into())
    }

    pub(crate) fn slot(&mut self, request: u64, slots: u32) -> Result<u32, CallError> {
        let slot = self.guest.call(self.granted.slot_deadline, 0, |exports, store| {
            exports.ringwright_plugin_hash().call_slot(store, request, slots)
        })?;
        in_range(slot, slots)
    }

    pub(crate) fn slots(&mut self, requests: &[u64], slots: u32) -> Result<Vec<u32>, CallError> {
        let mut all = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            all.extend(self.batch(batch, slots)?);
        }
        Ok(all)
    }

    fn batch(&mut self, requests: &[u64], slots: u32) -> Result<Vec<u32>, CallError> {
        let answer_bytes = size_of::<u32>() * requests.len() + 64;
        let got = self.guest.call(self.granted.work_deadline, answer_bytes, |exports, store| {
            exports.ringwright_plugin_hash().call_slots(store, requests, slots)
        })?;
        if got.len() != requests.len() {
            return Err(CallError::Length { got: got.len(), asked: requests.len() });
        }
        got.iter().try_for_each(|&slot| in_range(slot, slots).map(drop))?;
        Ok(got)
    }

    pub(crate) fn layout(
        &mut self,
        servers: &[ServerInfo],
        virtual_nodes: u32,
        slots: u32,
        settings: &[(String, String)],
    ) -> Result<Layout, CallError> {
        let topology = hash::Topology {
            servers: servers.iter().map(hash::Server::from).collect(),
            virtual_nodes,
            slots,
            settings: settings.to_vec(),
        };
        // A point for every slot.
        let answer_bytes = usize::try_from(slots)
            .unwrap_or(usize::MAX)
            .saturating_mul(size_of::<hash::Point>())
            .saturating_add(REASON_BYTES);
        let layout =
            self.guest.call(self.granted.work_deadline, answer_bytes, |exports, store| {
                exports.ringwright_plugin_hash().call_arrange(store, &topology)
            })?;
        match layout {
            Ok(hash::Layout::Table(owners)) => Ok(Layout::Table(owners)),
            Ok(hash::Layout::Ring(points)) => {
                Ok(Layout::Ring(points.into_iter().map(Point::from).collect()))
            }
            Err(reason) => Err(CallError::Refused(fit(&reason))),
        }
    }

    /// The memory it has come to hold.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.guest.memory_bytes()
    }
}

impl From<hash::Point> for Point {
    fn from(p: hash::Point) -> Self {
        Point { slot: p.slot, server: p.server, virtual_node: p.virtual_node }
    }
}

fn in_range(slot: u32, slots: u32) -> Result<u32, CallError> {
    if slot < slots { Ok(slot) } else { Err(CallError::OutOfRange { slot, slots }) }
}
