//! What is wrong with a file is said in one line that names file, line and field; nothing makes a parser panic.

use model::name::Zone;
use proptest::prelude::*;
use sim::trace::Trace;
use sim::{file, trace};

const HEADER: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";
const GOOD_ROW: &str = "a,500,1024,0,0,,LS,Running,10,70,12\n";

fn zones() -> [Zone; 2] {
    ["us-east-1a".into(), "us-east-1b".into()]
}

fn trace_error(text: &str) -> String {
    Trace::parse(text.as_bytes(), "t.csv").expect_err("a broken trace").to_string()
}

fn file_error(text: &str) -> String {
    file::parse(text.as_bytes(), "w.yaml", &zones()).expect_err("a broken file").to_string()
}

#[test]
fn a_broken_row_of_a_trace_is_named_with_its_line_and_column() {
    let number = |most: i64| format!("is out of place: expected a whole number from 0 to {most}");
    let seconds = number(316_224_000);
    let cases = [
        ("a,-500,1024,0,0,,LS,Running,10,70,12", format!("cpu_milli: \"-500\" {}", number(10_000_000))),
        ("a,NaN,1024,0,0,,LS,Running,10,70,12", format!("cpu_milli: \"NaN\" {}", number(10_000_000))),
        ("a,1.5,1024,0,0,,LS,Running,10,70,12", format!("cpu_milli: \"1.5\" {}", number(10_000_000))),
        (
            "a,500,99999999999999999999,0,0,,LS,Running,10,70,12",
            format!("memory_mib: \"99999999999999999999\" {}", number(33_554_432)),
        ),
        (
            "a,500,9223372036854775807,0,0,,LS,Running,10,70,12",
            format!("memory_mib: \"9223372036854775807\" {}", number(33_554_432)),
        ),
        ("a,500,1024,0,0,,LS,Running,,70,12", format!("creation_time: \"\" {seconds}")),
        ("a,500,1024,0,0,,LS,Running,10,x,12", format!("deletion_time: \"x\" {seconds}")),
        ("a,500,1024,0,0,,LS,Running,80,70,", "deletion_time: 70 lies before creation_time 80".into()),
        (
            "a,500,1024,0,0,,LS,Running,10,70,71",
            "scheduled_time: lies outside creation_time 10 to deletion_time 70".into(),
        ),
        (
            "a,500,1024,0,0,,XX,Running,10,70,12",
            "qos: \"XX\" is no class: expected LS, BE, Burstable or Guaranteed".into(),
        ),
        (
            "A b,500,1024,0,0,,LS,Running,10,70,12",
            "name: \"A b\" is no name for a pod: expected up to 50 of a-z, 0-9 and -, a letter first".into(),
        ),
    ];
    for (row, wanted) in cases {
        let text = format!("{HEADER}{}{row}\n", GOOD_ROW.replace('a', "z"));
        assert_eq!(trace_error(&text), format!("t.csv: line 3: column {wanted}"));
    }
}

#[test]
fn a_trace_that_is_no_table_is_refused() {
    assert_eq!(trace_error(""), "t.csv: line 1: column name: is missing in the header");
    assert_eq!(trace_error("hello\n"), "t.csv: line 1: column name: is missing in the header");
    let no_memory = HEADER.replace("memory_mib,", "");
    assert_eq!(
        trace_error(&no_memory),
        "t.csv: line 1: column memory_mib: is missing in the header"
    );
    let twice = HEADER.replace("gpu_spec", "qos");
    assert_eq!(trace_error(&twice), "t.csv: line 1: column qos: is there twice in the header");
    assert_eq!(trace_error(HEADER), "t.csv: no row below the header");
    let short = format!("{HEADER}{GOOD_ROW}a,500\n");
    assert_eq!(trace_error(&short), "t.csv: line 3: 2 fields, but the header has 11");
    let twice = format!("{HEADER}{GOOD_ROW}{GOOD_ROW}");
    assert_eq!(trace_error(&twice), "t.csv: line 3: column name: \"a\" is there twice");
    let binary = [HEADER.as_bytes(), b"\xff,500,1024,0,0,,LS,Running,10,70,12\n"].concat();
    let error = Trace::parse(&binary, "t.csv").unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2: column name: is no UTF-8 text");
}

#[test]
fn days_without_pods_and_absurd_scales_are_refused() {
    let trace = Trace::parse(format!("{HEADER}{GOOD_ROW}").as_bytes(), "t.csv").unwrap();
    let error = |days: &str, scale| {
        trace.workload(days.parse().unwrap(), scale, 1).unwrap_err().to_string()
    };
    assert_eq!(error("3..5", 1), "t.csv: no pod is created on days 3..5");
    assert_eq!(error("0..", 0), "t.csv: scale 0 makes 0 pods: expected 1 to 250000");
    let most = u32::MAX;
    assert_eq!(
        error("0..", most),
        format!("t.csv: scale {most} makes {most} pods: expected 1 to 250000")
    );
}

/// A file with one item, of which the text is given.
fn with_item(item: &str) -> String {
    format!("title: t\nitems:\n  - {item}\n")
}

fn with_pod(pod: &str) -> String {
    with_item(&format!(
        "job:\n      name: j\n      pods: 1\n      work: 1m\n      pod:\n        {pod}"
    ))
}

#[test]
fn a_mistake_in_a_workload_file_is_named_with_its_line_and_field() {
    let burst = |rest: &str| with_item(&format!("burst: {{name: b, work: 1m, pod: {{}}, {rest}}}"));
    let deployment = |rest: &str| with_item(&format!("deployment: {{name: d, pod: {{}}, {rest}}}"));
    let cases = [
        (
            with_pod("cpu: -1"),
            r#"line 8: items[0].job.pod.cpu: "-1" is negative: expected zero or more"#,
        ),
        (
            with_pod("memory: 4Gb"),
            r#"line 8: items[0].job.pod.memory: "4Gb" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3"#,
        ),
        (with_pod("cpu: 1e40"), r#"line 8: items[0].job.pod.cpu: "1e40" is too large"#),
        (with_pod("memory: 33Ti"), r#"line 8: items[0].job.pod.memory: "33Ti" is above 32Ti"#),
        (
            with_pod("resources: {gpu: 1}"),
            r#"line 4: items[0].job.pod.resources: "gpu" is no extended resource: it has no domain"#,
        ),
        (
            with_pod("nodeSelector: {topology.kubernetes.io/zone: mars-1a}"),
            r#"line 8: items[0].job.pod.nodeSelector.topology.kubernetes.io/zone: zone "mars-1a" is unknown: expected one of us-east-1a, us-east-1b"#,
        ),
        (
            with_item("zoneOutage: {at: 1h, zone: us-east-1z, for: 1h}"),
            r#"line 3: items[0].zoneOutage.zone: zone "us-east-1z" is unknown: expected one of us-east-1a, us-east-1b"#,
        ),
        (
            with_item("spotStorm: {at: 1h, percent: 101}"),
            "line 3: items[0].spotStorm.percent: 101 per cent: expected 1 to 100",
        ),
        (
            burst("at: soon, pods: 3"),
            r#"line 3: items[0].burst.at: "soon" is no duration: expected one such as 90s, 10m, 1h 30m"#,
        ),
        (
            burst("at: -1h, pods: 3"),
            r#"line 3: items[0].burst.at: "-1h" is negative: expected zero or more"#,
        ),
        (
            burst("at: 0s, pods: 250001"),
            "line 3: items[0].burst.pods: 250001 pods are above 250000",
        ),
        (
            deployment("replicas: 3, daily: {min: 1, max: 2, peak: 3h}"),
            "line 3: items[0].deployment: has to have one of replicas and daily",
        ),
        (
            deployment("daily: {min: 3, max: 2, peak: 3h}"),
            "line 3: items[0].deployment.daily: min 3 is above max 2",
        ),
        (
            deployment("replicas: 3, at: 25h"),
            "line 3: items[0].deployment.at: lies at or behind the end (until, or days)",
        ),
        (
            with_item("job: {name: Job, pods: 1, work: 1m, pod: {}}"),
            r#"line 3: items[0].job.name: "Job" is no name: expected up to 50 of a-z, 0-9 and -, a letter first"#,
        ),
        ("title: t\ndays: 0\nitems: []\n".into(), "line 2: days: 0 days: expected 1 to 366"),
    ];
    for (text, wanted) in cases {
        assert_eq!(file_error(&text), format!("w.yaml: {wanted}"), "{text}");
    }
    let twice = format!(
        "{}  - burst: {{name: d, at: 0s, pods: 1, work: 1m, pod: {{}}}}\n",
        deployment("replicas: 3")
    );
    assert_eq!(file_error(&twice), "w.yaml: line 4: items[1].burst.name: default/d is there twice");
}

#[test]
fn ties_that_cannot_be_are_named_with_their_line_and_field() {
    let spread = |fields: &str| with_pod(&format!("topologySpreadConstraints: [{{{fields}}}]"));
    let node = |fields: &str| with_pod(&format!("nodeAffinity: [{{{fields}}}]"));
    let term = |fields: &str| with_pod(&format!("podAntiAffinity: [{{{fields}}}]"));
    let pod = "items[0].job.pod";
    let cases = [
        (spread("topologyKey: zone, maxSkew: 0"), format!("line 8: {pod}.topologySpreadConstraints[0].maxSkew: 0: expected 1 or more")),
        (spread("topologyKey: zone, minDomains: 0"), format!("line 8: {pod}.topologySpreadConstraints[0].minDomains: 0: expected 1 or more")),
        (
            spread("topologyKey: zone, minDomains: 2, whenUnsatisfiable: ScheduleAnyway"),
            format!("line 8: {pod}.topologySpreadConstraints[0].minDomains: goes with whenUnsatisfiable: DoNotSchedule only"),
        ),
        (
            spread("topologyKey: zone}, {topologyKey: topology.kubernetes.io/zone"),
            format!("line 8: {pod}.topologySpreadConstraints[1].topologyKey: is there twice as DoNotSchedule"),
        ),
        (
            spread("topologyKey: the zone"),
            format!("line 8: {pod}.topologySpreadConstraints[0].topologyKey: \"the zone\" is no label: expected zone, hostname or a label's key"),
        ),
        (
            term("topologyKey: zone, with: nobody"),
            format!("line 8: {pod}.podAntiAffinity[0].with: \"nobody\" is no item with pods: expected the name of one (NAMESPACE/NAME elsewhere) or self"),
        ),
        (term("topologyKey: zone, with: self, weight: 0"), format!("line 8: {pod}.podAntiAffinity[0].weight: 0: expected a weight of 1 to 100")),
        (
            node("key: zone, operator: In, values: [mars-1a]"),
            format!("line 8: {pod}.nodeAffinity[0].values: zone \"mars-1a\" is unknown: expected one of us-east-1a, us-east-1b"),
        ),
        (node("key: team, operator: In"), format!("line 8: {pod}.nodeAffinity[0]: operator In needs at least one value")),
        (
            node("key: size, operator: Gt, values: [large]"),
            format!("line 8: {pod}.nodeAffinity[0]: operator Gt takes exactly one whole number of zero or more, found [\"large\"]"),
        ),
        (
            with_item("daemonSet: {name: d, pod: {podAffinity: [{topologyKey: zone, with: self}]}}"),
            "line 3: items[0].daemonSet.pod: pods on every node are neither spread nor kept together or apart".to_owned(),
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(file_error(&text), format!("w.yaml: {wanted}"), "{text}");
    }
}

/// The words are the parser's own here: file, line and field are what counts.
#[test]
fn what_the_parser_refuses_is_one_line_with_the_place() {
    let starts = [
        (
            with_item("burst: {name: b, att: 0s}"),
            "w.yaml: line 3: items[0].burst.att: unknown field `att`",
        ),
        (with_item("cronJob: {name: b}"), "w.yaml: line 3: items[0]: unknown variant `cronJob`"),
        ("title: t\nitem: []\n".into(), "w.yaml: line 2: item: unknown field `item`"),
        ("title: t\n".into(), "w.yaml: line 1: missing field `items`"),
        ("title: [t\nitems: }".into(), "w.yaml: line "),
        (
            with_pod("topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: Never}]"),
            "w.yaml: line 8: items[0].job.pod.topologySpreadConstraints[0].whenUnsatisfiable: unknown variant `Never`, expected",
        ),
        (
            with_pod("podAffinity: [{topologyKey: zone}]"),
            "w.yaml: line 8: items[0].job.pod.podAffinity[0]: missing field `with`",
        ),
        (String::new(), "w.yaml: "),
        ("title: a\ntitle: b\nitems: []\n".into(), "w.yaml: line 2: "),
        ("title: a\nitems: []\n---\ntitle: b\n".into(), "w.yaml: line "),
    ];
    for (text, start) in starts {
        let error = file_error(&text);
        assert!(error.starts_with(start), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn sixteen_mebibytes_of_garbage_are_one_line() {
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
    let garbage: [Vec<u8>; 5] = [
        (0..16 << 20).map(noise).collect(),
        vec![b'a'; 16 << 20],
        b"[{".repeat(8 << 20),
        b"- &a *a\n".repeat(2 << 20),
        b",\"\n".repeat(5 << 20),
    ];
    for bytes in garbage {
        let of_trace = Trace::parse(&bytes, "t.csv").unwrap_err().to_string();
        let of_file = file::parse(&bytes, "w.yaml", &zones()).unwrap_err().to_string();
        let of_short_file =
            file::parse(&bytes[..4 << 20], "w.yaml", &zones()).unwrap_err().to_string();
        for error in [of_trace, of_file, of_short_file] {
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.len() < 300, "{error}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_trace_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Trace::parse(&bytes, "t.csv");
        let _ = Trace::parse(&[HEADER.as_bytes(), &bytes[..]].concat(), "t.csv");
    }

    #[test]
    fn no_cells_make_the_trace_parser_panic(cells in proptest::collection::vec("[-0-9a-zA-Z.,\"]{0,22}", 11)) {
        let text = format!("{HEADER}{}\n", cells.join(","));
        if let Ok(trace) = Trace::parse(text.as_bytes(), "t.csv") {
            let days = trace::Days { from: 0, until: None };
            prop_assert!(trace.workload(days, 3, 1).is_ok());
        }
    }

    #[test]
    fn no_text_makes_the_file_parser_panic(text in "[-a-z:{}\\[\\]&*!|>'\"#%@`, \n0-9]{0,120}") {
        let _ = file::parse(text.as_bytes(), "w.yaml", &zones());
        let _ = file::parse(with_pod(&text).as_bytes(), "w.yaml", &zones());
    }

    #[test]
    fn no_duration_or_amount_makes_the_file_parser_panic(word in "[-+0-9a-zA-Z.]{0,30}") {
        let rest = format!("{{name: b, at: \"{word}\", over: \"{word}\", pods: 3, work: \"{word}\", pod: {{cpu: \"{word}\"}}}}");
        let _ = file::parse(with_item(&format!("burst: {rest}")).as_bytes(), "w.yaml", &zones());
    }
}
