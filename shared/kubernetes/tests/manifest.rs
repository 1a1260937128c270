//! Files of objects: what is read, and what is refused with which line.

use expect_test::{Expect, expect};
use kubernetes::manifest::{self, Objects, Source};
use model::pool::NodePool;
use proptest::prelude::*;
use serde::Serialize;
use std::fmt::Write;
use std::time::Instant;

fn read(text: &str) -> Result<Objects, String> {
    let source = Source { name: "f.yaml", bytes: text.as_bytes() };
    manifest::read(&[source]).map_err(|error| error.to_string())
}

/// The error line of a file, without the file's name.
fn error(text: &str) -> String {
    let line = read(text).expect_err("it is refused");
    line.strip_prefix("f.yaml: ").expect("the file is named").to_owned()
}

/// What the model makes of it, one line for each object.
fn check(text: &str, expected: &Expect) {
    let objects = read(text).expect("it is taken");
    let cluster = &objects.cluster;
    let lines = [
        lines(&cluster.pods),
        lines(&cluster.nodes),
        lines(&cluster.claims),
        lines(&cluster.pools),
        lines(&cluster.node_classes),
        lines(&cluster.daemon_sets),
        lines(&cluster.pod_disruption_budgets),
        lines(&objects.left_out),
    ];
    expected.assert_eq(&lines.concat());
}

fn lines<T: Serialize>(objects: &[T]) -> String {
    let line = |object| serde_json::to_value(object).expect("nouns are JSON").to_string() + "\n";
    objects.iter().map(line).collect()
}

/// The error line of each text.
fn check_refused(texts: &[String], expected: &Expect) {
    let lines: String = texts.iter().map(|text| error(text) + "\n").collect();
    expected.assert_eq(&lines);
}

fn pool(spec: &str) -> String {
    format!(
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: default}}\nspec: {spec}\n"
    )
}

const TEMPLATE: &str = "template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: []}}";

fn read_pool(spec: &str) -> NodePool {
    NodePool::clone(&read(&pool(spec)).expect("it is taken").cluster.pools[0])
}

fn class(spec: &str) -> String {
    let always = "role: node, subnetSelectorTerms: [{id: subnet-0a}], securityGroupSelectorTerms: [{id: sg-0a}]";
    format!(
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {{name: default}}\nspec: {{{always}, {spec}}}\n"
    )
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {spec}\n")
}

#[test]
fn a_pod_of_few_words_waits_since_the_newest_time_named() {
    let text = "apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{resources: {requests: {cpu: 1}}}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-system, uid: u-1, creationTimestamp: \"2026-01-01T00:00:00Z\"}
";
    check(
        text,
        &expect![[r#"
        {"affinity":{},"antiAffinity":{},"created":"2026-01-01T00:00:00Z","critical":false,"deleting":null,"deletionCost":0,"doNotDisrupt":null,"hostPorts":[],"labels":{},"name":{"name":"web","namespace":"default"},"node":null,"nodeAffinity":[],"nodeSelector":{},"nominatedNode":null,"owner":null,"phase":"Pending","preferredNodeAffinity":[],"priority":0,"requests":{"cpuMilli":1000,"pods":1},"resourceClaims":false,"resourceVersion":0,"scheduledAt":null,"startedAt":null,"terminationGrace":"PT30S","tolerations":[],"topologySpread":[],"uid":"default/web","unschedulableSince":"2026-01-01T00:00:00Z","volumeClaims":[]}
    "#]],
    );
    assert_eq!(&*read(text).expect("it is taken").cluster.cluster_uid, "u-1");
}

#[test]
fn a_pod_keeps_what_placement_and_eviction_look_at() {
    let text = "apiVersion: v1
kind: Pod
metadata:
  name: web-0
  namespace: shop
  uid: u
  resourceVersion: \"7\"
  creationTimestamp: 2026-01-01T00:00:00Z
  labels: {app: web}
  annotations:
    karpenter.sh/do-not-disrupt: 1h
    controller.kubernetes.io/pod-deletion-cost: \"-5\"
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: r, controller: true}
spec:
  priorityClassName: system-node-critical
  priority: 2000001000
  nodeSelector: {team: a}
  hostNetwork: true
  containers:
  - ports: [{containerPort: 80}, {containerPort: 81, hostPort: 8081, hostIP: 10.0.0.1, protocol: UDP}]
  volumes:
  - {name: a, persistentVolumeClaim: {claimName: data}}
  - {name: b, ephemeral: {volumeClaimTemplate: {}}}
  - {name: c, emptyDir: {}}
  tolerations:
  - {key: k, operator: \"\", value: v, effect: \"\"}
  - {operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: zone, operator: In, values: [a, b]}]
        - {}
        - matchFields: [{key: metadata.name, operator: In, values: [n]}]
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 5, preference: {matchExpressions: [{key: cpu, operator: Gt, values: [\"4\"]}]}}
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}, namespaceSelector: {}}
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [v]}
status:
  phase: Pending
  conditions:
  - {type: PodScheduled, status: \"False\", reason: Unschedulable, lastTransitionTime: \"2026-01-01T00:00:05Z\"}
";
    check(
        text,
        &expect![[r#"
            {"affinity":{},"antiAffinity":{"required":[{"matchLabelKeys":[],"mismatchLabelKeys":[],"namespaceSelector":[],"namespaces":[],"selector":[["app",{"absent":false,"values":{"only":["web"]}}]],"topologyKey":"kubernetes.io/hostname"}]},"created":"2026-01-01T00:00:00Z","critical":true,"deleting":null,"deletionCost":-5,"doNotDisrupt":{"for":"PT1H"},"hostPorts":[{"ip":"0.0.0.0","port":80,"protocol":"TCP"},{"ip":"10.0.0.1","port":8081,"protocol":"UDP"}],"labels":{"app":"web"},"name":{"name":"web-0","namespace":"shop"},"node":null,"nodeAffinity":[{"zone":{"absent":false,"values":{"only":["a","b"]}}},{"kubernetes.io/hostname":{"absent":false,"values":{"only":[]}}},{"metadata.name":{"absent":false,"values":{"only":["n"]}}}],"nodeSelector":{"team":"a"},"nominatedNode":null,"owner":{"kind":"ReplicaSet","name":"web","uid":"r"},"phase":"Pending","preferredNodeAffinity":[[5,{"cpu":{"absent":false,"values":{"allBut":{"at_least":5}}}}]],"priority":2000001000,"requests":{"pods":1},"resourceClaims":false,"resourceVersion":7,"scheduledAt":null,"startedAt":null,"terminationGrace":"PT30S","tolerations":[{"effect":null,"key":"k","operator":"Equal","tolerationSeconds":null,"value":"v"},{"effect":"NoExecute","key":"","operator":"Exists","tolerationSeconds":300,"value":""}],"topologySpread":[{"matchLabelKeys":["v"],"maxSkew":1,"minDomains":null,"nodeAffinityPolicy":"Honor","nodeTaintsPolicy":"Ignore","selector":[["kubernetes.io/hostname",{"absent":false,"values":{"only":[]}}]],"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}],"uid":"u","unschedulableSince":"2026-01-01T00:00:05Z","volumeClaims":[{"name":"data"},{"name":"web-0-b","template":{"storageClass":null}}]}
        "#]],
    );
}

#[test]
fn pods_that_wait_for_something_else_say_so() {
    let text = "apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: gated}
  spec: {containers: [], schedulingGates: [{name: quota}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: preempting}
  spec: {containers: []}
  status: {nominatedNodeName: n}
- apiVersion: v1
  kind: Pod
  metadata: {name: bound}
  spec: {containers: [], nodeName: n}
";
    let objects = read(text).expect("it is taken");
    let waiting = objects.cluster.pods.iter().filter(|pod| pod.is_provisionable()).count();
    assert_eq!(waiting, 0);
    let lines: Vec<String> = objects
        .left_out
        .iter()
        .map(|left_out| format!("{}: {}", left_out.subject, left_out.reasons[0]))
        .collect();
    assert_eq!(
        lines,
        [
            "pod default/gated: waits for scheduling gates quota",
            "pod default/preempting: waits for preemption on node n",
        ]
    );
}

#[test]
fn a_node_is_known_by_its_instance() {
    check(
        "apiVersion: v1
kind: Node
metadata:
  name: ip-10-0-0-1
  labels: {karpenter.sh/nodepool: default}
  finalizers: [karpenter.sh/termination]
  annotations: {karpenter.sh/do-not-disrupt: \"true\"}
spec:
  providerID: aws:///us-east-1a/i-0abc
  unschedulable: true
  taints: [{key: k, effect: NoSchedule, timeAdded: \"2026-01-01T00:00:00Z\"}]
status:
  capacity: {cpu: \"2\", memory: 8Gi, pods: \"29\", ephemeral-storage: 20Gi, hugepages-2Mi: \"0\"}
  allocatable: {cpu: 1930m, memory: 7Gi, pods: \"29\"}
  conditions: [{type: Ready, status: \"True\"}]
",
        &expect![[r#"
            {"ailments":[],"allocatable":{"cpuMilli":1930,"memoryBytes":7516192768,"pods":29},"capacity":{"cpuMilli":2000,"ephemeralBytes":21474836480,"memoryBytes":8589934592,"pods":29},"cordoned":true,"created":"1970-01-01T00:00:00Z","deleting":null,"doNotDisrupt":true,"finalizer":true,"instance":"i-0abc","labels":{"karpenter.sh/nodepool":"default"},"name":"ip-10-0-0-1","ready":true,"resourceVersion":0,"taints":[{"effect":"NoSchedule","key":"k","value":""}],"uid":"ip-10-0-0-1"}
        "#]],
    );
}

#[test]
fn a_claim_carries_its_saga_in_annotations() {
    check(
        "apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata:
  name: default-1
  creationTimestamp: 2026-01-01T00:00:00Z
  labels: {karpenter.sh/nodepool: default}
  annotations:
    joiner.sh/launch-record: '{\"attempt\":1,\"token\":\"t\",\"index\":0,\"count\":1,\"offering\":{\"instanceType\":\"m5.large\",\"zone\":\"us-east-1a\",\"capacityType\":\"spot\"},\"subnet\":\"subnet-1\",\"image\":\"ami-1\",\"at\":\"2026-01-01T00:00:01Z\"}'
    joiner.sh/nominated-pods: ff,1a
    joiner.sh/replaces: a, b
    joiner.sh/replaced-by: c
    joiner.sh/interruption-notice: spot_interrupted@2026-01-01T00:00:02Z
    karpenter.sh/nodeclaim-termination-timestamp: 2026-01-01T00:10:00Z
spec:
  nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
  requirements: [{key: karpenter.sh/nodepool, operator: In, values: [default]}]
  resources: {requests: {cpu: \"1\", pods: \"3\"}}
  expireAfter: Never
  terminationGracePeriod: 5m
status:
  providerID: aws:///us-east-1a/i-0abc
  nodeName: n
  imageID: ami-1
  conditions:
  - {type: Launched, status: \"True\", reason: Launched, message: \"\", lastTransitionTime: \"2026-01-01T00:00:03Z\"}
  - {type: Ready, status: \"False\", lastTransitionTime: \"2026-01-01T00:00:03Z\"}
",
        &expect![[r#"
            {"allocatable":{},"capacity":{},"conditions":{"Launched":{"message":"","reason":"Launched","since":"2026-01-01T00:00:03Z","status":"True"}},"created":"2026-01-01T00:00:00Z","deleting":null,"doNotDisrupt":false,"finalizer":false,"image":"ami-1","instance":"i-0abc","labels":{"karpenter.sh/nodepool":"default"},"lastPodEvent":null,"launch":{"at":"2026-01-01T00:00:01Z","attempt":1,"count":1,"image":"ami-1","index":0,"offering":{"capacityType":"spot","instanceType":"m5.large","zone":"us-east-1a"},"subnet":"subnet-1","token":"t"},"name":"default-1","node":"n","notice":{"at":"2026-01-01T00:00:02Z","kind":"spot_interrupted"},"replacedBy":["c"],"resourceVersion":0,"spec":{"expireAfter":null,"nodeClass":"default","nominated":[26,255],"pool":"default","replaces":["a","b"],"requests":{"cpuMilli":1000,"pods":3},"requirements":{"karpenter.sh/nodepool":{"absent":false,"values":{"only":["default"]}}},"startupTaints":[],"taints":[],"terminationGracePeriod":"PT5M"},"stamps":{"class":null,"pool":null,"securityGroups":[]},"terminationDeadline":"2026-01-01T00:10:00Z","uid":"default-1"}
        "#]],
    );
}

#[test]
fn a_pool_takes_the_defaults_of_its_resource_definition() {
    check(
        &pool(&format!("{{{TEMPLATE}}}")),
        &expect![[r#"
            {"annotations":{},"deleting":false,"disruption":{"budgets":[{"duration":null,"nodes":{"percent":10},"reasons":[],"schedule":null}],"consolidateAfter":"PT0S","policy":"WhenEmptyOrUnderutilized"},"expireAfter":"PT720H","labels":{},"limits":null,"name":"default","nodeClass":"default","replicas":null,"requirements":{},"startupTaints":[],"status":{"conditions":[],"nodes":0,"resources":{}},"taints":[],"terminationGracePeriod":null,"uid":"default","weight":0}
        "#]],
    );
}

#[test]
fn a_pool_keeps_all_that_is_asked_of_it() {
    check(
        &pool("
  weight: 10
  limits: {cpu: 100, nodes: \"5\", memory: 1000Pi}
  disruption:
    consolidationPolicy: WhenEmpty
    consolidateAfter: Never
    budgets: [{nodes: \"0\", schedule: \"@daily\", duration: 1h, reasons: [Empty, Drifted]}, {nodes: 100%}]
  template:
    metadata: {labels: {team: a, karpenter.sh/capacity-type: spot}, annotations: {note: x}}
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: other}
      expireAfter: Never
      terminationGracePeriod: 10m
      taints: [{key: k, value: v, effect: NoSchedule}]
      startupTaints: [{key: s, effect: NoExecute}]
      requirements:
      - {key: karpenter.k8s.aws/instance-family, operator: In, values: [m5, c5], minValues: 2}
      - {key: karpenter.k8s.aws/instance-cpu, operator: Gte, values: [\"4\"]}
      - {key: team, operator: Exists}"),
        &expect![[r#"
            {"annotations":{"note":"x"},"deleting":false,"disruption":{"budgets":[{"duration":"PT1H","nodes":{"count":0},"reasons":["Empty","Drifted"],"schedule":"@daily"},{"duration":null,"nodes":{"percent":100},"reasons":[],"schedule":null}],"consolidateAfter":null,"policy":"WhenEmpty"},"expireAfter":null,"labels":{"karpenter.sh/capacity-type":"spot","team":"a"},"limits":{"nodes":5,"resources":{"cpu":100000,"memory":1125899906842624000}},"name":"default","nodeClass":"other","replicas":null,"requirements":{"karpenter.k8s.aws/instance-cpu":{"absent":false,"values":{"allBut":{"at_least":4}}},"karpenter.k8s.aws/instance-family":{"absent":false,"minValues":2,"values":{"only":["c5","m5"]}},"team":{"absent":false,"values":{"allBut":{}}}},"startupTaints":[{"effect":"NoExecute","key":"s","value":""}],"status":{"conditions":[],"nodes":0,"resources":{}},"taints":[{"effect":"NoSchedule","key":"k","value":"v"}],"terminationGracePeriod":"PT10M","uid":"default","weight":10}
        "#]],
    );
}

#[test]
fn pools_that_kubectl_would_refuse_are_refused() {
    let template = |spec: &str| {
        format!(
            "{{template: {{spec: {{nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}, {spec}}}}}}}"
        )
    };
    let texts = [
        format!("{{{TEMPLATE}, wieght: 3}}"),
        format!("{{{TEMPLATE}, limits: {{cpu: lots}}}}"),
        format!("{{{TEMPLATE}, limits: {{cpu: -1}}}}"),
        format!("{{{TEMPLATE}, replicas: 2, weight: 3}}"),
        format!("{{{TEMPLATE}, disruption: {{budgets: [{{nodes: 101%}}]}}}}"),
        format!("{{{TEMPLATE}, disruption: {{budgets: [{{schedule: \"@daily\"}}]}}}}"),
        format!("{{{TEMPLATE}, disruption: {{consolidateAfter: 5}}}}"),
        template("requirements: [{key: a, operator: in, values: [x]}]"),
        template("requirements: [{key: a, operator: In}]"),
        template("requirements: [{key: a, operator: Gt, values: [x]}]"),
        template("requirements: [{key: a, operator: In, values: [x], minValues: 2}]"),
        template("requirements: [{key: kubernetes.io/hostname, operator: Exists}]"),
        template("requirements: [{key: karpenter.sh/made-up, operator: Exists}]"),
        template("requirements: [], expireAfter: 30d"),
        template("requirements: [], taints: [{key: a, effect: Never}]"),
        "{template: {spec: {nodeClassRef: {group: x, kind: EC2NodeClass, name: a}, requirements: []}}}".to_owned(),
        "{}".to_owned(),
    ];
    check_refused(
        &texts.map(|spec| pool(&spec)),
        &expect![[r#"
        NodePool default: spec.wieght: unknown field, expected one of disruption, limits, replicas, template, weight
        NodePool default: spec.limits.cpu: "lots" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3
        NodePool default: spec.limits.cpu: "-1" is negative: expected zero or more
        NodePool default: spec.weight: is not for NodePools with replicas
        NodePool default: spec.disruption.budgets[0].nodes: expected a number such as 5 or a percentage of 0% to 100%, found "101%"
        NodePool default: spec.disruption.budgets[0].duration: must be set with schedule
        NodePool default: spec.disruption.consolidateAfter: expected a string, found 5
        NodePool default: spec.template.spec.requirements[0].operator: expected one of Gte, Lte, In, NotIn, Exists, DoesNotExist, Gt, Lt, found "in"
        NodePool default: spec.template.spec.requirements[0]: operator In needs at least one value
        NodePool default: spec.template.spec.requirements[0]: operator Gt takes exactly one whole number of zero or more, found ["x"]
        NodePool default: spec.template.spec.requirements[0]: minValues is 2, but only 1 values are listed
        NodePool default: spec.template.spec.requirements[0].key: kubernetes.io/hostname is restricted
        NodePool default: spec.template.spec.requirements[0].key: karpenter.sh/made-up is restricted
        NodePool default: spec.template.spec.expireAfter: expected a duration such as 720h or 1h30m, or Never, found "30d"
        NodePool default: spec.template.spec.taints[0].effect: expected one of NoSchedule, PreferNoSchedule, NoExecute, found "Never"
        NodePool default: spec.template.spec.nodeClassRef.group: expected karpenter.k8s.aws, found "x"
        NodePool default: spec: missing field `template`
    "#]],
    );
}

#[test]
fn every_field_of_a_class_is_taken() {
    let spec = "
  amiSelectorTerms: [{alias: bottlerocket@latest}], associatePublicIPAddress: true, context: c, detailedMonitoring: true,
  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 4Gi}}, {deviceName: /dev/xvdb, ebs: {volumeSize: 50Gi, volumeType: gp3, iops: 3000, encrypted: true}}],
  instanceStorePolicy: RAID0, ipPrefixCount: 2, userData: x, tags: {a: b}, cpuOptions: {nestedVirtualization: enabled},
  kubelet: {maxPods: 50, podsPerCore: 4, kubeReserved: {cpu: 100m}, systemReserved: {memory: 1Gi}, clusterDNS: [10.0.0.10],
    evictionHard: {memory.available: 5%, nodefs.available: 1Gi}, evictionSoft: {memory.available: 500Mi}, evictionSoftGracePeriod: {memory.available: 1m}},
  metadataOptions: {httpTokens: required}, networkInterfaces: [{networkCardIndex: 0, deviceIndex: 0, interfaceType: interface}],
  placementGroupSelector: {name: p}, connectionTracking: {udpTimeout: 30}, capacityReservationSelectorTerms: [{id: cr-0a}]";
    let status = "status:
  conditions: [{type: Ready, status: \"False\", reason: x, message: y, lastTransitionTime: \"2026-01-01T00:00:00Z\"}]
  subnets: [{id: subnet-0a, zone: us-east-1a, zoneID: use1-az1}]
  amis:
  - {id: ami-gpu, requirements: [{key: kubernetes.io/arch, operator: In, values: [amd64]}, {key: karpenter.k8s.aws/instance-gpu-count, operator: Exists}]}
  - {id: ami-plain, requirements: [{key: kubernetes.io/arch, operator: In, values: [amd64]}, {key: karpenter.k8s.aws/instance-gpu-count, operator: DoesNotExist}]}
  - {id: ami-arm, requirements: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}
";
    check(
        &(class(spec) + status),
        &expect![[r#"
            {"amiFamily":"Bottlerocket","deleting":false,"images":[{"arch":"amd64","id":"ami-plain"},{"arch":"arm64","id":"ami-arm"}],"instanceStoreRaid0":true,"ipPrefixCount":2,"kubelet":{"evictionMemory":{"basisPoints":500},"evictionNodefs":{"bytes":1073741824},"kubeReserved":{"cpu":100},"maxPods":50,"podsPerCore":4,"systemReserved":{"memory":1073741824}},"name":"default","ready":false,"rootVolumeBytes":53687091200,"subnets":[{"freeAddresses":null,"id":"subnet-0a","zone":"us-east-1a","zoneId":"use1-az1"}],"template":{"amiSelectorTerms":[{"alias":"bottlerocket@latest","id":null,"name":null,"owner":null,"ssmParameter":null,"tags":{}}],"associatePublicIPAddress":true,"blockDeviceMappings":[{"deviceName":"/dev/xvda","ebs":{"deleteOnTermination":null,"encrypted":null,"iops":null,"kmsKeyID":null,"snapshotID":null,"throughput":null,"volumeInitializationRate":null,"volumeSize":"4Gi","volumeType":null},"rootVolume":false},{"deviceName":"/dev/xvdb","ebs":{"deleteOnTermination":null,"encrypted":true,"iops":3000,"kmsKeyID":null,"snapshotID":null,"throughput":null,"volumeInitializationRate":null,"volumeSize":"50Gi","volumeType":"gp3"},"rootVolume":false}],"capacityReservationSelectorTerms":[{"id":"cr-0a","instanceMatchCriteria":null,"ownerID":null,"tags":{}}],"connectionTracking":{"tcpEstablishedTimeout":null,"udpStreamTimeout":null,"udpTimeout":30},"context":"c","cpuOptions":{"nestedVirtualization":"enabled"},"detailedMonitoring":true,"generation":0,"hash":"4018747345030518922","instanceProfile":null,"instanceStorePolicy":"RAID0","kubelet":{"clusterDNS":["10.0.0.10"],"evictionHard":{"memory.available":"5%","nodefs.available":"1Gi"},"evictionSoft":{"memory.available":"500Mi"},"evictionSoftGracePeriod":{"memory.available":"1m"},"kubeReserved":{"cpu":"100m"},"maxPods":50,"podsPerCore":4,"systemReserved":{"memory":"1Gi"}},"metadataOptions":{"httpEndpoint":"enabled","httpProtocolIPv6":"disabled","httpPutResponseHopLimit":1,"httpTokens":"required"},"networkInterfaces":[{"deviceIndex":0,"interfaceType":"interface","networkCardIndex":0}],"placementGroupSelector":{"id":null,"name":"p"},"role":"node","securityGroupSelectorTerms":[{"id":"sg-0a","name":null,"tags":{}}],"status":{"amis":[{"id":"ami-gpu","requirements":[{"key":"kubernetes.io/arch","operator":"In","values":["amd64"]},{"key":"karpenter.k8s.aws/instance-gpu-count","operator":"Exists"}]},{"id":"ami-plain","requirements":[{"key":"kubernetes.io/arch","operator":"In","values":["amd64"]},{"key":"karpenter.k8s.aws/instance-gpu-count","operator":"DoesNotExist"}]},{"id":"ami-arm","requirements":[{"key":"kubernetes.io/arch","operator":"In","values":["arm64"]}]}],"capacityReservations":[],"conditions":[],"instanceProfile":null,"securityGroups":[],"subnets":[{"id":"subnet-0a","zone":"us-east-1a","zoneID":"use1-az1"}]},"subnetSelectorTerms":[{"id":"subnet-0a","name":null,"tags":{}}],"tags":{"a":"b"}},"uid":"default"}
        "#]],
    );
}

#[test]
fn classes_that_kubectl_would_refuse_are_refused() {
    let alias = "amiSelectorTerms: [{alias: al2023@latest}]";
    let with = |more: &str| format!("{alias}, {more}");
    let texts = [
        alias.replace("al2023@", "al2022@"),
        "amiSelectorTerms: [{alias: al2023@latest}, {id: ami-0a}]".to_owned(),
        "amiSelectorTerms: [{id: ami-0a}]".to_owned(),
        "amiSelectorTerms: [{id: 7}]".to_owned(),
        "amiSelectorTerms: []".to_owned(),
        with("amiFamily: Bottlerocket"),
        with("instanceProfile: p"),
        with("kubelet: {maxPod: 5}"),
        with("kubelet: {kubeReserved: {gpu: \"1\"}}"),
        with("kubelet: {kubeReserved: {cpu: \"-1\"}}"),
        with("kubelet: {evictionHard: {memory.available: 101%}}"),
        with("blockDeviceMappings: [{deviceName: a, ebs: {volumeSize: 20}}]"),
        with("metadataOptions: {httpPutResponseHopLimit: 65}"),
    ];
    check_refused(
        &texts.map(|spec| class(&spec)),
        &expect![[r#"
        EC2NodeClass default: spec.amiSelectorTerms[0].alias: expected family@version with family al2, al2023, bottlerocket, windows2019, windows2022 or windows2025
        EC2NodeClass default: spec.amiSelectorTerms[0].alias: must be the only one
        EC2NodeClass default: spec.amiFamily: must be given where there is no alias
        EC2NodeClass default: spec.amiSelectorTerms[0].id: expected a string, found 7
        EC2NodeClass default: spec.amiSelectorTerms: expected at least 1 items, found an array of 0 items
        EC2NodeClass default: spec.amiFamily: expected AL2023 or Custom with this alias, found Bottlerocket
        EC2NodeClass default: spec: expected exactly one of role, instanceProfile
        EC2NodeClass default: spec.kubelet.maxPod: unknown field, expected one of clusterDNS, cpuCFSQuota, evictionHard, evictionMaxPodGracePeriod, evictionSoft, evictionSoftGracePeriod, imageGCHighThresholdPercent, imageGCLowThresholdPercent, kubeReserved, maxPods, podsPerCore, systemReserved
        EC2NodeClass default: spec.kubelet.kubeReserved.gpu: expected one of cpu, memory, ephemeral-storage, pid
        EC2NodeClass default: spec.kubelet.kubeReserved.cpu: "-1" is negative: expected zero or more
        EC2NodeClass default: spec.kubelet.evictionHard.memory.available: expected a quantity such as 100Mi or a percentage such as 5%, found "101%"
        EC2NodeClass default: spec.blockDeviceMappings[0].ebs.volumeSize: expected a string, found 20
        EC2NodeClass default: spec.metadataOptions.httpPutResponseHopLimit: expected at most 64, found 65
    "#]],
    );
}

#[test]
fn daemon_sets_and_budgets_are_read() {
    check(
        "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: logs, namespace: kube-system, creationTimestamp: null}
spec:
  template:
    metadata: {creationTimestamp: null, labels: {app: logs}}
    spec: {containers: [{resources: {requests: {cpu: 50m}}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchExpressions: [{key: app, operator: NotIn, values: [x]}]}}
status: {disruptionsAllowed: 2}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: without-selector}
spec: {minAvailable: 1}
",
        &expect![[r#"
            {"name":{"name":"logs","namespace":"kube-system"},"template":{"affinity":{},"antiAffinity":{},"created":"1970-01-01T00:00:00Z","critical":false,"deleting":null,"deletionCost":0,"doNotDisrupt":null,"hostPorts":[],"labels":{"app":"logs"},"name":{"name":"logs","namespace":"kube-system"},"node":null,"nodeAffinity":[],"nodeSelector":{},"nominatedNode":null,"owner":{"kind":"DaemonSet","name":"logs","uid":"kube-system/logs"},"phase":"Pending","preferredNodeAffinity":[],"priority":0,"requests":{"cpuMilli":50,"pods":1},"resourceClaims":false,"resourceVersion":0,"scheduledAt":null,"startedAt":null,"terminationGrace":"PT30S","tolerations":[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":null,"value":""},{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":null,"value":""},{"effect":"NoSchedule","key":"node.kubernetes.io/disk-pressure","operator":"Exists","tolerationSeconds":null,"value":""},{"effect":"NoSchedule","key":"node.kubernetes.io/memory-pressure","operator":"Exists","tolerationSeconds":null,"value":""},{"effect":"NoSchedule","key":"node.kubernetes.io/pid-pressure","operator":"Exists","tolerationSeconds":null,"value":""},{"effect":"NoSchedule","key":"node.kubernetes.io/unschedulable","operator":"Exists","tolerationSeconds":null,"value":""}],"topologySpread":[],"uid":"kube-system/logs","unschedulableSince":null,"volumeClaims":[]}}
            {"disruptionsAllowed":2,"name":{"name":"web","namespace":"default"},"selector":[["app",{"absent":true,"values":{"allBut":{"excluded":["x"]}}}]]}
            {"disruptionsAllowed":0,"name":{"name":"without-selector","namespace":"default"},"selector":[["kubernetes.io/hostname",{"absent":false,"values":{"only":[]}}]]}
        "#]],
    );
}

#[test]
fn kinds_that_change_nothing_are_taken_and_others_counted() {
    let objects = read(
        "apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
",
    )
    .expect("it is taken");
    assert_eq!(format!("{:?}", objects.ignored), r#"{"Deployment": 1}"#);
}

#[test]
fn a_strange_kind_is_counted_under_a_name_that_can_be_printed() {
    let objects = read("apiVersion: v1\nkind: \"a\\nb\\e[31m\"\n").unwrap();
    assert_eq!(format!("{:?}", objects.ignored), r#"{"a b [31m": 1}"#);
}

#[test]
fn a_node_may_have_more_on_its_disks_than_a_pod_may_ask_for() {
    let node = |store: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: d3en}}\nstatus: {{capacity: {{ephemeral-storage: {store}}}}}"
        )
    };
    let objects = read(&node("336T")).unwrap();
    assert_eq!(objects.cluster.nodes[0].capacity.ephemeral_bytes, 336_000_000_000_000);
    assert_eq!(
        error(&node("513Ti")),
        "Node d3en: status.capacity: ephemeral-storage is too large: expected at most 512Ti"
    );
}

#[test]
fn lists_of_all_sorts_are_taken_apart() {
    let json = r#"{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"},"spec":{"containers":[]}}]}
{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{"containers":[]}}]}]}"#;
    let names: Vec<String> = read(json)
        .expect("it is taken")
        .cluster
        .pods
        .iter()
        .map(|pod| pod.name.to_string())
        .collect();
    assert_eq!(names, ["default/a", "default/b"]);
}

#[test]
fn what_is_wrong_is_one_line_with_object_and_field() {
    let with_operator = |operator: &str| {
        let terms =
            format!("[{{matchExpressions: [{{key: a, operator: {operator}, values: ['1']}}]}}]");
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        pod(&format!(
            "{{containers: [], affinity: {{nodeAffinity: {{{required}: {{nodeSelectorTerms: {terms}}}}}}}}}"
        ))
    };
    let empty = pod("{containers: []}");
    let texts = [
        String::new(),
        "---\n# nothing\n".to_owned(),
        "hello".to_owned(),
        "a: [".to_owned(),
        "a: 1\na: 2".to_owned(),
        "{\"a\": ".to_owned(),
        "kind: Pod".to_owned(),
        "apiVersion: v1\nmetadata: {name: x}".to_owned(),
        "apiVersion: v2\nkind: Pod\nmetadata: {name: x}".to_owned(),
        "apiVersion: karpenter.sh/v1beta1\nkind: NodePool\nmetadata: {name: x}".to_owned(),
        "apiVersion: karpenter.sh/v1\nkind: NodePoole\nmetadata: {name: x}".to_owned(),
        "apiVersion: v1\nkind: List\nitems: 3".to_owned(),
        "apiVersion: v1\nkind: List\nitems: [3]".to_owned(),
        "apiVersion: v1\nkind: Pod\nspec: {containers: []}".to_owned(),
        pod("{}"),
        format!("{empty}---\n{empty}"),
        pod("{containers: [{resources: {requests: {cpu: -1}}}]}"),
        pod("{containers: [{resources: {requests: {memory: 10Pi}}}]}"),
        pod("{containers: [{ports: [{hostPort: 70000}]}]}"),
        pod("{containers: [], tolerations: [{operator: Sometimes}]}"),
        pod("{containers: [], terminationGracePeriodSeconds: -1}"),
        with_operator("Gte"),
        empty.replace("{name: web}", "{name: web, creationTimestamp: yesterday}"),
    ];
    check_refused(
        &texts,
        &expect![[r#"
        expected at least one object
        expected at least one object
        document 1: expected an object
        expected YAML: unclosed bracket '[' at line 1, column 4
        expected YAML: duplicate mapping key `a` is not allowed here at line 2, column 1
        expected JSON: EOF while parsing a value at line 1 column 6
        document 1: apiVersion: expected a string such as v1 or Pod
        document 1: kind: expected a string such as v1 or Pod
        Pod x: apiVersion: expected v1, found "v2"
        NodePool x: apiVersion: expected karpenter.sh/v1, found "karpenter.sh/v1beta1"
        NodePoole x: kind: expected a kind of Karpenter's: NodePool, NodeClaim, EC2NodeClass
        document 1: items: expected an array
        document 1: items[0]: expected an object
        Pod (document 1): metadata.name: expected a name
        Pod web: spec: missing field `containers`
        Pod web: is given twice, first in f.yaml
        Pod web: spec.containers[0].resources.requests.cpu: "-1" is negative: expected zero or more
        Pod web: spec: memory is too large: expected at most 128Ti
        Pod web: spec.containers[0].ports[0].hostPort: invalid value: integer `70000`, expected u16
        Pod web: spec.tolerations[0].operator: unknown variant `Sometimes`, expected one of ``, `Equal`, `Exists`
        Pod web: spec.terminationGracePeriodSeconds: expected zero or more, found -1
        Pod web: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]: expected an operator among In, NotIn, Exists, DoesNotExist, Gt, Lt, found Gte
        Pod web: metadata.creationTimestamp: expected a time such as 2026-01-01T00:00:00Z, found "yesterday"
    "#]],
    );
}

#[test]
fn two_files_may_not_hold_the_same_object() {
    let text = pod("{containers: []}");
    let sources = ["a.yaml", "b.yaml"].map(|name| Source { name, bytes: text.as_bytes() });
    let error = manifest::read(&sources).expect_err("it is refused");
    assert_eq!(error.to_string(), "b.yaml: Pod web: is given twice, first in a.yaml");
}

#[test]
fn deep_nesting_and_multiplying_references_are_refused_in_no_time() {
    let start = Instant::now();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let references = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{references}]").expect("text takes text");
    }
    let cases = [
        bomb,
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "- ".repeat(100_000),
        "a:\n ".repeat(10_000),
        "? ".repeat(100_000),
        "&a ".repeat(100_000),
        "!!x ".repeat(100_000),
    ];
    for text in cases {
        let line = read(&text).expect_err("it is refused");
        assert!(
            line.starts_with("f.yaml: ") && !line.contains('\n') && line.len() < 2000,
            "{line}"
        );
    }
    assert!(start.elapsed().as_secs() < 20, "took {:?}", start.elapsed());
}

#[test]
fn sixteen_mebibytes_of_garbage_are_refused_in_bounded_time() {
    let start = Instant::now();
    let mut state: u32 = 1;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap_or(0)
    };
    let binary: Vec<u8> = (0..16 << 20).map(|_| noise()).collect();
    let printable: Vec<u8> = (0..16 << 20).map(|_| b' ' + noise() % 95).collect();
    for bytes in [&binary, &printable] {
        let error =
            manifest::read(&[Source { name: "f", bytes }]).expect_err("it is refused").to_string();
        assert!(!error.contains('\n') && error.len() < 2000, "{error}");
    }
    assert!(start.elapsed().as_secs() < 60, "took {:?}", start.elapsed());
}

#[test]
fn a_pool_of_each_form_of_budget_is_read() {
    let pool = read_pool(&format!("{{{TEMPLATE}, disruption: {{budgets: []}}}}"));
    assert_eq!(pool.disruption.budgets, []);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_print_two_lines(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = manifest::read(&[Source { name: "f", bytes: &bytes }]) {
            let line = error.to_string();
            prop_assert!(line.starts_with("f: ") && !line.contains('\n'), "{}", line);
        }
    }

    #[test]
    fn no_text_of_the_right_letters_makes_it_panic(text in "[-a:\\[\\]{}\",&*!|> \n?#%@0-9]{0,200}") {
        let _ = read(&text);
        let _ = read(&pod(&text));
    }

    #[test]
    fn a_changed_letter_does_not_make_it_panic(index in 0_usize..1000, letter in any::<char>()) {
        let text = class("amiSelectorTerms: [{alias: al2023@latest}], kubelet: {maxPods: 5}");
        let changed: String =
            text.chars().enumerate().map(|(i, c)| if i == index % text.len() { letter } else { c }).collect();
        let _ = read(&changed);
    }
}
