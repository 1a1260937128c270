//! A request for instances in the SDK's words. Nothing is chosen here.

use crate::failure;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, CapacityReservationPreference, CapacityReservationSpecification,
    CapacityReservationTarget, ConnectionTrackingSpecificationRequest, CpuOptionsRequest,
    EbsBlockDevice, IamInstanceProfileSpecification, InstanceInterruptionBehavior,
    InstanceMarketOptionsRequest, InstanceMetadataOptionsRequest,
    InstanceNetworkInterfaceSpecification, MarketType, Placement, ResourceType,
    RunInstancesMonitoringEnabled, ShutdownBehavior, SpotInstanceType, SpotMarketOptions, Tag,
    TagSpecification,
};
use aws_smithy_types::base64;
use launch::request::{Device, Interface, Market, Request};
use model::labels::Labels;
use model::name::Text;
use model::node_class::template::InterfaceType;
use model::outcome::Outcome;

/// Makes the call.
pub(crate) async fn run(client: &Client, request: &Request) -> Result<RunInstancesOutput, Outcome> {
    let count = i32::try_from(request.count).unwrap_or(i32::MAX);
    let user_data = request.user_data.reveal();
    let user_data = (!user_data.is_empty()).then(|| base64::encode(user_data));
    let metadata = &request.metadata;
    let metadata = InstanceMetadataOptionsRequest::builder()
        .http_endpoint((&*metadata.http_endpoint).into())
        .http_protocol_ipv6((&*metadata.http_protocol_ipv6).into())
        .http_put_response_hop_limit(metadata.http_put_response_hop_limit)
        .http_tokens((&*metadata.http_tokens).into())
        .build();
    let monitoring = request
        .detailed_monitoring
        .map(|enabled| RunInstancesMonitoringEnabled::builder().enabled(enabled).build());
    let cpu = request.nested_virtualization.as_ref().map(|nested| {
        CpuOptionsRequest::builder().nested_virtualization((&**nested).into()).build()
    });
    let (market, reservation) = market(&request.market);
    let call = client
        .run_instances()
        .client_token(&*request.token)
        .min_count(count)
        .max_count(count)
        .instance_type((&*request.instance_type).into())
        .image_id(&*request.image)
        .iam_instance_profile(profile(&request.instance_profile))
        .set_user_data(user_data)
        .set_block_device_mappings(Some(request.devices.iter().map(device).collect()))
        .metadata_options(metadata)
        .set_network_interfaces(Some(request.interfaces.iter().map(interface).collect()))
        .set_instance_market_options(market)
        .capacity_reservation_specification(reservation)
        .set_placement(placement(request))
        .set_cpu_options(cpu)
        .set_monitoring(monitoring)
        .set_tag_specifications(Some(tags(request)))
        // A node that shuts itself down is gone: stopped, it would be paid for and never come back.
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate);
    call.send().await.map_err(|error| failure::outcome(&error))
}

fn profile(name_or_arn: &Text) -> IamInstanceProfileSpecification {
    let profile = IamInstanceProfileSpecification::builder();
    let is_arn = name_or_arn.starts_with("arn:");
    let profile = if is_arn { profile.arn(&**name_or_arn) } else { profile.name(&**name_or_arn) };
    profile.build()
}

fn device(device: &Device) -> BlockDeviceMapping {
    let Device { name, size_gib, ebs } = device;
    let number = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
    let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
    let volume = EbsBlockDevice::builder()
        .set_delete_on_termination(ebs.delete_on_termination)
        .set_encrypted(ebs.encrypted)
        .set_iops(number(ebs.iops))
        .set_kms_key_id(text(&ebs.kms_key_id))
        .set_snapshot_id(text(&ebs.snapshot_id))
        .set_throughput(number(ebs.throughput))
        .set_volume_initialization_rate(ebs.volume_initialization_rate)
        .set_volume_size(*size_gib)
        .set_volume_type(ebs.volume_type.as_deref().map(Into::into));
    BlockDeviceMapping::builder().device_name(&**name).ebs(volume.build()).build()
}

fn interface(interface: &Interface) -> InstanceNetworkInterfaceSpecification {
    let Interface { place, subnet, security_groups, public_address, ipv4_prefixes, ipv6, tracking } =
        interface;
    let tracking = tracking.map(|tracking| {
        ConnectionTrackingSpecificationRequest::builder()
            .set_tcp_established_timeout(tracking.tcp_established_timeout)
            .set_udp_stream_timeout(tracking.udp_stream_timeout)
            .set_udp_timeout(tracking.udp_timeout)
            .build()
    });
    let kind = match place.interface_type {
        InterfaceType::Interface => None,
        InterfaceType::EfaOnly => Some("efa-only".to_owned()),
    };
    InstanceNetworkInterfaceSpecification::builder()
        .device_index(place.device_index)
        .network_card_index(place.network_card_index)
        .set_interface_type(kind)
        .subnet_id(&**subnet)
        .set_groups(Some(security_groups.iter().map(ToString::to_string).collect()))
        .delete_on_termination(true)
        .set_associate_public_ip_address(*public_address)
        .set_ipv4_prefix_count(*ipv4_prefixes)
        .set_ipv6_address_count(ipv6.then_some(1))
        .set_primary_ipv6(ipv6.then_some(true))
        .set_connection_tracking_specification(tracking)
        .build()
}

fn market(
    market: &Market,
) -> (Option<InstanceMarketOptionsRequest>, CapacityReservationSpecification) {
    let none = CapacityReservationSpecification::builder()
        .capacity_reservation_preference(CapacityReservationPreference::None)
        .build();
    let target = |id: &Text| {
        let target = CapacityReservationTarget::builder().capacity_reservation_id(&**id).build();
        CapacityReservationSpecification::builder().capacity_reservation_target(target).build()
    };
    let of = |kind| InstanceMarketOptionsRequest::builder().market_type(kind);
    match market {
        Market::OnDemand => (None, none),
        Market::Spot => {
            let options = SpotMarketOptions::builder()
                .spot_instance_type(SpotInstanceType::OneTime)
                .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
                .build();
            (Some(of(MarketType::Spot).spot_options(options).build()), none)
        }
        Market::Reservation(id) => (None, target(id)),
        Market::CapacityBlock(id) => (Some(of(MarketType::CapacityBlock).build()), target(id)),
    }
}

/// The zone is the subnet's; only what goes beyond that has to be said.
fn placement(request: &Request) -> Option<Placement> {
    let Request { placement_group, tenancy, .. } = request;
    if placement_group.is_none() && tenancy.is_none() {
        return None;
    }
    let group = placement_group.clone().unwrap_or_default();
    let text = |text: Option<Text>| text.map(|text| text.to_string());
    let placement = Placement::builder()
        .set_group_id(text(group.id))
        .set_group_name(text(group.name))
        .set_tenancy(tenancy.as_deref().map(Into::into));
    Some(placement.build())
}

/// The same tags on all that the call makes, at birth, because rights hang on them.
fn tags(request: &Request) -> Vec<TagSpecification> {
    let spot = (request.market == Market::Spot).then_some(ResourceType::SpotInstancesRequest);
    let made = [ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
    made.into_iter().chain(spot).map(|kind| specification(kind, &request.tags)).collect()
}

fn specification(kind: ResourceType, tags: &Labels) -> TagSpecification {
    let tag = |(key, value): (&Text, &Text)| Tag::builder().key(&**key).value(&**value).build();
    let tags = tags.iter().map(tag).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}
