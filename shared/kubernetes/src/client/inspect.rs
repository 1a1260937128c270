//! What of an installation is in a cluster, for those who look after it. Only reads, and questions who may do what.

use super::change::JSON;
use super::list::Page;
use super::outcome;
use super::wire::Failure;
use super::{Client, catalogue};
use crate::crd::Definition;
use crate::resource::{ACCESS_REVIEWS, DEFINITIONS, DEPLOYMENTS, POLICIES, query};
use http::{Method, StatusCode};
use jiff::Timestamp;
use model::name::ObjectName;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A right that somebody has or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// `get`, `list`, `create`, `patch`, `delete`.
    pub verb: &'a str,
    /// The API group; the first one has no name.
    pub group: &'a str,
    /// The kind's plural, with the subresource after a slash.
    pub resource: &'a str,
    /// One object's name; none is for any.
    pub name: Option<&'a str>,
    /// The namespace; none is for all.
    pub namespace: Option<&'a str>,
}

/// How a definition of ours stands in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is not there.
    Missing,
    /// It is there, and lacks these fields or this version; nothing where it has all.
    Present {
        /// What it lacks, in the order of names.
        lacks: Vec<String>,
    },
}

/// The pods of a Deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// How many are wanted.
    pub wanted: u32,
    /// How many are ready.
    pub ready: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deployment {
    metadata: Meta,
    spec: DeploymentSpec,
    status: DeploymentStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: String,
    namespace: String,
    creation_timestamp: Option<Timestamp>,
    managed_fields: Vec<Managed>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Managed {
    time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(default)]
struct DeploymentSpec {
    replicas: u32,
}

impl Default for DeploymentSpec {
    /// What the API server takes where nothing is said.
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeploymentStatus {
    ready_replicas: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Review {
    status: ReviewStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReviewStatus {
    allowed: bool,
}

impl Client {
    /// Whether the members of a group may do something. To ask takes the right to create SubjectAccessReviews.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn may(&self, group: &str, access: Access<'_>) -> Result<bool, ObserveError> {
        let Access { verb, group: api_group, resource, name, namespace } = access;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "spec": {
                // A user has to be named, too; this one is in no other group.
                "user": "joiner:doctor",
                "groups": [group, "system:authenticated"],
                "resourceAttributes": {
                    "verb": verb, "group": api_group, "resource": resource,
                    "subresource": subresource, "name": name.unwrap_or_default(),
                    "namespace": namespace.unwrap_or_default(),
                },
            },
        });
        let asked = self.wire.change(Method::POST, &ACCESS_REVIEWS.all(), (JSON, &review)).await;
        let Review { status } = asked.and_then(|body| read(&body)).map_err(outcome::of_reading)?;
        Ok(status.allowed)
    }

    /// How one of our definitions stands in the cluster.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn installed(&self, ours: &Definition) -> Result<Installed, ObserveError> {
        let name = format!("{}.{}", ours.0.spec.names.plural, ours.0.spec.group);
        let found: Option<Value> = self.find(&DEFINITIONS.named(&name)).await?;
        Ok(match found {
            None => Installed::Missing,
            Some(theirs) => Installed::Present { lacks: lacking(&ours.json(), &theirs) },
        })
    }

    /// The Deployment of this name in the namespace of joiner's own objects.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn deployment(&self, name: &str) -> Result<Option<Replicas>, ObserveError> {
        let found: Option<Deployment> = self.find(&self.home.path(&DEPLOYMENTS, name)).await?;
        Ok(found.map(|deployment| deployment.replicas()))
    }

    /// Deployments of Karpenter, in whatever namespace.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn karpenters(&self) -> Result<Vec<(ObjectName, Replicas)>, ObserveError> {
        let selector = [("labelSelector", "app.kubernetes.io/name=karpenter")];
        let all: Vec<Deployment> = self.all(&query(&DEPLOYMENTS.all(), &selector)).await?;
        let named = all.iter().map(|deployment| {
            let Meta { name, namespace, .. } = &deployment.metadata;
            let name = ObjectName::new(namespace.as_str(), name.as_str());
            (name, deployment.replicas())
        });
        Ok(named.collect())
    }

    /// The names of all ValidatingAdmissionPolicies.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn policies(&self) -> Result<BTreeSet<String>, ObserveError> {
        let all: Vec<Named> = self.all(&POLICIES.all()).await?;
        Ok(all.into_iter().map(|policy| policy.metadata.name).collect())
    }

    /// When the catalogue was last written, where one is stored.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn catalogue_written(&self) -> Result<Option<Timestamp>, ObserveError> {
        let metadata = catalogue::metadata(&self.wire, &self.home).await;
        let found: Option<Named> = there(metadata).map_err(outcome::of_reading)?;
        Ok(found.and_then(|found| {
            let Meta { creation_timestamp, managed_fields, .. } = found.metadata;
            managed_fields.iter().filter_map(|by| by.time).max().or(creation_timestamp)
        }))
    }

    /// An object, if it is there.
    async fn find<T: for<'d> Deserialize<'d>>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ObserveError> {
        there(self.wire.get(path).await).map_err(outcome::of_reading)
    }

    /// The first five hundred objects of a list, which is more than there are of what is asked for here.
    async fn all<T: for<'d> Deserialize<'d>>(&self, path: &str) -> Result<Vec<T>, ObserveError> {
        let read = async {
            let body = self.wire.get(path).await?;
            let page = Page::read(&body)?;
            page.items().map(|text| read(text.as_bytes())).collect::<Result<Vec<T>, Failure>>()
        };
        read.await.map_err(outcome::of_reading)
    }
}

impl Deployment {
    fn replicas(&self) -> Replicas {
        Replicas { wanted: self.spec.replicas, ready: self.status.ready_replicas }
    }
}

fn there<T: for<'d> Deserialize<'d>>(body: Result<Vec<u8>, Failure>) -> Result<Option<T>, Failure> {
    match body {
        Ok(body) => read(&body).map(Some),
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn read<T: for<'d> Deserialize<'d>>(body: &[u8]) -> Result<T, Failure> {
    let object = serde_json::from_slice(body);
    object.map_err(|error| {
        Failure::Lost(format!("an answer that is not what was asked for: {error}"))
    })
}

/// The versions and fields that a definition of ours has and another has not.
fn lacking(ours: &Value, theirs: &Value) -> Vec<String> {
    let versions = |of: &Value| of["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let theirs = versions(theirs);
    let mut lacks = Vec::new();
    for version in versions(ours) {
        let name = &version["name"];
        let same = theirs.iter().find(|other| other["name"] == *name && other["served"] == true);
        match same {
            None => lacks.push(format!("version {}", name.as_str().unwrap_or_default())),
            Some(other) => {
                let schema = |of: &Value| of["schema"]["openAPIV3Schema"].clone();
                compare((&schema(&version), &schema(other)), "", &mut lacks);
            }
        }
    }
    lacks
}

/// Adds the fields that the first of two schemas has and the second has not; of a field that is missing not what is in it.
fn compare((ours, theirs): (&Value, &Value), path: &str, lacks: &mut Vec<String>) {
    // Of metadata and of what is preserved unseen no schema says all.
    if theirs["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (name, field) in ours["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match theirs["properties"].get(name) {
            None => lacks.push(path),
            Some(other) => compare((field, other), &path, lacks),
        }
    }
    for inner in ["items", "additionalProperties"] {
        if ours[inner].is_object() {
            compare((&ours[inner], &theirs[inner]), &format!("{path}[]"), lacks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(fields: &Value) -> Value {
        let schema = json!({"properties": {"spec": {"properties": fields}}});
        let version = json!({"name": "v1", "served": true, "schema": {"openAPIV3Schema": schema}});
        json!({"spec": {"versions": [version]}})
    }

    #[test]
    fn an_older_definition_lacks_the_fields_that_it_does_not_know() {
        let ours = json!({
            "a": {"type": "string"},
            "b": {"properties": {"c": {}, "d": {}}},
            "e": {"items": {"properties": {"f": {}}}},
        });
        let theirs = json!({"b": {"properties": {"c": {}}}, "e": {"items": {"properties": {}}}});
        let lacks = lacking(&definition(&ours), &definition(&theirs));
        assert_eq!(lacks, ["spec.a", "spec.b.d", "spec.e[].f"]);
        assert_eq!(lacking(&definition(&ours), &definition(&ours)), [""; 0]);
        // More than ours is no fault.
        assert_eq!(lacking(&definition(&theirs), &definition(&ours)), [""; 0]);
    }

    #[test]
    fn a_definition_without_our_version_lacks_it() {
        let mut theirs = definition(&json!({}));
        theirs["spec"]["versions"][0]["served"] = json!(false);
        assert_eq!(lacking(&definition(&json!({})), &theirs), ["version v1"]);
    }
}
