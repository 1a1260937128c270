//! SQS as far as hints need it (AWS JSON 1.0), failing on demand, and the two services that give out credentials.

use crate::process::wait_for;
use crate::server::{Answer, Asked, Handler, Server};
use http_body_util::{BodyExt, Full};
use hyper::Response;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How a message is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// `RequestThrottled`, status 400.
    Throttle,
    /// Status 500 without a word that the SDK knows.
    Fail,
    /// The access is denied.
    Deny,
    /// The connection is closed without an answer, though the message is taken.
    Cut,
    /// There is no answer.
    Hang,
}

/// A message as it was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) at: Instant,
    pub(crate) queue: String,
    pub(crate) body: Value,
    pub(crate) authorization: String,
}

#[derive(Default)]
pub(crate) struct Queues {
    taken: Mutex<Vec<Taken>>,
    script: Mutex<VecDeque<Reply>>,
    always: Mutex<Option<Reply>>,
}

/// The fake and what it has taken.
pub(crate) struct Aws {
    pub(crate) server: Server,
    queues: Arc<Queues>,
}

impl Aws {
    pub(crate) fn start() -> Self {
        let queues = Arc::new(Queues::default());
        Self { server: Server::start(&queues), queues }
    }

    pub(crate) fn queue_url(&self, name: &str) -> String {
        format!("{}/123456789012/{name}", self.server.url())
    }

    /// The next messages are answered so; those after them are taken.
    pub(crate) fn script(&self, replies: &[Reply]) {
        self.queues.script.lock().unwrap().extend(replies);
    }

    /// All messages are answered so, or taken again.
    pub(crate) fn always(&self, reply: Option<Reply>) {
        *self.queues.always.lock().unwrap() = reply;
    }

    pub(crate) fn is_script_over(&self) -> bool {
        self.queues.script.lock().unwrap().is_empty()
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.queues.taken.lock().unwrap().clone()
    }

    /// Hints taken so far, by name.
    pub(crate) fn hints(&self) -> Vec<String> {
        let taken = self.taken();
        taken.iter().map(|taken| taken.body["hint"].as_str().unwrap().to_owned()).collect()
    }

    /// How many hints of this name were taken so far.
    pub(crate) fn count(&self, hint: &str) -> usize {
        self.hints().iter().filter(|name| *name == hint).count()
    }

    /// Waits until so many hints of this name are there.
    pub(crate) fn wait_for(&self, hint: &str, count: usize) {
        wait_for(&format!("{count} hints for {hint}"), || count <= self.count(hint));
    }
}

impl Handler for Queues {
    async fn answer(&self, asked: Asked) -> Option<Answer> {
        let Asked { head, body } = asked;
        if head.uri.path() == "/credentials" {
            return Some(container_credentials(&head));
        }
        if body.contains("Action=AssumeRoleWithWebIdentity") {
            assert!(body.contains("WebIdentityToken=the-pods-token"), "{body}");
            return Some(text(200, WEB_IDENTITY.into()));
        }
        assert_eq!(head.headers["x-amz-target"], "AmazonSQS.SendMessage");
        let next = self.script.lock().unwrap().pop_front();
        let reply = next.or(*self.always.lock().unwrap());
        match reply {
            None => {
                self.take(&head, &body);
                Some(text(200, json!({ "MessageId": "1" }).to_string()))
            }
            Some(Reply::Cut) => {
                self.take(&head, &body);
                None
            }
            Some(Reply::Throttle) => Some(error(400, "com.amazonaws.sqs#RequestThrottled")),
            Some(Reply::Deny) => Some(error(403, "com.amazon.coral.service#AccessDeniedException")),
            Some(Reply::Fail) => Some(text(500, "<html>oh no</html>".into())),
            Some(Reply::Hang) => std::future::pending().await,
        }
    }
}

impl Queues {
    fn take(&self, head: &http::request::Parts, body: &str) {
        let request: Value = serde_json::from_str(body).unwrap();
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        let authorization = head.headers["authorization"].to_str().unwrap().to_owned();
        self.taken.lock().unwrap().push(Taken {
            at: Instant::now(),
            queue: text("QueueUrl"),
            body: serde_json::from_str(&text("MessageBody")).unwrap(),
            authorization,
        });
    }
}

fn text(status: u16, body: String) -> Answer {
    let body = Full::new(body.into()).boxed();
    Response::builder().status(status).body(body).unwrap()
}

fn error(status: u16, kind: &str) -> Answer {
    text(status, json!({ "__type": kind, "message": "not now" }).to_string())
}

/// As EKS' Pod Identity agent answers whoever knows the pod's token.
fn container_credentials(head: &http::request::Parts) -> Answer {
    assert_eq!(head.headers["authorization"], "the-pods-token");
    let credentials = json!({
        "AccessKeyId": "FROMPODIDENTITY", "SecretAccessKey": "secret", "Token": "token",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    text(200, credentials.to_string())
}

/// As STS answers.
const WEB_IDENTITY: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>FROMWEBIDENTITY</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#;
