//! Where a function works: the cluster and the cloud, each client made once for a process.

use crate::catalogue::Followed;
use crate::config::{Config, ConfigError, Endpoint};
use crate::telling::Teller;
use aws::{Bus, CredentialsMissing, Ec2, Options, credentials_from};
use jiff::Timestamp;
use kubernetes::client::{Client, ConnectError, Eks};
use launch::bootstrap;
use launch::request::Site;
use reconciler::batch::{Invocation, Response};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use thiserror::Error;

/// EC2's endpoint in place of AWS' own, under the name that AWS' tools have for it.
const EC2_ENDPOINT: &str = "AWS_ENDPOINT_URL_EC2";
/// The parameter store's.
const SSM_ENDPOINT: &str = "AWS_ENDPOINT_URL_SSM";
/// The price list's.
const PRICING_ENDPOINT: &str = "AWS_ENDPOINT_URL_PRICING";
/// EventBridge's.
const EVENTS_ENDPOINT: &str = "AWS_ENDPOINT_URL_EVENTBRIDGE";
/// Any service's that has none of its own.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Where a function works.
pub struct Place {
    /// Given at deployment.
    pub config: Config,
    /// The API server.
    pub cluster: Client,
    /// EC2.
    pub cloud: Ec2,
    catalogue: Followed,
    teller: Option<Teller>,
}

/// Why a function cannot start.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// A setting is missing or wrong.
    #[error("the settings cannot be used")]
    Config(#[from] ConfigError),
    /// Lambda gives every function credentials.
    #[error("there is nobody to ask AWS as")]
    Credentials(#[from] CredentialsMissing),
    /// The cluster's endpoint or certificate cannot be used.
    #[error("the cluster cannot be reached")]
    Cluster(#[from] ConnectError),
}

impl Place {
    /// Reads the environment and makes the clients; nobody is called.
    ///
    /// # Errors
    /// When a setting is missing or cannot be used.
    pub async fn from(
        variable: impl Fn(&str) -> Option<String> + Copy,
    ) -> Result<Self, PlaceError> {
        let config = Config::read(variable)?;
        let credentials = credentials_from(variable)?;
        let Config { settings, cluster, namespace, region, .. } = &config;
        let Endpoint { url, certificate_authority, service_cidr } = cluster;
        let eks = Eks {
            cluster: settings.cluster_name.clone(),
            region: region.clone(),
            endpoint: url.clone(),
            certificate_authority: certificate_authority.clone(),
            credentials: credentials.clone(),
        };
        let client = Client::for_eks(&eks, namespace).await?;
        let endpoint = |name| {
            let given = |name| variable(name).filter(|url| !url.is_empty());
            given(name).or_else(|| given(ENDPOINT))
        };
        let options = Options {
            region: region.clone(),
            endpoint: endpoint(EC2_ENDPOINT),
            parameters_endpoint: endpoint(SSM_ENDPOINT),
            prices_endpoint: endpoint(PRICING_ENDPOINT),
            events_endpoint: endpoint(EVENTS_ENDPOINT),
            credentials,
        };
        let site = Site {
            cluster: bootstrap::Cluster {
                name: settings.cluster_name.as_str().into(),
                endpoint: url.as_str().into(),
                certificate_authority: certificate_authority.as_str().into(),
                service_cidr: service_cidr.as_str().into(),
            },
            cluster_uid: settings.cluster_uid.clone(),
        };
        let bus = config.event_bus.clone().map(|name| Bus::connect(&options, name));
        let teller = bus.map(|bus| Teller { bus, told: Mutex::default() });
        let cloud = Ec2::connect(options, site, config.catalog);
        let catalogue = Followed::default();
        Ok(Self { config, cluster: client, cloud, catalogue, teller })
    }

    /// Tells on the event bus, where one is named, what a pass decided. It comes last and keeps nothing back: what cannot be
    /// told is a line of the log.
    pub(crate) async fn tell(
        &self,
        function: &'static str,
        response: &Response,
        invocation: &Invocation<'_>,
    ) {
        let (Some(teller), Some(report)) = (&self.teller, &response.report) else { return };
        if report.decisions.is_empty() {
            return;
        }
        let cluster = &*self.config.settings.cluster_name;
        let note = if invocation.stop.load(Ordering::Relaxed) {
            Some("time is nearly up: no event is put on the bus".to_owned())
        } else {
            teller.tell(&report.decisions, (cluster, function), invocation.now).await
        };
        if let Some(note) = note {
            tracing::warn!(function, note, "not told on the event bus");
        }
    }

    /// Lets EC2's instance types be those of the catalogue in the cluster, for a function that buys or compares. Without
    /// one the facts that are built in have to do, and the log says so in a line.
    pub async fn catch_up(&self, now: Timestamp) {
        let Self { config, cluster, cloud, catalogue, teller: _ } = self;
        let note = catalogue.catch_up((cluster, cloud), &config.region, now).await;
        if let Some(note) = note {
            tracing::warn!(note, "without the catalogue");
        }
    }
}
