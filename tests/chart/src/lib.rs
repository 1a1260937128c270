//! What the Helm chart renders: as objects, as rights, held against Kubernetes' schemas.
//!
//! The tests need Helm and Kubernetes' OpenAPI document, which `infra/charts/check.sh` gets and names in `HELM` and
//! `KUBERNETES_OPENAPI`. Without them they say so and pass. Those of
//! `tests/api_server.rs` change the API server whose kubeconfig `JOINER_TEST_KUBECONFIG` names, by the kubectl that
//! `KUBECTL` names; `check.sh --api-server` starts one for them.

pub mod api_server;
pub mod openapi;
pub mod render;
pub mod rights;
