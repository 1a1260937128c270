//! Changes in the cluster to hints.
