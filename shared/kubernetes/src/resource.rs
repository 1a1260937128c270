//! Which paths the API server serves.

use form_urlencoded::Serializer;

/// A kind of objects.
#[derive(Debug)]
pub(crate) struct Resource {
    /// As messages name it.
    pub(crate) kind: &'static str,
    /// `v1`, `apps/v1`.
    pub(crate) api_version: &'static str,
    plural: &'static str,
}

macro_rules! resources {
    ($($name:ident = $kind:literal $api_version:literal $plural:literal;)*) => {$(
        pub(crate) static $name: Resource =
            Resource { kind: $kind, api_version: $api_version, plural: $plural };
    )*};
}

resources! {
    PODS = "Pod" "v1" "pods";
    NODES = "Node" "v1" "nodes";
    NAMESPACES = "Namespace" "v1" "namespaces";
    CONFIG_MAPS = "ConfigMap" "v1" "configmaps";
    EVENTS = "Event" "v1" "events";
    VOLUMES = "PersistentVolume" "v1" "persistentvolumes";
    VOLUME_CLAIMS = "PersistentVolumeClaim" "v1" "persistentvolumeclaims";
    DAEMON_SETS = "DaemonSet" "apps/v1" "daemonsets";
    BUDGETS = "PodDisruptionBudget" "policy/v1" "poddisruptionbudgets";
    STORAGE_CLASSES = "StorageClass" "storage.k8s.io/v1" "storageclasses";
    CSI_NODES = "CSINode" "storage.k8s.io/v1" "csinodes";
    LEASES = "Lease" "coordination.k8s.io/v1" "leases";
    DEPLOYMENTS = "Deployment" "apps/v1" "deployments";
    DEFINITIONS = "CustomResourceDefinition" "apiextensions.k8s.io/v1" "customresourcedefinitions";
    POLICIES = "ValidatingAdmissionPolicy" "admissionregistration.k8s.io/v1" "validatingadmissionpolicies";
    ACCESS_REVIEWS = "SubjectAccessReview" "authorization.k8s.io/v1" "subjectaccessreviews";
    NODE_POOLS = "NodePool" "karpenter.sh/v1" "nodepools";
    NODE_CLAIMS = "NodeClaim" "karpenter.sh/v1" "nodeclaims";
    NODE_CLASSES = "EC2NodeClass" "karpenter.k8s.aws/v1" "ec2nodeclasses";
}

impl Resource {
    /// All objects of the kind.
    pub(crate) fn all(&self) -> String {
        format!("{}/{}", self.root(), self.plural)
    }

    /// All of a namespace.
    pub(crate) fn within(&self, namespace: &str) -> String {
        format!("{}/namespaces/{namespace}/{}", self.root(), self.plural)
    }

    /// One that lives in no namespace.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.all())
    }

    /// One of a namespace.
    pub(crate) fn named_within(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.within(namespace))
    }

    fn root(&self) -> String {
        // The first group has no name, and a path of its own.
        if self.api_version.contains('/') {
            format!("/apis/{}", self.api_version)
        } else {
            format!("/api/{}", self.api_version)
        }
    }
}

/// A path with its parameters; those without a value are left out.
pub(crate) fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut encoded = Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        encoded.append_pair(name, value);
    }
    let encoded = encoded.finish();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{encoded}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api_server() {
        assert_eq!(NODES.named("a"), "/api/v1/nodes/a");
        assert_eq!(PODS.named_within("shop", "web-0"), "/api/v1/namespaces/shop/pods/web-0");
        assert_eq!(NODE_CLAIMS.all(), "/apis/karpenter.sh/v1/nodeclaims");
        assert_eq!(
            query(&PODS.all(), &[("fieldSelector", "spec.nodeName="), ("continue", "")]),
            "/api/v1/pods?fieldSelector=spec.nodeName%3D"
        );
        assert_eq!(query(&PODS.within("a"), &[]), "/api/v1/namespaces/a/pods");
    }
}
