//! NodeClaims and Nodes: made, changed and released on conditions.

use crate::common::{begin, expect, found, node, pool_uid, sees, uid};
use anyhow::{Context, Result, ensure};
use e2e::objects::{self, NODE, NODE_CLAIM};
use e2e::stage::{Stage, play};
use jiff::{SignedDuration, Timestamp};
use kubernetes::client::Client;
use model::action::{ClaimChange, ClusterAction, DeleteReason, NewClaim, NodeChange};
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec, Notice, NoticeKind};
use model::condition::{ConditionType, Status};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels;
use model::name::{ResourceVersion, Uid};
use model::outcome::Outcome;
use model::requirement::{Operator, Requirement};
use model::resources::Resources;
use model::snapshot::Scope;
use model::taint::{Effect, Taint};
use serde_json::json;

fn new_claim(name: &str, pool_uid: Uid) -> NewClaim {
    let of = |operator, values: &[&str]| Requirement::new(operator, values).expect("they suit");
    let requirements = [
        (
            labels::INSTANCE_TYPE,
            of(Operator::In, &["m5.large", "m5.xlarge"]).with_min_values(Some(2)),
        ),
        (labels::CAPACITY_TYPE, of(Operator::In, &["spot", "on-demand"])),
        ("karpenter.k8s.aws/instance-generation", of(Operator::Gt, &["4"])),
        (labels::ARCH, of(Operator::NotIn, &["arm64"])),
        ("example.com/team", of(Operator::Exists, &[])),
    ];
    let mut requests = Resources::cpu_memory(1_250, 3 << 30);
    requests.set_units("pods", 3);
    NewClaim {
        name: name.into(),
        pool_uid: Some(pool_uid),
        labels: [
            (labels::NODEPOOL.into(), "default".into()),
            ("example.com/team".into(), "a".into()),
        ]
        .into(),
        annotations: [("example.com/note".into(), "kept".into())].into(),
        spec: NodeClaimSpec {
            pool: Some("default".into()),
            node_class: "default".into(),
            requirements: requirements.into_iter().map(|(k, r)| (k.into(), r)).collect(),
            requests,
            taints: vec![Taint {
                key: "team".into(),
                value: "a".into(),
                effect: Effect::NoSchedule,
            }],
            startup_taints: vec![Taint::new("warming", Effect::NoExecute)],
            expire_after: Some(SignedDuration::from_hours(720)),
            termination_grace_period: Some(SignedDuration::from_secs(5_430)),
            nominated: vec![7, 0xdead_beef],
            replaces: vec!["old-1".into(), "old-2".into()],
        },
    }
}

/// The claim as a reader sees it.
async fn seen(client: &Client, name: &str) -> Result<NodeClaim> {
    let state = sees(client, Scope::Going).await?;
    let claim = state.claims.iter().find(|claim| *claim.name == *name);
    Ok(NodeClaim::clone(claim.with_context(|| format!("{name} is seen"))?))
}

fn update(
    uid: &Uid,
    resource_version: Option<ResourceVersion>,
    change: ClaimChange,
) -> ClusterAction {
    ClusterAction::UpdateClaim { claim: "one".into(), uid: uid.clone(), resource_version, change }
}

async fn created(stage: &Stage, client: &Client) -> Result<(Uid, ResourceVersion)> {
    let new = new_claim("one", pool_uid(stage).await?);
    match expect(client, ClusterAction::CreateClaim(new), "created").await? {
        Outcome::Created { uid, resource_version } => Ok((uid, resource_version)),
        other => anyhow::bail!("{other:?}"),
    }
}

#[test]
fn a_claim_is_made_as_planned_and_only_once() {
    play(async |stage| {
        let client = begin(stage).await?;
        let (uid, version) = created(stage, &client).await?;
        let new = new_claim("one", pool_uid(stage).await?);
        let claim = seen(&client, "one").await?;
        ensure!(claim.spec == new.spec, "{:?}\n{:?}", claim.spec, new.spec);
        ensure!(claim.labels == new.labels && claim.finalizer && !claim.do_not_disrupt);
        ensure!(claim.uid == uid && claim.resource_version == version);
        let object = found(stage, (NODE_CLAIM, None), "one").await?;
        let owner = json!([{
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "default",
            "uid": &*pool_uid(stage).await?, "blockOwnerDeletion": true,
        }]);
        ensure!(object["metadata"]["ownerReferences"] == owner, "{object:#}");
        ensure!(object["metadata"]["annotations"]["example.com/note"] == "kept", "{object:#}");
        expect(&client, ClusterAction::CreateClaim(new), "conflict").await?;
        let mut bare = new_claim("bare", "x".into());
        bare.pool_uid = None;
        bare.spec.expire_after = None;
        bare.spec.pool = None;
        bare.labels.remove(labels::NODEPOOL);
        expect(&client, ClusterAction::CreateClaim(bare.clone()), "created").await?;
        ensure!(seen(&client, "bare").await?.spec == bare.spec);
        let mut wrong = new_claim("wrong", pool_uid(stage).await?);
        wrong.spec.node_class = "".into();
        expect(&client, ClusterAction::CreateClaim(wrong), "denied").await?;
        Ok(())
    });
}

fn launched() -> ClaimChange {
    ClaimChange::Launched {
        instance: "i-0abc".into(),
        image: "ami-0abc".into(),
        labels: [
            (labels::ZONE.into(), "us-east-1a".into()),
            (labels::INSTANCE_TYPE.into(), "m5.large".into()),
        ]
        .into(),
        capacity: Resources::cpu_memory(2_000, 8 << 30),
        allocatable: Resources::cpu_memory(1_930, 7 << 30),
    }
}

#[test]
fn a_claims_progress_is_written_and_read_back() {
    play(async |stage| {
        let client = begin(stage).await?;
        let (uid, version) = created(stage, &client).await?;
        let record = LaunchRecord {
            attempt: 1,
            token: "joiner-1".into(),
            index: 0,
            count: 2,
            offering: OfferingKey {
                instance_type: "m5.large".into(),
                zone: "us-east-1a".into(),
                capacity_type: CapacityType::Spot,
            },
            subnet: "subnet-0a".into(),
            image: "ami-0abc".into(),
            at: "2026-01-01T00:00:00.123456789Z".parse()?,
        };
        let recorded = update(&uid, Some(version), ClaimChange::LaunchRecord(record.clone()));
        let Outcome::Updated { resource_version } =
            expect(&client, recorded.clone(), "updated").await?
        else {
            anyhow::bail!("it has a version")
        };
        ensure!(version < resource_version);
        expect(&client, recorded, "conflict").await?;
        expect(&client, update(&uid, Some(version), launched()), "conflict").await?;
        expect(&client, update(&"other".into(), None, launched()), "conflict").await?;
        let of_other = ClaimChange::LaunchRecord(record.clone());
        expect(&client, update(&"other".into(), None, of_other), "conflict").await?;

        let first =
            expect(&client, update(&uid, Some(resource_version), launched()), "updated").await?;
        let again = expect(&client, update(&uid, None, launched()), "updated").await?;
        ensure!(first == again, "nothing changes: {first:?} {again:?}");
        let registered = ClaimChange::Registered { node: "node-1".into() };
        expect(&client, update(&uid, None, registered), "updated").await?;
        let (capacity, allocatable) =
            (Resources::cpu_memory(2_000, 7 << 30), Resources::cpu_memory(1_900, 0));
        let initialized = ClaimChange::Initialized { capacity, allocatable: allocatable.clone() };
        expect(&client, update(&uid, None, initialized), "updated").await?;

        let claim = seen(&client, "one").await?;
        ensure!(claim.launch == Some(record));
        ensure!(claim.instance == Some("i-0abc".into()) && claim.image == Some("ami-0abc".into()));
        ensure!(claim.node == Some("node-1".into()) && claim.zone() == Some("us-east-1a".into()));
        // What the node turned out not to have is gone, too.
        ensure!(claim.allocatable == allocatable, "{:?}", claim.allocatable);
        ensure!(claim.is_registered() && claim.is_initialized());
        let object = found(stage, (NODE_CLAIM, None), "one").await?;
        let conditions = object["status"]["conditions"].as_array().context("a list")?;
        let kinds: Vec<_> = conditions.iter().map(|c| c["type"].as_str().unwrap_or("")).collect();
        ensure!(kinds == ["Launched", "Registered", "Initialized", "Ready"], "{conditions:#?}");
        ensure!(conditions.iter().all(|c| c["status"] == "True" && c["observedGeneration"] == 1));
        ensure!(object["status"]["providerID"] == "aws:///us-east-1a/i-0abc");
        Ok(())
    });
}

#[test]
fn what_is_kept_on_a_claim_comes_and_goes() {
    play(async |stage| {
        let client = begin(stage).await?;
        let (uid, _) = created(stage, &client).await?;
        let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        let notice = Notice { kind: NoticeKind::SpotInterrupted, at };
        let drifted = |status| ClaimChange::Condition {
            kind: ConditionType::Drifted,
            status,
            reason: "NodePoolDrifted".to_owned(),
            message: "the pool has changed".to_owned(),
        };
        for change in [
            ClaimChange::Notice(notice.clone()),
            ClaimChange::ReplacedBy(vec!["two".into(), "three".into()]),
            ClaimChange::TerminationDeadline(at),
            ClaimChange::LastPodEvent(at),
            drifted(Some(Status::True)),
        ] {
            expect(&client, update(&uid, None, change), "updated").await?;
        }
        let claim = seen(&client, "one").await?;
        ensure!(claim.notice == Some(notice) && claim.termination_deadline == Some(at));
        ensure!(claim.replaced_by == ["two".into(), "three".into()]);
        ensure!(claim.last_pod_event == Some(at));
        ensure!(claim.conditions.is_true(ConditionType::Drifted));
        for change in [ClaimChange::ReplacedBy(vec![]), drifted(None)] {
            expect(&client, update(&uid, None, change), "updated").await?;
        }
        let claim = seen(&client, "one").await?;
        ensure!(claim.replaced_by.is_empty());
        ensure!(claim.conditions.get(ConditionType::Drifted).is_none());
        let absent = ClusterAction::UpdateClaim {
            claim: "absent".into(),
            uid,
            resource_version: None,
            change: ClaimChange::LastPodEvent(at),
        };
        expect(&client, absent, "not-found").await?;
        Ok(())
    });
}

#[test]
fn a_claim_goes_when_its_finalizer_does() {
    play(async |stage| {
        let client = begin(stage).await?;
        let (uid, _) = created(stage, &client).await?;
        let delete = |uid: &Uid| ClusterAction::DeleteClaim {
            claim: "one".into(),
            uid: uid.clone(),
            reason: DeleteReason::Empty,
        };
        let release =
            |uid: &Uid| ClusterAction::ReleaseClaim { claim: "one".into(), uid: uid.clone() };
        expect(&client, delete(&"other".into()), "conflict").await?;
        expect(&client, delete(&uid), "done").await?;
        expect(&client, delete(&uid), "done").await?;
        ensure!(seen(&client, "one").await?.deleting.is_some());
        expect(&client, release(&"other".into()), "conflict").await?;
        expect(&client, release(&uid), "done").await?;
        expect(&client, release(&uid), "not-found").await?;
        expect(&client, delete(&uid), "not-found").await?;
        ensure!(sees(&client, Scope::Going).await?.claims.is_empty());
        Ok(())
    });
}

#[test]
fn a_node_becomes_ours_and_goes() {
    play(async |stage| {
        let client = begin(stage).await?;
        let (claim, _) = created(stage, &client).await?;
        let unregistered = json!({"spec": {"taints": [
            {"key": labels::UNREGISTERED_TAINT, "effect": "NoExecute"},
            {"key": "example.com/kept", "effect": "PreferNoSchedule"},
        ]}, "metadata": {"finalizers": ["example.com/other"]}});
        objects::create(&stage.client, &node("n", &unregistered)).await?;
        let uid = uid(stage, (NODE, None), "n").await?;
        let change = |uid: &Uid, change: &NodeChange| ClusterAction::UpdateNode {
            node: "n".into(),
            uid: uid.clone(),
            resource_version: None,
            change: change.clone(),
        };
        let joins = NodeChange {
            labels: [(labels::REGISTERED.into(), "true".into())].into(),
            add_taints: vec![Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule)],
            remove_taints: vec![labels::UNREGISTERED_TAINT.into()],
            own: Some(("one".into(), claim.clone())),
        };
        let label = NodeChange { labels: joins.labels.clone(), ..NodeChange::default() };
        expect(&client, change(&"other".into(), &joins), "conflict").await?;
        expect(&client, change(&"other".into(), &label), "conflict").await?;
        expect(&client, change(&uid, &joins), "updated").await?;
        expect(&client, change(&uid, &joins), "updated").await?;
        expect(&client, change(&uid, &label), "updated").await?;
        let state = sees(&client, Scope::Going).await?;
        let node = state.nodes.iter().find(|node| &*node.name == "n").context("it is seen")?;
        ensure!(node.finalizer && node.is_disrupted(), "{node:?}");
        ensure!(state.pods_known_on.contains("n"));
        let keys: Vec<&str> = node.taints.iter().map(|taint| &*taint.key).collect();
        ensure!(!keys.contains(&labels::UNREGISTERED_TAINT) && keys.contains(&"example.com/kept"));
        let object = found(stage, (NODE, None), "n").await?;
        let owners = object["metadata"]["ownerReferences"].as_array().context("owners")?;
        ensure!(
            owners.len() == 1 && owners[0]["uid"] == *claim && owners[0]["kind"] == "NodeClaim"
        );

        let delete = |uid: &Uid| ClusterAction::DeleteNode { node: "n".into(), uid: uid.clone() };
        let release = |uid: &Uid| ClusterAction::ReleaseNode { node: "n".into(), uid: uid.clone() };
        expect(&client, delete(&"other".into()), "conflict").await?;
        expect(&client, delete(&uid), "done").await?;
        expect(&client, release(&uid), "done").await?;
        // Another's finalizer still holds it.
        let object = found(stage, (NODE, None), "n").await?;
        ensure!(object["metadata"]["finalizers"] == json!(["example.com/other"]), "{object:#}");
        expect(&client, release(&uid), "done").await?;
        let absent = ClusterAction::DeleteNode { node: "absent".into(), uid };
        expect(&client, absent, "not-found").await?;
        Ok(())
    });
}
