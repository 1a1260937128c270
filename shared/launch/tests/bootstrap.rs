//! User data, as an instance gets it.

use expect_test::{Expect, expect};
use launch::bootstrap::{Cluster, Node, user_data};
use model::labels::Labels;
use model::node_class::AmiFamily;
use model::node_class::template::{KubeletTexts, UserData};
use model::taint::{Effect, Taint};

fn cluster() -> Cluster {
    Cluster {
        name: "prod".into(),
        endpoint: "https://api.example".into(),
        certificate_authority: "Y2E=".into(),
        service_cidr: "10.100.0.0/16".into(),
    }
}

fn labels() -> Labels {
    [("karpenter.sh/nodepool", "default"), ("team", "a"), ("node-role.kubernetes.io/x", "y")]
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

fn taints() -> Vec<Taint> {
    let own = Taint { key: "team".into(), value: "a".into(), effect: Effect::NoSchedule };
    vec![own, Taint::new("karpenter.sh/unregistered", Effect::NoExecute)]
}

/// Every setting of the kubelet.
fn kubelet() -> KubeletTexts {
    let map = |key: &str, value: &str| Labels::from([(key.into(), value.into())]);
    KubeletTexts {
        cluster_dns: vec!["10.0.0.2".into()],
        cpu_cfs_quota: Some(false),
        eviction_hard: map("memory.available", "5%"),
        eviction_max_pod_grace_period: Some(60),
        eviction_soft: map("memory.available", "10%"),
        eviction_soft_grace_period: map("memory.available", "1m0s"),
        image_gc_high_threshold_percent: Some(85),
        image_gc_low_threshold_percent: Some(80),
        kube_reserved: map("cpu", "100m"),
        max_pods: Some(40),
        pods_per_core: Some(10),
        system_reserved: map("memory", "200Mi"),
    }
}

struct Case {
    family: AmiFamily,
    kubelet: KubeletTexts,
    local_disks: bool,
    own: &'static str,
}

const fn plain(family: AmiFamily, own: &'static str) -> Case {
    let kubelet = KubeletTexts {
        cluster_dns: Vec::new(),
        cpu_cfs_quota: None,
        eviction_hard: Labels::new(),
        eviction_max_pod_grace_period: None,
        eviction_soft: Labels::new(),
        eviction_soft_grace_period: Labels::new(),
        image_gc_high_threshold_percent: None,
        image_gc_low_threshold_percent: None,
        kube_reserved: Labels::new(),
        max_pods: None,
        pods_per_core: None,
        system_reserved: Labels::new(),
    };
    Case { family, kubelet, local_disks: false, own }
}

fn full(family: AmiFamily) -> Case {
    Case { family, kubelet: kubelet(), local_disks: true, own: "" }
}

fn text(case: &Case) -> String {
    let node = Node {
        family: case.family,
        cluster: &cluster(),
        labels: &labels(),
        taints: &taints(),
        kubelet: &case.kubelet,
        max_pods: Some(29),
        local_disks: case.local_disks,
        own: &UserData::new(case.own),
    };
    match user_data(&node) {
        Ok(data) => data.reveal().to_owned(),
        Err(error) => format!("error: {error}\n"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "cases and expected texts stand in the call")]
fn check(case: Case, expected: Expect) {
    expected.assert_eq(&text(&case));
}

#[test]
fn amazon_linux_2023_gets_a_node_config() {
    check(
        plain(AmiFamily::AL2023, ""),
        expect![[r#"
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="//"

        --//
        Content-Type: application/node.eks.aws

        {
          "apiVersion": "node.eks.aws/v1alpha1",
          "kind": "NodeConfig",
          "spec": {
            "cluster": {
              "apiServerEndpoint": "https://api.example",
              "certificateAuthority": "Y2E=",
              "cidr": "10.100.0.0/16",
              "name": "prod"
            },
            "kubelet": {
              "config": {
                "maxPods": 29,
                "registerWithTaints": [
                  {
                    "effect": "NoSchedule",
                    "key": "team",
                    "value": "a"
                  },
                  {
                    "effect": "NoExecute",
                    "key": "karpenter.sh/unregistered"
                  }
                ]
              },
              "flags": [
                "--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a"
              ]
            }
          }
        }
        --//--
    "#]],
    );
}

#[test]
fn amazon_linux_2023_gets_every_setting_of_the_kubelet() {
    let text = text(&full(AmiFamily::AL2023));
    let (_, config) = text.split_once("node.eks.aws\n\n").unwrap();
    let (config, _) = config.split_once("--//--").unwrap();
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    config["spec"]["cluster"].take();
    expect![[r#"{"cluster":null,"instance":{"localStorage":{"strategy":"RAID0"}},"kubelet":{"config":{"clusterDNS":["10.0.0.2"],"cpuCFSQuota":false,"evictionHard":{"memory.available":"5%"},"evictionMaxPodGracePeriod":60,"evictionSoft":{"memory.available":"10%"},"evictionSoftGracePeriod":{"memory.available":"1m0s"},"imageGCHighThresholdPercent":85,"imageGCLowThresholdPercent":80,"kubeReserved":{"cpu":"100m"},"maxPods":29,"podsPerCore":10,"registerWithTaints":[{"effect":"NoSchedule","key":"team","value":"a"},{"effect":"NoExecute","key":"karpenter.sh/unregistered"}],"systemReserved":{"memory":"200Mi"}},"flags":["--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a"]}}"#]].assert_eq(&config["spec"].to_string());
}

#[test]
fn a_script_of_the_owner_follows_the_node_config() {
    check(
        plain(AmiFamily::AL2023, "#!/bin/bash\necho //\n--//\n"),
        expect![[r#"
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="//1//"

        --//1//
        Content-Type: application/node.eks.aws

        {
          "apiVersion": "node.eks.aws/v1alpha1",
          "kind": "NodeConfig",
          "spec": {
            "cluster": {
              "apiServerEndpoint": "https://api.example",
              "certificateAuthority": "Y2E=",
              "cidr": "10.100.0.0/16",
              "name": "prod"
            },
            "kubelet": {
              "config": {
                "maxPods": 29,
                "registerWithTaints": [
                  {
                    "effect": "NoSchedule",
                    "key": "team",
                    "value": "a"
                  },
                  {
                    "effect": "NoExecute",
                    "key": "karpenter.sh/unregistered"
                  }
                ]
              },
              "flags": [
                "--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a"
              ]
            }
          }
        }
        --//1//
        Content-Type: text/x-shellscript; charset="us-ascii"

        #!/bin/bash
        echo //
        --//
        --//1//--
    "#]],
    );
}

#[test]
fn a_node_config_of_the_owner_follows_ours_and_so_has_the_last_word() {
    let own = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {kubelet: {config: {maxPods: 7}}}";
    let text = text(&plain(AmiFamily::AL2023, own));
    let parts: Vec<&str> = text.split("Content-Type: application/node.eks.aws").collect();
    assert_eq!(parts.len(), 3);
    assert!(parts[1].contains("\"maxPods\": 29") && parts[2].contains("maxPods: 7"));
}

#[test]
fn the_parts_of_an_archive_of_the_owner_keep_their_headers() {
    let own = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"AB\"\r\n\r\nfor people\r\n--AB\r\nContent-Type: text/cloud-config\r\nX-Merge: list\r\n\r\n#cloud-config\r\na: 1\r\n--AB\r\n\r\n#!/bin/sh\r\ntrue\r\n--AB--\r\nafter";
    let text = text(&plain(AmiFamily::AL2023, own));
    let own = text.split_once("--//\nContent-Type: text/cloud-config").unwrap().1;
    expect![[r#"

        X-Merge: list

        #cloud-config
        a: 1
        --//

        #!/bin/sh
        true
        --//--
    "#]]
    .assert_eq(own);
}

#[test]
fn amazon_linux_2_runs_the_owners_parts_before_it_joins() {
    check(
        plain(AmiFamily::AL2, "echo it's me"),
        expect![[r#"
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="//"

        --//
        Content-Type: text/x-shellscript; charset="us-ascii"

        echo it's me
        --//
        Content-Type: text/x-shellscript; charset="us-ascii"

        #!/bin/bash
        set -e
        /etc/eks/bootstrap.sh 'prod' \
          --apiserver-endpoint 'https://api.example' \
          --b64-cluster-ca 'Y2E=' \
          --use-max-pods 'false' \
          --dns-cluster-ip '10.100.0.10' \
          --kubelet-extra-args '--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a --register-with-taints=team=a:NoSchedule,karpenter.sh/unregistered=:NoExecute --max-pods=29'
        --//--
    "#]],
    );
}

#[test]
fn amazon_linux_2_gets_every_setting_of_the_kubelet() {
    check(
        full(AmiFamily::AL2),
        expect![[r#"
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="//"

        --//
        Content-Type: text/x-shellscript; charset="us-ascii"

        #!/bin/bash
        set -e
        /etc/eks/bootstrap.sh 'prod' \
          --apiserver-endpoint 'https://api.example' \
          --b64-cluster-ca 'Y2E=' \
          --use-max-pods 'false' \
          --dns-cluster-ip '10.0.0.2' \
          --local-disks 'raid0' \
          --kubelet-extra-args '--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a --register-with-taints=team=a:NoSchedule,karpenter.sh/unregistered=:NoExecute --max-pods=29 --pods-per-core=10 --system-reserved=memory=200Mi --kube-reserved=cpu=100m --eviction-hard=memory.available<5% --eviction-soft=memory.available<10% --eviction-soft-grace-period=memory.available=1m0s --eviction-max-pod-grace-period=60 --image-gc-high-threshold=85 --image-gc-low-threshold=80 --cpu-cfs-quota=false'
        --//--
    "#]],
    );
}

#[test]
fn windows_runs_the_owners_commands_before_it_joins() {
    check(
        plain(AmiFamily::Windows2022, "Write-Host \"hi\"\n"),
        expect![[r#"
        <powershell>
        Write-Host "hi"
        & "$env:ProgramFiles\Amazon\EKS\Start-EKSBootstrap.ps1" -EKSClusterName 'prod' -APIServerEndpoint 'https://api.example' -Base64ClusterCA 'Y2E=' -KubeletExtraArgs '--node-labels=karpenter.sh/do-not-sync-taints=true,karpenter.sh/nodepool=default,team=a --register-with-taints=team=a:NoSchedule,karpenter.sh/unregistered=:NoExecute --max-pods=29' -DNSClusterIP '10.100.0.10'
        </powershell>
    "#]],
    );
}

#[test]
fn bottlerocket_gets_settings() {
    check(
        plain(AmiFamily::Bottlerocket, ""),
        expect![[r#"
        [settings.kubernetes]
        api-server = "https://api.example"
        cluster-certificate = "Y2E="
        cluster-dns-ip = "10.100.0.10"
        cluster-name = "prod"
        max-pods = 29

        [settings.kubernetes.node-labels]
        "karpenter.sh/do-not-sync-taints" = "true"
        "karpenter.sh/nodepool" = "default"
        team = "a"

        [settings.kubernetes.node-taints]
        "karpenter.sh/unregistered" = [":NoExecute"]
        team = ["a:NoSchedule"]
    "#]],
    );
}

#[test]
fn bottlerocket_gets_every_setting_of_the_kubelet() {
    check(
        full(AmiFamily::Bottlerocket),
        expect![[r#"
        [settings.bootstrap-commands.000-mount-instance-storage]
        commands = [["apiclient", "ephemeral-storage", "init"], ["apiclient", "ephemeral-storage", "bind", "--dirs", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods"]]
        essential = true
        mode = "always"

        [settings.kubernetes]
        api-server = "https://api.example"
        cluster-certificate = "Y2E="
        cluster-dns-ip = "10.0.0.2"
        cluster-name = "prod"
        cpu-cfs-quota-enforced = false
        eviction-max-pod-grace-period = 60
        image-gc-high-threshold-percent = "85"
        image-gc-low-threshold-percent = "80"
        max-pods = 29

        [settings.kubernetes.eviction-hard]
        "memory.available" = "5%"

        [settings.kubernetes.eviction-soft]
        "memory.available" = "10%"

        [settings.kubernetes.eviction-soft-grace-period]
        "memory.available" = "1m0s"

        [settings.kubernetes.kube-reserved]
        cpu = "100m"

        [settings.kubernetes.node-labels]
        "karpenter.sh/do-not-sync-taints" = "true"
        "karpenter.sh/nodepool" = "default"
        team = "a"

        [settings.kubernetes.node-taints]
        "karpenter.sh/unregistered" = [":NoExecute"]
        team = ["a:NoSchedule"]

        [settings.kubernetes.system-reserved]
        memory = "200Mi"
    "#]],
    );
}

#[test]
fn the_owner_has_the_last_word_on_bottlerocket_but_for_cluster_labels_and_taints() {
    let own = r#"
[settings.host-containers.admin]
enabled = true
[settings.kubernetes]
cluster-name = "other"
max-pods = 7
[settings.kubernetes.node-labels]
mine = "1"
team = "theirs"
[settings.kubernetes.node-taints]
mine = ["x:NoSchedule"]
"karpenter.sh/unregistered" = []
"#;
    check(
        plain(AmiFamily::Bottlerocket, own),
        expect![[r#"
        [settings.host-containers.admin]
        enabled = true

        [settings.kubernetes]
        api-server = "https://api.example"
        cluster-certificate = "Y2E="
        cluster-dns-ip = "10.100.0.10"
        cluster-name = "prod"
        max-pods = 7

        [settings.kubernetes.node-labels]
        "karpenter.sh/do-not-sync-taints" = "true"
        "karpenter.sh/nodepool" = "default"
        mine = "1"
        team = "a"

        [settings.kubernetes.node-taints]
        "karpenter.sh/unregistered" = [":NoExecute"]
        mine = ["x:NoSchedule"]
        team = ["a:NoSchedule"]
    "#]],
    );
}

#[test]
fn custom_images_get_what_the_owner_wrote_and_nothing_else() {
    check(plain(AmiFamily::Custom, "whatever\n"), expect![["whatever\n"]]);
    check(plain(AmiFamily::Custom, ""), expect![[""]]);
}

#[test]
fn what_cannot_be_read_is_said_without_repeating_it() {
    let wrong = [
        (AmiFamily::AL2023, "password=hunter2"),
        (AmiFamily::AL2023, "MIME-Version: 1.0\n\nhunter2"),
        (AmiFamily::AL2, "Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y\n\nhunter2"),
        (AmiFamily::AL2, "Content-Type: multipart/mixed; boundary=a\n\n--a\nhunter2\n--a--"),
        (AmiFamily::Bottlerocket, "a = 1\npassword = hunter2"),
        (AmiFamily::Bottlerocket, "settings = \"hunter2\""),
        (AmiFamily::Bottlerocket, "[settings]\nkubernetes = \"hunter2\""),
        (AmiFamily::Bottlerocket, "[settings.kubernetes]\nnode-taints = \"hunter2\""),
    ];
    let all: String = wrong.into_iter().map(|(family, own)| text(&plain(family, own))).collect();
    expect![[r#"
        error: spec.userData: expected a MIME archive, a script with #! or a NodeConfig
        error: spec.userData: a MIME archive without a boundary
        error: spec.userData: a MIME archive that does not end with its boundary
        error: spec.userData: a part of the MIME archive has no body
        error: spec.userData: no TOML from byte 17 on
        error: spec.userData: settings must be a table
        error: spec.userData: settings.kubernetes must be a table
        error: spec.userData: settings.kubernetes.node-taints must be a table
    "#]]
    .assert_eq(&all);
    let data = UserData::new("hunter2");
    assert_eq!(format!("{data:?}"), "<7 bytes of user data>");
}

#[test]
fn sixteen_kibibytes_fit_and_no_more() {
    let of = |bytes: usize| {
        let own = UserData::new("x".repeat(bytes));
        let (cluster, labels, kubelet) = (cluster(), Labels::new(), KubeletTexts::default());
        user_data(&Node {
            family: AmiFamily::Custom,
            cluster: &cluster,
            labels: &labels,
            taints: &[],
            kubelet: &kubelet,
            max_pods: None,
            local_disks: false,
            own: &own,
        })
    };
    assert!(of(16 * 1024).is_ok());
    let error = of(16 * 1024 + 1).unwrap_err();
    assert_eq!(error.to_string(), "user data of 16385 bytes: EC2 takes 16384");
}

#[test]
fn clusters_with_ipv6_are_told_of_it() {
    let cluster = Cluster { service_cidr: "fd30:1c53:5f8a::/108".into(), ..cluster() };
    let (labels, kubelet, own) = (Labels::new(), KubeletTexts::default(), UserData::default());
    let node = Node {
        family: AmiFamily::AL2,
        cluster: &cluster,
        labels: &labels,
        taints: &[],
        kubelet: &kubelet,
        max_pods: None,
        local_disks: false,
        own: &own,
    };
    let text = user_data(&node).unwrap();
    assert!(text.reveal().contains("--dns-cluster-ip 'fd30:1c53:5f8a::a'"));
    assert!(text.reveal().contains("--ip-family 'ipv6'"));
    assert!(text.reveal().contains("--service-ipv6-cidr 'fd30:1c53:5f8a::/108'"));
}

#[test]
fn quotes_do_not_end_what_a_shell_reads() {
    let cluster = Cluster { name: "it's; rm -rf /".into(), ..cluster() };
    let (labels, kubelet, own) = (Labels::new(), KubeletTexts::default(), UserData::default());
    let mut node = Node {
        family: AmiFamily::AL2,
        cluster: &cluster,
        labels: &labels,
        taints: &[],
        kubelet: &kubelet,
        max_pods: None,
        local_disks: false,
        own: &own,
    };
    assert!(user_data(&node).unwrap().reveal().contains(r"bootstrap.sh 'it'\''s; rm -rf /'"));
    node.family = AmiFamily::Windows2019;
    assert!(user_data(&node).unwrap().reveal().contains("-EKSClusterName 'it''s; rm -rf /'"));
}
