//! AWS on loopback but for EC2: ministack with our own template deployed to it, which runs the real binaries of the functions.

use crate::loopback::ask;
use anyhow::{Context, Result, bail, ensure};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The account.
pub const ACCOUNT: &str = "111122223333";
/// The account's owner, who may do everything.
pub const OWNER: (&str, &str) = ("test", "test");

/// Python, ministack and its template engine; the version is that which the scripts beside are written for.
const TOOLS: [&str; 3] = ["ministack-1.5.33", "ministack==1.5.33", "aws-sam-translator==1.115.0"];

/// The queue and the rule of whoever listens to a bus.
const LISTENER: &str = "listener";

/// It is there in two seconds; on a machine that compiles at the same time it takes longer.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// AWS. It ends, and the functions with it, when this is dropped or this process ends, however it ends.
#[derive(Debug)]
pub struct Aws {
    process: Child,
    lifeline: Option<ChildStdin>,
    python: PathBuf,
    address: String,
    /// While this file is there, SQS is down.
    queues_down: PathBuf,
}

/// What a deployment has made.
#[derive(Clone, Debug, Deserialize)]
pub struct Stack {
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The physical ids of its resources.
    pub resources: BTreeMap<String, String>,
    /// The Kubernetes groups of its roles, by their names.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Which function runs how often.
    pub schedules: Vec<Schedule>,
}

/// A schedule of the template.
#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// Its rule.
    pub rule: String,
    /// The function.
    pub function: String,
    /// As EventBridge has it: `rate(1 minute)`.
    pub expression: String,
    /// Megabytes that the function has.
    pub memory_mb: u64,
}

impl Aws {
    /// Starts it; what it says goes to a file.
    ///
    /// # Errors
    /// When it cannot be installed, or does not come up.
    pub async fn start(log: &Path) -> Result<Self> {
        let python = python()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let queues_down = log.with_extension("queues-down");
        let log = File::create(log)?;
        let mut process = command(&python, "serve.py", &address)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            .env("LAMBDA_EXECUTOR", "local")
            .env("IOT_MTLS_ENABLED", "0")
            // Roles are roles: a function's credentials are good for what its role allows.
            .env("AUTH", "true")
            .env("QUEUES_DOWN", &queues_down)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting ministack")?;
        let lifeline = process.stdin.take();
        let mut aws = Self { process, lifeline, python, address, queues_down };
        let begin = Instant::now();
        while aws.get("/_ministack/ready").await.is_err() {
            if let Some(status) = aws.process.try_wait()? {
                bail!("ministack ended ({status})");
            }
            ensure!(begin.elapsed() < READY_WITHIN, "ministack does not get ready");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(aws)
    }

    /// Deploys `infra/template.yaml` with these parameters. The functions are the binaries of a folder, with some more
    /// variables in their environment.
    ///
    /// # Errors
    /// When the stack cannot be made.
    pub fn deploy(
        &self,
        parameters: &Value,
        binaries: &Path,
        environment: &Value,
    ) -> Result<Stack> {
        let order = json!({
            "endpoint": self.endpoint(), "binaries": binaries, "environment": environment,
            "parameters": parameters,
        });
        let mut process = command(&self.python, "deploy.py", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("deploying")?;
        let mut stdin = process.stdin.take().context("its standard input is a pipe")?;
        stdin.write_all(order.to_string().as_bytes())?;
        drop(stdin);
        let output = process.wait_with_output()?;
        ensure!(output.status.success(), "the deployment failed; what it said stands above");
        serde_json::from_slice(&output.stdout).context("reading what was deployed")
    }

    /// Where it is, as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// EventBridge hears of an event of AWS' own, as EventBridge would deliver it.
    ///
    /// # Errors
    /// When it does not take it.
    pub async fn put_event(&self, event: &Value) -> Result<()> {
        let entry = json!({
            "Source": event["source"], "DetailType": event["detail-type"],
            "Detail": event["detail"].to_string(), "Resources": event["resources"],
        });
        let target = ("AWSEvents.PutEvents", "1.1");
        let answer = self.call(target, &json!({ "Entries": [entry] })).await?;
        ensure!(answer["FailedEntryCount"] == 0, "{answer}");
        Ok(())
    }

    /// Puts a message into a queue.
    ///
    /// # Errors
    /// When it does not take it.
    pub async fn send(&self, queue: &str, body: &str) -> Result<()> {
        let message = json!({ "QueueUrl": queue, "MessageBody": body });
        self.call(("AmazonSQS.SendMessage", "1.0"), &message).await?;
        Ok(())
    }

    /// SQS is down until it is said to be up again: it takes nothing, tells nothing and hands nothing on.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_queues_down(&self, down: bool) -> Result<()> {
        if down {
            fs::write(&self.queues_down, "")?;
        } else {
            fs::remove_file(&self.queues_down)?;
        }
        Ok(())
    }

    /// A function's time-out is so many seconds from now on.
    ///
    /// # Errors
    /// When it does not take that.
    pub async fn set_timeout(&self, function: &str, seconds: u32) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let mut request =
            self.post(&path, HeaderMap::new(), "lambda", &json!({ "Timeout": seconds }))?;
        *request.method_mut() = Method::PUT;
        ask(&self.address, request).await?;
        Ok(())
    }

    /// A schedule invokes its function no more.
    ///
    /// # Errors
    /// When there is no such rule.
    pub async fn stop(&self, schedule: &Schedule) -> Result<()> {
        let rule = json!({ "Name": schedule.rule });
        self.call(("AWSEvents.DisableRule", "1.1"), &rule).await?;
        Ok(())
    }

    /// From now on what this source puts on the default bus comes into a queue: its URL, for [`Self::heard`].
    ///
    /// # Errors
    /// When AWS does not take the queue or the rule.
    pub async fn listen(&self, source: &str) -> Result<String> {
        let queue = json!({ "QueueName": LISTENER });
        let queue = self.call(("AmazonSQS.CreateQueue", "1.0"), &queue).await?;
        let queue = queue["QueueUrl"].as_str().context("the queue has a URL")?.to_owned();
        let pattern = json!({ "source": [source] }).to_string();
        let rule = json!({ "Name": LISTENER, "EventPattern": pattern });
        self.call(("AWSEvents.PutRule", "1.1"), &rule).await?;
        let arn = format!("arn:aws:sqs:{}:{ACCOUNT}:{LISTENER}", crate::classes::REGION);
        let targets = json!({ "Rule": LISTENER, "Targets": [{ "Id": "queue", "Arn": arn }] });
        self.call(("AWSEvents.PutTargets", "1.1"), &targets).await?;
        Ok(queue)
    }

    /// Events that have come to a queue since the last time.
    ///
    /// # Errors
    /// When it does not tell, or what came is no JSON.
    pub async fn heard(&self, queue: &str) -> Result<Vec<Value>> {
        let ask = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let answer = self.call(("AmazonSQS.ReceiveMessage", "1.0"), &ask).await?;
        let messages = answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut events = Vec::new();
        for message in messages {
            let body = message["Body"].as_str().context("a message has a body")?;
            events.push(serde_json::from_str(body)?);
            let done = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
            self.call(("AmazonSQS.DeleteMessage", "1.0"), &done).await?;
        }
        Ok(events)
    }

    /// How many messages wait in a queue, and how many are being worked on.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn waiting(&self, queue: &str) -> Result<(u32, u32)> {
        let ask = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        let answer = self.call(("AmazonSQS.GetQueueAttributes", "1.0"), &ask).await?;
        let number = |name: &str| -> Result<u32> {
            let text = answer["Attributes"][name].as_str();
            Ok(text.with_context(|| format!("{name} in {answer}"))?.parse()?)
        };
        Ok((
            number("ApproximateNumberOfMessages")?,
            number("ApproximateNumberOfMessagesNotVisible")?,
        ))
    }

    /// Invokes a function with an event and waits for its answer.
    ///
    /// # Errors
    /// When the function fails.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let request = self.post(&path, HeaderMap::new(), "lambda", event)?;
        let body = ask(&self.address, request).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        ensure!(answer.get("errorType").is_none(), "{function}: {answer}");
        Ok(answer)
    }

    async fn get(&self, path: &str) -> Result<Bytes> {
        let request = Request::get(path).header("host", &*self.address).body(Full::default())?;
        ask(&self.address, request).await
    }

    async fn call(&self, (target, version): (&str, &str), body: &Value) -> Result<Value> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", HeaderValue::from_str(target)?);
        let kind = format!("application/x-amz-json-{version}");
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&kind)?);
        let service = if target.starts_with("AmazonSQS") { "sqs" } else { "events" };
        let answer = ask(&self.address, self.post("/", headers, service, body)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// The owner's requests are not signed: which service is meant stands where a signature would name it.
    fn post(
        &self,
        path: &str,
        headers: HeaderMap,
        service: &str,
        body: &Value,
    ) -> Result<Request<Full<Bytes>>> {
        let scope = format!("{}/20260101/us-east-1/{service}/aws4_request", OWNER.0);
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let mut request = Request::post(path)
            .header("host", &*self.address)
            .header("authorization", signed)
            .body(Full::new(body.to_string().into()))?;
        request.headers_mut().extend(headers);
        Ok(request)
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It kills its whole group; there is nobody to tell if that failed.
        let _ = self.process.wait();
    }
}

/// One of the scripts beside, as the account's owner.
fn command(python: &Path, script: &str, address: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("aws").join(script);
    let mut command = Command::new(python);
    command
        .arg(script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_ACCESS_KEY_ID", OWNER.0)
        .env("AWS_SECRET_ACCESS_KEY", OWNER.1)
        .env("AWS_REGION", crate::classes::REGION)
        .env("AWS_DEFAULT_REGION", crate::classes::REGION)
        .env("AWS_ENDPOINT_URL", format!("http://{address}"));
    command
}

/// Installs what is not there yet.
fn python() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/tools.sh");
    let got = Command::new(&script).args(TOOLS).stderr(Stdio::inherit()).output();
    let got = got.with_context(|| format!("running {}", script.display()))?;
    ensure!(got.status.success(), "{} failed ({})", script.display(), got.status);
    Ok(Path::new(String::from_utf8(got.stdout)?.trim()).join("python"))
}
