//! What comes to the queue, whatever the queue does.

use crate::api::{Api, NODES, PODS, node, pod};
use crate::aws::{Aws, Reply};
use crate::process::{Forwarder, environment, wait_for};
use std::time::Duration;

const FAILURES: &str = r#"joiner_forwarder_hint_failures_total{hint="provisioning"}"#;
const SENT: &str = r#"joiner_forwarder_hints_sent_total{hint="provisioning"}"#;

#[test]
fn a_hint_that_is_not_taken_is_sent_again() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    let replies = [Reply::Throttle, Reply::Fail, Reply::Deny, Reply::Throttle];
    aws.script(&replies);
    api.put(PODS, pod("a"));
    aws.wait_for("provisioning", 1);
    wait_for("the answer", || forwarder.metric(SENT) == 1);
    assert_eq!(forwarder.metric(FAILURES), 4);
    assert!(forwarder.log().contains("a hint was not taken and is kept"));
}

#[test]
fn a_cut_answer_may_double_a_hint_and_loses_none() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    aws.script(&[Reply::Cut]);
    api.put(PODS, pod("a"));
    aws.wait_for("provisioning", 2);
    wait_for("the answer", || forwarder.metric(SENT) == 1);
    assert_eq!(forwarder.metric(FAILURES), 1);
}

#[test]
fn a_queue_that_does_not_answer_is_given_up_after_a_while() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    aws.script(&[Reply::Hang]);
    api.put(PODS, pod("a"));
    wait_for("the call", || aws.is_script_over());
    aws.wait_for("provisioning", 1);
    wait_for("the answer", || forwarder.metric(SENT) == 1);
    assert_eq!(forwarder.metric(FAILURES), 1);
}

#[test]
fn while_the_queue_is_away_hints_merge_and_it_says_so() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    aws.always(Some(Reply::Throttle));
    let mut count = 0;
    wait_for("six failures", || {
        count += 1;
        api.put(PODS, pod(&count.to_string()));
        forwarder.get("/readyz").contains("the queue takes no hints")
    });
    aws.always(None);
    aws.wait_for("provisioning", 1);
    wait_for("all to be sent", || forwarder.get("/readyz").starts_with("HTTP/1.1 200"));
    assert!(0 < forwarder.metric("joiner_forwarder_hints_merged_total"));
    assert!(aws.count("provisioning") <= 2, "{:?}", aws.hints());
}

#[test]
fn changes_that_follow_each_other_share_hints() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    // As many as come for two seconds and more, without a pause of 150 ms.
    let mut count = 0_u64;
    let begin = std::time::Instant::now();
    wait_for("two seconds", || {
        count += 1;
        api.put(PODS, pod(&count.to_string()));
        Duration::from_millis(2_200) < begin.elapsed()
    });
    wait_for("all to be seen", || {
        forwarder.metric(r#"joiner_forwarder_objects{kind="Pod"}"#) == count
    });
    wait_for("the last hint", || 3 <= aws.count("provisioning"));
    let times: Vec<_> = aws.taken().iter().map(|taken| taken.at).collect();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(100 < count && times.len() <= 5, "{count} changes, hints after {gaps:?}");
}

#[test]
fn lifecycle_may_have_a_queue_of_its_own() {
    let (api, aws) = (Api::start(), Aws::start());
    let mut environment = environment(&api, &aws);
    environment.push(("JOINER_LIFECYCLE_QUEUE_URL", aws.queue_url("life")));
    let forwarder = Forwarder::start(&environment);
    forwarder.wait_until_ready();
    api.put(NODES, node("n", "True"));
    api.put(PODS, pod("a"));
    aws.wait_for("lifecycle", 1);
    aws.wait_for("provisioning", 1);
    for taken in aws.taken() {
        let name = if taken.body["hint"] == "lifecycle" { "life" } else { "hints" };
        assert_eq!(taken.queue, aws.queue_url(name));
    }
}
