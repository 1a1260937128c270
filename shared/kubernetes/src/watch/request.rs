//! What the API server is asked. Pods that have a node are never sent, and pages are small.

use crate::resource::{NODE_CLAIMS, NODE_CLASSES, NODE_POOLS, NODES, PODS, Resource};
use kube::core::Request;
use kube::core::params::{ListParams, WatchParams};
use model::hint::Subject;

/// Objects on a page. A Node with many images has some 30 KB, so a page is 3 MB at most and 1 MB as a rule.
const PAGE: u32 = 100;
/// A watch lasts so long, in seconds; below five minutes, after which proxies like to close connections.
const WATCH_LASTS: u32 = 240;

const fn resource(subject: Subject) -> &'static Resource {
    match subject {
        Subject::Pod => &PODS,
        Subject::Node => &NODES,
        Subject::NodeClaim => &NODE_CLAIMS,
        Subject::NodePool => &NODE_POOLS,
        Subject::NodeClass => &NODE_CLASSES,
    }
}

/// Which objects of a kind; none is all.
const fn fields(subject: Subject) -> Option<&'static str> {
    match subject {
        Subject::Pod => Some("spec.nodeName=,status.phase=Pending"),
        Subject::Node | Subject::NodeClaim | Subject::NodePool | Subject::NodeClass => None,
    }
}

/// A page of a list, the first or the one that the token of the page before it leads to.
pub(super) fn list(subject: Subject, token: Option<String>) -> http::Request<Vec<u8>> {
    let params = ListParams {
        limit: Some(PAGE),
        continue_token: token,
        field_selector: fields(subject).map(Into::into),
        ..ListParams::default()
    };
    Request::new(resource(subject).all())
        .list(&params)
        .expect("a list without a version is a valid request")
}

/// All that changes after a version.
pub(super) fn watch(subject: Subject, version: &str) -> http::Request<Vec<u8>> {
    let params = WatchParams {
        timeout: Some(WATCH_LASTS),
        field_selector: fields(subject).map(Into::into),
        ..WatchParams::default()
    };
    Request::new(resource(subject).all())
        .watch(&params, version)
        .expect("the timeout is below kube's limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write;

    #[test]
    fn requests_are_for_what_may_matter_only() {
        let mut text = String::new();
        for subject in Subject::ALL {
            writeln!(text, "{}", list(subject, None).uri()).unwrap();
            writeln!(text, "{}", watch(subject, "7").uri()).unwrap();
        }
        writeln!(text, "{}", list(Subject::Node, Some("a&b".into())).uri()).unwrap();
        expect![[r#"
            /api/v1/pods?&fieldSelector=spec.nodeName%3D%2Cstatus.phase%3DPending&limit=100
            /api/v1/pods?&watch=true&timeoutSeconds=240&fieldSelector=spec.nodeName%3D%2Cstatus.phase%3DPending&allowWatchBookmarks=true&resourceVersion=7
            /api/v1/nodes?&limit=100
            /api/v1/nodes?&watch=true&timeoutSeconds=240&allowWatchBookmarks=true&resourceVersion=7
            /apis/karpenter.sh/v1/nodeclaims?&limit=100
            /apis/karpenter.sh/v1/nodeclaims?&watch=true&timeoutSeconds=240&allowWatchBookmarks=true&resourceVersion=7
            /apis/karpenter.sh/v1/nodepools?&limit=100
            /apis/karpenter.sh/v1/nodepools?&watch=true&timeoutSeconds=240&allowWatchBookmarks=true&resourceVersion=7
            /apis/karpenter.k8s.aws/v1/ec2nodeclasses?&limit=100
            /apis/karpenter.k8s.aws/v1/ec2nodeclasses?&watch=true&timeoutSeconds=240&allowWatchBookmarks=true&resourceVersion=7
            /api/v1/nodes?&limit=100&continue=a%26b
        "#]].assert_eq(&text);
    }
}
