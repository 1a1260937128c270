//! A queue on loopback that takes every message: SQS as far as the forwarder needs it.

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use model::hint::{Hint, Message};
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, spawn_local};

/// The queue. It ends when this is dropped.
#[derive(Debug)]
pub struct Queue {
    address: SocketAddr,
    taken: Rc<RefCell<Vec<Hint>>>,
    serves: AbortHandle,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    message_body: String,
}

impl Queue {
    /// Opens one.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, taken) = (listener.local_addr()?, Rc::default());
        let serves = spawn_local(accept(listener, Rc::clone(&taken))).abort_handle();
        Ok(Self { address, taken, serves })
    }

    /// Where SQS' API is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The queue's own URL.
    pub fn url(&self) -> String {
        format!("{}/111122223333/hints", self.endpoint())
    }

    /// Takes the hints that have come since the last time.
    pub fn take(&self) -> Vec<Hint> {
        self.taken.take()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

async fn accept(listener: TcpListener, taken: Rc<RefCell<Vec<Hint>>>) {
    // A listener on loopback fails only when the process has no file descriptor left; then no hint comes, and the test says so.
    while let Ok((stream, _)) = listener.accept().await {
        spawn_local(serve(stream, Rc::clone(&taken)));
    }
}

async fn serve(stream: TcpStream, taken: Rc<RefCell<Vec<Hint>>>) {
    let answer = service_fn(async |request| take(request, &taken).await);
    // Whoever sends may close the connection at any time.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

/// Takes a message. A request that is none breaks the connection, which the forwarder counts as a failure.
async fn take(
    request: Request<Incoming>,
    taken: &RefCell<Vec<Hint>>,
) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let SendMessage { message_body } = serde_json::from_slice(&body)?;
    let Message { version: _, hint } = serde_json::from_str(&message_body)?;
    taken.borrow_mut().push(hint);
    Ok(Response::new(Full::new(json!({ "MessageId": "1" }).to_string().into())))
}
