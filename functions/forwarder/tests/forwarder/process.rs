//! The binary as a process, and what it says.

use crate::api::Api;
use crate::aws::Aws;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing here takes so long, however busy the machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Looks again until it holds.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The environment of a forwarder between these two.
pub(crate) fn environment(api: &Api, aws: &Aws) -> Vec<(&'static str, String)> {
    vec![
        ("KUBECONFIG", kubeconfig(&api.server.url()).display().to_string()),
        ("JOINER_QUEUE_URL", aws.queue_url("hints")),
        ("JOINER_CLUSTER_NAME", "blue".into()),
        ("JOINER_LISTEN", "127.0.0.1:0".into()),
        ("AWS_REGION", "eu-west-1".into()),
        ("AWS_ENDPOINT_URL_SQS", aws.server.url()),
        ("AWS_ACCESS_KEY_ID", "FROMENVIRONMENT".into()),
        ("AWS_SECRET_ACCESS_KEY", "secret".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]
}

/// A file of this test run.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{}-{count}-{name}", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

fn kubeconfig(server: &str) -> PathBuf {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    file("kubeconfig", &text)
}

pub(crate) struct Forwarder {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Forwarder {
    pub(crate) fn start(environment: &[(&'static str, String)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_forwarder"))
            .env_clear()
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (out, into) = (child.stdout.take().unwrap(), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let mut log = into.lock().unwrap();
                log.push_str(&line.unwrap());
                log.push('\n');
            }
        });
        Self { child, log, reader: Some(reader) }
    }

    /// A forwarder that has listed everything and has sent its first hints.
    pub(crate) fn ready(api: &Api, aws: &Aws) -> Self {
        let forwarder = Self::start(&environment(api, aws));
        forwarder.wait_until_ready();
        wait_for("watches", || {
            [crate::api::PODS, crate::api::NODES, crate::api::CLAIMS]
                .iter()
                .all(|p| api.is_watched(p))
        });
        forwarder
    }

    pub(crate) fn wait_until_ready(&self) {
        wait_for("readiness", || self.get("/readyz").starts_with("HTTP/1.1 200"));
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What it answers to this path; empty while it does not.
    pub(crate) fn get(&self, path: &str) -> String {
        let Some(address) = self.address() else { return String::new() };
        let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut text = String::new();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let asked = stream.write_all(request.as_bytes());
        match asked.and_then(|()| stream.read_to_string(&mut text)) {
            Ok(_) => text,
            Err(_) => String::new(),
        }
    }

    /// A number from the page of metrics.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let page = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is not in\n{page}")).trim().parse().unwrap()
    }

    fn address(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("\"at\":\"")?;
        rest.split('"').next().map(str::to_owned)
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let mut ended = None;
        wait_for("the forwarder's end", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        self.reader.take().unwrap().join().unwrap();
        (ended.unwrap(), self.log())
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failed test shows what the forwarder said")]
            {
                eprintln!("{}", self.log());
            }
        }
    }
}
