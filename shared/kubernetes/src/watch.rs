//! Follows the objects of one kind: a list in pages, then a watch from there on, and a list again when the API server has
//! forgotten where we were. Of every object two hashes are told and nothing is kept.

mod page;
mod pool;
mod request;
mod stream;
mod trace;

use futures_util::{AsyncReadExt, pin_mut};
use kube::core::Status;
use model::hint::{Sighting, Subject};
use page::{Page, PoolTold};
pub use pool::PoolFigures;
use std::fmt;
use std::time::Duration;
use stream::Lines;
use thiserror::Error;

/// A page of a list is there after so long, or never: it is the API server's own limit for a request.
const PAGE_TAKES: Duration = Duration::from_mins(1);
/// A page is at most so long. An object has 1.5 MiB in etcd at most and few come near: 100 of 640 KiB fit.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// A connection without a word for so long is taken to be dead. Bookmarks come each minute.
const SILENCE: Duration = Duration::from_secs(150);

/// An API server, and who we are to it.
#[derive(Clone)]
pub struct Api {
    client: kube::Client,
}

/// Why there is no API server to talk to.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor the files of a pod tell where the API server is.
    #[error("cannot tell from a kubeconfig or from inside a cluster where the API server is")]
    Where(#[from] kube::config::InferConfigError),
    /// What they tell cannot be used.
    #[error("cannot use what the kubeconfig or the pod's files tell of the API server")]
    How(#[from] kube::Error),
}

/// What a watch tells.
#[derive(Debug)]
pub enum Event {
    /// Something about the objects.
    Sighting(Sighting),
    /// What a NodePool tells of itself.
    Pool(PoolFigures),
    /// A NodePool of this name is gone.
    PoolGone(String),
    /// An object that cannot be read, told in one line that has nothing of its content but its name. It is left out.
    Unreadable(String),
    /// Nothing new, but the connection lives.
    Alive,
    /// Something failed. It is tried again after a pause.
    Failed {
        /// What, in one line.
        trouble: Trouble,
        /// How many times in a row.
        failures: u32,
    },
}

/// Why a list or a watch ended before its time.
#[derive(Debug, Error)]
pub enum Trouble {
    /// The API server does not know this version any more, or does not know it yet: a list is needed.
    #[error("the version that was watched from is not known to the API server: {0}")]
    Expired(String),
    /// The API server refused.
    #[error("the API server says: {0}")]
    Refused(String),
    /// It could not be asked.
    #[error("the API server cannot be reached")]
    Away(#[source] kube::Error),
    /// The connection broke.
    #[error("the connection to the API server broke")]
    Broken(#[from] std::io::Error),
    /// It did not answer in time.
    #[error("the API server does not answer")]
    Silent,
    /// It answered something else than a list or a watch.
    #[error("the API server's answer cannot be read")]
    Nonsense,
}

impl Api {
    /// The API server of the kubeconfig (`KUBECONFIG`, then the home folder's), or the one of the cluster that this runs in.
    ///
    /// # Errors
    /// If neither is there, or what is there cannot be used. No connection is made yet.
    pub async fn connect() -> Result<Self, ConnectError> {
        let mut config = kube::Config::infer().await?;
        // A refused request is tried again here, after a pause that grows and with a line in the log.
        config.default_retry = false;
        Ok(Self { client: kube::Client::try_from(config)? })
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// Where a watch stands.
#[derive(Default)]
struct Position {
    /// The version to watch from; none before the first list.
    version: Option<String>,
    /// Failures since the API server last sent an object or a bookmark.
    failures: u32,
}

/// Follows the objects of a kind for as long as it is polled. `pause` tells how long to wait after so many failures in a row.
pub async fn follow(
    api: &Api,
    subject: Subject,
    mut on: impl FnMut(Event),
    pause: impl Fn(u32) -> Duration,
) {
    let mut position = Position::default();
    loop {
        let ended = match position.version.clone() {
            None => list(api, subject, &mut on).await.map(|version| {
                position.version = Some(version);
                true
            }),
            Some(version) => watch(api, subject, version, &mut position, &mut on).await,
        };
        match ended {
            Ok(true) => {}
            // It ended before anything was said: not at once again.
            Ok(false) => tokio::time::sleep(pause(1)).await,
            Err(trouble) => {
                position.failures = position.failures.saturating_add(1);
                if matches!(trouble, Trouble::Expired(_)) {
                    position.version = None;
                }
                let failures = position.failures;
                on(Event::Failed { trouble, failures });
                tokio::time::sleep(pause(failures)).await;
            }
        }
    }
}

/// Lists page by page. Says which version the list is of.
async fn list(api: &Api, subject: Subject, on: &mut impl FnMut(Event)) -> Result<String, Trouble> {
    on(Event::Sighting(Sighting::Listing));
    let mut token = None;
    loop {
        let text = tokio::time::timeout(PAGE_TAKES, get(api, request::list(subject, token)));
        let text = text.await.map_err(|_| Trouble::Silent)??;
        let Page { metadata, items } =
            serde_json::from_slice(&text).map_err(|_| Trouble::Nonsense)?;
        for item in items {
            match page::read(subject, item) {
                Ok(object) => {
                    on(Event::Sighting(object.seen()));
                    if let Some(figures) = object.into_pool() {
                        on(Event::Pool(figures));
                    }
                }
                Err(unreadable) => on(Event::Unreadable(unreadable.to_string())),
            }
        }
        token = metadata.next;
        if token.is_none() {
            on(Event::Sighting(Sighting::Listed));
            return Ok(metadata.version);
        }
    }
}

async fn get(api: &Api, request: http::Request<Vec<u8>>) -> Result<Vec<u8>, Trouble> {
    let body = api.client.request_stream(request).await.map_err(asked)?;
    pin_mut!(body);
    let mut text = Vec::new();
    body.take(PAGE_BYTES_MAX).read_to_end(&mut text).await?;
    Ok(text)
}

/// Watches until the API server ends it, which it does every few minutes. Says whether anything came.
async fn watch(
    api: &Api,
    subject: Subject,
    version: String,
    position: &mut Position,
    on: &mut impl FnMut(Event),
) -> Result<bool, Trouble> {
    let asking = api.client.request_stream(request::watch(subject, &version));
    let body = tokio::time::timeout(PAGE_TAKES, asking).await.map_err(|_| Trouble::Silent)?;
    let body = body.map_err(asked)?;
    pin_mut!(body);
    let mut lines = Lines::new(body);
    let mut any = false;
    loop {
        // Silence is no failure: the next watch begins where this one was.
        let Ok(line) = tokio::time::timeout(SILENCE, lines.next()).await else { return Ok(any) };
        let Some(line) = line? else { return Ok(any) };
        let (event, version) = match page::read_line(subject, line) {
            page::Line::Object { sighting, pool, version } => {
                match pool {
                    Some(PoolTold::Has(figures)) => on(Event::Pool(figures)),
                    Some(PoolTold::Gone(name)) => on(Event::PoolGone(name)),
                    None => {}
                }
                (Event::Sighting(sighting), version)
            }
            page::Line::Bookmark { version } => (Event::Alive, Some(version)),
            page::Line::Unreadable { what, version } => {
                (Event::Unreadable(what.to_string()), version)
            }
            page::Line::Error(status) => return Err(refused(&status)),
        };
        any = true;
        position.failures = 0;
        if version.is_some() {
            position.version = version;
        }
        on(event);
    }
}

/// Why a request was not answered with what was asked for.
fn asked(error: kube::Error) -> Trouble {
    match error {
        kube::Error::Api(status) => refused(&status),
        other => Trouble::Away(other),
    }
}

fn refused(status: &Status) -> Trouble {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let is_ahead = causes.clone().any(|cause| cause.reason == "ResourceVersionTooLarge");
    let text = format!("{} ({})", status.message, status.code);
    if status.code == 410 || is_ahead { Trouble::Expired(text) } else { Trouble::Refused(text) }
}
