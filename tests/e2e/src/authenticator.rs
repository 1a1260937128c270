//! Who asks the API server, as EKS finds it out: a token is a presigned question to STS, which is put to STS, and access entries
//! say which groups the role that answers is in.

use crate::loopback::{self, Answer, Server, ask};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::{env, fs};

const TOKEN: &str = "k8s-aws-v1.";

/// The webhook that an API server asks about tokens. It ends when this is dropped.
pub struct Authenticator {
    _server: Server,
    config: PathBuf,
    entries: Rc<RefCell<Option<Entries>>>,
}

/// The cluster's access entries.
#[derive(Clone, Debug)]
pub struct Entries {
    /// The cluster's name, for which a token has to be.
    pub cluster: String,
    /// Where STS is, as `127.0.0.1:80`.
    pub sts: String,
    /// The groups of each role, by its name.
    pub groups: BTreeMap<String, Vec<String>>,
}

impl Authenticator {
    /// Opens it; it knows nobody yet.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open() -> Result<Self> {
        let entries: Rc<RefCell<Option<Entries>>> = Rc::default();
        let held = Rc::clone(&entries);
        let server = Server::open(async move |request| {
            let known = held.borrow().clone();
            review(known, &request).await
        });
        let server = server.await?;
        let config = config(&server)?;
        Ok(Self { _server: server, config, entries })
    }

    /// The flags by which an API server asks it.
    pub fn flags(&self) -> [String; 2] {
        let config = self.config.display();
        [
            format!("--apiserver-flag=--authentication-token-webhook-config-file={config}"),
            "--apiserver-flag=--authentication-token-webhook-version=v1".to_owned(),
        ]
    }
    /// From now on these may come in.
    pub fn set_entries(&self, entries: Entries) {
        *self.entries.borrow_mut() = Some(entries);
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        // A file in the folder for temporary ones, which is nothing to fail for.
        let _ = fs::remove_file(&self.config);
    }
}

/// Writes the configuration by which an API server finds it.
fn config(server: &Server) -> Result<PathBuf> {
    let url = server.url();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "webhook",
        "clusters": [{ "name": "eks", "cluster": { "server": url } }],
        "users": [{ "name": "api-server", "user": {} }],
        "contexts": [{ "name": "webhook", "context": { "cluster": "eks", "user": "api-server" } }],
    });
    // No two have the same port at once.
    let port = url.rsplit(':').next().unwrap_or_default();
    let path = env::temp_dir().join(format!("joiner-authenticator-{port}.json"));
    fs::write(&path, config.to_string())?;
    Ok(path)
}

async fn review(entries: Option<Entries>, request: &Request<Bytes>) -> Result<Answer> {
    let mut review: Value = serde_json::from_slice(request.body())?;
    let token = review["spec"]["token"].as_str().unwrap_or_default();
    let user = match &entries {
        Some(entries) => user(entries, token).await,
        None => Err(anyhow::anyhow!("there are no access entries yet")),
    };
    review["status"] = match user {
        Ok(user) => json!({ "authenticated": true, "user": user }),
        Err(error) => json!({ "authenticated": false, "error": format!("{error:#}") }),
    };
    loopback::text(200, "application/json", review.to_string())
}

/// Asks STS whose token it is.
async fn user(entries: &Entries, token: &str) -> Result<Value> {
    let encoded = token.strip_prefix(TOKEN).context("not a token of EKS")?;
    let url: Uri = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded)?)?.parse()?;
    let host = url.host().context("STS has a host")?;
    ensure!(host.starts_with("sts.") && host.ends_with(".amazonaws.com"), "{host} is not STS");
    let question = url.path_and_query().context("a question has a query")?.as_str();
    ensure!(question.contains("Action=GetCallerIdentity"), "STS is asked something else");
    let request = Request::get(question)
        .header("host", host)
        .header("x-k8s-aws-id", &*entries.cluster)
        .body(Full::default())?;
    let answer = String::from_utf8(ask(&entries.sts, request).await?.to_vec())?;
    let arn = answer.split_once("<Arn>").and_then(|(_, rest)| rest.split_once("</Arn>"));
    let (arn, _) = arn.context("STS says who it is")?;
    let role = arn.split('/').nth(1).context("a role")?;
    let groups = entries.groups.get(role);
    let groups = groups.with_context(|| format!("there is no access entry for {role}"))?;
    Ok(json!({ "username": arn, "uid": arn, "groups": groups }))
}
