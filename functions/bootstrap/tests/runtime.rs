//! The binaries as Lambda starts them: against a Runtime API on loopback, without a cluster and without AWS.
#![cfg(test)]

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::Path;
use std::process::Output;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

const BINARIES: [&str; 5] = [
    env!("CARGO_BIN_EXE_provisioning"),
    env!("CARGO_BIN_EXE_lifecycle"),
    env!("CARGO_BIN_EXE_disruption"),
    env!("CARGO_BIN_EXE_interruption"),
    env!("CARGO_BIN_EXE_catalog"),
];

/// What Lambda sets, and what the template does. Nobody listens at port 1.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
    ("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1"),
    ("JOINER_CLUSTER_NAME", "blue"),
    ("JOINER_CLUSTER_UID", "0b5f"),
    ("JOINER_CLUSTER_ENDPOINT", "https://127.0.0.1:1"),
    ("JOINER_CLUSTER_CA", CERTIFICATE),
    ("JOINER_SERVICE_CIDR", "10.100.0.0/16"),
];

/// A certificate of nobody's in base64, made for this test.
const CERTIFICATE: &str = include_str!("certificate.txt");

fn command(binary: &str, runtime: &str, without: Option<&str>) -> Command {
    let mut command = Command::new(binary);
    let kept = ENVIRONMENT.iter().filter(|(name, _)| Some(*name) != without);
    command.env_clear().envs(kept.copied()).env("AWS_LAMBDA_RUNTIME_API", runtime);
    command.kill_on_drop(true);
    command
}

fn name(binary: &str) -> &str {
    Path::new(binary).file_name().and_then(|name| name.to_str()).unwrap()
}

/// One invocation by the Runtime API: what the function answers, and under which path.
async fn invoke(binary: &str, event: Value) -> (String, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let given = Rc::new(Notify::new());
    given.notify_one();
    let serving = spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (sender, given, event) = (sender.clone(), Rc::clone(&given), event.to_string());
            let serve = service_fn(move |request: Request<Incoming>| {
                let (sender, given, event) = (sender.clone(), Rc::clone(&given), event.clone());
                async move {
                    let path = request.uri().path().to_owned();
                    if path.ends_with("/invocation/next") {
                        // The second one does not come: the test ends before.
                        given.notified().await;
                        return Ok::<_, Infallible>(next(event));
                    }
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    sender.send((path, serde_json::from_slice(&body).unwrap())).unwrap();
                    Ok(Response::builder().status(202).body(Full::default()).unwrap())
                }
            });
            spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
        }
    });
    let mut child = command(binary, &address, None).spawn().unwrap();
    let answer = tokio::select! {
        answer = answers.recv() => answer.unwrap(),
        ended = child.wait() => panic!("{}: {ended:?}", name(binary)),
    };
    serving.abort();
    answer
}

fn next(event: String) -> Response<Full<Bytes>> {
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    Response::builder()
        .header("Lambda-Runtime-Aws-Request-Id", "request-1")
        .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:1:function:f")
        .body(Full::new(event.into()))
        .unwrap()
}

fn on_this_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn a_setting_that_is_missing_ends_a_function_with_one_line_that_names_it() {
    on_this_thread(async {
        for binary in BINARIES {
            for missing in ["JOINER_CLUSTER_UID", "AWS_SECRET_ACCESS_KEY"] {
                let mut command = command(binary, "127.0.0.1:1", Some(missing));
                let Output { status, stdout, .. } = command.output().await.unwrap();
                let said = String::from_utf8(stdout).unwrap();
                assert_eq!(status.code(), Some(1), "{}: {said}", name(binary));
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.contains(missing) && said.contains("is not set"), "{said}");
                assert!(!said.contains("a-secret-key"), "{said}");
            }
        }
    });
}

#[test]
fn hints_come_again_when_the_cluster_cannot_be_reached() {
    on_this_thread(async {
        let hint = json!({ "version": 1, "hint": "provisioning" }).to_string();
        let record = |id: &str, body: &str| json!({ "messageId": id, "body": body });
        let batch =
            json!({ "Records": [record("1", &hint), record("2", "{}"), record("3", &hint)] });
        for binary in &BINARIES[..2] {
            let (path, answer) = invoke(binary, batch.clone()).await;
            assert!(path.ends_with("/invocation/request-1/response"), "{path}");
            let failures = json!([{ "itemIdentifier": "1" }, { "itemIdentifier": "3" }]);
            assert_eq!(answer, json!({ "batchItemFailures": failures }), "{}", name(binary));
        }
    });
}

#[test]
fn a_sweep_fails_when_the_cluster_cannot_be_reached() {
    on_this_thread(async {
        let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        for binary in [BINARIES[0], BINARIES[1], BINARIES[2], BINARIES[4]] {
            let (path, answer) = invoke(binary, schedule.clone()).await;
            assert!(path.ends_with("/invocation/request-1/error"), "{}: {path}", name(binary));
            let message = answer["errorMessage"].as_str().unwrap();
            assert!(message.contains("did not answer"), "{}: {message}", name(binary));
        }
    });
}
