//! Kubernetes objects to the nouns of joiner.
