//! The settings, read once from the environment.

use model::hint::Hint;
use std::net::SocketAddr;
use thiserror::Error;

/// The queue of the hints, and of those for provisioning where lifecycle has a queue of its own.
const QUEUE_URL: &str = "JOINER_QUEUE_URL";
/// The queue of the hints for lifecycle, where it has one of its own.
const LIFECYCLE_QUEUE_URL: &str = "JOINER_LIFECYCLE_QUEUE_URL";
/// The cluster's name, for the log and the metrics.
const CLUSTER_NAME: &str = "JOINER_CLUSTER_NAME";
/// Where health and metrics are served.
const LISTEN: &str = "JOINER_LISTEN";
/// The queues' region; AWS' own name for it.
const REGION: &str = "AWS_REGION";

const LISTEN_DEFAULT: &str = "0.0.0.0:8080";

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    queue_url: String,
    lifecycle_queue_url: Option<String>,
    /// The queues' region.
    pub region: String,
    /// The cluster's name.
    pub cluster: String,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
}

/// A variable that cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// It has to be there.
    #[error("{0}: is not set")]
    Missing(&'static str),
    /// A queue's URL is `http` or `https` with a host and a path.
    #[error(
        "{0}: `{1}` is not the URL of a queue, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
    )]
    Url(&'static str, String),
    /// An address has an IP address and a port.
    #[error("{0}: `{1}` is not an address with a port, as {LISTEN_DEFAULT}")]
    Address(&'static str, String),
}

impl Settings {
    /// Reads the settings; `variable` gives a variable's value. An empty one counts as not set.
    ///
    /// # Errors
    /// The first variable that is missing or cannot be used.
    pub fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let optional = |name| variable(name).filter(|value| !value.trim().is_empty());
        let required = |name| optional(name).ok_or(SettingsError::Missing(name));
        let listen = optional(LISTEN).unwrap_or_else(|| LISTEN_DEFAULT.into());
        Ok(Self {
            queue_url: required(QUEUE_URL).and_then(|value| url(QUEUE_URL, value))?,
            lifecycle_queue_url: optional(LIFECYCLE_QUEUE_URL)
                .map(|value| url(LIFECYCLE_QUEUE_URL, value))
                .transpose()?,
            region: required(REGION)?,
            cluster: required(CLUSTER_NAME)?,
            listen: listen.parse().map_err(|_| SettingsError::Address(LISTEN, listen))?,
        })
    }

    /// The queue that a hint goes to.
    pub fn queue_of(&self, hint: Hint) -> &str {
        let Self { queue_url, lifecycle_queue_url, region: _, cluster: _, listen: _ } = self;
        match hint {
            Hint::Provisioning => queue_url,
            Hint::Lifecycle => lifecycle_queue_url.as_ref().unwrap_or(queue_url),
        }
    }
}

fn url(name: &'static str, value: String) -> Result<String, SettingsError> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let is_url = rest
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(host, path)| !host.is_empty() && !path.is_empty());
    let is_url = is_url && !value.contains(char::is_whitespace);
    if is_url { Ok(value) } else { Err(SettingsError::Url(name, value)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const GOOD: [(&str, &str); 3] = [
        (QUEUE_URL, "https://sqs.eu-west-1.amazonaws.com/123456789012/hints"),
        (REGION, "eu-west-1"),
        (CLUSTER_NAME, "blue"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let all: Vec<_> = changes.iter().chain(&GOOD).collect();
        Settings::read(|name| {
            let found = all.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn check_error(name: &str, value: &str, expected: &Expect) {
        let error = read(&[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
        expected.assert_eq(&error);
    }

    #[test]
    fn three_variables_are_enough() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), LISTEN_DEFAULT);
        assert_eq!(settings.queue_of(Hint::Provisioning), settings.queue_of(Hint::Lifecycle));
        assert_eq!((&*settings.cluster, &*settings.region), ("blue", "eu-west-1"));
    }

    #[test]
    fn lifecycle_may_have_a_queue_of_its_own() {
        let settings = read(&[(LIFECYCLE_QUEUE_URL, "http://127.0.0.1:1/1/life")]).unwrap();
        assert!(settings.queue_of(Hint::Provisioning).ends_with("/hints"));
        assert!(settings.queue_of(Hint::Lifecycle).ends_with("/life"));
    }

    #[test]
    fn an_error_names_the_variable() {
        check_error(QUEUE_URL, "", &expect!["JOINER_QUEUE_URL: is not set"]);
        check_error(REGION, " ", &expect!["AWS_REGION: is not set"]);
        check_error(CLUSTER_NAME, "", &expect!["JOINER_CLUSTER_NAME: is not set"]);
        check_error(
            QUEUE_URL,
            "hints",
            &expect![
                "JOINER_QUEUE_URL: `hints` is not the URL of a queue, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            ],
        );
        check_error(
            LIFECYCLE_QUEUE_URL,
            "https://host",
            &expect![
                "JOINER_LIFECYCLE_QUEUE_URL: `https://host` is not the URL of a queue, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            ],
        );
        check_error(
            LISTEN,
            "8080",
            &expect!["JOINER_LISTEN: `8080` is not an address with a port, as 0.0.0.0:8080"],
        );
    }
}
