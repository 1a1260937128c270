//! The rules of an EC2NodeClass.

use super::Rule;

/// `spec`.
pub(crate) const NODE_CLASS: &[Rule] = &[
    (
        "(has(self.role) && !has(self.instanceProfile)) || (!has(self.role) && has(self.instanceProfile))",
        "must specify exactly one of ['role', 'instanceProfile']",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'al2') ? (self.amiFamily == 'Custom' || self.amiFamily == 'AL2') : true)",
        "if set, amiFamily must be 'AL2' or 'Custom' when using an AL2 alias",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'al2023') ? (self.amiFamily == 'Custom' || self.amiFamily == 'AL2023') : true)",
        "if set, amiFamily must be 'AL2023' or 'Custom' when using an AL2023 alias",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'bottlerocket') ? (self.amiFamily == 'Custom' || self.amiFamily == 'Bottlerocket') : true)",
        "if set, amiFamily must be 'Bottlerocket' or 'Custom' when using a Bottlerocket alias",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'windows2019') ? (self.amiFamily == 'Custom' || self.amiFamily == 'Windows2019') : true)",
        "if set, amiFamily must be 'Windows2019' or 'Custom' when using a Windows2019 alias",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'windows2022') ? (self.amiFamily == 'Custom' || self.amiFamily == 'Windows2022') : true)",
        "if set, amiFamily must be 'Windows2022' or 'Custom' when using a Windows2022 alias",
    ),
    (
        "!has(self.amiFamily) || (self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == 'windows2025') ? (self.amiFamily == 'Custom' || self.amiFamily == 'Windows2025') : true)",
        "if set, amiFamily must be 'Windows2025' or 'Custom' when using a Windows2025 alias",
    ),
    (
        "self.amiSelectorTerms.exists(x, has(x.alias)) ? true : has(self.amiFamily)",
        "must specify amiFamily if amiSelectorTerms does not contain an alias",
    ),
];

/// `spec.amiSelectorTerms`.
pub(crate) const AMI_TERMS: &[Rule] = &[
    (
        "self.all(x, has(x.tags) || has(x.id) || has(x.name) || has(x.alias) || has(x.ssmParameter))",
        "expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']",
    ),
    (
        "!self.exists(x, has(x.id) && (has(x.alias) || has(x.tags) || has(x.name) || has(x.owner)))",
        "'id' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms",
    ),
    (
        "!self.exists(x, has(x.alias) && (has(x.id) || has(x.tags) || has(x.name) || has(x.owner)))",
        "'alias' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms",
    ),
    (
        "!(self.exists(x, has(x.alias)) && self.size() != 1)",
        "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms",
    ),
];

/// `spec.amiSelectorTerms[].alias`.
pub(crate) const ALIAS: &[Rule] = &[
    (
        "self.matches('^[a-zA-Z0-9]+@.+$')",
        "'alias' is improperly formatted, must match the format 'family@version'",
    ),
    (
        "self.split('@')[0] in ['al2','al2023','bottlerocket','windows2019','windows2022','windows2025']",
        "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025'",
    ),
    (
        "self.split('@')[0] in ['windows2019','windows2022','windows2025'] ? self.split('@')[1] == 'latest' : true",
        "windows families may only specify version 'latest'",
    ),
];

/// `spec.amiSelectorTerms[].tags`.
pub(crate) const TERM_TAGS: &[Rule] =
    &[("self.all(k, k != '' && self[k] != '')", "empty tag keys or values aren't supported")];

/// `spec.blockDeviceMappings`.
pub(crate) const BLOCK_DEVICES: &[Rule] = &[(
    "self.filter(x, has(x.rootVolume)?x.rootVolume==true:false).size() <= 1",
    "must have only one blockDeviceMappings with rootVolume",
)];

/// `spec.blockDeviceMappings[].ebs`.
pub(crate) const EBS: &[Rule] = &[
    ("has(self.snapshotID) || has(self.volumeSize)", "snapshotID or volumeSize must be defined"),
    (
        "!has(self.volumeInitializationRate) || (has(self.snapshotID) && self.snapshotID != '')",
        "snapshotID must be set when volumeInitializationRate is set",
    ),
];

/// `spec.capacityReservationSelectorTerms`.
pub(crate) const CAPACITY_RESERVATION_TERMS: &[Rule] = &[
    (
        "self.all(x, has(x.tags) || has(x.id) || has(x.instanceMatchCriteria))",
        "expected at least one, got none, ['tags', 'id', 'instanceMatchCriteria']",
    ),
    (
        "!self.all(x, has(x.id) && (has(x.tags) || has(x.ownerID) || has(x.instanceMatchCriteria)))",
        "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term",
    ),
];

/// `spec.connectionTracking`.
pub(crate) const CONNECTION_TRACKING: &[Rule] = &[(
    "has(self.tcpEstablishedTimeout) || has(self.udpStreamTimeout) || has(self.udpTimeout)",
    "at least one of tcpEstablishedTimeout, udpStreamTimeout, or udpTimeout must be set",
)];

/// `spec.instanceProfile`.
pub(crate) const INSTANCE_PROFILE: &[Rule] = &[("self != ''", "instanceProfile cannot be empty")];

/// `spec.kubelet`.
pub(crate) const KUBELET: &[Rule] = &[
    (
        "has(self.imageGCHighThresholdPercent) && has(self.imageGCLowThresholdPercent) ? self.imageGCHighThresholdPercent > self.imageGCLowThresholdPercent : true",
        "imageGCHighThresholdPercent must be greater than imageGCLowThresholdPercent",
    ),
    (
        "has(self.evictionSoft) ? self.evictionSoft.all(e, (e in self.evictionSoftGracePeriod)):true",
        "evictionSoft OwnerKey does not have a matching evictionSoftGracePeriod",
    ),
    (
        "has(self.evictionSoftGracePeriod) ? self.evictionSoftGracePeriod.all(e, (e in self.evictionSoft)):true",
        "evictionSoftGracePeriod OwnerKey does not have a matching evictionSoft",
    ),
];

/// `spec.kubelet.evictionHard`.
pub(crate) const EVICTION_HARD: &[Rule] = &[(
    "self.all(x, x in ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available'])",
    "valid keys for evictionHard are ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available']",
)];

/// `spec.kubelet.evictionSoft`.
pub(crate) const EVICTION_SOFT: &[Rule] = &[(
    "self.all(x, x in ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available'])",
    "valid keys for evictionSoft are ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available']",
)];

/// `spec.kubelet.evictionSoftGracePeriod`.
pub(crate) const EVICTION_SOFT_GRACE_PERIOD: &[Rule] = &[(
    "self.all(x, x in ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available'])",
    "valid keys for evictionSoftGracePeriod are ['memory.available','nodefs.available','nodefs.inodesFree','imagefs.available','imagefs.inodesFree','pid.available']",
)];

/// `spec.kubelet.kubeReserved`.
pub(crate) const KUBE_RESERVED: &[Rule] = &[
    (
        "self.all(x, x=='cpu' || x=='memory' || x=='ephemeral-storage' || x=='pid')",
        "valid keys for kubeReserved are ['cpu','memory','ephemeral-storage','pid']",
    ),
    (
        "self.all(x, !self[x].startsWith('-'))",
        "kubeReserved value cannot be a negative resource quantity",
    ),
];

/// `spec.kubelet.systemReserved`.
pub(crate) const SYSTEM_RESERVED: &[Rule] = &[
    (
        "self.all(x, x=='cpu' || x=='memory' || x=='ephemeral-storage' || x=='pid')",
        "valid keys for systemReserved are ['cpu','memory','ephemeral-storage','pid']",
    ),
    (
        "self.all(x, !self[x].startsWith('-'))",
        "systemReserved value cannot be a negative resource quantity",
    ),
];

/// `spec.networkInterfaces`.
pub(crate) const NETWORK_INTERFACES: &[Rule] = &[
    (
        "self.size() == 0 || self.exists(x, x.deviceIndex == 0 && x.networkCardIndex == 0 && x.interfaceType == 'interface')",
        "networkInterfaces must include a primary interface with interfaceType='interface'",
    ),
    (
        "self.all(x, self.filter(y, x.networkCardIndex == y.networkCardIndex && x.deviceIndex == y.deviceIndex).size() == 1 && (x.interfaceType != 'efa-only' || self.filter(y, x.networkCardIndex == y.networkCardIndex && y.interfaceType == 'efa-only').size() == 1))",
        "networkInterfaces must not have duplicate networkCardIndex and deviceIndex pairs, and can have at most one efa device per network card",
    ),
];

/// `spec.placementGroupSelector`.
pub(crate) const PLACEMENT_GROUP: &[Rule] = &[
    ("has(self.name) || has(self.id)", "expected at least one, got none, ['name', 'id']"),
    ("!(has(self.name) && has(self.id))", "'name' and 'id' are mutually exclusive"),
];

/// `spec.role`.
pub(crate) const ROLE: &[Rule] = &[("self != ''", "role cannot be empty")];

/// `spec.securityGroupSelectorTerms`.
pub(crate) const SECURITY_GROUP_TERMS: &[Rule] = &[
    ("self.size() != 0", "securityGroupSelectorTerms cannot be empty"),
    (
        "self.all(x, has(x.tags) || has(x.id) || has(x.name))",
        "expected at least one, got none, ['tags', 'id', 'name']",
    ),
    (
        "!self.all(x, has(x.id) && (has(x.tags) || has(x.name)))",
        "'id' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term",
    ),
    (
        "!self.all(x, has(x.name) && (has(x.tags) || has(x.id)))",
        "'name' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term",
    ),
];

/// `spec.subnetSelectorTerms`.
pub(crate) const SUBNET_TERMS: &[Rule] = &[
    ("self.size() != 0", "subnetSelectorTerms cannot be empty"),
    ("self.all(x, has(x.tags) || has(x.id))", "expected at least one, got none, ['tags', 'id']"),
    (
        "!self.all(x, has(x.id) && has(x.tags))",
        "'id' is mutually exclusive, cannot be set with a combination of other fields in a subnet selector term",
    ),
];

/// `spec.tags`.
pub(crate) const TAGS: &[Rule] = &[
    ("self.all(k, k != '')", "empty tag keys aren't supported"),
    (
        "self.all(k, k !='eks:eks-cluster-name')",
        "tag contains a restricted tag matching eks:eks-cluster-name",
    ),
    (
        "self.all(k, !k.startsWith('kubernetes.io/cluster') )",
        "tag contains a restricted tag matching kubernetes.io/cluster/",
    ),
    (
        "self.all(k, k != 'karpenter.sh/nodepool')",
        "tag contains a restricted tag matching karpenter.sh/nodepool",
    ),
    (
        "self.all(k, k !='karpenter.sh/nodeclaim')",
        "tag contains a restricted tag matching karpenter.sh/nodeclaim",
    ),
    (
        "self.all(k, k !='karpenter.k8s.aws/ec2nodeclass')",
        "tag contains a restricted tag matching karpenter.k8s.aws/ec2nodeclass",
    ),
];
