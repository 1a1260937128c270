//! HTTP on loopback, served on the one thread on which everything here lives.

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, spawn_local};

/// What is answered.
pub type Answer = Response<Full<Bytes>>;

/// Something that answers requests. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    serves: AbortHandle,
}

impl Server {
    /// Opens one. A request that cannot be answered breaks its connection, which the other side counts as a failure.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open(
        handle: impl AsyncFn(Request<Bytes>) -> Result<Answer> + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serves = spawn_local(accept(listener, Rc::new(handle))).abort_handle();
        Ok(Self { address, serves })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

async fn accept<H>(listener: TcpListener, handle: Rc<H>)
where
    H: AsyncFn(Request<Bytes>) -> Result<Answer> + 'static,
{
    // A listener on loopback fails only when the process has no file descriptor left; then nothing is answered, and the test
    // says so.
    while let Ok((stream, _)) = listener.accept().await {
        spawn_local(serve(stream, Rc::clone(&handle)));
    }
}

async fn serve<H>(stream: TcpStream, handle: Rc<H>)
where
    H: AsyncFn(Request<Bytes>) -> Result<Answer> + 'static,
{
    let answer = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        handle(Request::from_parts(head, body)).await
    });
    // Whoever asks may close the connection at any time.
    let _ = server::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

/// Answers with a text.
pub fn text(status: u16, content_type: &str, body: String) -> Result<Answer> {
    let answer = Response::builder().status(status).header("content-type", content_type);
    Ok(answer.body(Full::new(body.into()))?)
}

/// Asks once, of an address such as `127.0.0.1:80`, and reads the whole answer.
///
/// # Errors
/// When there is none, or it is not a success; the error holds what was said.
pub async fn ask(address: &str, request: Request<Full<Bytes>>) -> Result<Bytes> {
    let what = format!("{} {}", request.method(), request.uri().path());
    let stream =
        TcpStream::connect(address).await.with_context(|| format!("reaching {address}"))?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    let connection = spawn_local(connection);
    let response = sender.send_request(request).await.with_context(|| what.clone())?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    ensure!(status.is_success(), "{what}: {status}: {}", String::from_utf8_lossy(&body));
    Ok(body)
}
