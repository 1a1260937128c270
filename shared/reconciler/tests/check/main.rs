//! A sound plan passes; each way to spoil it is found.

mod agreement;
mod neighbours;
mod scene;
mod volumes;
mod world;

use expect_test::{Expect, expect};
use jiff::SignedDuration;
use model::action::{
    Action, ClaimChange, ClaimToLaunch, CloudAction, ClusterAction, DeleteReason, Launch,
};
use model::claim::NodeClaim;
use model::name::ObjectName;
use model::plan::{Placement, Plan, Target};
use model::pod::HostPort;
use model::pool::{Budget, BudgetNodes, Limits};
use model::reason::{Reason, Subject};
use model::resources::Resources;
use model::snapshot::{Instance, InstanceState, Snapshot};
use model::taint::{Effect, Taint};
use std::sync::Arc;
use world::{cluster_of_nodes, delete, evict, launch_plan, now, pod, terminate, update, waiting};

fn found(plan: &Plan, snapshot: &Snapshot) -> String {
    let violations = reconciler::check::check(plan, snapshot, now());
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
}

/// What is found in the sound launch plan, spoilt.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_launch(spoil: impl FnOnce(&mut Snapshot, &mut Plan), expected: Expect) {
    let (mut snapshot, mut plan) = launch_plan();
    spoil(&mut snapshot, &mut plan);
    expected.assert_eq(&found(&plan, &snapshot));
}

/// What is found in these actions on a sound cluster of nodes.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_actions(spoil: impl FnOnce(&mut Snapshot) -> Vec<Action>, expected: Expect) {
    let mut snapshot = cluster_of_nodes(8);
    let actions = spoil(&mut snapshot);
    expected.assert_eq(&found(&Plan { actions, ..Plan::default() }, &snapshot));
}

fn first_launch(plan: &mut Plan) -> &mut Launch {
    let launch = plan.actions.iter_mut().find_map(|action| match action {
        Action::Launch(launch) => Some(launch),
        Action::Cluster(_) | Action::Cloud(_) => None,
    });
    launch.expect("the sound plan has one")
}

fn change_pod(snapshot: &mut Snapshot, index: usize, change: impl FnOnce(&mut model::pod::Pod)) {
    change(Arc::make_mut(&mut snapshot.cluster.pods[index]));
}

fn change_pool(snapshot: &mut Snapshot, change: impl FnOnce(&mut model::pool::NodePool)) {
    change(Arc::make_mut(&mut snapshot.cluster.pools[0]));
}

fn change_claim(snapshot: &mut Snapshot, index: usize, change: impl FnOnce(&mut NodeClaim)) {
    change(Arc::make_mut(&mut snapshot.cluster.claims[index]));
}

fn change_instance(snapshot: &mut Snapshot, index: usize, change: impl FnOnce(&mut Instance)) {
    let instances = snapshot.instances.as_mut().expect("they were read");
    change(Arc::make_mut(&mut instances[index]));
}

fn going(snapshot: &mut Snapshot, index: usize) {
    change_claim(snapshot, index, |claim| claim.deleting = Some(now()));
}

#[test]
fn a_sound_launch_passes() {
    check_launch(|_, _| {}, expect![[""]]);
}

#[test]
fn an_empty_plan_passes() {
    check_actions(|_| vec![], expect![[""]]);
}

#[test]
fn pods_have_to_fit_every_choice_with_its_daemons() {
    check_launch(
        |_, plan| {
            let choices = &mut first_launch(plan).choices;
            choices[1].allocatable = Resources::cpu_memory(2000, 8 << 30);
            choices[1].allocatable.pods = 9;
        },
        expect![[r#"
            fit: claim new as large on-demand in zone-a lacks 100m cpu for its 2 pods
        "#]],
    );
}

#[test]
fn pods_have_to_tolerate_the_taints_of_their_claim() {
    check_launch(
        |_, plan| {
            let ClaimToLaunch::New(new) = &mut first_launch(plan).claims[0] else { return };
            new.spec.taints = vec![Taint::new("dedicated", Effect::NoSchedule)];
        },
        expect![[r#"
            taints: pod ns/one does not tolerate dedicated:NoSchedule of claim new as small on-demand in zone-a
            taints: pod ns/two does not tolerate dedicated:NoSchedule of claim new as small on-demand in zone-a
            taints: pod ns/one does not tolerate dedicated:NoSchedule of claim new as large on-demand in zone-a
            taints: pod ns/two does not tolerate dedicated:NoSchedule of claim new as large on-demand in zone-a
        "#]],
    );
}

#[test]
fn pods_have_to_admit_the_labels_of_every_choice() {
    check_launch(
        |snapshot, plan| {
            change_pod(snapshot, 0, |pod| {
                pod.node_selector.insert("zone".into(), "a".into());
            });
            let choices = &mut first_launch(plan).choices;
            choices[0].labels.insert("zone".into(), "a".into());
            choices[1].labels.insert("zone".into(), "b".into());
        },
        expect![[r#"
            labels: pod ns/one does not admit the labels of claim new as large on-demand in zone-a
        "#]],
    );
}

#[test]
fn two_pods_do_not_share_a_port_of_a_node() {
    check_launch(
        |snapshot, _| {
            for index in 0..2 {
                let port = |ip: &str| HostPort { ip: ip.into(), port: 80, protocol: "TCP".into() };
                let ports = vec![port(["0.0.0.0", "10.0.0.1"][index])];
                change_pod(snapshot, index, |pod| pod.host_ports = ports);
            }
        },
        expect![[r#"
            ports: port 80 of pod ns/two is taken on claim new as small on-demand in zone-a
            ports: port 80 of pod ns/two is taken on claim new as large on-demand in zone-a
        "#]],
    );
}

#[test]
fn pods_with_demands_that_are_not_worked_out_yet_are_not_placed() {
    check_launch(
        |snapshot, _| change_pod(snapshot, 0, |pod| pod.resource_claims = true),
        expect![[r#"
            unsupported: pod ns/one is placed although it asks for devices by resource claims
        "#]],
    );
}

#[test]
fn a_pod_is_placed_once() {
    check_launch(
        |_, plan| {
            let again = plan.placements[0].clone();
            plan.placements.push(again);
        },
        expect![[r#"
            once: pod ns/one is placed twice
            fit: claim new as small on-demand in zone-a lacks 600m cpu for its 3 pods
        "#]],
    );
}

#[test]
fn a_pod_that_waits_is_placed_or_left_out_with_a_reason() {
    check_launch(
        |snapshot, plan| {
            snapshot.cluster.pods.push(Arc::new(waiting("forgotten")));
            snapshot.cluster.pods.push(Arc::new(waiting("left-out")));
            let left_out = Subject::Pod(ObjectName::new("ns", "left-out"));
            plan.leave_out(left_out, Reason::NoPools);
        },
        expect![[r#"
            complete: pod ns/forgotten is neither placed nor left out with a reason
        "#]],
    );
}

#[test]
fn pods_are_not_placed_on_what_is_not_there() {
    check_launch(
        |_, plan| {
            plan.placements[0].on = Target::Claim("nobody".into());
            plan.placements[1].on = Target::Node("nowhere".into());
        },
        expect![[r#"
            fit: pods are placed on node nowhere, which is gone
            fit: pods are placed on claim nobody, which nobody makes
        "#]],
    );
}

#[test]
fn pods_on_a_node_have_to_find_room_beside_those_that_run_there() {
    let mut snapshot = cluster_of_nodes(2);
    let mut big = waiting("big");
    big.requests.cpu_milli = 1500;
    let placement = |name: &str, node: &str| Placement {
        pod: ObjectName::new("ns", name),
        on: Target::Node(node.into()),
    };
    snapshot.cluster.pods.extend([Arc::new(big), Arc::new(pod("running", Some("node-0")))]);
    let placements = vec![placement("big", "node-0")];
    let plan = Plan { placements, ..Plan::default() };
    expect![[r#"
        fit: node node-0 lacks 500m cpu for its 1 pods
    "#]]
    .assert_eq(&found(&plan, &snapshot));
    let plan = Plan { placements: vec![placement("big", "node-1")], ..Plan::default() };
    expect![[""]].assert_eq(&found(&plan, &snapshot));
    going(&mut snapshot, 1);
    Arc::make_mut(&mut snapshot.cluster.nodes[1]).cordoned = true;
    snapshot.cluster.pods_known_on.clear();
    expect![[r#"
        fit: pods are placed on node node-1, which goes
        taints: pods are placed on node node-1, which is cordoned
        fit: pods are placed on node node-1, whose pods were not all read
    "#]]
    .assert_eq(&found(&plan, &snapshot));
}

#[test]
fn a_pool_that_is_closed_gets_no_claims() {
    check_launch(
        |snapshot, _| change_pool(snapshot, |pool| pool.deleting = true),
        expect![[r#"
        pool: NodePool default is closed: it is being deleted
    "#]],
    );
    check_launch(
        |snapshot, _| snapshot.cluster.node_classes.clear(),
        expect![[r#"
        pool: NodePool default is closed: EC2NodeClass class does not exist
    "#]],
    );
    check_launch(
        |snapshot, _| snapshot.cluster.pools.clear(),
        expect![[r#"
        pool: NodePool default does not exist
    "#]],
    );
}

#[test]
fn the_limits_of_a_pool_hold_for_the_largest_choice_too() {
    let limit = |cpu: i64| {
        move |snapshot: &mut Snapshot, _: &mut Plan| {
            let resources = [("cpu".into(), cpu)].into_iter().collect();
            change_pool(snapshot, |pool| pool.limits = Some(Limits { resources, nodes: None }));
        }
    };
    check_launch(limit(8000), expect![[""]]);
    check_launch(
        limit(4000),
        expect![[r#"
        I6: the largest choices exceed the limit of cpu of NodePool default
    "#]],
    );
    check_launch(
        limit(3999),
        expect![[r#"
        I6: the first choices exceed the limit of cpu of NodePool default
    "#]],
    );
}

#[test]
fn the_ceiling_of_the_deployment_holds() {
    check_launch(
        |snapshot, _| snapshot.settings.nodes_max = 0,
        expect![[r#"
        I8: 1 nodes, at most 0 are allowed
    "#]],
    );
}

#[test]
fn a_taken_name_is_not_given_again() {
    check_launch(
        |snapshot, _| {
            let mut taken = (*cluster_of_nodes(1).cluster.claims[0]).clone();
            taken.name = "new".into();
            snapshot.cluster.claims.push(Arc::new(taken));
        },
        expect![[r#"
            I11: the name new of a new claim is taken
        "#]],
    );
}

#[test]
fn a_claim_with_an_instance_is_not_launched_again() {
    check_launch(
        |snapshot, plan| {
            let claim = (*cluster_of_nodes(1).cluster.claims[0]).clone();
            first_launch(plan).claims.push(ClaimToLaunch::Existing {
                name: claim.name.clone(),
                uid: claim.uid.clone(),
                resource_version: 1,
                attempts: 1,
            });
            snapshot.cluster.claims.push(Arc::new(claim));
        },
        expect![[r#"
            I2: claim claim-0 has an instance already
        "#]],
    );
}

#[test]
fn who_launches_does_not_terminate() {
    check_launch(
        |_, plan| {
            plan.actions.push(Action::Cloud(CloudAction::TerminateInstances { instances: vec![] }));
        },
        expect![[r#"
            D13: one plan both launches and terminates
        "#]],
    );
}

#[test]
fn another_cluster_is_left_alone() {
    check_launch(
        |snapshot, _| snapshot.cluster.cluster_uid = "theirs".into(),
        expect![[r#"
        I10: 1 actions on cluster theirs, not ours
    "#]],
    );
}

#[test]
fn only_instances_of_this_cluster_that_were_seen_are_terminated() {
    check_actions(
        |snapshot| {
            going(snapshot, 0);
            change_instance(snapshot, 0, |instance| instance.cluster_uid = "theirs".into());
            vec![terminate(&["i-0", "i-unseen"])]
        },
        expect![[r#"
            I3: instance i-0 belongs to cluster theirs
            I3: instance i-unseen was not seen by this pass
        "#]],
    );
}

#[test]
fn the_instance_of_a_claim_that_stays_is_not_terminated() {
    check_actions(
        |_| vec![terminate(&["i-0"])],
        expect![[r#"
        I3: instance i-0 is of claim claim-0, which is not going
    "#]],
    );
}

#[test]
fn a_young_orphan_or_one_that_waits_for_its_claim_is_not_terminated() {
    check_actions(
        |snapshot| {
            for (index, age) in [(0, 119), (1, 120), (2, 120)] {
                let launched_at = now() - SignedDuration::from_secs(age);
                change_instance(snapshot, index, |instance| instance.launched_at = launched_at);
            }
            snapshot.cluster.claims.drain(0..2);
            change_claim(snapshot, 0, |claim| claim.instance = None);
            vec![terminate(&["i-0", "i-1", "i-2"])]
        },
        expect![[r#"
            I1: instance i-0 has no claim yet, but is 119 s old
            I1: instance i-2 was launched for claim claim-2
        "#]],
    );
}

#[test]
fn an_empty_list_of_claims_makes_no_orphans() {
    check_actions(
        |snapshot| {
            snapshot.cluster.claims.clear();
            vec![terminate(&["i-0"])]
        },
        expect![[r#"
            I10: instance i-0 is called an orphan on an empty or partial view
        "#]],
    );
}

#[test]
fn at_most_a_few_live_instances_are_condemned_at_once() {
    check_actions(
        |snapshot| {
            for index in 0..4 {
                change_claim(snapshot, index, |claim| {
                    claim.spec.expire_after = Some(SignedDuration::from_secs(60));
                });
            }
            (0..4).map(|index| delete(snapshot, index, DeleteReason::Expired)).collect()
        },
        expect![[r#"
            I9: 4 live instances condemned in one pass, 3 may be
        "#]],
    );
}

#[test]
fn a_reason_for_deletion_has_to_be_true() {
    check_actions(
        |snapshot| {
            let reasons = [
                DeleteReason::GarbageCollected,
                DeleteReason::PoolDeleted,
                DeleteReason::LaunchTimeout,
                DeleteReason::RegistrationTimeout,
                DeleteReason::SpotInterrupted,
                DeleteReason::InstanceTerminated,
            ];
            let all = reasons.into_iter().enumerate();
            all.map(|(index, reason)| delete(snapshot, index, reason)).collect()
        },
        expect![[r#"
            I10: claim claim-0 is no garbage: it is alive
            I10: the NodePool of claim claim-1 is not known to be gone
            I10: claim claim-2 is launched, so not late
            I10: claim claim-3 is registered, so not late
            I10: claim claim-4 carries no notice
            I10: nothing says that claim claim-5 ends
        "#]],
    );
    check_actions(
        |snapshot| {
            change_instance(snapshot, 0, |instance| instance.state = InstanceState::Terminated);
            Arc::make_mut(&mut snapshot.cluster.nodes[0]).ready = false;
            vec![delete(snapshot, 0, DeleteReason::GarbageCollected)]
        },
        expect![[""]],
    );
}

#[test]
fn budgets_bound_what_goes_of_our_own_will() {
    let two = |snapshot: &mut Snapshot| {
        let budget = Budget {
            nodes: BudgetNodes::Count(2),
            reasons: vec![],
            schedule: None,
            duration: None,
        };
        change_pool(snapshot, |pool| pool.disruption.budgets = vec![budget]);
        going(snapshot, 0);
    };
    check_actions(
        |snapshot| {
            two(snapshot);
            vec![delete(snapshot, 1, DeleteReason::Empty)]
        },
        expect![[""]],
    );
    check_actions(
        |snapshot| {
            two(snapshot);
            let replace = ClaimChange::ReplacedBy(vec!["new".into()]);
            vec![delete(snapshot, 1, DeleteReason::Empty), update(snapshot, 2, replace)]
        },
        expect![[r#"
            I4: 2 nodes of NodePool default would go beside 1 that do, 2 may
        "#]],
    );
}

#[test]
fn a_claim_goes_only_after_its_replacements_are_up() {
    check_actions(
        |snapshot| {
            change_claim(snapshot, 0, |claim| {
                claim.replaced_by = vec!["claim-1".into(), "not-there".into()];
            });
            vec![delete(snapshot, 0, DeleteReason::Underutilized)]
        },
        expect![[r#"
            I5: claim claim-0 goes before not-there, which replaces it, is up
        "#]],
    );
}

#[test]
fn what_must_not_be_disrupted_is_not() {
    check_actions(
        |snapshot| {
            change_claim(snapshot, 0, |claim| claim.do_not_disrupt = true);
            vec![delete(snapshot, 0, DeleteReason::Drifted)]
        },
        expect![[r#"
            I4: claim claim-0 is annotated karpenter.sh/do-not-disrupt
        "#]],
    );
}

#[test]
fn evictions_stay_within_the_budgets_of_pods_and_on_nodes_that_go() {
    check_actions(
        |snapshot| {
            let pods = ["a", "b"].map(|name| Arc::new(pod(name, Some("node-0"))));
            snapshot.cluster.pods.extend(pods);
            snapshot.cluster.pods.push(Arc::new(pod("c", Some("node-1"))));
            snapshot.cluster.pod_disruption_budgets =
                vec![Arc::new(world::guards_all("budget", 1))];
            going(snapshot, 0);
            vec![evict("a"), evict("b"), evict("c")]
        },
        expect![[r#"
            I15: pod ns/c is made to go, but its node is not going
            I15: 3 evictions under PodDisruptionBudget ns/budget, which allows 1
        "#]],
    );
}

#[test]
fn a_pod_is_deleted_by_force_only_when_the_grace_is_over() {
    let force = |grace: i64| {
        move |snapshot: &mut Snapshot| {
            snapshot.cluster.pods.push(Arc::new(pod("a", Some("node-0"))));
            going(snapshot, 0);
            change_claim(snapshot, 0, |claim| {
                claim.spec.termination_grace_period = Some(SignedDuration::from_secs(grace));
            });
            let pod = ObjectName::new("ns", "a");
            let grace = SignedDuration::from_secs(1);
            vec![Action::Cluster(ClusterAction::DeletePod { pod, uid: "a".into(), grace })]
        }
    };
    check_actions(
        force(31),
        expect![[r#"
        I15: pod ns/a is deleted by force before its node's grace ends
    "#]],
    );
    check_actions(force(30), expect![[""]]);
}

#[test]
fn an_instance_does_not_end_while_pods_can_still_be_asked_to_go() {
    check_actions(
        |snapshot| {
            snapshot.cluster.pods.push(Arc::new(pod("a", Some("node-0"))));
            going(snapshot, 0);
            going(snapshot, 1);
            snapshot.cluster.pods_known_on.remove("node-1");
            vec![terminate(&["i-0", "i-1"])]
        },
        expect![[r#"
            I15: instance i-0 ends while pod ns/a is on its node
            I15: the pods of node node-1 were not read, yet its instance ends
        "#]],
    );
}
