//! The fields of Kubernetes objects that joiner looks at. Fields that it does not know are passed over: `kubectl get` prints
//! many more, and newer clusters add some. Karpenter's kinds are checked by `schema` before they come here.
#![expect(clippy::struct_field_names, reason = "the names are Kubernetes'")]

pub(crate) mod amounts;
pub(crate) mod karpenter;
pub(crate) mod meta;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod selector;
pub(crate) mod storage;
pub(crate) mod workload;
