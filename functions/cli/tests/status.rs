//! `joiner status` from a file to text.

use expect_test::expect;
use joiner_cli::{Streams, run};

/// Standard output for the cluster of `tests/data/status.yaml`.
fn status(output: &str) -> String {
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut include_str!("data/status.yaml").as_bytes(),
        output: &mut text,
        errors: &mut errors,
        has_terminal: false,
    };
    let arguments = ["joiner", "status", "-f", "-", "-o", output];
    let code = run(arguments, &mut streams);
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&errors));
    String::from_utf8(text).expect("it prints UTF-8")
}

#[test]
fn a_table_says_what_there_is_what_it_costs_and_what_is_on_its_way() {
    expect![[r#"
        NODEPOOL  NODES  NOT READY  SPOT  $/HOUR  CPU  MEMORY  PODS
        default       2          1     0  0.1920  25%     12%     1
        (none)        1          0     0  0.0000   0%      0%     0

        3 nodes for $0.1920/h, $140 a month, without the 1 whose price is not known

        NODECLAIM    NODEPOOL  FOR  WHAT
        default-two  default   30s  has joined, is not initialized: Node status is NotReady

        2 pods wait: 1 find room on what is there, 0 get 0 new nodes for $0.0000/h, 1 are left out (joiner plan says why)
    "#]].assert_eq(&status("table"));
}

#[test]
fn json_says_the_same() {
    expect![[r#"
        {"nodePools":[{"name":"default","nodes":2,"notReady":1,"spot":0,"unpriced":0,"costPerHour":0.192,"cpuPercent":25,"memoryPercent":12,"pods":1},{"name":null,"nodes":1,"notReady":0,"spot":0,"unpriced":1,"costPerHour":0.0,"cpuPercent":0,"memoryPercent":0,"pods":0}],"costPerHour":0.192,"inFlight":[{"claim":"default-two","nodePool":"default","what":"has joined, is not initialized: Node status is NotReady","since":"2026-01-01T00:00:30Z"}],"waiting":{"pods":2,"haveRoom":1,"newNodes":0,"newCostPerHour":0.0,"leftOut":1}}
    "#]].assert_eq(&status("json"));
}
