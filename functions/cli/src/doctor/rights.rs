//! What each function's group has to be able to do in the cluster, and what it must not. The chart gives these rights
//! (`infra/charts/joiner/templates/functions`); here stands what is missed first where they are not there.

use kubernetes::client::Access;

/// A function's rights.
pub(super) struct Function {
    pub(super) name: &'static str,
    needs: &'static [Right],
    /// What another function may and this one must never: who launches cannot end nodes, who ends nodes cannot launch.
    forbidden: &'static [Right],
}

/// Verb, API group, resource, and the name of the object in the namespace of joiner's own; with `*` any in there.
type Right = (&'static str, &'static str, &'static str, Option<&'static str>);

const KARPENTER: &str = "karpenter.sh";
const AWS: &str = "karpenter.k8s.aws";

/// Every function that speaks to the API server.
pub(super) const FUNCTIONS: [Function; 5] = [
    Function {
        name: "provisioning",
        needs: &[
            ("list", KARPENTER, "nodepools", None),
            ("list", KARPENTER, "nodeclaims", None),
            ("list", AWS, "ec2nodeclasses", None),
            ("list", "", "nodes", None),
            ("list", "", "pods", None),
            ("list", "", "namespaces", None),
            ("list", "apps", "daemonsets", None),
            ("list", "storage.k8s.io", "storageclasses", None),
            ("list", "storage.k8s.io", "csinodes", None),
            ("get", "", "persistentvolumeclaims", None),
            ("create", KARPENTER, "nodeclaims", None),
            ("patch", KARPENTER, "nodeclaims", None),
            ("delete", KARPENTER, "nodeclaims", None),
            ("patch", KARPENTER, "nodeclaims/status", None),
            ("get", "", "configmaps", Some("joiner-state")),
            ("patch", "", "configmaps", Some("joiner-state")),
            ("get", "", "configmaps", Some("joiner-catalog")),
            ("patch", "coordination.k8s.io", "leases", Some("joiner-planner")),
            ("create", "coordination.k8s.io", "leases", Some("*")),
        ],
        forbidden: &[("delete", "", "nodes", None), ("create", "", "pods/eviction", None)],
    },
    Function {
        name: "lifecycle",
        needs: &[
            ("list", KARPENTER, "nodepools", None),
            ("list", KARPENTER, "nodeclaims", None),
            ("list", "", "nodes", None),
            ("list", "", "pods", None),
            ("list", "policy", "poddisruptionbudgets", None),
            ("patch", KARPENTER, "nodeclaims", None),
            ("delete", KARPENTER, "nodeclaims", None),
            ("patch", KARPENTER, "nodeclaims/status", None),
            ("patch", KARPENTER, "nodepools/status", None),
            ("patch", "", "nodes", None),
            ("delete", "", "nodes", None),
            ("create", "", "pods/eviction", None),
            ("delete", "", "pods", None),
            ("create", "", "events", None),
            ("get", "", "configmaps", Some("joiner-state")),
            ("patch", "", "configmaps", Some("joiner-state")),
        ],
        forbidden: &[("create", KARPENTER, "nodeclaims", None)],
    },
    Function {
        name: "interruption",
        needs: &[
            ("list", KARPENTER, "nodeclaims", None),
            ("list", "", "nodes", None),
            ("list", "", "pods", None),
            ("patch", KARPENTER, "nodeclaims", None),
            ("delete", KARPENTER, "nodeclaims", None),
            ("patch", "", "nodes", None),
            ("create", "", "events", None),
            ("patch", "", "configmaps", Some("joiner-state")),
        ],
        forbidden: &[
            ("create", KARPENTER, "nodeclaims", None),
            ("delete", "", "nodes", None),
            ("create", "", "pods/eviction", None),
        ],
    },
    Function {
        name: "disruption",
        needs: &[
            ("list", KARPENTER, "nodepools", None),
            ("list", KARPENTER, "nodeclaims", None),
            ("list", AWS, "ec2nodeclasses", None),
            ("list", "", "nodes", None),
            ("list", "", "pods", None),
            ("list", "", "persistentvolumes", None),
            ("list", "", "persistentvolumeclaims", None),
            ("list", "apps", "daemonsets", None),
            ("list", "policy", "poddisruptionbudgets", None),
            ("create", KARPENTER, "nodeclaims", None),
            ("patch", KARPENTER, "nodeclaims", None),
            ("delete", KARPENTER, "nodeclaims", None),
            ("patch", KARPENTER, "nodeclaims/status", None),
            ("patch", "", "nodes", None),
            ("create", "", "events", None),
            ("patch", "", "configmaps", Some("joiner-state")),
            ("get", "", "configmaps", Some("joiner-catalog")),
        ],
        forbidden: &[("delete", "", "nodes", None), ("create", "", "pods/eviction", None)],
    },
    Function {
        name: "catalog",
        needs: &[
            ("list", AWS, "ec2nodeclasses", None),
            ("patch", AWS, "ec2nodeclasses", None),
            ("patch", AWS, "ec2nodeclasses/status", None),
            ("list", KARPENTER, "nodeclaims", None),
            ("create", "", "events", None),
            ("get", "", "configmaps", Some("joiner-catalog")),
            ("patch", "", "configmaps", Some("joiner-catalog")),
            ("create", "", "configmaps", Some("*")),
        ],
        forbidden: &[
            ("create", KARPENTER, "nodeclaims", None),
            ("delete", KARPENTER, "nodeclaims", None),
            ("delete", "", "nodes", None),
        ],
    },
];

impl Function {
    /// What it has to be able to do.
    pub(super) fn needs<'a>(&self, namespace: &'a str) -> impl Iterator<Item = Access<'a>> {
        self.needs.iter().map(move |right| access(*right, namespace))
    }

    /// What it must not be able to do.
    pub(super) fn forbidden<'a>(&self, namespace: &'a str) -> impl Iterator<Item = Access<'a>> {
        self.forbidden.iter().map(move |right| access(*right, namespace))
    }
}

fn access((verb, group, resource, name): Right, namespace: &str) -> Access<'_> {
    let namespace = name.map(|_| namespace);
    Access { verb, group, resource, name: name.filter(|name| *name != "*"), namespace }
}

/// A right in words.
pub(super) fn words(access: Access<'_>) -> String {
    let Access { verb, group, resource, name, namespace: _ } = access;
    let of = if group.is_empty() { String::new() } else { format!(".{group}") };
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{verb} {resource}{of}{name}")
}
