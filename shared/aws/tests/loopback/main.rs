//! The crate against a stand-in on loopback that speaks EC2's Query protocol, with answers written by hand from the
//! API's shapes: the form that is sent, and what becomes of the answer.

mod bus;
mod classes;
mod instances;
mod server;
mod types;

use aws::{Ec2, Options};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use launch::bootstrap::Cluster;
use launch::request::Site;

/// Everything at the stand-in.
fn options(url: &str) -> Options {
    Options {
        region: "us-east-1".into(),
        endpoint: Some(url.into()),
        parameters_endpoint: Some(url.into()),
        prices_endpoint: Some(url.into()),
        events_endpoint: Some(url.into()),
        credentials: SharedCredentialsProvider::new(Credentials::from_keys("AKID", "SECRET", None)),
    }
}

/// The port, with the stand-in as its only partner.
fn ec2(url: &str) -> Ec2 {
    let cluster = Cluster {
        name: "prod".into(),
        endpoint: "https://api.example".into(),
        certificate_authority: "Y2E=".into(),
        service_cidr: "10.100.0.0/16".into(),
    };
    let site = Site { cluster, cluster_uid: "cluster-1".into() };
    Ec2::connect(options(url), site, catalog::Settings::default())
}
