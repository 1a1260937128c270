//! The token of an EKS cluster: a presigned request that asks STS who signs it. Making one needs neither the network nor
//! a right (AWS documentation of EKS; the authenticator's README has the form).

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// A token is used for so long and then made anew. It is good for 15 minutes, and clients count on 14; one is not made
/// for each request, because the cluster asks STS about every token that it has not seen.
const USED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Credentials that end sooner than this are not signed with again: the token ends with them.
const CREDENTIALS_MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// `X-Amz-Expires`, as the AWS command line has it; the cluster looks at the date and not at this.
const EXPIRES: Duration = Duration::from_mins(1);

/// The header by which a token is for one cluster only.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Makes tokens for one cluster.
pub(super) struct Tokens {
    cluster: String,
    region: String,
    credentials: SharedCredentialsProvider,
    latest: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    value: HeaderValue,
    until: Timestamp,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The credentials cannot be had.
    #[error("no AWS credentials for the cluster's token")]
    Credentials(#[source] aws_credential_types::provider::error::CredentialsError),
    /// They cannot be signed with.
    #[error("the cluster's token cannot be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Tokens {
    pub(super) fn new(cluster: &str, region: &str, credentials: SharedCredentialsProvider) -> Self {
        let (cluster, region) = (cluster.to_owned(), region.to_owned());
        Self { cluster, region, credentials, latest: Mutex::new(None) }
    }

    /// The value of the header `Authorization` at this time.
    pub(super) async fn token(&self, now: Timestamp) -> Result<HeaderValue, TokenError> {
        let latest = self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(token) = latest.filter(|token| now < token.until) {
            return Ok(token.value);
        }
        let given = self.credentials.provide_credentials().await;
        let credentials = given.map_err(TokenError::Credentials)?;
        let until = used_until(now, credentials.expiry());
        let text = presign((&self.cluster, &self.region), credentials, now)
            .map_err(TokenError::Signing)?;
        let mut value = HeaderValue::try_from(format!("Bearer {text}"))
            .map_err(|error| TokenError::Signing(error.into()))?;
        value.set_sensitive(true);
        *self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Token { value: value.clone(), until });
        Ok(value)
    }
}

fn used_until(now: Timestamp, credentials_end: Option<SystemTime>) -> Timestamp {
    let until = now + USED_FOR;
    let end = credentials_end.and_then(|end| Timestamp::try_from(end).ok());
    end.map_or(until, |end| until.min(end - CREDENTIALS_MARGIN))
}

/// `k8s-aws-v1.` and the presigned address.
fn presign(
    (cluster, region): (&str, &str),
    credentials: Credentials,
    now: Timestamp,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://sts.{region}.{domain}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()?
        .into();
    let headers = [(CLUSTER_HEADER, cluster)].into_iter();
    let signable = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string())))
}
