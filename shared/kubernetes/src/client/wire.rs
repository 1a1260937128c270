//! Requests to the API server and their answers. Nothing is tried a second time here: whoever asked decides about that.

use super::token::Tokens;
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::Body;
use reconciler::chain::chain;
use serde::Deserialize;
use std::future::Future;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So long a change may take. The API server gives etcd 10 s by itself, and a handler's whole pass has about a minute.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// So long one page of a list, or the beginning of a watch, may take. A page of 500 large objects takes some 200 ms; the
/// API server's own limit for requests is a minute, after which the answer would come too late for the pass.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// What has been exchanged with the API server so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests begun.
    pub requests: u64,
    /// Bytes of answers as they came, compressed where they were.
    pub bytes: u64,
    /// Bytes of answers as they were read.
    pub decoded_bytes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    bytes: AtomicU64,
    decoded_bytes: AtomicU64,
}

/// A connection to the API server.
pub(super) struct Wire {
    client: kube::Client,
    tokens: Option<Tokens>,
    counters: Counters,
}

/// Why an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The API server refuses, and says why.
    Refused(Refusal),
    /// There was no answer, or not all of it. A change may have been made.
    Lost(String),
}

/// What the API server says (`meta/v1`, Status).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) code: u16,
    /// A word.
    pub(super) reason: String,
    /// A sentence.
    pub(super) message: String,
    pub(super) details: Details,
}

/// More about a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    pub(super) causes: Vec<Cause>,
}

/// One cause of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Cause {
    pub(super) reason: String,
    pub(super) field: String,
}

impl Failure {
    /// Whether it is a refusal with this HTTP status.
    pub(super) fn is(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == status.as_u16())
    }
}

impl Refusal {
    /// What an answer of this status says. One that is no Status (a load balancer's) is shown by its beginning.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Self {
        const SHOWN: usize = 200;
        let mut refusal: Self = serde_json::from_slice(body).unwrap_or_default();
        if refusal.message.is_empty() {
            let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
            text.trim().clone_into(&mut refusal.message);
        }
        if refusal.reason.is_empty() {
            status.canonical_reason().unwrap_or("unknown").clone_into(&mut refusal.reason);
        }
        refusal.code = status.as_u16();
        refusal
    }
}

impl Wire {
    pub(super) fn new(client: kube::Client, tokens: Option<Tokens>) -> Self {
        Self { client, tokens, counters: Counters::default() }
    }

    /// What has been exchanged so far.
    pub(super) fn traffic(&self) -> Traffic {
        let Counters { requests, bytes, decoded_bytes } = &self.counters;
        Traffic {
            requests: requests.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
            decoded_bytes: decoded_bytes.load(Ordering::Relaxed),
        }
    }

    /// Reads a path.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.get_as(path, "application/json").await
    }

    /// Reads a path in another representation.
    pub(super) async fn get_as(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Vec::new());
        self.exchange(request, READ_TIMEOUT).await
    }

    /// Makes a change with a body of this type.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        (content_type, body): (&str, &serde_json::Value),
    ) -> Result<Vec<u8>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_string().into_bytes());
        self.exchange(request, CHANGE_TIMEOUT).await
    }

    /// Begins a watch: pieces of lines, as they come.
    pub(super) async fn watch(
        &self,
        path: &str,
    ) -> Result<BoxStream<'_, Result<Vec<u8>, String>>, Failure> {
        let request = Request::get(path).header(header::ACCEPT, "application/json").body(vec![]);
        let response = self.begin(request, READ_TIMEOUT).await?;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            let text = self.collect(body, false, READ_TIMEOUT).await?;
            return Err(Failure::Refused(Refusal::read(parts.status, &text)));
        }
        let pieces = body.into_data_stream().map(|piece| match piece {
            Ok(piece) => {
                self.counters.bytes.fetch_add(length(piece.len()), Ordering::Relaxed);
                self.counters.decoded_bytes.fetch_add(length(piece.len()), Ordering::Relaxed);
                Ok(piece.to_vec())
            }
            Err(error) => Err(chain(&error)),
        });
        Ok(pieces.boxed())
    }

    async fn exchange(
        &self,
        request: Result<Request<Vec<u8>>, http::Error>,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let response = self.begin(request, limit).await?;
        let (parts, body) = response.into_parts();
        let is_compressed =
            parts.headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "gzip");
        let text = self.collect(body, is_compressed, limit).await?;
        if parts.status.is_success() {
            Ok(text)
        } else {
            Err(Failure::Refused(Refusal::read(parts.status, &text)))
        }
    }

    async fn begin(
        &self,
        request: Result<Request<Vec<u8>>, http::Error>,
        limit: Duration,
    ) -> Result<http::Response<Body>, Failure> {
        let mut request = request.map_err(|error| Failure::Lost(chain(&error)))?;
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(tokens) = &self.tokens {
            let token = tokens.token(Timestamp::now()).await;
            let value = token.map_err(|error| Failure::Lost(chain(&error)))?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let sent = self.client.send(request.map(Body::from));
        within(limit, sent).await?.map_err(|error| Failure::Lost(chain(&error)))
    }

    async fn collect(
        &self,
        body: Body,
        is_compressed: bool,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let came = within(limit, body.collect()).await?;
        let came = came.map_err(|error| Failure::Lost(chain(&error)))?.to_bytes();
        self.counters.bytes.fetch_add(length(came.len()), Ordering::Relaxed);
        let text = if is_compressed {
            let mut text = Vec::with_capacity(came.len() * 8);
            let read = MultiGzDecoder::new(&*came).read_to_end(&mut text);
            read.map_err(|error| Failure::Lost(format!("an answer that is not gzip: {error}")))?;
            text
        } else {
            came.to_vec()
        };
        self.counters.decoded_bytes.fetch_add(length(text.len()), Ordering::Relaxed);
        Ok(text)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    let waited = tokio::time::timeout(limit, work).await;
    waited.map_err(|_| Failure::Lost(format!("no answer within {} s", limit.as_secs())))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_a_status_and_from_whatever_else_came() {
        let status = br#"{"kind":"Status","status":"Failure","message":"no","reason":"TooManyRequests",
            "details":{"causes":[{"reason":"DisruptionBudget","message":"the budget"}]},"code":429}"#;
        let refusal = Refusal::read(StatusCode::TOO_MANY_REQUESTS, status);
        assert_eq!(
            (refusal.code, &*refusal.reason, &*refusal.message),
            (429, "TooManyRequests", "no")
        );
        assert_eq!(refusal.details.causes[0].reason, "DisruptionBudget");
        let other = Refusal::read(StatusCode::BAD_GATEWAY, b" <html>upstream</html>\n");
        assert_eq!(
            (other.code, &*other.reason, &*other.message),
            (502, "Bad Gateway", "<html>upstream</html>")
        );
    }
}
