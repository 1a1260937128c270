//! An HTTP server on loopback in a thread of its own, which can be taken away and brought back at the same address.

use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

pub(crate) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// How a request is answered; none closes the connection without a word.
pub(crate) trait Handler: Send + Sync + 'static {
    fn answer(&self, request: Asked) -> impl Future<Output = Option<Answer>> + Send;
}

/// A request with its body.
pub(crate) struct Asked {
    pub(crate) head: http::request::Parts,
    pub(crate) body: String,
}

pub(crate) struct Server {
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    pub(crate) fn start<H: Handler>(handler: &Arc<H>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, running: Some(run(listener, Arc::clone(handler))) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it; all connections break.
    pub(crate) fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }

    /// Brings it back at the same address.
    pub(crate) fn restart<H: Handler>(&mut self, handler: &Arc<H>) {
        let until = Instant::now() + Duration::from_secs(30);
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < until, "{}: {error}", self.address),
            }
        };
        self.running = Some(run(listener, Arc::clone(handler)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                () = accept(listener, handler) => {}
                _ = stopped => {}
            }
        });
    });
    (stop, thread)
}

async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&*handler, request));
            // A connection that is closed on purpose is an error to hyper.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer<H: Handler>(handler: &H, request: Request<Incoming>) -> io::Result<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let body = String::from_utf8(body.to_vec()).map_err(io::Error::other)?;
    handler.answer(Asked { head, body }).await.ok_or_else(|| io::Error::other("closed on purpose"))
}
