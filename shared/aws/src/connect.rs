//! How AWS is reached: who asks, over which TLS, and how long an answer is waited for.

use crate::bus::{Bus, PUT_TAKES};
use crate::pricing;
use crate::signed::{self, Service};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use std::sync::Arc;
use std::time::Duration;

/// So long a connection may take to stand; one to the region's endpoint takes some 10 ms.
const CONNECT_TAKES: Duration = Duration::from_secs(3);

/// So long a call may take. `RunInstances` answers within two seconds mostly, large calls within ten; after this the
/// outcome is unknown and the next pass asks again under the same token.
pub(crate) const CALL_TAKES: Duration = Duration::from_secs(20);

/// Where and as whom AWS is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// The region.
    pub region: String,
    /// An endpoint of EC2 in place of AWS' own, as in tests.
    pub endpoint: Option<String>,
    /// An endpoint of the parameter store in place of AWS' own.
    pub parameters_endpoint: Option<String>,
    /// An endpoint of the price list in place of AWS' own.
    pub prices_endpoint: Option<String>,
    /// An endpoint of EventBridge in place of AWS' own.
    pub events_endpoint: Option<String>,
    /// Who asks.
    pub credentials: SharedCredentialsProvider,
}

/// A variable of the environment that Lambda sets is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no AWS credentials: {variable} is not set")]
pub struct CredentialsMissing {
    /// Its name.
    pub variable: &'static str,
}

/// The credentials of a Lambda function, which stand in its environment and end no sooner than that does. The whole
/// chain of AWS' configuration would bring the clients of three more services into each function.
///
/// # Errors
/// When one of the two that must be there is not.
pub fn credentials_from(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<SharedCredentialsProvider, CredentialsMissing> {
    let given = |name: &'static str| variable(name).filter(|value| !value.is_empty());
    let needed = |name| given(name).ok_or(CredentialsMissing { variable: name });
    let id = needed("AWS_ACCESS_KEY_ID")?;
    let secret = needed("AWS_SECRET_ACCESS_KEY")?;
    let credentials = Credentials::new(id, secret, given("AWS_SESSION_TOKEN"), None, "environment");
    Ok(SharedCredentialsProvider::new(credentials))
}

/// A client that tries nothing again: want of capacity comes as HTTP 500, and the SDK would ask for the same thrice
/// before anybody hears of it.
pub(crate) fn client(options: Options) -> Client {
    let Options { region, endpoint, credentials, .. } = options;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TAKES)
        .operation_timeout(CALL_TAKES)
        .build();
    let mut config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(credentials)
        .http_client(Builder::new().tls_provider(tls()).build_https())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    config.set_endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// The services that are asked without an SDK.
pub(crate) struct Services {
    pub(crate) parameters: Service,
    pub(crate) prices: Service,
}

impl Services {
    pub(crate) fn new(options: &Options) -> Self {
        let connector = signed::connector();
        let service = |who, at| service(options, &connector, who, at);
        let Options { region, parameters_endpoint, prices_endpoint, .. } = options;
        Self {
            parameters: service(("Systems Manager", "ssm", "ssm"), (region, parameters_endpoint)),
            prices: service(
                ("the price list", "pricing", "api.pricing"),
                (pricing::serving(region), prices_endpoint),
            ),
        }
    }
}

impl Bus {
    /// The bus of this name or ARN; nobody is called.
    pub fn connect(options: &Options, name: String) -> Self {
        let who = ("EventBridge", "events", "events");
        let at = (&*options.region, &options.events_endpoint);
        let service = service(options, &signed::connector(), who, at);
        Self { service: Service { limit: PUT_TAKES, ..service }, name }
    }
}

/// A service by its title, its name and its host, in a region and perhaps at an endpoint of its own.
fn service(
    options: &Options,
    connector: &Arc<Connector>,
    (title, name, host): (&'static str, &'static str, &str),
    (region, endpoint): (&str, &Option<String>),
) -> Service {
    let own = || format!("https://{host}.{region}.{}", domain(region));
    Service {
        title,
        name,
        region: region.to_owned(),
        endpoint: endpoint.clone().unwrap_or_else(own),
        credentials: options.credentials.clone(),
        connector: Arc::clone(connector),
        limit: CALL_TAKES,
    }
}

fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// Without C to compile.
pub(crate) const fn tls() -> Provider {
    Provider::Rustls(CryptoMode::Ring)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_lack_a_part_are_missed_by_name() {
        let with = |names: &[&str]| {
            let given = |name: &str| names.contains(&name).then(|| "hunter2".to_owned());
            credentials_from(given).map(|provider| format!("{provider:?}"))
        };
        let missing = |names: &[&str]| with(names).unwrap_err().to_string();
        assert_eq!(missing(&[]), "no AWS credentials: AWS_ACCESS_KEY_ID is not set");
        let secret = "no AWS credentials: AWS_SECRET_ACCESS_KEY is not set";
        assert_eq!(missing(&["AWS_ACCESS_KEY_ID"]), secret);
        let all = with(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
        assert!(!all.unwrap().contains("secret_access_key: \"hunter2\""));
    }
}
