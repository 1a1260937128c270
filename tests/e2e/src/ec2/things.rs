//! What there is in the account beside instances: a subnet in each zone, a security group, images.

use super::Refusal;
use super::query::{Form, Xml};
use crate::classes::REGION;
use anyhow::Result;
use model::labels::Labels;
use std::collections::BTreeMap;

/// The tag that all things carry.
pub(super) const DISCOVERY: (&str, &str) = ("karpenter.sh/discovery", "e2e");
/// The one security group.
pub(super) const GROUP: &str = "sg-1";

/// Something that a `Describe` call can find.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    /// What filters can look at, by their names.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) tags: Labels,
    pub(super) shown: Vec<Xml>,
}

impl Thing {
    fn meets(&self, filters: &[(&str, Vec<&str>)]) -> Result<bool, Refusal> {
        for (name, values) in filters {
            let found = if let Some(key) = name.strip_prefix("tag:") {
                self.tags.get(key).is_some_and(|value| values.contains(&&**value))
            } else if *name == "tag-key" {
                self.tags.keys().any(|key| values.contains(&&**key))
            } else {
                let field = self.fields.iter().find(|(field, _)| field == name);
                // EC2 refuses a filter that it does not know; silence would be every thing there is.
                let unknown = || Refusal::invalid(&format!("The filter '{name}' is invalid"));
                values.contains(&field.ok_or_else(unknown)?.1.as_str())
            };
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Those that meet the form's filters, as the list of this name, and the token of the next page.
pub(super) fn find(
    list: &'static str,
    form: &Form,
    things: Vec<Thing>,
) -> Result<Vec<Xml>, Refusal> {
    let filters = form.filters();
    let mut found = Vec::new();
    for mut thing in things {
        if thing.meets(&filters)? {
            if !thing.tags.is_empty() {
                thing.shown.push(Xml::tags(&thing.tags));
            }
            found.push(thing.shown);
        }
    }
    let begin: usize = form.get("NextToken").parse().unwrap_or(0);
    let most = form.get("MaxResults").parse().unwrap_or(usize::MAX);
    let rest = found.split_off(begin.min(found.len()));
    let is_more = most < rest.len();
    let page = rest.into_iter().take(most).collect();
    let next = is_more.then(|| Xml::text("nextToken", (begin + most).to_string()));
    Ok([Xml::items(list, page)].into_iter().chain(next).collect())
}

fn tags() -> Labels {
    Labels::from([(DISCOVERY.0.into(), DISCOVERY.1.into())])
}

/// A subnet in each of the region's usual zones, with so many free addresses where it is not the usual number.
pub(super) fn subnets(free: &BTreeMap<String, u32>) -> Result<Vec<Thing>> {
    let zones = catalog::default_zones(REGION)?;
    let subnet = |zone: &model::name::Zone| {
        let id = format!("subnet-{zone}");
        let free = free.get(&id).copied().unwrap_or(4_000);
        Thing {
            shown: vec![
                Xml::text("subnetId", &*id),
                Xml::text("availabilityZone", &**zone),
                Xml::text("availableIpAddressCount", free.to_string()),
            ],
            fields: vec![("subnet-id", id), ("availability-zone", zone.to_string())],
            tags: tags(),
        }
    };
    Ok(zones.iter().map(subnet).collect())
}

/// The security group.
pub(super) fn groups() -> Vec<Thing> {
    vec![Thing {
        shown: vec![Xml::text("groupId", GROUP), Xml::text("groupName", "nodes")],
        fields: vec![("group-id", GROUP.to_owned()), ("group-name", "nodes".to_owned())],
        tags: tags(),
    }]
}

/// An image for each architecture.
pub(super) fn images() -> Vec<Thing> {
    let image = |(arch, architecture): (&str, &str)| {
        let (id, name) = (format!("ami-{arch}"), format!("node-{arch}"));
        Thing {
            shown: vec![
                Xml::text("imageId", &*id),
                Xml::text("name", &*name),
                Xml::text("architecture", architecture),
                Xml::text("creationDate", "2026-01-01T00:00:00.000Z"),
            ],
            fields: vec![("image-id", id), ("name", name), ("state", "available".to_owned())],
            tags: Labels::new(),
        }
    };
    [("amd64", "x86_64"), ("arm64", "arm64")].map(image).to_vec()
}

/// The image that AWS publishes under a name; none for releases and variants that there are not.
pub(super) fn image_named(parameter: &str) -> Option<&'static str> {
    let path = parameter.strip_prefix("/aws/service/eks/optimized-ami/")?;
    match path.split('/').collect::<Vec<_>>()[..] {
        [_, "amazon-linux-2023", "x86_64", "standard", "recommended", "image_id"] => {
            Some("ami-amd64")
        }
        [_, "amazon-linux-2023", "arm64", "standard", "recommended", "image_id"] => {
            Some("ami-arm64")
        }
        _ => None,
    }
}
