//! What of the chart is in a cluster, and whether Karpenter is at work there.

use super::rights::{FUNCTIONS, Function, words};
use super::{Finding, some};
use crate::failure::Failure;
use crate::live::Live;
use kubernetes::client::{Access, Installed, Replicas};
use kubernetes::crd;

/// The policies that the chart installs by default.
const POLICIES: [&str; 5] =
    ["joiner-evictions", "joiner-nodeclaims", "joiner-nodes", "joiner-own-objects", "joiner-pods"];

/// Kinds without which no function can work.
const NEEDED: [&str; 3] = ["NodePool", "NodeClaim", "EC2NodeClass"];

const APPLY: &str = "joiner crds | kubectl apply --server-side --force-conflicts -f -";
const UPGRADE: &str = "helm upgrade --install joiner, of this version";

/// What could not be found out is a warning, with the reason.
pub(super) fn unknown(what: &str, failure: &Failure) -> Finding {
    let says = format!("not known: {failure}");
    Finding::warning(what, says, "ask as somebody who may, such as a cluster's admin")
}

pub(super) fn definitions(live: &Live) -> Vec<Finding> {
    crd::all()
        .iter()
        .map(|definition| {
            let what = format!("CRD {}", definition.kind());
            let wrong = |says: String| {
                if NEEDED.contains(&definition.kind()) {
                    Finding::failure(&*what, says, APPLY)
                } else {
                    Finding::warning(&*what, says, APPLY)
                }
            };
            match live.wait(live.client.installed(definition)) {
                Err(failure) => unknown(&what, &failure),
                Ok(Installed::Missing) => wrong("is not there".to_owned()),
                Ok(Installed::Present { lacks }) if lacks.is_empty() => {
                    Finding::ok(&*what, "has all fields of this version")
                }
                Ok(Installed::Present { lacks }) => {
                    wrong(format!("is of another version, lacks {}", some(&lacks)))
                }
            }
        })
        .collect()
}

pub(super) fn forwarder(live: &Live, namespace: &str) -> Finding {
    let what = "forwarder";
    let todo = format!(
        "kubectl -n {namespace} describe deployment joiner-forwarder; until then the one-minute sweep does its work"
    );
    match live.wait(live.client.deployment("joiner-forwarder")) {
        Err(failure) => unknown(what, &failure),
        Ok(None) => {
            let says = format!("no Deployment joiner-forwarder in namespace {namespace}");
            Finding::failure(
                what,
                says,
                "install the chart, or name its namespace with --namespace",
            )
        }
        Ok(Some(Replicas { wanted: 0, .. })) => Finding::warning(what, "is scaled to 0", &todo),
        Ok(Some(Replicas { wanted, ready: 0 })) => {
            Finding::failure(what, format!("none of {wanted} is ready"), &todo)
        }
        Ok(Some(Replicas { wanted, ready })) if ready < wanted => {
            Finding::warning(what, format!("{ready} of {wanted} are ready"), &todo)
        }
        Ok(Some(Replicas { wanted, ready })) => {
            Finding::ok(what, format!("{ready} of {wanted} are ready"))
        }
    }
}

pub(super) fn policies(live: &Live) -> Finding {
    let what = "admission policies";
    match live.wait(live.client.policies()) {
        Err(failure) => unknown(what, &failure),
        Ok(found) => {
            let missing: Vec<&str> =
                POLICIES.into_iter().filter(|name| !found.contains(*name)).collect();
            if missing.is_empty() {
                Finding::ok(what, format!("{} are there", POLICIES.len()))
            } else {
                let says = format!("{} are not there", missing.join(", "));
                Finding::warning(what, says, UPGRADE)
            }
        }
    }
}

/// The rights of every function's group.
pub(super) fn rights(live: &Live, namespace: &str) -> Vec<Finding> {
    FUNCTIONS.iter().map(|function| rights_of(live, function, namespace)).collect()
}

fn rights_of(live: &Live, function: &Function, namespace: &str) -> Finding {
    let group = format!("joiner:{}", function.name);
    let what = format!("rights of {group}");
    let ask = |access: Access<'_>| live.wait(live.client.may(&group, access));
    let (mut lacks, mut count, mut too_many) = (Vec::new(), 0, Vec::new());
    for access in function.needs(namespace) {
        match ask(access) {
            Err(failure) => return unknown(&what, &failure),
            Ok(true) => count += 1,
            Ok(false) => lacks.push(words(access)),
        }
    }
    for access in function.forbidden(namespace) {
        match ask(access) {
            Err(failure) => return unknown(&what, &failure),
            Ok(true) => too_many.push(words(access)),
            Ok(false) => {}
        }
    }
    if !lacks.is_empty() {
        let says = format!("lacks {}", some(&lacks));
        Finding::failure(what, says, UPGRADE)
    } else if !too_many.is_empty() {
        let says = format!("may {}, which is another function's", some(&too_many));
        Finding::warning(
            what,
            says,
            "look for a binding that gives the group more than the chart does",
        )
    } else {
        Finding::ok(what, format!("all {count}, and none of another function's"))
    }
}

/// Whether Karpenter is at work.
pub(super) fn karpenter(live: &Live, leader: Option<&str>) -> Finding {
    let what = "Karpenter";
    let stop = "kubectl scale its Deployment to 0 when joiner is to take over (README, Move over from Karpenter)";
    if let Some(leader) = leader {
        let says = format!("is at work (leader {leader}), so that joiner does nothing");
        return Finding::warning(what, says, stop);
    }
    match live.wait(live.client.karpenters()) {
        Err(failure) => unknown(what, &failure),
        Ok(all) => {
            let up = all.iter().filter(|(_, replicas)| 0 < replicas.wanted);
            let names: Vec<String> = up.map(|(name, _)| name.to_string()).collect();
            if names.is_empty() {
                Finding::ok(what, "is not at work")
            } else {
                let says =
                    format!("does not lead now, but Deployment {} may any time", names.join(", "));
                Finding::warning(what, says, stop)
            }
        }
    }
}
