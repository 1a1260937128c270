//! Objects to nouns.

pub(crate) mod claim;
pub(crate) mod node;
pub(crate) mod node_class;
pub(crate) mod node_pool;
pub(crate) mod pod;
pub(crate) mod requests;
pub(crate) mod storage;
pub(crate) mod workload;
