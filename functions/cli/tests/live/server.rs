//! An API server on loopback: it has the objects that a text gives it, and answers reads.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// The group and version of each kind, and its plural.
const KINDS: [(&str, &str, &str); 19] = [
    ("Pod", "api/v1", "pods"),
    ("Node", "api/v1", "nodes"),
    ("Namespace", "api/v1", "namespaces"),
    ("ConfigMap", "api/v1", "configmaps"),
    ("PersistentVolume", "api/v1", "persistentvolumes"),
    ("PersistentVolumeClaim", "api/v1", "persistentvolumeclaims"),
    ("DaemonSet", "apis/apps/v1", "daemonsets"),
    ("Deployment", "apis/apps/v1", "deployments"),
    ("PodDisruptionBudget", "apis/policy/v1", "poddisruptionbudgets"),
    ("StorageClass", "apis/storage.k8s.io/v1", "storageclasses"),
    ("CSINode", "apis/storage.k8s.io/v1", "csinodes"),
    ("Lease", "apis/coordination.k8s.io/v1", "leases"),
    ("NodePool", "apis/karpenter.sh/v1", "nodepools"),
    ("NodeClaim", "apis/karpenter.sh/v1", "nodeclaims"),
    ("NodeOverlay", "apis/karpenter.sh/v1alpha1", "nodeoverlays"),
    ("EC2NodeClass", "apis/karpenter.k8s.aws/v1", "ec2nodeclasses"),
    ("CustomResourceDefinition", "apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    (
        "ValidatingAdmissionPolicy",
        "apis/admissionregistration.k8s.io/v1",
        "validatingadmissionpolicies",
    ),
    ("CapacityBuffer", "apis/autoscaling.x-k8s.io/v1beta1", "capacitybuffers"),
];

/// What it is asked whether somebody may.
pub(crate) type Refusals = fn(&Value) -> bool;

/// The server; it goes with the process.
pub(crate) struct Server {
    /// A kubeconfig that names it.
    pub(crate) kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Opens one with these objects. `refused` says of which accesses that are reviewed it says no.
    pub(crate) fn open(name: &str, objects: Vec<Value>, refused: Refusals) -> Self {
        Self::open_in_turn(name, vec![objects], refused)
    }

    /// Opens one that has these objects, and others from each further look at the catalogue on: that is read last.
    pub(crate) fn open_in_turn(name: &str, objects: Vec<Vec<Value>>, refused: Refusals) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let objects = Arc::new(Mutex::new(objects));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (served, noted) = (Arc::clone(&objects), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, noted) = (Arc::clone(&served), Arc::clone(&noted));
                thread::spawn(move || serve(&stream.unwrap(), (&served, &noted), refused));
            }
        });
        let folder = std::env::temp_dir().join(format!("joiner-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let kubeconfig = folder.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { kubeconfig, asked }
    }

    /// Methods of all requests so far that are no reads, with their paths.
    pub(crate) fn changes(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|line| !line.starts_with("GET ")).cloned().collect()
    }
}

/// One request on each connection.
fn serve(
    stream: &TcpStream,
    (objects, asked): (&Mutex<Vec<Vec<Value>>>, &Mutex<Vec<String>>),
    refused: Refusals,
) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    asked.lock().unwrap().push(format!("{method} {path}"));
    let answer = if path.ends_with("/subjectaccessreviews") {
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        review["status"] = json!({"allowed": !refused(&review["spec"])});
        Some(review)
    } else {
        let mut objects = objects.lock().unwrap();
        let answer = if path == "/version" {
            Some(json!({"major": "1", "minor": "34"}))
        } else {
            let version = 100 - objects.len();
            answer(&objects[0], (path, query), version)
        };
        if path.ends_with("/configmaps/joiner-catalog") && 1 < objects.len() {
            objects.remove(0);
        }
        answer
    };
    let (status, body) = match answer {
        Some(body) => ("200 OK", body),
        None => (
            "404 Not Found",
            json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": path}),
        ),
    };
    let body = body.to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
}

/// A list of this version, or one object by its name. A watch gets a list as well, and is so told to read it anew.
fn answer(objects: &[Value], (path, query): (&str, &str), version: usize) -> Option<Value> {
    let path = path.trim_start_matches('/');
    let (kind, root, plural) = KINDS.into_iter().find(|(_, root, plural)| {
        path.strip_prefix(root).is_some_and(|rest| rest.split('/').any(|part| part == *plural))
            && !(*plural == "namespaces" && path.split('/').count() > 4)
    })?;
    let rest: Vec<&str> =
        path.strip_prefix(root)?.split('/').filter(|part| !part.is_empty()).collect();
    let (namespace, name) = match rest[..] {
        ["namespaces", name] if plural == "namespaces" => (None, Some(name)),
        ["namespaces", namespace, _] => (Some(namespace), None),
        ["namespaces", namespace, _, name] => (Some(namespace), Some(name)),
        [_] => (None, None),
        [_, name] => (None, Some(name)),
        _ => return None,
    };
    let by_name =
        query.split('&').find_map(|part| part.strip_prefix("fieldSelector=metadata.name%3D"));
    let label = query.split('&').find_map(|part| part.strip_prefix("labelSelector="));
    let label = label.and_then(|label| label.split_once("%3D"));
    let has_label = |metadata: &Value| {
        label.is_none_or(|(key, value)| metadata["labels"][key.replace("%2F", "/")] == value)
    };
    let fits = |object: &&Value| {
        let metadata = &object["metadata"];
        let is = |field: &str, wanted: Option<&str>| wanted.is_none_or(|it| metadata[field] == *it);
        has_label(metadata)
            && object["kind"] == *kind
            && is("namespace", namespace)
            && is("name", name)
            && is("name", by_name)
    };
    if name.is_some() {
        return objects.iter().find(fits).cloned();
    }
    let items: Vec<&Value> = objects.iter().filter(fits).collect();
    let metadata = json!({"resourceVersion": version.to_string()});
    Some(json!({"kind": format!("{kind}List"), "metadata": metadata, "items": items}))
}
