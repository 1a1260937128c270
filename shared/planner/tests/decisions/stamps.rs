//! What claims are stamped with. Launched claims are as their pool and class are now, unless a line says otherwise:
//!
//! ```text
//! class default hash=7 groups=sg-1,sg-2
//! stamp c-n1 pool=OTHER class=6 groups=sg-1 version=v5 | missing
//! ```

use crate::fixture::Line;
use model::node_class::status::{ClassStatus, SecurityGroup};
use model::node_class::template::Template;
use model::snapshot::Snapshot;
use model::stamp::Stamps;
use std::sync::Arc;

/// What of a class nodes are compared with.
pub(crate) fn template(line: &Line<'_>) -> Template {
    let groups = line.list("groups").into_iter();
    let security_groups = groups.map(|id| SecurityGroup { id: id.into(), name: None }).collect();
    Template {
        hash: line.get("hash").unwrap_or_default().into(),
        status: ClassStatus { security_groups, ..ClassStatus::default() },
        ..Template::default()
    }
}

/// Stamps the claims.
pub(crate) fn add(world: &mut Snapshot, lines: &[Line<'_>]) {
    let cluster = &mut world.cluster;
    for claim in cluster.claims.iter_mut().filter(|claim| claim.is_launched()) {
        let pool = claim
            .spec
            .pool
            .as_ref()
            .and_then(|name| cluster.pools.iter().find(|pool| pool.name == *name));
        let Some(pool) = pool else { continue };
        let class = cluster.node_classes.iter().find(|class| class.name == pool.node_class);
        let mut stamps = Stamps::of(pool, class.map(|class| &**class));
        let mut lines = lines.iter().filter(|line| line.0[0] == "stamp");
        if let Some(line) = lines.find(|line| *line.0[1] == *claim.name) {
            change(&mut stamps, line);
        }
        Arc::make_mut(claim).stamps = stamps;
    }
}

fn change(stamps: &mut Stamps, line: &Line<'_>) {
    if line.has("missing") {
        *stamps = Stamps::default();
    }
    for (key, stamp) in [("pool", &mut stamps.pool), ("class", &mut stamps.class)] {
        if let Some(stamp) = stamp {
            stamp.hash = line.get(key).map_or_else(|| stamp.hash.clone(), Into::into);
            stamp.version = line.get("version").map_or_else(|| stamp.version.clone(), Into::into);
        }
    }
    if line.get("groups").is_some() {
        stamps.security_groups = line.list("groups").into_iter().map(Into::into).collect();
    }
}
