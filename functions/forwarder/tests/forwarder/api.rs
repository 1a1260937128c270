//! An API server as far as the forwarder asks it: lists in pages, and watches that say what a test wants said.

use crate::server::{Answer, Asked, Handler, Server};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) const PODS: &str = "/api/v1/pods";
pub(crate) const NODES: &str = "/api/v1/nodes";
pub(crate) const CLAIMS: &str = "/apis/karpenter.sh/v1/nodeclaims";

#[derive(Default)]
struct Kind {
    objects: BTreeMap<String, Value>,
    /// Events since the beginning, with the version after each.
    log: Vec<(u64, String)>,
    watchers: Vec<UnboundedSender<String>>,
    lists: usize,
    pages: Vec<usize>,
    watched_from: Vec<u64>,
}

#[derive(Default)]
struct State {
    version: u64,
    /// Watches from before this version are answered with 410.
    compacted: u64,
    kinds: BTreeMap<String, Kind>,
    queries: Vec<String>,
    refusal: Option<u16>,
}

#[derive(Default)]
pub(crate) struct Objects(Mutex<State>);

/// The fake.
pub(crate) struct Api {
    pub(crate) server: Server,
    objects: Arc<Objects>,
}

impl Api {
    pub(crate) fn start() -> Self {
        let objects = Arc::new(Objects::default());
        Self { server: Server::start(&objects), objects }
    }

    /// Takes the server away; what happens meanwhile is kept for those who watch later.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
        self.with(|state| state.kinds.values_mut().for_each(|kind| kind.watchers.clear()));
    }

    pub(crate) fn restart(&mut self) {
        self.server.restart(&self.objects);
    }

    /// Puts an object there; whoever watches is told.
    pub(crate) fn put(&self, path: &str, mut object: Value) {
        self.with(|state| {
            state.version += 1;
            let version = state.version;
            object["metadata"]["resourceVersion"] = version.to_string().into();
            let kind = state.kinds.entry(path.into()).or_default();
            let uid = object["metadata"]["uid"].as_str().unwrap_or("?").to_owned();
            let old = kind.objects.insert(uid, object.clone());
            let what = if old.is_some() { "MODIFIED" } else { "ADDED" };
            kind.tell(version, &json!({ "type": what, "object": object }).to_string());
        });
    }

    /// Takes an object away.
    pub(crate) fn delete(&self, path: &str, uid: &str) {
        self.with(|state| {
            state.version += 1;
            let version = state.version;
            let kind = state.kinds.entry(path.into()).or_default();
            let mut object = kind.objects.remove(uid).unwrap();
            object["metadata"]["resourceVersion"] = version.to_string().into();
            kind.tell(version, &json!({ "type": "DELETED", "object": object }).to_string());
        });
    }

    /// Says anything at all to those who watch now.
    pub(crate) fn say(&self, path: &str, line: &str) {
        self.with(|state| {
            let kind = state.kinds.entry(path.into()).or_default();
            kind.watchers.retain(|watcher| watcher.send(line.to_owned()).is_ok());
        });
    }

    /// Forgets all events up to now and ends all watches.
    pub(crate) fn compact(&self) {
        self.with(|state| {
            state.version += 1;
            state.compacted = state.version;
            for kind in state.kinds.values_mut() {
                kind.log.clear();
                kind.watchers.clear();
            }
        });
    }

    /// All requests are answered with this status, or served again.
    pub(crate) fn refuse(&self, status: Option<u16>) {
        self.with(|state| state.refusal = status);
    }

    pub(crate) fn lists(&self, path: &str) -> usize {
        self.with(|state| state.kinds.get(path).map_or(0, |kind| kind.lists))
    }

    pub(crate) fn pages(&self, path: &str) -> Vec<usize> {
        self.with(|state| state.kinds[path].pages.clone())
    }

    /// The versions that watches began from.
    pub(crate) fn watched_from(&self, path: &str) -> Vec<u64> {
        self.with(|state| state.kinds.get(path).map_or(Vec::new(), |k| k.watched_from.clone()))
    }

    pub(crate) fn is_watched(&self, path: &str) -> bool {
        let is_open = |kind: &Kind| kind.watchers.iter().any(|watcher| !watcher.is_closed());
        self.with(|state| state.kinds.get(path).is_some_and(is_open))
    }

    pub(crate) fn queries(&self) -> Vec<String> {
        self.with(|state| state.queries.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.objects.0.lock().unwrap())
    }
}

impl Kind {
    fn tell(&mut self, version: u64, line: &str) {
        self.log.push((version, line.to_owned()));
        self.watchers.retain(|watcher| watcher.send(line.to_owned()).is_ok());
    }
}

impl Handler for Objects {
    async fn answer(&self, asked: Asked) -> Option<Answer> {
        let mut state = self.0.lock().unwrap();
        let uri = asked.head.uri;
        state.queries.push(uri.to_string());
        if let Some(code) = state.refusal {
            return Some(status(code, "refused on purpose"));
        }
        let query = uri.query().unwrap_or_default().to_owned();
        let value = |key: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(k, _)| *k == key).map(|(_, value)| value.to_owned()).next()
        };
        let number = |key: &str| value(key).map_or(0, |text| text.parse().unwrap());
        if value("watch").is_none() {
            return Some(state.list(uri.path(), number("limit"), number("continue")));
        }
        Some(state.watch(uri.path(), number("resourceVersion")))
    }
}

impl State {
    fn list(&mut self, path: &str, limit: u64, from: u64) -> Answer {
        let kind = self.kinds.entry(path.into()).or_default();
        let (limit, from) = (usize::try_from(limit).unwrap(), usize::try_from(from).unwrap());
        let page: Vec<&Value> = kind.objects.values().skip(from).take(limit).collect();
        kind.lists += usize::from(from == 0);
        kind.pages.push(page.len());
        let next = if from + limit < kind.objects.len() {
            (from + limit).to_string()
        } else {
            String::new()
        };
        let metadata = json!({ "resourceVersion": self.version.to_string(), "continue": next });
        json_answer(200, &json!({ "kind": "List", "metadata": metadata, "items": page }))
    }

    fn watch(&mut self, path: &str, from: u64) -> Answer {
        let kind = self.kinds.entry(path.into()).or_default();
        kind.watched_from.push(from);
        if from < self.compacted {
            return status(410, "too old resource version");
        }
        let (sender, lines) = unbounded_channel();
        for (_, line) in kind.log.iter().filter(|(version, _)| from < *version) {
            sender.send(line.clone()).unwrap();
        }
        kind.watchers.push(sender);
        let body = StreamBody::new(futures_util::stream::unfold(lines, next_line)).boxed();
        Response::builder().header("content-type", "application/json").body(body).unwrap()
    }
}

type Line = Result<Frame<Bytes>, Infallible>;

async fn next_line(
    mut lines: UnboundedReceiver<String>,
) -> Option<(Line, UnboundedReceiver<String>)> {
    let line = lines.recv().await?;
    Some((Ok(Frame::data(format!("{line}\n").into())), lines))
}

fn status(code: u16, message: &str) -> Answer {
    let reason = if code == 410 { "Expired" } else { "Refused" };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    json_answer(code, &body)
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let body = Full::new(body.to_string().into()).boxed();
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

/// A pod that the scheduler has found no node for.
pub(crate) fn pod(uid: &str) -> Value {
    let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable" });
    json!({
        "metadata": { "uid": uid, "name": uid, "namespace": "default" },
        "spec": { "containers": [{ "env": [{ "name": "PASSWORD", "value": "hunter2" }] }] },
        "status": { "phase": "Pending", "conditions": [condition] },
    })
}

/// A node.
pub(crate) fn node(uid: &str, ready: &str) -> Value {
    json!({
        "metadata": { "uid": uid, "name": uid, "labels": {} },
        "status": { "conditions": [{ "type": "Ready", "status": ready }] },
    })
}
