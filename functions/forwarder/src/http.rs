//! `/healthz`, `/readyz` and `/metrics`, for the kubelet and Prometheus.

use crate::state::Shared;
use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Connections at a time: the kubelet's two and Prometheus' few.
const CONNECTIONS_MAX: usize = 16;
/// A connection lasts so long at most, so that idle ones do not use up what there is.
const CONNECTION_LASTS: Duration = Duration::from_mins(2);
/// A request's head is there after so long, or never.
const HEAD_TAKES: Duration = Duration::from_secs(5);
/// A connection's buffer: the least that hyper allows.
const BUFFER_BYTES: usize = 8 << 10;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Serves the pages for as long as the process lives.
pub(crate) async fn start(listen: SocketAddr, shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("JOINER_LISTEN: listening on {listen}"))?;
    tracing::info!(at = %listener.local_addr()?, "health and metrics are served");
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    Ok(tokio::spawn(async move {
        loop {
            let place = Arc::clone(&free).acquire_owned().await;
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, as a rule: others have to close first.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                serve(stream, &shared).await;
                drop(place);
            });
        }
    }))
}

async fn serve(stream: TcpStream, shared: &Shared) {
    let answer = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request, shared)) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TAKES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    // Whoever asked has gone or has asked nonsense; either is theirs to know.
    let _ = tokio::time::timeout(CONNECTION_LASTS, connection).await;
}

fn answer(request: &Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => verdict(&shared.stuck()),
        (&Method::GET | &Method::HEAD, "/readyz") => verdict(&shared.missing()),
        (&Method::GET | &Method::HEAD, "/metrics") => {
            page(StatusCode::OK, OPEN_METRICS, shared.metrics())
        }
        (&Method::GET | &Method::HEAD, _) => {
            let text = "there are /healthz, /readyz and /metrics\n";
            page(StatusCode::NOT_FOUND, TEXT, text.into())
        }
        _ => page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "these pages can only be read\n".into()),
    }
}

/// `ok`, or 503 with a line for each thing that is wrong.
fn verdict(wrong: &[String]) -> Response<Full<Bytes>> {
    if wrong.is_empty() {
        return page(StatusCode::OK, TEXT, "ok\n".into());
    }
    let lines = wrong.iter().map(|line| format!("{line}\n"));
    page(StatusCode::SERVICE_UNAVAILABLE, TEXT, lines.collect())
}

fn page(status: StatusCode, kind: HeaderValue, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
