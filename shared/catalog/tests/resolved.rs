//! Resolved catalogue files: read, written, refused.
#![cfg(test)]

use catalog::{Facts, resolve, resolved};
use expect_test::expect;
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use proptest::prelude::*;

/// The example of the format's description.
const EXAMPLE: &str = r#"{"region":"us-east-1","instanceTypes":[{"name":"m5.large","arch":"amd64","os":["linux"],
  "capacity":{"cpu":"2000m","memory":"7600000000","pods":"29","ephemeral-storage":"21474836480"},
  "overhead":{"cpu":"70m","memory":"600000000"},
  "labels":{"karpenter.k8s.aws/instance-family":"m5"},
  "offerings":[{"zone":"us-east-1a","capacityType":"on-demand","pricePerHour":0.096,"available":true}]}]}"#;

/// Reads the example with one piece of it replaced.
fn read_with(piece: &str, by: &str) -> Result<resolved::Catalog, resolved::Error> {
    assert!(EXAMPLE.contains(piece), "{piece}");
    resolved::read(EXAMPLE.replacen(piece, by, 1).as_bytes())
}

#[test]
fn allocatable_is_capacity_less_overhead() {
    let read = resolved::read(EXAMPLE.as_bytes()).unwrap();
    let [m5_large] = &read.instance_types[..] else { panic!("one instance type") };
    expect!["1930m cpu, 7000000000 memory, 20Gi ephemeral-storage, 29 pods"]
        .assert_eq(&m5_large.allocatable.to_string());
    let labels: Vec<_> =
        m5_large.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    expect![[r#"
        karpenter.k8s.aws/instance-family=m5
        kubernetes.io/arch=amd64
        kubernetes.io/os=linux
        node.kubernetes.io/instance-type=m5.large
        topology.kubernetes.io/region=us-east-1"#]]
    .assert_eq(&labels.join("\n"));
}

#[test]
fn amounts_may_be_bare_numbers_and_are_written_as_kubernetes_does() {
    let read = read_with(r#""29""#, "29").unwrap();
    expect![[r#"
        {"region":"us-east-1","instanceTypes":[
        {"name":"m5.large","arch":"amd64","os":["linux"],"capacity":{"cpu":"2","ephemeral-storage":"20Gi","memory":"7421875Ki","pods":"29"},"overhead":{"cpu":"70m","memory":"600000000"},"labels":{"karpenter.k8s.aws/instance-family":"m5"},"offerings":[{"zone":"us-east-1a","capacityType":"on-demand","pricePerHour":0.096,"available":true}]}
        ]}
    "#]].assert_eq(&resolved::write(&read.region, &read.instance_types));
}

#[test]
fn errors_name_the_instance_type_and_the_field() {
    let spoiled = [
        (r#""cpu":"2000m""#, r#""cpu":"-2""#),
        (r#""cpu":"2000m""#, r#""cpu":"two""#),
        (r#""cpu":"2000m""#, r#""cpu":[2]"#),
        (r#""cpu":"70m""#, r#""cpu":"3""#),
        ("0.096", "-0.096"),
        ("0.096", "\"0.096\""),
        ("on-demand", "cheap"),
        ("available", "availible"),
        (r#""arch":"amd64","#, ""),
        (r#""os":"#, r#""gpu":1,"os":"#),
        (r#"["linux"]"#, "[]"),
        ("karpenter.k8s.aws/instance-family", "kubernetes.io/arch"),
        (r#""name":"m5.large""#, r#""name":"""#),
        (r#""region":"us-east-1""#, r#""region":7"#),
    ];
    let errors = spoiled.map(|(piece, by)| read_with(piece, by).unwrap_err().to_string());
    expect![[r#"
        m5.large: capacity.cpu: "-2" is negative: expected zero or more
        m5.large: capacity.cpu: "two" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3
        m5.large: capacity.cpu: invalid type: sequence, expected a quantity such as "1500m", "2Gi" or 29 at line 2 column 21
        m5.large: overhead.cpu: is more than the capacity
        m5.large: offerings[0].pricePerHour: -0.096 dollars is no price: expected 0 to 1000000
        m5.large: offerings[0].pricePerHour: invalid type: string "0.096", expected f64 at line 5 column 85
        m5.large: offerings[0].capacityType: unknown variant `cheap`, expected one of `reserved`, `spot`, `on-demand` at line 5 column 58
        m5.large: offerings[0].availible: unknown field `availible`, expected one of `zone`, `zoneId`, `capacityType`, `pricePerHour`, `available` at line 5 column 95
        m5.large: missing field `arch` at line 5 column 103
        m5.large: gpu: unknown field `gpu`, expected one of `name`, `arch`, `os`, `capacity`, `overhead`, `labels`, `offerings` at line 1 column 78
        m5.large: os: must name one operating system, which the nodes will run
        m5.large: labels.kubernetes.io/arch: says "m5", but another field says "amd64"
        instanceTypes[0].name: is empty
        region: invalid type: integer `7`, expected a string at line 1 column 11"#]].assert_eq(&errors.join("\n"));
}

#[test]
fn control_characters_of_the_file_do_not_reach_the_terminal() {
    let error = read_with("on-demand", r"a\rb\u001b[31m").unwrap_err().to_string();
    expect!["m5.large: offerings[0].capacityType: unknown variant `a b [31m`, expected one of `reserved`, `spot`, `on-demand` at line 5 column 67"]
        .assert_eq(&error);
}

#[test]
fn names_that_could_be_no_labels_are_refused() {
    let spoiled = [
        (r#""name":"m5.large""#, r#""name":"m5\rlarge""#),
        ("us-east-1a", "us east"),
        (r#""amd64""#, r#""""#),
        (r#":"m5"}"#, r#":"\u0000"}"#),
        ("karpenter.k8s.aws/instance-family", r"a\nb"),
    ];
    let errors = spoiled.map(|(piece, by)| read_with(piece, by).unwrap_err().to_string());
    expect![[r#"
        instanceTypes[0].name: "m5\rlarge" is no name: expected up to 63 letters, digits, -, _ and .
        m5.large: offerings[0].zone: "us east" is no name: expected up to 63 letters, digits, -, _ and .
        m5.large: arch: is empty
        m5.large: labels.karpenter.k8s.aws/instance-family: "\0" is no name: expected up to 63 letters, digits, -, _ and .
        m5.large: labels: "a\nb" is no label's name"#]].assert_eq(&errors.join("\n"));
}

#[test]
fn amounts_that_could_not_be_added_up_are_refused() {
    let error = read_with("7600000000", "9223372036854775807").unwrap_err().to_string();
    expect!["m5.large: capacity.memory: is too large: expected at most 512Ti"].assert_eq(&error);
}

#[test]
fn what_stands_twice_is_refused() {
    let (head, rest) = EXAMPLE.split_once('[').unwrap();
    let types = rest.strip_suffix("]}").unwrap();
    let twice = format!("{head}[{types},{types}]}}");
    let error = resolved::read(twice.as_bytes()).unwrap_err();
    expect!["m5.large: stands twice in instanceTypes"].assert_eq(&error.to_string());

    let (head, offering) = EXAMPLE.split_once("\"offerings\":[").unwrap();
    let offering = offering.strip_suffix("]}]}").unwrap();
    let twice = format!("{head}\"offerings\":[{offering},{offering}]}}]}}");
    let error = resolved::read(twice.as_bytes()).unwrap_err();
    expect!["m5.large: offerings: on-demand in us-east-1a stands there twice"]
        .assert_eq(&error.to_string());
}

#[test]
fn what_is_no_catalogue_at_all_gets_one_short_line() {
    let long = format!("{{\"region\":\"r\",\"instanceTypes\":[{{\"{}\":1}}]}}", "x".repeat(10_000));
    let trailing = format!("{EXAMPLE} more");
    let texts = ["", "[]", "{", "{}", "\u{0}\u{1}", &long, &trailing, &"[".repeat(10_000)];
    let errors = texts.map(|text| resolved::read(text.as_bytes()).unwrap_err().to_string());
    expect![[r#"
        catalogue: EOF while parsing a value at line 1 column 0
        catalogue: invalid length 0, expected a catalogue at line 1 column 2
        catalogue: EOF while parsing an object at line 1 column 1
        catalogue: missing field `region` at line 1 column 2
        catalogue: expected value at line 1 column 1
        instanceTypes[0].xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: unknown field `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        catalogue: trailing characters at line 5 column 107
        [0]: invalid type: sequence, expected a string at line 1 column 1"#]].assert_eq(&errors.join("\n"));
    assert!(resolved::read(&[0xff, 0xfe]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn writing_and_reading_gives_the_same_types(
        max_pods in proptest::option::of(1_u32..500),
        root_volume_bytes in 1_i64..1 << 42,
        is_bottlerocket: bool,
    ) {
        let class = NodeClass {
            name: "default".into(),
            uid: "uid-1".into(),
            deleting: false,
            ready: true,
            ami_family: if is_bottlerocket { AmiFamily::Bottlerocket } else { AmiFamily::AL2023 },
            kubelet: Kubelet { max_pods, ..Kubelet::default() },
            root_volume_bytes: Some(root_volume_bytes),
            instance_store_raid0: true,
            ip_prefix_count: 0,
            subnets: Vec::new(),
            images: Vec::new(),
            template: std::sync::Arc::default(),
        };
        let types = resolve(Facts::builtin(), "eu-west-1", &class).unwrap();
        let read = resolved::read(resolved::write("eu-west-1", &types).as_bytes()).unwrap();
        prop_assert_eq!(&*read.region, "eu-west-1");
        prop_assert_eq!(read.instance_types, types);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(resolved::read(&bytes).is_err());
    }
}
