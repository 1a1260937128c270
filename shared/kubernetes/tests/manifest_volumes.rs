//! Volumes and namespaces in files: what the model makes of them, and what is refused with which line.

use expect_test::{Expect, expect};
use kubernetes::manifest::{self, Objects, Source};
use proptest::prelude::*;
use serde::Serialize;

fn read(text: &str) -> Result<Objects, String> {
    let source = Source { name: "f.yaml", bytes: text.as_bytes() };
    manifest::read(&[source]).map_err(|error| error.to_string())
}

/// What the model makes of volumes and what belongs to them, one line for each object.
fn check(text: &str, expected: &Expect) {
    let cluster = read(text).expect("it is taken").cluster;
    let lines = [
        lines(&cluster.persistent_volume_claims),
        lines(&cluster.persistent_volumes),
        lines(&cluster.storage_classes),
        lines(&cluster.csi_nodes),
    ];
    expected.assert_eq(&lines.concat());
}

fn lines<T: Serialize>(objects: &[T]) -> String {
    let line = |object| serde_json::to_value(object).expect("nouns are JSON").to_string() + "\n";
    objects.iter().map(line).collect()
}

fn check_refused(texts: &[String], expected: &Expect) {
    let error = |text: &String| {
        let line = read(text).expect_err("it is refused");
        line.strip_prefix("f.yaml: ").expect("the file is named").to_owned() + "\n"
    };
    expected.assert_eq(&texts.iter().map(error).collect::<String>());
}

fn volume(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

fn class(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {name}}}\n{rest}\n"
    )
}

#[test]
fn a_claim_names_its_class_and_the_volume_it_is_bound_to() {
    check(
        "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-db-0, namespace: shop, deletionTimestamp: \"2026-01-01T00:00:00Z\"}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Gi}}
  storageClassName: gp3
  volumeMode: Filesystem
  volumeName: pvc-1
status: {phase: Bound}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: new}
spec: {}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: without-class}
spec: {storageClassName: \"\", volumeName: \"\"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: old, annotations: {volume.beta.kubernetes.io/storage-class: gp2}}
spec: {}
",
        &expect![[r#"
            {"deleting":false,"name":{"name":"new","namespace":"default"},"storageClass":null,"volume":null}
            {"deleting":false,"name":{"name":"old","namespace":"default"},"storageClass":"gp2","volume":null}
            {"deleting":false,"name":{"name":"without-class","namespace":"default"},"storageClass":"","volume":null}
            {"deleting":true,"name":{"name":"data-db-0","namespace":"shop"},"storageClass":"gp3","volume":"pvc-1"}
        "#]],
    );
}

#[test]
fn a_volume_keeps_which_nodes_reach_it_and_who_attaches_it() {
    let affinity = "nodeAffinity: {required: {nodeSelectorTerms: [
        {matchExpressions: [{key: topology.ebs.csi.aws.com/zone, operator: In, values: [us-east-1a]}]},
        {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [us-east-1b]}]}]}}";
    let text = [
        volume(
            "ebs",
            &format!("{{csi: {{driver: ebs.csi.aws.com, volumeHandle: vol-1}}, {affinity}}}"),
        ),
        volume("ebs-in-tree", "{awsElasticBlockStore: {volumeID: vol-2, fsType: ext4}}"),
        volume(
            "local",
            "{local: {path: /mnt}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n]}]}]}}}",
        ),
        volume("path", "{capacity: {storage: 1Gi}, hostPath: {path: /mnt}}"),
        volume("nfs", "{nfs: {server: s, path: /}}")
            .replace("{name: nfs}", "{name: nfs, deletionTimestamp: \"2026-01-01T00:00:00Z\"}"),
    ];
    check(
        &text.concat(),
        &expect![[r#"
        {"deleting":false,"driver":"ebs.csi.aws.com","isOnNode":false,"name":"ebs","nodeAffinity":[{"topology.kubernetes.io/zone":{"absent":false,"values":{"only":["us-east-1a"]}}},{"topology.kubernetes.io/zone":{"absent":false,"values":{"only":["us-east-1b"]}}}]}
        {"deleting":false,"driver":"ebs.csi.aws.com","isOnNode":false,"name":"ebs-in-tree","nodeAffinity":[]}
        {"deleting":false,"driver":null,"isOnNode":true,"name":"local","nodeAffinity":[{"kubernetes.io/hostname":{"absent":false,"values":{"only":["n"]}}}]}
        {"deleting":true,"driver":null,"isOnNode":false,"name":"nfs","nodeAffinity":[]}
        {"deleting":false,"driver":null,"isOnNode":true,"name":"path","nodeAffinity":[]}
    "#]],
    );
}

#[test]
fn zones_in_the_labels_of_a_volume_count_as_the_scheduler_counts_them() {
    let labels = "labels: {failure-domain.beta.kubernetes.io/zone: us-east-1a__us-east-1b, topology.kubernetes.io/region: us-east-1}";
    let labelled = |text: String| text.replace("metadata: {", &format!("metadata: {{{labels}, "));
    let affinity = "{nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [us-east-1b, us-east-1c]}]}]}}}";
    let text = [labelled(volume("alone", "{}")), labelled(volume("both", affinity))];
    check(
        &text.concat(),
        &expect![[r#"
        {"deleting":false,"driver":null,"isOnNode":false,"name":"alone","nodeAffinity":[{"topology.kubernetes.io/region":{"absent":false,"values":{"only":["us-east-1"]}},"topology.kubernetes.io/zone":{"absent":false,"values":{"only":["us-east-1a","us-east-1b"]}}}]}
        {"deleting":false,"driver":null,"isOnNode":false,"name":"both","nodeAffinity":[{"topology.kubernetes.io/region":{"absent":false,"values":{"only":["us-east-1"]}},"topology.kubernetes.io/zone":{"absent":false,"values":{"only":["us-east-1b"]}}}]}
    "#]],
    );
}

#[test]
fn a_class_says_who_makes_volumes_when_and_where() {
    let default = |name: &str| {
        format!(
            "{{name: {name}, creationTimestamp: \"2026-01-01T00:00:00Z\", annotations: {{storageclass.kubernetes.io/is-default-class: \"true\"}}}}"
        )
    };
    let topologies = "allowedTopologies: [{matchLabelExpressions: [{key: topology.ebs.csi.aws.com/zone, values: [us-east-1a, us-east-1b]}]}, {}]";
    let text = [
        class("gp3", &format!("provisioner: ebs.csi.aws.com\nvolumeBindingMode: WaitForFirstConsumer\n{topologies}"))
            .replace("{name: gp3}", &default("gp3")),
        class("gp2", "provisioner: kubernetes.io/aws-ebs\nparameters: {type: gp2}\nreclaimPolicy: Delete"),
    ];
    check(
        &text.concat(),
        &expect![[r#"
        {"allowedTopologies":[],"binding":"Immediate","created":"2026-01-01T00:00:00Z","isDefault":false,"name":"gp2","provisioner":"ebs.csi.aws.com"}
        {"allowedTopologies":[{"topology.kubernetes.io/zone":{"absent":false,"values":{"only":["us-east-1a","us-east-1b"]}}},{"kubernetes.io/hostname":{"absent":false,"values":{"only":[]}}}],"binding":"WaitForFirstConsumer","created":"2026-01-01T00:00:00Z","isDefault":true,"name":"gp3","provisioner":"ebs.csi.aws.com"}
    "#]],
    );
}

#[test]
fn a_csi_node_says_how_many_volumes_each_driver_attaches() {
    check(
        "apiVersion: storage.k8s.io/v1
kind: CSINode
metadata:
  name: ip-10-0-0-1
  annotations: {storage.alpha.kubernetes.io/migrated-plugins: kubernetes.io/aws-ebs}
spec:
  drivers:
  - {name: ebs.csi.aws.com, nodeID: i-1, topologyKeys: [topology.kubernetes.io/zone], allocatable: {count: 25}}
  - {name: efs.csi.aws.com, nodeID: i-1, topologyKeys: null}
---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {name: ip-10-0-0-2}
spec: {drivers: null}
",
        &expect![[r#"
            {"drivers":{"ebs.csi.aws.com":25,"efs.csi.aws.com":null},"name":"ip-10-0-0-1"}
            {"drivers":{},"name":"ip-10-0-0-2"}
        "#]],
    );
}

#[test]
fn a_pod_carries_the_claims_it_mounts_and_how_ephemeral_ones_are_made() {
    let text = "apiVersion: v1
kind: Pod
metadata: {name: web-0}
spec:
  containers: []
  volumes:
  - {name: a, persistentVolumeClaim: {claimName: data, readOnly: true}}
  - {name: scratch, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], storageClassName: gp3, resources: {requests: {storage: 1Gi}}}}}}
  - {name: other, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce]}}}}
  - {name: config, configMap: {name: c}}
";
    let pods = read(text).expect("it is taken").cluster.pods;
    expect![[r#"
        {"name":"data"}
        {"name":"web-0-scratch","template":{"storageClass":"gp3"}}
        {"name":"web-0-other","template":{"storageClass":null}}
    "#]]
    .assert_eq(&lines(&pods[0].volume_claims));
}

#[test]
fn namespaces_are_known_by_their_labels_and_their_own_name_is_one() {
    let text = "apiVersion: v1
kind: NamespaceList
items:
- {metadata: {name: shop, labels: {team: a}}, spec: {finalizers: [kubernetes]}, status: {phase: Active}}
- {metadata: {name: kube-system, uid: u-1}}
";
    let cluster = read(text).expect("it is taken").cluster;
    let namespaces = serde_json::to_string(&cluster.namespaces).expect("nouns are JSON");
    expect![[r#"{"kube-system":{"kubernetes.io/metadata.name":"kube-system"},"shop":{"kubernetes.io/metadata.name":"shop","team":"a"}}"#]].assert_eq(&namespaces);
    assert_eq!(&*cluster.cluster_uid, "u-1");
}

#[test]
fn volumes_that_kubectl_would_refuse_are_refused() {
    let terms = |terms: &str| {
        volume("v", &format!("{{nodeAffinity: {{required: {{nodeSelectorTerms: {terms}}}}}}}"))
    };
    let csi_node = |drivers: &str| {
        format!(
            "apiVersion: storage.k8s.io/v1\nkind: CSINode\nmetadata: {{name: n}}\nspec: {{drivers: {drivers}}}\n"
        )
    };
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\n";
    let texts = [
        terms("[]"),
        terms("[{matchExpressions: [{key: a, operator: In}]}]"),
        terms("[{matchExpressions: [{key: a, operator: Gte, values: ['1']}]}]"),
        volume("v", "{csi: {volumeHandle: vol-1}}"),
        volume("v", "{}").replace("spec: {}", ""),
        class("c", ""),
        class("c", "provisioner: ''"),
        class("c", "provisioner: a\nvolumeBindingMode: Later"),
        class("c", "provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{key: z, values: []}]}]"),
        class("c", "provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{values: [a]}]}]"),
        csi_node("[{name: a, allocatable: {count: -1}}]"),
        csi_node("[{nodeID: i-1}]"),
        csi_node("3"),
        claim.to_owned(),
        format!("{claim}spec: {{storageClassName: 7}}"),
        format!("{claim}spec: {{}}\n---\n{}spec: {{}}", claim.replace("{name: c}", "{name: c, namespace: default}")),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [], volumes: [{name: a, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: {}}}}}]}".to_owned(),
        "apiVersion: v1\nkind: Namespace\nmetadata: {}".to_owned(),
    ];
    check_refused(
        &texts,
        &expect![[r#"
        PersistentVolume v: spec.nodeAffinity.required.nodeSelectorTerms: expected at least one term
        PersistentVolume v: spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]: operator In needs at least one value
        PersistentVolume v: spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]: expected an operator among In, NotIn, Exists, DoesNotExist, Gt, Lt, found Gte
        PersistentVolume v: spec.csi: missing field `driver`
        PersistentVolume v: missing field `spec`
        StorageClass c: missing field `provisioner`
        StorageClass c: provisioner: expected the name of a CSI driver
        StorageClass c: volumeBindingMode: unknown variant `Later`, expected `Immediate` or `WaitForFirstConsumer`
        StorageClass c: allowedTopologies[0].matchLabelExpressions[0].values: expected at least one value
        StorageClass c: allowedTopologies[0].matchLabelExpressions[0]: missing field `key`
        CSINode n: spec.drivers[0].allocatable.count: invalid value: integer `-1`, expected u32
        CSINode n: spec.drivers[0]: missing field `name`
        CSINode n: spec.drivers: invalid type: integer `3`, expected a sequence
        PersistentVolumeClaim c: missing field `spec`
        PersistentVolumeClaim c: spec.storageClassName: invalid type: integer `7`, expected a string
        PersistentVolumeClaim default/c: is given twice, first in f.yaml
        Pod p: spec.volumes[0].ephemeral.volumeClaimTemplate.spec.storageClassName: invalid type: map, expected a string
        Namespace (document 1): metadata.name: expected a name
    "#]],
    );
}

proptest! {
    #[test]
    fn a_changed_letter_does_not_make_it_panic(index in 0_usize..1000, letter in any::<char>()) {
        let text = [
            volume("v", "{csi: {driver: d}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}}}"),
            class("c", "provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{key: z, values: [a]}]}]"),
        ]
        .concat();
        let changed: String =
            text.chars().enumerate().map(|(i, c)| if i == index % text.len() { letter } else { c }).collect();
        let _ = read(&changed);
    }
}
