//! Commands that look at a live cluster, here an API server on loopback.
#![cfg(test)]

mod installation;
mod server;
mod views;

use joiner_cli::{Streams, run};
use serde_json::{Value, json};
use server::Server;
use std::path::Path;

/// The cluster of `joiner status`' test, as an API server has it.
fn cluster() -> Vec<Value> {
    let list: Value = serde_saphyr::from_str(include_str!("../data/status.yaml")).unwrap();
    let mut objects = list["items"].as_array().unwrap().clone();
    objects.push(json!({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}));
    for (version, object) in objects.iter_mut().enumerate() {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.entry("uid").or_insert_with(|| json!(format!("uid-{version}")));
        metadata.entry("creationTimestamp").or_insert_with(|| json!("2026-01-01T00:00:00Z"));
        metadata.insert("resourceVersion".into(), json!((version + 1).to_string()));
    }
    let class = objects.iter_mut().find(|object| object["kind"] == "EC2NodeClass").unwrap();
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    class["status"] = json!({
        "subnets": [{"id": "subnet-12345678", "zone": "us-east-1a"}],
        "securityGroups": [{"id": "sg-12345678"}],
        "amis": [{"id": "ami-12345678", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}],
        "conditions": [condition("Ready")],
    });
    objects
}

/// Exit code, standard output and standard error of a command line, with the kubeconfig of a server.
fn joiner(arguments: &[&str], kubeconfig: &Path) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut &b""[..],
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let kubeconfig = kubeconfig.display().to_string();
    let arguments =
        ["joiner"].iter().chain(arguments).copied().chain(["--kubeconfig", &*kubeconfig]);
    let code = run(arguments, &mut streams);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(output), text(errors))
}

/// Nobody is refused anything.
fn open(name: &str, objects: Vec<Value>) -> Server {
    Server::open(name, objects, |_| false)
}
