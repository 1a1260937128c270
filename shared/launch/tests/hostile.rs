//! Whatever an owner writes into user data, it is taken or refused, and never repeated in an error.

use launch::bootstrap::{BYTES_MAX, Cluster, Node, user_data};
use model::labels::Labels;
use model::node_class::AmiFamily;
use model::node_class::template::{KubeletTexts, UserData};
use proptest::prelude::*;
use proptest::sample::select;

const FAMILIES: [AmiFamily; 5] = [
    AmiFamily::AL2,
    AmiFamily::AL2023,
    AmiFamily::Bottlerocket,
    AmiFamily::Windows2022,
    AmiFamily::Custom,
];

/// Lines of which archives and settings are made, and some that break them.
const LINES: [&str; 16] = [
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"b\"",
    "Content-Type: multipart/mixed;",
    "  boundary=b",
    "",
    "--b",
    "--b--",
    "--//",
    "Content-Type: text/x-shellscript",
    "#!/bin/sh",
    "[settings.kubernetes]",
    "[settings.kubernetes.node-labels]",
    "settings = 1",
    "cluster-name = \"hunter2\"",
    "node-taints = [\"hunter2\"]",
    "\u{e9} hunter2 \u{0}",
];

fn outcome(family: AmiFamily, own: &str) -> Result<String, String> {
    let cluster = Cluster {
        name: "prod".into(),
        endpoint: "https://api.example".into(),
        certificate_authority: "Y2E=".into(),
        service_cidr: "10.100.0.0/16".into(),
    };
    let (labels, kubelet) = (Labels::new(), KubeletTexts::default());
    let node = Node {
        family,
        cluster: &cluster,
        labels: &labels,
        taints: &[],
        kubelet: &kubelet,
        max_pods: Some(29),
        local_disks: false,
        own: &UserData::new(own),
    };
    user_data(&node).map(|data| data.reveal().to_owned()).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn any_lines_are_taken_or_refused(
        family in select(&FAMILIES[..]),
        lines in prop::collection::vec(select(&LINES[..]), 0..24),
        end in select(&["\n", "\r\n"][..]),
    ) {
        match outcome(family, &lines.join(end)) {
            Ok(text) => prop_assert!(text.len() <= BYTES_MAX),
            Err(error) => prop_assert!(!error.contains("hunter2") && error.lines().count() == 1),
        }
    }

    #[test]
    fn any_text_is_taken_or_refused(family in select(&FAMILIES[..]), own in "\\PC{0,200}") {
        let _ = outcome(family, &own);
    }

    #[test]
    fn what_comes_out_can_be_put_in_again(script in "#!/bin/sh\n(\\PC{0,40}\n){0,4}") {
        let once = outcome(AmiFamily::AL2023, &script).unwrap();
        let twice = outcome(AmiFamily::AL2023, &once).unwrap();
        prop_assert_eq!(twice.matches("Content-Type: application/node.eks.aws").count(), 2);
        prop_assert!(twice.contains(script.trim()));
    }
}
