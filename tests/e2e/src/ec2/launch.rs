//! A call to `RunInstances`, read, and refused where our template's role or EC2 itself would.

use super::Refusal;
use super::query::Form;
use super::things::GROUP;
use super::user_data::{self, Boot};
use ::launch::request::{CLAIM_TAG, CLUSTER_NAME_TAG, CLUSTER_UID_TAG};
use model::action::RunInstances;
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::{EC2NODECLASS, NODEPOOL};

const SUBNET: &str = "NetworkInterface.1.SubnetId";

/// The subnet of a call.
pub(super) fn subnet(form: &Form) -> &str {
    form.get(SUBNET)
}

/// What is launched, and as what it boots.
pub(super) fn read(form: &Form, profile: &str) -> Result<(RunInstances, Boot), Refusal> {
    let tags = form.tags("instance");
    is_allowed(form, profile)?;
    if form.list("NetworkInterface.1.SecurityGroupId") != [GROUP] {
        return Err(Refusal::new(
            400,
            "InvalidGroup.NotFound",
            "The security group does not exist.",
        ));
    }
    let zone = subnet(form).strip_prefix("subnet-").ok_or_else(|| {
        Refusal::new(400, "InvalidSubnetID.NotFound", "The subnet ID does not exist.")
    })?;
    let (least, most) = (form.get("MinCount"), form.get("MaxCount"));
    let count = most.parse().ok().filter(|_| least == most);
    let boot = user_data::read(form.get("UserData"))
        .map_err(|error| Refusal::invalid(&format!("no node would come of it: {error:#}")))?;
    let spot = form.get("InstanceMarketOptions.MarketType") == "spot";
    let node_class = tags.get(EC2NODECLASS);
    let run = RunInstances {
        token: form.get("ClientToken").into(),
        count: count.ok_or_else(|| Refusal::invalid("all or none is asked for here"))?,
        offering: OfferingKey {
            instance_type: form.get("InstanceType").into(),
            zone: zone.into(),
            capacity_type: if spot { CapacityType::Spot } else { CapacityType::OnDemand },
        },
        subnet: subnet(form).into(),
        image: form.get("ImageId").into(),
        pool: tags.get(NODEPOOL).map(|pool| pool.clone().into()),
        node_class: node_class.ok_or_else(|| Refusal::invalid("of which class"))?.clone().into(),
        claim: tags.get(CLAIM_TAG).map(|claim| claim.clone().into()),
        labels: boot.labels.clone(),
        taints: boot.taints.clone(),
    };
    Ok((run, boot))
}

/// The conditions under which the launcher's role in `infra/template.yaml` lets instances be launched. ministack knows these
/// for its own services, and this is none of them.
fn is_allowed(form: &Form, profile: &str) -> Result<(), Refusal> {
    let made = ["instance", "volume", "network-interface"];
    let spot = form.get("InstanceMarketOptions.MarketType") == "spot";
    let made = made.into_iter().chain(spot.then_some("spot-instances-request"));
    for kind in made {
        let tags = form.tags(kind);
        if !tags.contains_key(CLUSTER_NAME_TAG) || !tags.contains_key(CLUSTER_UID_TAG) {
            return Err(Refusal::unauthorized());
        }
    }
    let named = [form.get("IamInstanceProfile.Arn"), form.get("IamInstanceProfile.Name")];
    let is_ours = !profile.is_empty() && named.contains(&profile);
    let is_pooled = form.tags("instance").contains_key(NODEPOOL);
    let has_tokens = form.get("MetadataOptions.HttpTokens") == "required";
    if is_ours && is_pooled && has_tokens { Ok(()) } else { Err(Refusal::unauthorized()) }
}
