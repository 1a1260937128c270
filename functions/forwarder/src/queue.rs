//! The queues: one call for one hint. Trying again is not done here but by whoever knows what else waits.

use crate::settings::Settings;
use anyhow::{Context, Result};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use model::hint::{Hint, Message};
use std::time::Duration;

/// SQS answers within tens of milliseconds; a connection that takes so long will not come.
const CONNECT_TAKES: Duration = Duration::from_secs(2);
/// A call that takes so long is taken to have failed. If it had not, a hint comes twice, which is allowed.
const SEND_TAKES: Duration = Duration::from_secs(5);

/// The queues of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Queues {
    client: Client,
    settings: Settings,
}

impl Queues {
    /// Credentials come from the default chain: the environment, a profile, web identity (IRSA), a container's endpoint
    /// (EKS Pod Identity), the instance. The endpoint is AWS' or that of `AWS_ENDPOINT_URL_SQS`.
    pub(crate) async fn connect(settings: &Settings) -> Self {
        let config = sdk(settings).await;
        // Hints that wait while one is tried again become one; the SDK's own retries would only hold them up.
        let config = aws_sdk_sqs::config::Builder::from(&config)
            .retry_config(RetryConfig::disabled())
            .build();
        Self { client: Client::from_conf(config), settings: settings.clone() }
    }

    /// Sends a hint.
    ///
    /// # Errors
    /// If the queue has not taken it, or has not said so.
    pub(crate) async fn send(&self, hint: Hint) -> Result<()> {
        let body = serde_json::to_string(&Message::new(hint)).expect("a hint is plain data");
        let url = self.settings.queue_of(hint);
        let sending = self.client.send_message().queue_url(url).message_body(body).send();
        sending.await.map_err(aws_sdk_sqs::Error::from).context("sending a hint to SQS")?;
        Ok(())
    }
}

async fn sdk(settings: &Settings) -> SdkConfig {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TAKES)
        .operation_timeout(SEND_TAKES)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .http_client(Builder::new().tls_provider(tls).build_https())
        .timeout_config(timeouts)
        .load()
        .await
}
