//! What an EC2NodeClass' terms select: the questions that the crate `launch` makes of them, put to AWS.

use crate::failure;
use crate::parameters;
use crate::signed::Service;
use crate::timestamp;
use crate::turns::{Kind, Turns};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{
    CapacityReservation, Filter, Image, SecurityGroup as Group, Subnet as Told,
};
use jiff::Timestamp;
use launch::lookup::{self, Lookup};
use launch::resolve::{Context, Found, FoundImage, resolve};
use model::name::{SubnetId, Text};
use model::node_class::NodeClass;
use model::node_class::status::{ClassStatus, FoundSubnet, Reservation, SecurityGroup};
use reconciler::ports::ObserveError;
use std::collections::{BTreeMap, BTreeSet};

/// Who is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a Client,
    pub(crate) parameters: &'a Service,
    pub(crate) turns: &'a Turns,
}

/// The status of a class, as AWS is now. `version` is the cluster's, such as `1.34`.
pub(crate) async fn status(
    asked: Asked<'_>,
    class: &NodeClass,
    version: &str,
    context: &Context<'_>,
) -> Result<ClassStatus, ObserveError> {
    let template = &*class.template;
    let mut found = Found::default();
    for lookup in lookup::subnets(&template.subnet_selector_terms) {
        found.subnets.extend(asked.subnets(&lookup).await?);
    }
    for lookup in lookup::security_groups(&template.security_group_selector_terms) {
        found.security_groups.extend(asked.security_groups(&lookup).await?);
    }
    match lookup::parameters(&template.ami_selector_terms, version) {
        Ok(parameters) => {
            found.parameters = parameters::read(asked.parameters, parameters, context.now).await?;
        }
        Err(error) => found.unsupported = Some(error),
    }
    let named: Vec<Text> = found.parameters.iter().map(|(_, image)| image.clone()).collect();
    for lookup in lookup::images(&template.ami_selector_terms, &named) {
        found.images.extend(asked.images(&lookup).await?);
    }
    for lookup in lookup::reservations(&template.capacity_reservation_selector_terms) {
        found.reservations.extend(asked.reservations(&lookup).await?);
    }
    if let Some(term) = &template.placement_group_selector {
        found.has_placement_group =
            asked.has_placement_group(&lookup::placement_group(term)).await?;
    }
    Ok(resolve(class, found, context))
}

impl Asked<'_> {
    /// The free addresses of these subnets.
    pub(crate) async fn free_addresses(
        self,
        subnets: &BTreeSet<SubnetId>,
    ) -> Result<BTreeMap<SubnetId, u32>, ObserveError> {
        if subnets.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.turn().await?;
        let ids = subnets.iter().map(ToString::to_string).collect();
        let by_id = Filter::builder().name("subnet-id").set_values(Some(ids)).build();
        let call = self.client.describe_subnets().filters(by_id);
        let all: Result<Vec<Told>, _> = call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        let free = |told: &Told| {
            let free = u32::try_from(told.available_ip_address_count()?).ok()?;
            Some((told.subnet_id()?.into(), free))
        };
        Ok(all.iter().filter_map(free).collect())
    }

    async fn turn(self) -> Result<(), ObserveError> {
        self.turns_of(1).await
    }

    /// Waits for the turn of so many calls together.
    pub(crate) async fn turns_of(self, calls: i64) -> Result<(), ObserveError> {
        let taken = self.turns.take(Kind::Look, calls).await;
        taken.map_err(|_| ObserveError::Throttled { service: "EC2" })
    }

    pub(crate) fn failed<E: failure::CallError>(
        self,
        error: &SdkError<E, HttpResponse>,
    ) -> ObserveError {
        let error = failure::of_reading(error);
        if matches!(error, ObserveError::Throttled { .. }) {
            self.turns.refused(Kind::Look);
        }
        error
    }

    async fn subnets(self, lookup: &Lookup) -> Result<Vec<FoundSubnet>, ObserveError> {
        self.turn().await?;
        let call = self.client.describe_subnets().set_filters(Some(filters(lookup)));
        let all: Result<Vec<Told>, _> = call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        let subnet = |told: &Told| {
            Some(FoundSubnet {
                id: told.subnet_id()?.into(),
                zone: told.availability_zone()?.into(),
                zone_id: told.availability_zone_id().map(Into::into),
            })
        };
        Ok(all.iter().filter_map(subnet).collect())
    }

    async fn security_groups(self, lookup: &Lookup) -> Result<Vec<SecurityGroup>, ObserveError> {
        self.turn().await?;
        let call = self.client.describe_security_groups().set_filters(Some(filters(lookup)));
        let all: Result<Vec<Group>, _> = call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        let group = |told: &Group| {
            let name = told.group_name().map(Into::into);
            Some(SecurityGroup { id: told.group_id()?.into(), name })
        };
        Ok(all.iter().filter_map(group).collect())
    }

    async fn images(self, lookup: &Lookup) -> Result<Vec<FoundImage>, ObserveError> {
        self.turn().await?;
        let owners: Vec<String> = lookup.owners.iter().map(ToString::to_string).collect();
        let call = self
            .client
            .describe_images()
            .set_filters(Some(filters(lookup)))
            .set_owners(Some(owners).filter(|owners| !owners.is_empty()))
            // What is deprecated still runs, and is told to be so in the status.
            .include_deprecated(true);
        let all: Result<Vec<Image>, _> = call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        let image = |told: &Image| {
            Some(FoundImage {
                id: told.image_id()?.into(),
                name: told.name().map(Into::into),
                architecture: told.architecture()?.as_str().into(),
                created: told.creation_date().unwrap_or_default().into(),
                deprecated_at: told.deprecation_time().and_then(|at| at.parse().ok()),
            })
        };
        Ok(all.iter().filter_map(image).collect())
    }

    async fn reservations(self, lookup: &Lookup) -> Result<Vec<Reservation>, ObserveError> {
        self.turn().await?;
        let ids: Vec<String> = lookup.ids.iter().map(ToString::to_string).collect();
        let call = self
            .client
            .describe_capacity_reservations()
            .set_filters(Some(filters(lookup)))
            .set_capacity_reservation_ids(Some(ids).filter(|ids| !ids.is_empty()));
        let all: Result<Vec<CapacityReservation>, _> =
            call.into_paginator().items().send().collect().await;
        match all {
            Ok(all) => Ok(all.iter().filter_map(reservation).collect()),
            // One that was given back is none that can be used.
            Err(error) if error.code() == Some("InvalidCapacityReservationId.NotFound") => {
                Ok(Vec::new())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn has_placement_group(self, lookup: &Lookup) -> Result<bool, ObserveError> {
        self.turn().await?;
        let call = self.client.describe_placement_groups().set_filters(Some(filters(lookup)));
        let told = call.send().await.map_err(|error| self.failed(&error))?;
        Ok(!told.placement_groups().is_empty())
    }
}

fn filters(lookup: &Lookup) -> Vec<Filter> {
    let filter = |(name, values): &(Text, Vec<Text>)| {
        let values = values.iter().map(ToString::to_string).collect();
        Filter::builder().name(&**name).set_values(Some(values)).build()
    };
    lookup.filters.iter().map(filter).collect()
}

fn reservation(told: &CapacityReservation) -> Option<Reservation> {
    let end: Option<Timestamp> = told.end_date().and_then(timestamp);
    Some(Reservation {
        id: told.capacity_reservation_id()?.into(),
        instance_type: told.instance_type()?.into(),
        availability_zone: told.availability_zone()?.into(),
        owner_id: told.owner_id()?.into(),
        instance_match_criteria: told.instance_match_criteria()?.as_str().into(),
        reservation_type: told.reservation_type().map(|kind| kind.as_str().into()),
        state: None,
        end_time: end.map(|end| end.to_string().into()),
        interruptible: told.interruptible() == Some(true),
    })
}
