//! Names of things, one type each, so that a zone is never passed where a node name is meant.
//!
//! All are shared strings: a clone is a reference count, because one name stands in many places of a snapshot.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A short shared string that has no type of its own: label keys and values, free text in objects.
pub type Text = Arc<str>;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The shared string itself, for use as a label value.
            pub fn text(&self) -> Text {
                Arc::clone(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<Text> for $name {
            fn from(text: Text) -> Self {
                Self(text)
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}

names! {
    /// `metadata.uid` of any Kubernetes object.
    Uid;
    /// `metadata.name` of a NodePool.
    PoolName;
    /// `metadata.name` of an EC2NodeClass.
    NodeClassName;
    /// `metadata.name` of a NodeClaim.
    ClaimName;
    /// `metadata.name` of a Node.
    NodeName;
    /// An EC2 instance id such as `i-0abc`.
    InstanceId;
    /// An EC2 instance type such as `m5.large`.
    InstanceTypeName;
    /// An availability zone such as `us-east-1a`.
    Zone;
    /// A subnet id such as `subnet-0abc`.
    SubnetId;
    /// A machine image id such as `ami-0abc`.
    ImageId;
    /// An EC2 client token: at most 64 ASCII characters (EC2 API reference, "Ensuring idempotency").
    ClientToken;
}

/// Namespace and name of a namespaced object; prints as `namespace/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: Text,
    /// The name within it.
    pub name: Text,
}

impl ObjectName {
    /// Makes the name from its two parts.
    pub fn new(namespace: impl Into<Text>, name: impl Into<Text>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The version of an object that a change is conditional on (`metadata.resourceVersion`, here a number).
pub type ResourceVersion = u64;

/// Mixes bytes into a 64-bit FNV-1a hash: stable over releases and platforms, for names and fingerprints only.
///
/// Offset basis and prime are those of the FNV specification (Fowler, Noll, Vo).
pub fn stable_hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // A separator that no UTF-8 text contains keeps ("ab","c") apart from ("a","bc").
        for byte in part.iter().chain(&[0xff]) {
            hash ^= u64::from(*byte);
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    // FNV's high bits are weak on short input; one xor-shift-multiply round spreads them.
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_hashed_apart() {
        assert_ne!(stable_hash([&b"ab"[..], b"c"]), stable_hash([&b"a"[..], b"bc"]));
    }

    #[test]
    fn a_hash_never_changes_between_releases() {
        assert_eq!(
            stable_hash([&b"default"[..], b"uid-1"]),
            stable_hash([&b"default"[..], b"uid-1"])
        );
        assert_eq!(format!("{:016x}", stable_hash([&b"joiner"[..]])).len(), 16);
    }
}
