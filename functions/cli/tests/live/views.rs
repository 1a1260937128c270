//! `status`, `explain` and `plan` without a file.

use crate::{cluster, joiner, open};
use expect_test::expect;
use serde_json::json;
use std::path::Path;

/// A time shortly after what the objects name.
const NOW: [&str; 2] = ["--now", "2026-01-01T00:02:00Z"];

#[test]
fn status_looks_at_the_cluster_of_the_kubeconfig_and_changes_nothing() {
    let server = open("status", cluster());
    let (code, output, errors) = joiner(&["status", NOW[0], NOW[1]], &server.kubeconfig);
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        NODEPOOL  NODES  NOT READY  SPOT  $/HOUR  CPU  MEMORY  PODS
        default       2          1     0  0.0960  25%     12%     1
        (none)        1          0     0  0.0000   0%      0%     0

        3 nodes for $0.0960/h, $70 a month, without the 2 whose price is not known

        NODECLAIM    NODEPOOL    FOR  WHAT
        default-two  default   1m30s  has joined, is not initialized: Node status is NotReady

        2 pods wait: 1 find room on what is there, 0 get 0 new nodes for $0.0000/h, 1 are left out (joiner plan says why)
    "#]].assert_eq(&output);
    expect![[r#"
        note: ConfigMap joiner-catalog: is not there: instance types and prices are those that are built in
    "#]].assert_eq(&errors);
    assert_eq!(server.changes(), [""; 0]);
}

#[test]
fn a_node_of_a_live_cluster_is_explained() {
    let server = open("node", cluster());
    let (code, output, errors) =
        joiner(&["explain", "node", "one", NOW[0], NOW[1]], &server.kubeconfig);
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        node one
          m5.large in us-east-1a, on-demand: $0.0960/h, $70 a month
          1 pod: 50% of its cpu and 25% of its memory are requested
            shop/runs

        why it is there
          it has no NodeClaim: joiner leaves it alone
    "#]]
    .assert_eq(&output);
}

#[test]
fn who_looks_may_beside_karpenter_and_is_told() {
    let mut objects = cluster();
    objects.push(json!({
        "kind": "Lease", "metadata": {"name": "karpenter-leader-election", "namespace": "kube-system"},
        "spec": {"holderIdentity": "karpenter-0", "renewTime": "2096-01-01T00:00:00Z", "leaseDurationSeconds": 15},
    }));
    let server = open("beside", objects);
    let (code, _, errors) = joiner(&["status"], &server.kubeconfig);
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        note: Karpenter is at work in this cluster (leader karpenter-0): joiner does nothing beside it
        note: ConfigMap joiner-catalog: is not there: instance types and prices are those that are built in
    "#]].assert_eq(&errors);
}

#[test]
fn a_cluster_that_cannot_be_named_or_reached_is_one_line() {
    let (code, output, errors) = joiner(&["status"], Path::new("/no/such/kubeconfig"));
    assert_eq!((code, &*output), (2, ""));
    expect![[r#"
        error: kubeconfig /no/such/kubeconfig: failed to read kubeconfig from '"/no/such/kubeconfig"': No such file or directory (os error 2)
    "#]].assert_eq(&errors);
    let (code, output, errors) = joiner(&["status", "-f", "-"], Path::new("/no/such/kubeconfig"));
    assert_eq!((code, &*output), (2, ""), "{errors}");
    let server = open("empty", Vec::new());
    let (code, output, errors) = joiner(&["explain", "node", "one"], &server.kubeconfig);
    assert_eq!((code, &*output), (1, ""));
    expect![[r#"
        error: Kubernetes refused: NotFound: /api/v1/namespaces/kube-system
    "#]]
    .assert_eq(&errors);
}
