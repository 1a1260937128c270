//! The regular expressions of the API, to the letter: whoever was refused by Karpenter is refused here, and nobody else.

/// A quantity such as `500m`, `2` or `1.5Gi`.
pub(crate) const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
/// A label key or a taint key, with or without a domain.
pub(crate) const QUALIFIED_NAME: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(\/))?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$";
/// A label value.
pub(crate) const LABEL_VALUE: &str = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";
/// A duration such as `30s` or `1h30m`.
pub(crate) const DURATION: &str = "^([0-9]+(s|m|h))+$";
/// The same, or `Never`.
pub(crate) const DURATION_OR_NEVER: &str = "^(([0-9]+(s|m|h))+|Never)$";
/// A duration in hours and minutes.
pub(crate) const HOURS_AND_MINUTES: &str = "^((([0-9]+(h|m))|([0-9]+h[0-9]+m))(0s)?)$";
/// A number of nodes, or a percentage of them.
pub(crate) const COUNT_OR_PERCENT: &str = "^((100|[0-9]{1,2})%|[0-9]+)$";
/// A cron expression of five fields, or one of cron's names.
pub(crate) const SCHEDULE: &str =
    r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly))|((.+)\s(.+)\s(.+)\s(.+)\s(.+))$";
/// An API group.
pub(crate) const GROUP: &str = "^[^/]*$";
/// The type of a condition.
pub(crate) const CONDITION_TYPE: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
/// The reason of a condition.
pub(crate) const CONDITION_REASON: &str = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
/// The reason of a NodeClaim's condition, which may be empty.
pub(crate) const CLAIM_CONDITION_REASON: &str = "^([A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?|)$";
/// An AMI.
pub(crate) const AMI: &str = "ami-[0-9a-z]+";
/// A subnet.
pub(crate) const SUBNET: &str = "subnet-[0-9a-z]+";
/// A security group.
pub(crate) const SECURITY_GROUP: &str = "sg-[0-9a-z]+";
/// A capacity reservation.
pub(crate) const CAPACITY_RESERVATION: &str = "^cr-[0-9a-z]+$";
/// A placement group.
pub(crate) const PLACEMENT_GROUP: &str = "^pg-[0-9a-z]+$";
/// An AWS account.
pub(crate) const ACCOUNT: &str = "^[0-9]{12}$";
/// The size of an EBS volume, up to 64 TiB.
pub(crate) const VOLUME_SIZE: &str = "^((?:[1-9][0-9]{0,3}|[1-4][0-9]{4}|[5][0-8][0-9]{3}|59000)Gi|(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|[6][0-3][0-9]{3}|64000)G|([1-9]||[1-5][0-7]|58)Ti|([1-9]||[1-5][0-9]|6[0-3]|64)T)$";
/// An eviction threshold: a percentage or a quantity.
pub(crate) const THRESHOLD: &str = r"^((\d{1,2}(\.\d{1,2})?|100(\.0{1,2})?)%||(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?)$";
/// A price in dollars an hour.
pub(crate) const PRICE: &str = r"^\d+(\.\d+)?$";
/// What is added to a price, or taken off: dollars an hour, or a percentage down to -100%.
pub(crate) const PRICE_ADJUSTMENT: &str =
    r"^(([+-]{1}(\d*\.?\d+))|(\+{1}\d*\.?\d+%)|(^(-\d{1,2}(\.\d+)?%)$)|(-100%))$";
