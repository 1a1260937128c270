//! The parameter store, for the images that AWS publishes there.
//!
//! One call of it is needed, and the client of the whole service takes minutes and gigabytes to compile: the request is
//! made here, signed by AWS' library and sent by the HTTP client of its SDK.

use crate::connect::{self, CALL_TAKES};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use launch::lookup::Parameter;
use launch::refusal::{self, Failure};
use model::name::Text;
use model::outcome::Outcome;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::time::SystemTime;

/// The most names in one call (API reference, `GetParameters`).
const NAMES_MAX: usize = 10;

const SERVICE: &str = "Systems Manager";

/// Where parameters are read.
pub(crate) struct Parameters {
    connector: Connector,
    credentials: SharedCredentialsProvider,
    region: String,
    endpoint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    parameters: Vec<Held>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Held {
    name: String,
    value: String,
    #[serde(default, rename = "ARN")]
    arn: String,
    #[serde(default)]
    selector: String,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default, rename = "__type")]
    kind: String,
    #[serde(default, alias = "Message")]
    message: String,
}

impl Parameters {
    pub(crate) fn new(
        region: &str,
        endpoint: Option<String>,
        credentials: SharedCredentialsProvider,
    ) -> Self {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint = endpoint.unwrap_or_else(|| format!("https://ssm.{region}.{domain}"));
        let connector = Connector::builder().tls_provider(connect::tls()).build();
        Self { connector, credentials, region: region.to_owned(), endpoint }
    }

    /// The images that parameters name; those that do not exist are left out.
    pub(crate) async fn read(
        &self,
        parameters: Vec<Parameter>,
        now: Timestamp,
    ) -> Result<Vec<(Parameter, Text)>, ObserveError> {
        let mut values = Vec::new();
        let mut names: Vec<&str> = parameters.iter().map(|parameter| &*parameter.name).collect();
        names.sort_unstable();
        names.dedup();
        for some in names.chunks(NAMES_MAX) {
            values.extend(self.call(some, now).await?.parameters);
        }
        let value = |parameter: Parameter| {
            let found = values.iter().find(|held| held.is_named(&parameter.name))?;
            Some((parameter, Text::from(found.value.trim())))
        };
        Ok(parameters.into_iter().filter_map(value).collect())
    }

    async fn call(&self, names: &[&str], now: Timestamp) -> Result<Answer, ObserveError> {
        let body = json!({ "Names": names }).to_string();
        let request = self.request(body, now).await.map_err(|error| unreachable(&*error))?;
        let exchange = async {
            let response = self.connector.call(request).await?;
            let status = response.status().as_u16();
            let body = ByteStream::new(response.into_body()).collect().await?;
            Ok::<_, Box<dyn Error + Send + Sync>>((status, body.into_bytes()))
        };
        let Ok(exchange) = tokio::time::timeout(CALL_TAKES, exchange).await else {
            let message = format!("no answer within {} s", CALL_TAKES.as_secs());
            return Err(ObserveError::Unreachable { service: SERVICE, message });
        };
        let (status, body) = exchange.map_err(|error| unreachable(&*error))?;
        if status == 200 {
            return serde_json::from_slice(&body).map_err(|error| unreachable(&error));
        }
        Err(refused(status, &serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn request(
        &self,
        body: String,
        now: Timestamp,
    ) -> Result<Request, Box<dyn Error + Send + Sync>> {
        let identity = self.credentials.provide_credentials().await?.into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ssm")
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let mut request = http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AmazonSSM.GetParameters")
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
}

impl Held {
    /// A parameter is asked for by name or ARN, each with or without a version or label.
    fn is_named(&self, asked: &str) -> bool {
        let Self { name, arn, selector, .. } = self;
        [name, arn].into_iter().any(|own| {
            asked.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest == selector)
        })
    }
}

fn unreachable(error: &(dyn Error + 'static)) -> ObserveError {
    ObserveError::Unreachable { service: SERVICE, message: crate::failure::chain(error) }
}

fn refused(status: u16, Refused { kind, message }: &Refused) -> ObserveError {
    let code = kind.rsplit('#').next().unwrap_or_default();
    match refusal::outcome(Failure { code, message, status }) {
        Outcome::Throttled => ObserveError::Throttled { service: SERVICE },
        Outcome::Denied { code: _, message } => ObserveError::Denied { service: SERVICE, message },
        other => {
            let message = format!("HTTP {status} {code}: {}", other.word());
            ObserveError::Unreachable { service: SERVICE, message }
        }
    }
}
