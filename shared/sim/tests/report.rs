//! The page about a run: whole in itself, the same for the same run, and safe with any name in it.

use jiff::{SignedDuration, Timestamp};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::Labels;
use model::name::ObjectName;
use model::price::Price;
use model::resources::Resources;
use sim::bound::Bound;
use sim::html::{Story, page};
use sim::record::{InstanceRecord, PodEnd, PodRecord, Record};
use sim::summary::summarize;
use sim::trace::HOW;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// Twelve kinds of nodes with a pod each.
fn record() -> Record {
    let pod = |index: i64| PodRecord {
        name: ObjectName::new("default", format!("p{index}")),
        requests: Arc::new(Resources::cpu_memory(1000, 1 << 30)),
        node_selector: Arc::new(Labels::new()),
        created: at(index * 600),
        launch_called: Some(at(index * 600 + 1)),
        bound: Some(at(index * 600 + 40)),
        started: Some(at(index * 600 + 41)),
        ended: Some((at(index * 600 + 4000), PodEnd::Completed)),
        reason: None,
    };
    let instance = |index: i64| InstanceRecord {
        id: format!("i-{index}").into(),
        offering: OfferingKey {
            instance_type: format!("m{index}<.large").into(),
            zone: "us-east-1a".into(),
            capacity_type: if index < 9 { CapacityType::OnDemand } else { CapacityType::Spot },
        },
        price: Price::from_micro_dollars(96_000),
        allocatable: Resources::cpu_memory(2000, 8 << 30),
        launched: at(index * 600 + 1),
        joined: Some(at(index * 600 + 39)),
        ended: Some(at(index * 600 + 4100)),
        interrupted: None,
    };
    Record {
        start: at(0),
        end: at(14_400),
        pods: (0..12).map(pod).collect(),
        instances: (0..12).map(instance).collect(),
        violations: vec!["I1 <b>seen</b>".to_owned()],
        ..Record::default()
    }
}

fn rendered(record: &Record) -> String {
    let bound = Bound { dollars: 0.7, steps: vec![(at(40), 0.3), (at(9000), 0.1)] };
    let story = Story { title: "A & <script>", notes: HOW };
    page(record, &bound, &summarize(record, &bound, 7, 1.5), story)
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    let html = rendered(&record());
    let links: Vec<&str> = html.match_indices("http").map(|(at, _)| &html[at..at + 26]).collect();
    assert!(links.iter().all(|link| *link == "http://www.w3.org/2000/svg"), "{links:?}");
    for forbidden in ["<script", "<link", "@import", "url(", "<img", "src="] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert_eq!(html.matches("<svg").count(), 6);
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
}

#[test]
fn names_in_it_are_shown_and_not_obeyed() {
    let html = rendered(&record());
    assert!(html.contains("<h1>A &amp; &lt;script&gt;</h1>"));
    assert!(html.contains("I1 &lt;b&gt;seen&lt;/b&gt;"));
    assert!(html.contains("m0&lt;.large on-demand"));
}

#[test]
fn every_colour_is_one_of_the_style_sheet() {
    let html = rendered(&record());
    let body = html.split_once("</style>").unwrap().1;
    assert!(!body.contains("fill=\"#"), "a fixed fill");
    assert!(!body.contains("stroke=\"#"), "a fixed stroke");
    assert!(body.contains("var(--first)") && body.contains("var(--second)"));
}

#[test]
fn the_same_run_gives_the_same_page_and_an_empty_one_gives_a_page_too() {
    assert_eq!(rendered(&record()), rendered(&record()));
    assert!(rendered(&Record::default()).ends_with("</html>\n"));
}
