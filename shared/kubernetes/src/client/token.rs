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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const BORN: &str = "2026-01-01T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn credentials(session: Option<&str>, expiry: Option<Timestamp>) -> Credentials {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let session = session.map(ToOwned::to_owned);
        Credentials::new("AKIDEXAMPLE", secret, session, expiry.map(SystemTime::from), "test")
    }

    /// The parameters of the presigned address, in their order.
    fn parameters(session: Option<&str>) -> Vec<String> {
        let cluster = ("prod", "eu-central-1");
        let token = presign(cluster, credentials(session, None), at(BORN)).unwrap();
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        let url = String::from_utf8(url).unwrap();
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "https://sts.eu-central-1.amazonaws.com/");
        query.split('&').map(ToOwned::to_owned).collect()
    }

    // The signatures were computed by the words of AWS' documentation of Signature Version 4 with a general hash library,
    // and botocore 1.43.11 comes to the same.
    #[test]
    fn the_address_is_signed_as_others_sign_it() {
        let common = [
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-central-1%2Fsts%2Faws4_request",
            "X-Amz-Date=20260101T000000Z",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
        ];
        let of_user =
            "X-Amz-Signature=3cae666d40bfdb088bd7793d58dc710f0eb815d2d609be2eb5c729101c160869";
        let of_role =
            "X-Amz-Signature=b7906ea2f5eb545c0d16676d71b023c411e657c3e7ac17ed5c499e86dcd82eba";
        let session = "X-Amz-Security-Token=session%2Ftoken%2B%3D%3D";
        let mut user = parameters(None);
        let mut role = parameters(Some("session/token+=="));
        user.sort();
        role.sort();
        let sorted = |more: &[&str]| {
            let mut all: Vec<String> =
                common.iter().chain(more).map(|text| (*text).to_owned()).collect();
            all.sort();
            all
        };
        assert_eq!(user, sorted(&[of_user]));
        assert_eq!(role, sorted(&[of_role, session]));
    }

    /// Credentials that count how often they are asked for.
    #[derive(Debug)]
    struct Counted(AtomicU32, Option<Timestamp>);

    impl ProvideCredentials for &'static Counted {
        fn provide_credentials<'a>(
            &'a self,
        ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            let given = credentials(Some("session"), self.1);
            aws_credential_types::provider::future::ProvideCredentials::ready(Ok(given))
        }
    }

    /// How often credentials were asked for, when a token is asked for at each of these seconds.
    async fn check_made(expiry: Option<&str>, seconds: &[i64], times: u32) {
        let counted: &'static Counted =
            Box::leak(Box::new(Counted(AtomicU32::new(0), expiry.map(at))));
        let tokens = Tokens::new("prod", "eu-central-1", SharedCredentialsProvider::new(counted));
        for second in seconds {
            let now = at(BORN) + SignedDuration::from_secs(*second);
            let value = tokens.token(now).await.unwrap();
            assert!(value.to_str().unwrap().starts_with("Bearer k8s-aws-v1."));
        }
        assert_eq!(counted.0.load(Ordering::Relaxed), times);
    }

    #[tokio::test]
    async fn a_token_is_used_for_ten_minutes_and_not_after_its_credentials() {
        check_made(None, &[0, 1, 599], 1).await;
        check_made(None, &[0, 599, 600, 601, 1_200], 3).await;
        check_made(Some("2026-01-01T00:05:00Z"), &[0, 239, 240], 2).await;
    }
}
