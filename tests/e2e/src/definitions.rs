//! Custom resource definitions on the API server.

use crate::objects::{self, Kind, condition, name};
use crate::stage::Stage;
use anyhow::Result;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use kube::core::ApiResource;
use kubernetes::crd::Definition;
use serde_json::Value;

/// `CustomResourceDefinition`.
pub const DEFINITION: Kind =
    Kind { api_version: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };

/// Installs those of all kinds that joiner knows.
///
/// # Errors
/// When the API server refuses one.
pub async fn install_ours(stage: &Stage) -> Result<()> {
    let definitions: Vec<Value> = kubernetes::crd::all().iter().map(Definition::json).collect();
    install(stage, &definitions).await
}

/// Applies definitions and waits until their kinds are served.
///
/// # Errors
/// When the API server refuses one.
pub async fn install(stage: &Stage, definitions: &[Value]) -> Result<()> {
    for definition in definitions {
        objects::apply(&stage.client, definition).await?;
    }
    for definition in definitions {
        stage
            .until("the definition is established", async || {
                let found = DEFINITION.get(&stage.client, None, name(definition)).await?;
                let established = |found| condition(&found, "Established") == Some("True");
                Ok(found.is_some_and(established) && is_served(stage, definition).await?)
            })
            .await?;
    }
    Ok(())
}

/// Whether objects of the kind can be listed: for a moment the API server answers that its storage is being set up.
async fn is_served(stage: &Stage, definition: &Value) -> Result<bool> {
    let spec = &definition["spec"];
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, version) = (part(&spec["group"]), part(&spec["versions"][0]["name"]));
    let resource = ApiResource {
        api_version: format!("{group}/{version}"),
        kind: part(&spec["names"]["kind"]),
        plural: part(&spec["names"]["plural"]),
        group,
        version,
    };
    let all: Api<DynamicObject> = Api::all_with(stage.client.clone(), &resource);
    match all.list(&ListParams::default().limit(1)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 429 => Ok(false),
        Err(error) => Err(error.into()),
    }
}
