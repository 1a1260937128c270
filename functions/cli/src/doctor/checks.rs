//! All checks of a cluster, in the order in which one thing depends on the other.

use super::installation::{definitions, forwarder, karpenter, policies, rights, unknown};
use super::{Finding, some};
use crate::live::{Live, Seen, Server};
use crate::plan::world::World;
use crate::status::age;
use jiff::{SignedDuration, Timestamp};
use model::condition::Status;
use model::node_class::NodeClass;
use model::node_class::status::ClassCondition;
use planner::explain::standing::standing;

/// Spot prices of a whole region do not stand still for so long: the catalogue is written when one moves by 1 %.
const CATALOGUE_OLD: SignedDuration = SignedDuration::from_hours(24);

/// So many launches for an owner's pods may be without use before there are no more (`planner`, I7).
const UNPRODUCTIVE_MAX: u32 = 3;

/// Looks at everything.
pub(super) fn all(live: &Live, server: &Server, region: Option<&str>) -> Vec<Finding> {
    let version = live.wait(live.client.version());
    let mut findings = vec![match &version {
        Ok(version) => Finding::ok("API server", format!("answers, Kubernetes {version}")),
        Err(failure) => {
            let todo = "check the kubeconfig, the network and your rights";
            Finding::failure("API server", failure.to_string(), todo)
        }
    }];
    if version.is_err() {
        return findings;
    }
    let namespace = &*server.namespace;
    findings.extend(definitions(live));
    findings.extend(rights(live, namespace));
    findings.push(policies(live));
    findings.push(forwarder(live, namespace));
    match live.look(region, None) {
        Err(failure) => {
            let todo =
                "nothing more can be checked: mend what stands above, or ask as joiner:operator";
            findings.push(Finding::failure("cluster", failure.to_string(), todo));
        }
        Ok(seen) => {
            let Seen { world, now, karpenter: leader } = &seen;
            findings.push(karpenter(live, leader.as_deref()));
            findings.push(catalogue(live, world, *now));
            findings.extend(classes(world));
            findings.extend(pools(world, *now));
            findings.extend(memory(world, *now));
            findings.push(unreadable(world));
        }
    }
    findings
}

fn catalogue(live: &Live, world: &World, now: Timestamp) -> Finding {
    let (what, todo) = ("catalogue", "look at the log of the function catalog");
    let built_in = world.notes.iter().find(|note| note.starts_with("ConfigMap joiner-catalog"));
    match (live.wait(live.client.catalogue_written()), built_in) {
        (Err(failure), _) => unknown(what, &failure),
        (Ok(_), Some(note)) => Finding::warning(what, note, todo),
        (Ok(Some(at)), None) if CATALOGUE_OLD < now.duration_since(at) => {
            Finding::warning(what, format!("was last written {} ago", age(at, now)), todo)
        }
        (Ok(Some(at)), None) => Finding::ok(what, format!("was last written {} ago", age(at, now))),
        (Ok(None), None) => Finding::warning(what, "is not there", todo),
    }
}

fn classes(world: &World) -> Vec<Finding> {
    let classes = &world.snapshot.cluster.node_classes;
    if classes.is_empty() {
        let says = "there is none, so that no node can be launched";
        return vec![Finding::warning("EC2NodeClass", says, "apply one, as for Karpenter")];
    }
    classes.iter().map(|class| class_finding(class)).collect()
}

fn class_finding(class: &NodeClass) -> Finding {
    let what = format!("EC2NodeClass {}", class.name);
    let status = &class.template.status;
    let counts = [
        ("subnets", class.subnets.len()),
        ("security groups", status.security_groups.len()),
        ("images", status.amis.len().max(class.images.len())),
    ];
    let none: Vec<&str> =
        counts.iter().filter(|(_, count)| *count == 0).map(|(of, _)| *of).collect();
    let not_true = |condition: &&ClassCondition| condition.status != Status::True;
    let wrong = status.conditions.iter().find(not_true);
    let todo = "look at its selector terms and at its conditions (kubectl describe ec2nodeclass)";
    let wrong = wrong.map(|it| format!("{}: {} {}", it.kind, it.reason, it.message));
    let wrong = wrong.map(|text| text.trim_end().to_owned());
    if !none.is_empty() {
        let why = wrong.map(|wrong| format!(" ({wrong})")).unwrap_or_default();
        Finding::failure(what, format!("has found no {}{why}", none.join(", no ")), todo)
    } else if class.ready {
        let counts: Vec<String> =
            counts.iter().map(|(of, count)| format!("{count} {of}")).collect();
        Finding::ok(what, format!("is ready with {}", counts.join(", ")))
    } else {
        let why = wrong.map(|wrong| format!(": {wrong}")).unwrap_or_default();
        Finding::failure(what, format!("is not ready{why}"), todo)
    }
}

fn pools(world: &World, now: Timestamp) -> Vec<Finding> {
    let pools = &world.snapshot.cluster.pools;
    if pools.is_empty() {
        let says = "there is none, so that no pod gets a node";
        return vec![Finding::warning("NodePool", says, "apply one, as for Karpenter")];
    }
    let finding = |pool: &std::sync::Arc<model::pool::NodePool>| {
        let what = format!("NodePool {}", pool.name);
        match standing(&world.snapshot, pool, now).closed {
            Some(reason) => {
                let todo = format!("joiner explain pool {} says more", pool.name);
                Finding::failure(what, reason.to_string(), &todo)
            }
            None => Finding::ok(what, "takes new nodes"),
        }
    };
    pools.iter().map(finding).collect()
}

/// What is remembered, and the guards that it keeps open.
fn memory(world: &World, now: Timestamp) -> Vec<Finding> {
    let cluster = &world.snapshot.cluster;
    let broken: Vec<&str> = cluster
        .unreadable
        .iter()
        .map(|line| &**line)
        .filter(|line| line.starts_with("ConfigMap joiner-state"))
        .collect();
    let state = match broken.first() {
        None => Finding::ok("state", "can be read"),
        Some(first) => {
            let todo = "delete that key of the ConfigMap: losing it costs time, not safety";
            Finding::failure("state", *first, todo)
        }
    };
    let memory = &cluster.memory;
    let closed: Vec<String> = memory
        .unavailable
        .iter()
        .filter(|it| now < it.until)
        .map(|it| format!("{} for {}", it.offering, age(now, it.until)))
        .collect();
    let offerings = if closed.is_empty() {
        Finding::ok("offerings", "none is ruled out for want of capacity")
    } else {
        let todo = "nothing, each is tried again then; more instance types and zones in the NodePools help";
        Finding::warning("offerings", format!("ruled out: {}", some(&closed)), todo)
    };
    let stopped: Vec<String> = memory
        .unproductive
        .iter()
        .filter(|(_, counted)| UNPRODUCTIVE_MAX <= counted.count)
        .map(|(owner, _)| owner.to_string())
        .collect();
    let launches = if stopped.is_empty() {
        Finding::ok("launches", "none is held back for being of no use")
    } else {
        let says = format!("held back for pods of owners with uid {}", some(&stopped));
        let todo = "kubectl describe these pods: why does the scheduler refuse the nodes that were made for them?";
        Finding::warning("launches", says, todo)
    };
    vec![state, offerings, launches]
}

fn unreadable(world: &World) -> Finding {
    let lines = &world.snapshot.cluster.unreadable;
    let others: Vec<String> =
        lines.iter().filter(|line| !line.starts_with("ConfigMap joiner-state")).cloned().collect();
    if others.is_empty() {
        Finding::ok("objects", "all can be read")
    } else {
        let todo = "mend them: until then no node is given back";
        Finding::failure("objects", format!("cannot be read: {}", some(&others)), todo)
    }
}
