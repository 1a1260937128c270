//! Kubernetes objects as JSON, of any kind, to be made and read.

use anyhow::{Context, Result, bail};
use http::Request;
use http::header::CONTENT_TYPE;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

/// The owner of what scenarios apply.
const MANAGER: &str = "e2e";

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As in `apiVersion`.
    pub api_version: &'static str,
    /// As in `kind`.
    pub kind: &'static str,
}

/// `NodePool`.
pub const NODE_POOL: Kind = Kind { api_version: "karpenter.sh/v1", kind: "NodePool" };
/// `NodeClaim`.
pub const NODE_CLAIM: Kind = Kind { api_version: "karpenter.sh/v1", kind: "NodeClaim" };
/// `EC2NodeClass`.
pub const NODE_CLASS: Kind = Kind { api_version: "karpenter.k8s.aws/v1", kind: "EC2NodeClass" };
/// `Node`.
pub const NODE: Kind = Kind { api_version: "v1", kind: "Node" };
/// `Pod`.
pub const POD: Kind = Kind { api_version: "v1", kind: "Pod" };
/// `Deployment`.
pub const DEPLOYMENT: Kind = Kind { api_version: "apps/v1", kind: "Deployment" };

impl Kind {
    fn resource(self) -> ApiResource {
        resource(self.api_version, self.kind)
    }

    /// All objects of this kind in a namespace, or those without one.
    pub fn api(self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        api(client, namespace, &self.resource())
    }

    /// All objects of this kind, of all namespaces, as JSON.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn list(self, client: &Client) -> Result<Vec<Value>> {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &self.resource());
        let list = api.list(&ListParams::default()).await;
        let list = list.with_context(|| format!("listing {}", self.kind))?;
        list.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
    }

    /// One object as JSON; none where it is not there.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn get(
        self,
        client: &Client,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>> {
        let found = self.api(client, namespace).get_opt(name).await;
        let found = found.with_context(|| format!("reading {} {name}", self.kind))?;
        Ok(found.map(serde_json::to_value).transpose()?)
    }

    /// Asks for an object's deletion.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn delete(self, client: &Client, namespace: Option<&str>, name: &str) -> Result<()> {
        let api = self.api(client, namespace);
        let deleted = api.delete(name, &DeleteParams::default()).await;
        deleted.with_context(|| format!("deleting {} {name}", self.kind))?;
        Ok(())
    }
}

/// Creates an object of any kind. A field that nobody knows is refused, as with `kubectl`.
///
/// # Errors
/// When the API server refuses; the chain ends in its answer.
pub async fn create(client: &Client, object: &Value) -> Result<Value> {
    let (api, name) = place(client, object)?;
    let path = format!("{}?fieldValidation=Strict", api.resource_url());
    let body = serde_json::to_vec(object)?;
    let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(body)?;
    client.request(request).await.with_context(|| format!("creating {name}"))
}

/// Reads an object again, by what another copy of it says it is.
///
/// # Errors
/// When it is not there, or the API server refuses.
pub async fn get(client: &Client, object: &Value) -> Result<Value> {
    let (api, name) = place(client, object)?;
    let found = api.get(&name).await.with_context(|| format!("reading {name}"))?;
    Ok(serde_json::to_value(found)?)
}

/// Puts an object in the place of the version of it that it says it is.
///
/// # Errors
/// When the API server refuses; the chain ends in its answer.
pub async fn replace(client: &Client, object: &Value) -> Result<Value> {
    let (api, name) = place(client, object)?;
    let object = serde_json::from_value(object.clone()).context("an object has metadata")?;
    let replaced = api.replace(&name, &PostParams::default(), &object).await;
    Ok(serde_json::to_value(replaced.with_context(|| format!("replacing {name}"))?)?)
}

/// Puts an object's status in the place of the one it has.
///
/// # Errors
/// When the API server refuses; the chain ends in its answer.
pub async fn replace_status(client: &Client, object: &Value) -> Result<Value> {
    let (api, name) = place(client, object)?;
    let with = serde_json::from_value(object.clone()).context("an object has metadata")?;
    let replaced = api.replace_status(&name, &PostParams::default(), &with).await;
    let replaced = replaced.with_context(|| format!("replacing the status of {name}"))?;
    Ok(serde_json::to_value(replaced)?)
}

/// Makes an object of any kind as it is given, whether it is there or not.
///
/// # Errors
/// When the API server refuses; the chain ends in its answer.
pub async fn apply(client: &Client, object: &Value) -> Result<Value> {
    let (api, name) = place(client, object)?;
    let with = PatchParams::apply(MANAGER).force();
    let applied = api.patch(&name, &with, &Patch::Apply(object)).await;
    Ok(serde_json::to_value(applied.with_context(|| format!("applying {name}"))?)?)
}

/// Changes fields of an object's status.
///
/// # Errors
/// When the API server refuses.
pub async fn set_status(client: &Client, object: &Value, status: Value) -> Result<()> {
    let (api, name) = place(client, object)?;
    let patch = Patch::Merge(serde_json::json!({ "status": status }));
    let patched = api.patch_status(&name, &PatchParams::default(), &patch).await;
    patched.with_context(|| format!("changing the status of {name}"))?;
    Ok(())
}

fn place(client: &Client, object: &Value) -> Result<(Api<DynamicObject>, String)> {
    let (Some(api_version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str())
    else {
        bail!("an object without apiVersion or kind: {object}");
    };
    let name = object["metadata"]["name"].as_str().context("an object has a name")?;
    let namespace = object["metadata"]["namespace"].as_str();
    Ok((api(client, namespace, &resource(api_version, kind)), name.to_owned()))
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn api(client: &Client, namespace: Option<&str>, resource: &ApiResource) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}

/// The status of a condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

/// The name of an object, empty where it has none.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// What was given of an object and is not there any more, or otherwise: a line for each path.
pub fn lost(given: &Value, stored: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(given, stored, "", &mut found);
    found
}

fn compare(given: &Value, stored: &Value, path: &str, found: &mut Vec<String>) {
    match (given, stored) {
        (Value::Object(given), Value::Object(stored)) => {
            for (key, value) in given {
                let there = stored.get(key).unwrap_or(&Value::Null);
                compare(value, there, &format!("{path}.{key}"), found);
            }
        }
        (Value::Array(given), Value::Array(stored)) if given.len() == stored.len() => {
            for (index, (given, stored)) in given.iter().zip(stored).enumerate() {
                compare(given, stored, &format!("{path}[{index}]"), found);
            }
        }
        // To give null is to give nothing.
        (Value::Null, _) => {}
        (given, stored) if given == stored => {}
        (given, stored) => found.push(format!("{path}: {given} is {stored}")),
    }
}
