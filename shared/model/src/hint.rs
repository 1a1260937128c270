//! Hints: "look again". A hint carries no facts (D1); lost, doubled or reordered ones cost latency only.

use serde::{Deserialize, Serialize};

/// Which part of the world has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// Pods wait for a node, or claims for their launch: provisioning looks again.
    Provisioning,
    /// Nodes or claims have come, changed or are going: lifecycle looks again.
    Lifecycle,
}

impl Hint {
    /// Every kind of hint.
    pub const ALL: [Self; 2] = [Self::Provisioning, Self::Lifecycle];

    /// Its name, as in a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// A kind of object whose changes become hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Pods that no node has room for.
    Pod,
    /// Nodes.
    Node,
    /// NodeClaims.
    NodeClaim,
    /// NodePools.
    NodePool,
    /// EC2NodeClasses.
    NodeClass,
}

impl Subject {
    /// Every kind that is watched.
    pub const ALL: [Self; 5] =
        [Self::Pod, Self::Node, Self::NodeClaim, Self::NodePool, Self::NodeClass];

    /// The kind's name in the Kubernetes API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Node => "Node",
            Self::NodeClaim => "NodeClaim",
            Self::NodePool => "NodePool",
            Self::NodeClass => "EC2NodeClass",
        }
    }
}

/// All that is kept of an object while it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// A hash of what matters of it: another hash is a change.
    pub print: u64,
    /// Whether its deletion has been asked for.
    pub going: bool,
}

/// What a watch has seen of the objects of one kind. An object is known by the hash of its uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// A full list begins: what is not seen until `Listed` is not there any more.
    Listing,
    /// An object as it is now; without a trace nothing about it matters (a pod that does not wait for a node).
    Seen {
        /// The hash of its uid.
        key: u64,
        /// What is kept of it.
        trace: Option<Trace>,
    },
    /// An object is gone.
    Gone {
        /// The hash of its uid.
        key: u64,
    },
    /// The list is complete.
    Listed,
}

/// The version of the message format that this build writes.
pub const VERSION: u32 = 1;

/// A hint as it crosses a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The format's version; readers take any that they know.
    pub version: u32,
    /// What to look at.
    pub hint: Hint,
}

impl Message {
    /// The message of a hint in this build's format.
    pub const fn new(hint: Hint) -> Self {
        Self { version: VERSION, hint }
    }
}
