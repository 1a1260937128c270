//! Services of which one call each is needed: the parameter store, the price list, EventBridge. All three speak AWS' JSON
//! protocol, and each one's SDK takes as long to compile as all else here. The request is made here, signed by AWS' library
//! and sent by the HTTP client of its SDK.

use crate::connect;
use crate::failure;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use launch::refusal::{self, Failure};
use model::outcome::Outcome;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How a service is reached.
pub(crate) struct Service {
    /// As messages name it.
    pub(crate) title: &'static str,
    /// As signatures name it.
    pub(crate) name: &'static str,
    /// The region of its endpoint, for the signature.
    pub(crate) region: String,
    /// `https://…`.
    pub(crate) endpoint: String,
    /// Who asks.
    pub(crate) credentials: SharedCredentialsProvider,
    /// Connections are shared.
    pub(crate) connector: Arc<Connector>,
    /// So long an answer is waited for.
    pub(crate) limit: Duration,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default, rename = "__type")]
    kind: String,
    #[serde(default, alias = "Message")]
    message: String,
}

/// A client for all of these services.
pub(crate) fn connector() -> Arc<Connector> {
    Arc::new(Connector::builder().tls_provider(connect::tls()).build())
}

impl Service {
    /// Makes one call; `target` is the operation with the name of the service before it. Returns the body of the answer.
    pub(crate) async fn call(
        &self,
        target: &'static str,
        body: String,
        now: Timestamp,
    ) -> Result<Vec<u8>, ObserveError> {
        let request =
            self.request(target, body, now).await.map_err(|error| self.unreachable(&*error))?;
        let exchange = async {
            let response = self.connector.call(request).await?;
            let status = response.status().as_u16();
            let body = ByteStream::new(response.into_body()).collect().await?;
            Ok::<_, Box<dyn Error + Send + Sync>>((status, body.into_bytes()))
        };
        let Ok(exchange) = tokio::time::timeout(self.limit, exchange).await else {
            let message = format!("no answer within {} s", self.limit.as_secs());
            return Err(ObserveError::Unreachable { service: self.title, message });
        };
        let (status, body) = exchange.map_err(|error| self.unreachable(&*error))?;
        if status == 200 {
            return Ok(body.into());
        }
        Err(self.refused(status, &serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn request(
        &self,
        target: &'static str,
        body: String,
        now: Timestamp,
    ) -> Result<Request, Box<dyn Error + Send + Sync>> {
        let identity = self.credentials.provide_credentials().await?.into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.name)
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let mut request = http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(SdkBody::from(body.as_str()))?;
        let headers = request.headers().iter();
        let headers: Vec<(&str, &str)> = headers
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let signable = SignableRequest::new(
            "POST",
            &self.endpoint,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (instructions, _) = sign(signable, &signing)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.try_into()?)
    }

    /// An answer that did not come, or is not what was expected.
    pub(crate) fn unreachable(&self, error: &(dyn Error + 'static)) -> ObserveError {
        ObserveError::Unreachable { service: self.title, message: failure::said(error) }
    }

    fn refused(&self, status: u16, Refused { kind, message }: &Refused) -> ObserveError {
        let service = self.title;
        let code = kind.rsplit('#').next().unwrap_or_default();
        match refusal::outcome(Failure { code, message, status }) {
            Outcome::Throttled => ObserveError::Throttled { service },
            Outcome::Denied { code: _, message } => ObserveError::Denied { service, message },
            other => {
                let message = format!("HTTP {status} {code}: {}", other.word());
                ObserveError::Unreachable { service, message }
            }
        }
    }
}
