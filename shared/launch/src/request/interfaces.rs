//! The network interfaces of an instance.

use crate::bootstrap::Cluster;
use model::name::{SubnetId, Text};
use model::node_class::NodeClass;
use model::node_class::template::{ConnectionTracking, InterfaceType, NetworkInterface};

/// An interface, as EC2 takes it. It goes with its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Where it sits and what it is for.
    pub place: NetworkInterface,
    /// The subnet.
    pub subnet: SubnetId,
    /// The security groups, in order.
    pub security_groups: Vec<Text>,
    /// `AssociatePublicIpAddress`; EC2 takes it for instances with one interface only.
    pub public_address: Option<bool>,
    /// `Ipv4PrefixCount`, on the first interface.
    pub ipv4_prefixes: Option<i32>,
    /// `Ipv6AddressCount` and `PrimaryIpv6`, on the first interface of clusters with IPv6.
    pub ipv6: bool,
    /// How long it remembers idle connections.
    pub tracking: Option<ConnectionTracking>,
}

/// Those of the class, or one.
pub(super) fn interfaces(
    class: &NodeClass,
    subnet: &SubnetId,
    cluster: &Cluster,
) -> Vec<Interface> {
    let template = &*class.template;
    let only = NetworkInterface {
        network_card_index: 0,
        device_index: 0,
        interface_type: InterfaceType::Interface,
    };
    let mut places = template.network_interfaces.clone();
    if places.is_empty() {
        places.push(only.clone());
    }
    places.sort();
    let is_alone = places.len() == 1;
    let groups = template.status.security_groups.iter();
    let security_groups: Vec<Text> = groups.map(|group| group.id.clone()).collect();
    let prefixes = i32::try_from(class.ip_prefix_count).unwrap_or(i32::MAX);
    let interface = |place: NetworkInterface| {
        let is_first = place == only;
        Interface {
            subnet: subnet.clone(),
            security_groups: security_groups.clone(),
            public_address: template.associate_public_ip_address.filter(|_| is_alone),
            ipv4_prefixes: (is_first && 0 < prefixes).then_some(prefixes),
            ipv6: is_first && cluster.service_cidr.contains(':'),
            tracking: template.connection_tracking,
            place,
        }
    };
    places.into_iter().map(interface).collect()
}
