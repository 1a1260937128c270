//! How the API server is reached.

use super::token::Tokens;
use super::wire::Wire;
use aws_credential_types::provider::SharedCredentialsProvider;
use http::Uri;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::{Body, ConfigExt};
use kube::config::{Cluster, Context, KubeConfigOptions, Kubeconfig, NamedCluster, NamedContext};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tower::{BoxError, ServiceBuilder};

/// So long a connection may take to stand. An endpoint within the region answers in some 10 ms; one that does not in 3 s
/// will not in time for the pass either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Idle connections are kept for so long: less than the 350 s after which AWS' load balancers and NAT gateways forget
/// them without a word, more than the minute between two sweeps.
const IDLE: Duration = Duration::from_secs(90);

/// A connection on which something is awaited is asked for a sign of life so often, and given up without one: a process
/// that was frozen may find that its connection has died meanwhile, and nobody tells it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// An EKS cluster as it was given at deployment; nothing is looked up.
pub struct Eks {
    /// The cluster's name.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// `https://…`, from DescribeCluster.
    pub endpoint: String,
    /// `certificateAuthority.data`, from DescribeCluster: PEM in base64.
    pub certificate_authority: String,
    /// Who asks.
    pub credentials: SharedCredentialsProvider,
}

/// Why there can be no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path}")]
    Kubeconfig {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// This is no pod with a service account.
    #[error("no service account of a pod")]
    InCluster(#[source] kube::config::InClusterError),
    /// The endpoint or its certificate authority cannot be used.
    #[error("EKS cluster at {endpoint:?}")]
    Eks {
        /// What was given.
        endpoint: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// TLS or the credentials cannot be set up.
    #[error("no client for {server}")]
    Client {
        /// The server.
        server: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
}

/// By a kubeconfig's current context.
pub(super) async fn by_kubeconfig(path: &Path) -> Result<Wire, ConnectError> {
    let failed = |source| ConnectError::Kubeconfig { path: path.display().to_string(), source };
    let file = Kubeconfig::read_from(path).map_err(failed)?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(file, &options).await.map_err(failed)?;
    wire(&config, None)
}

/// By the service account of the pod that this runs in.
pub(super) fn in_cluster() -> Result<Wire, ConnectError> {
    let config = Config::incluster().map_err(ConnectError::InCluster)?;
    wire(&config, None)
}

/// By a token for an EKS cluster.
pub(super) async fn by_eks(eks: &Eks) -> Result<Wire, ConnectError> {
    let Eks { cluster, region, endpoint, certificate_authority, credentials } = eks;
    let named = |name: &str| name.to_owned();
    let file = Kubeconfig {
        current_context: Some(named(cluster)),
        clusters: vec![NamedCluster {
            name: named(cluster),
            cluster: Some(Cluster {
                server: Some(named(endpoint)),
                certificate_authority_data: Some(named(certificate_authority)),
                ..Cluster::default()
            }),
            other: BTreeMap::new(),
        }],
        contexts: vec![NamedContext {
            name: named(cluster),
            context: Some(Context { cluster: named(cluster), ..Context::default() }),
            other: BTreeMap::new(),
        }],
        ..Kubeconfig::default()
    };
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    let config =
        config.map_err(|source| ConnectError::Eks { endpoint: endpoint.clone(), source })?;
    wire(&config, Some(Tokens::new(cluster, region, credentials.clone())))
}

/// The client without kube's own retries: an eviction's 429 is an answer, and whether anything is tried again is decided
/// by who has the time of the whole pass in view.
///
/// It speaks HTTP/2, as other clients of the API server do and kube does not: a pass' lists and watches then share one
/// connection, so they cost one handshake and all come from the same API server.
fn wire(config: &Config, tokens: Option<Tokens>) -> Result<Wire, ConnectError> {
    let server = config.cluster_url.to_string();
    let failed = |source| ConnectError::Client { server: server.clone(), source };
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let tls = config.rustls_client_config().map_err(failed)?;
    let mut https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = config.tls_server_name.clone() {
        https = https.with_server_name_resolver(move |_: &Uri| name.clone().try_into());
    }
    let connector = https.enable_all_versions().wrap_connector(connector);
    let http: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http2_keep_alive_interval(SIGN_OF_LIFE)
        .http2_keep_alive_timeout(SIGN_OF_LIFE)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(failed)?)
        .layer(config.extra_headers_layer().map_err(failed)?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Wire::new(kube::Client::new(service, &*config.default_namespace), tokens))
}
