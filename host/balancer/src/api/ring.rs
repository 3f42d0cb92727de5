//! The ring: `/ring`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::ApiError;
use crate::Balancer;
use crate::routing::Published;

/// The ring of the servers that answer: its virtual nodes, and who owns how many slots. For an
/// algorithm that is no ring, the virtual nodes of the ring that has the same owners.
#[utoipa::path(get, path = "/ring", tag = "plugins",
    responses((status = 200, body = Value), (status = 503, body = super::Failure)))]
pub(super) async fn ring(State(balancer): State<Arc<Balancer>>) -> Result<Json<Value>, ApiError> {
    balancer.cluster.charge().check()?;
    let live = balancer.live();
    let Published { hash, ring } =
        balancer.router.ring(&live).await.map_err(|e| ApiError::unavailable(e.to_string()))?;
    let table = &ring.table;
    let name = |i: usize| live.get(i).map(|m| m.name.as_str());
    let owners: Vec<Option<&str>> =
        (0..table.slots()).map(|slot| table.owner(slot).and_then(name)).collect();
    let mut owned: BTreeMap<&str, u32> = live.iter().map(|m| (m.name.as_str(), 0)).collect();
    for owner in owners.iter().flatten() {
        *owned.entry(owner).or_default() += 1;
    }
    let points: Vec<Value> = table
        .points()
        .iter()
        .map(|p| {
            let server = usize::try_from(p.server).ok().and_then(name);
            json!({"slot": p.slot, "virtual_node": p.virtual_node, "server": server})
        })
        .collect();
    Ok(Json(json!({"message": {
        "hash": hash.choice.name,
        "slots": table.slots(),
        "virtual_nodes": points,
        "slots_owned": owned,
        "owners": owners,
    }, "status": "successful"})))
}
