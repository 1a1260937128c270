//! How it ends.

use crate::api::{Api, PODS, pod};
use crate::aws::{Aws, Reply};
use crate::process::{Forwarder, environment, wait_for};
use std::time::{Duration, Instant};

#[test]
fn when_told_to_stop_it_sends_what_is_gathered_and_ends_well() {
    let (api, aws) = (Api::start(), Aws::start());
    let mut forwarder = Forwarder::ready(&api, &aws);
    // The first send waits for its answer, so that what comes after it is still there at the end.
    aws.script(&[Reply::Throttle]);
    api.put(PODS, pod("a"));
    wait_for("the first call", || aws.is_script_over());
    api.put(PODS, pod("b"));
    forwarder.terminate();
    let (ended, log) = forwarder.wait();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert_eq!(aws.hints(), ["provisioning"], "{log}");
}

#[test]
fn when_the_queue_is_away_it_ends_within_seconds_all_the_same() {
    let (api, aws) = (Api::start(), Aws::start());
    let mut forwarder = Forwarder::ready(&api, &aws);
    aws.always(Some(Reply::Hang));
    api.put(PODS, pod("a"));
    wait_for("the pod", || forwarder.metric(r#"joiner_forwarder_objects{kind="Pod"}"#) == 1);
    let begin = Instant::now();
    forwarder.terminate();
    let (ended, log) = forwarder.wait();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert!(log.contains("hints are left unsent"), "{log}");
}

#[test]
fn a_setting_that_is_missing_or_wrong_is_named() {
    let (api, aws) = (Api::start(), Aws::start());
    for name in ["JOINER_QUEUE_URL", "JOINER_CLUSTER_NAME", "AWS_REGION"] {
        let mut environment = environment(&api, &aws);
        environment.retain(|(key, _)| *key != name);
        let (ended, log) = Forwarder::start(&environment).wait();
        assert_eq!(ended.code(), Some(2), "{log}");
        assert!(log.contains(&format!("{name}: is not set")), "{log}");
    }
    let mut settings = environment(&api, &aws);
    settings.push(("JOINER_LISTEN", "nowhere".into()));
    let (ended, log) = Forwarder::start(&settings).wait();
    assert_eq!(ended.code(), Some(2), "{log}");
    assert!(log.contains("JOINER_LISTEN: `nowhere` is not an address"), "{log}");
}

#[test]
fn without_a_cluster_it_says_where_it_has_looked() {
    let (api, aws) = (Api::start(), Aws::start());
    let mut environment = environment(&api, &aws);
    environment.retain(|(key, _)| *key != "KUBECONFIG");
    let (ended, log) = Forwarder::start(&environment).wait();
    assert_eq!(ended.code(), Some(1), "{log}");
    assert!(log.contains("cannot tell from a kubeconfig or from inside a cluster"), "{log}");
}
