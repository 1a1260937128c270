//! The settings of a deployment, read once from the environment.

use model::name::Text;
use model::snapshot::{MinValuesPolicy, Policies, PreferencePolicy, Settings};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use thiserror::Error;

/// The cluster's name.
pub const CLUSTER_NAME: &str = "JOINER_CLUSTER_NAME";
/// The uid of the namespace `kube-system`.
pub const CLUSTER_UID: &str = "JOINER_CLUSTER_UID";
/// `https://…`, from DescribeCluster.
pub const CLUSTER_ENDPOINT: &str = "JOINER_CLUSTER_ENDPOINT";
/// `certificateAuthority.data`, from DescribeCluster.
pub const CLUSTER_CA: &str = "JOINER_CLUSTER_CA";
/// The addresses of services, from DescribeCluster.
pub const SERVICE_CIDR: &str = "JOINER_SERVICE_CIDR";
/// The instance profiles that the stack made, as `role=profile`, separated by commas.
pub const INSTANCE_PROFILES: &str = "JOINER_INSTANCE_PROFILES";
/// Where joiner's own objects are; the chart's namespace.
pub const NAMESPACE: &str = "JOINER_NAMESPACE";
/// The most nodes.
pub const NODES_MAX: &str = "JOINER_NODES_MAX";
/// Karpenter's gate, under its name in `FEATURE_GATES`.
pub const SPOT_TO_SPOT: &str = "JOINER_SPOT_TO_SPOT_CONSOLIDATION";
/// Karpenter's gate `NodeRepair`.
pub const NODE_REPAIR: &str = "JOINER_NODE_REPAIR";
/// Under Karpenter's name.
pub const PREFERENCES: &str = "PREFERENCE_POLICY";
/// Under Karpenter's name.
pub const MIN_VALUES: &str = "MIN_VALUES_POLICY";
/// Under Karpenter's name: the share of a type's memory that its nodes are expected not to have.
pub const VM_MEMORY_OVERHEAD: &str = "VM_MEMORY_OVERHEAD_PERCENT";
/// Under Karpenter's name: interfaces that pods get no addresses from.
pub const RESERVED_ENIS: &str = "RESERVED_ENIS";
/// An event bus of EventBridge for decisions, by name or ARN.
pub const EVENT_BUS: &str = "JOINER_EVENT_BUS";
/// Set by Lambda.
pub const REGION: &str = "AWS_REGION";

/// The namespace that README and chart name.
const NAMESPACE_DEFAULT: &str = "joiner-system";
/// The ceiling where none is set: Karpenter has none; this much is a bill that somebody should have said yes to.
const NODES_MAX_DEFAULT: u32 = 1_000;

/// The settings of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What plans are made with.
    pub settings: Settings,
    /// What nodes are expected to offer.
    pub catalog: catalog::Settings,
    /// The API server.
    pub cluster: Endpoint,
    /// The instance profiles that there are, by role.
    pub instance_profiles: BTreeMap<Text, Text>,
    /// The event bus that decisions are told on, if they are.
    pub event_bus: Option<String>,
    /// Where joiner's own objects are.
    pub namespace: String,
    /// The region.
    pub region: String,
}

/// Where the API server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://…`.
    pub url: String,
    /// PEM in base64.
    pub certificate_authority: String,
    /// The addresses of services, such as `10.100.0.0/16`.
    pub service_cidr: String,
}

/// A variable that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// It has to be there.
    #[error("{0}: is not set")]
    Missing(&'static str),
    /// It is something else than expected.
    #[error("{name}: `{value}` is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the settings; `variable` gives a variable's value. An empty one counts as not set.
    ///
    /// # Errors
    /// The first variable that is missing or cannot be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let optional = |name| variable(name).filter(|value| !value.trim().is_empty());
        let required = |name| optional(name).ok_or(ConfigError::Missing(name));
        let url = required(CLUSTER_ENDPOINT)?;
        if url.strip_prefix("https://").is_none_or(str::is_empty) {
            let expected = "the API server's endpoint, as https://ID.gr7.REGION.eks.amazonaws.com";
            return Err(ConfigError::Invalid { name: CLUSTER_ENDPOINT, value: url, expected });
        }
        let defaults = catalog::Settings::default();
        let preferences = named(
            (PREFERENCES, optional(PREFERENCES)),
            &[("Respect", PreferencePolicy::Respect), ("Ignore", PreferencePolicy::Ignore)],
            "Respect or Ignore",
        )?;
        let min_values = named(
            (MIN_VALUES, optional(MIN_VALUES)),
            &[("Strict", MinValuesPolicy::Strict), ("BestEffort", MinValuesPolicy::BestEffort)],
            "Strict or BestEffort",
        )?;
        Ok(Self {
            settings: Settings {
                cluster_name: required(CLUSTER_NAME)?,
                cluster_uid: required(CLUSTER_UID)?.as_str().into(),
                nodes_max: parsed(
                    (NODES_MAX, optional(NODES_MAX)),
                    NODES_MAX_DEFAULT,
                    "a number of nodes",
                )?,
                spot_to_spot: parsed(
                    (SPOT_TO_SPOT, optional(SPOT_TO_SPOT)),
                    false,
                    "true or false",
                )?,
                node_repair: parsed((NODE_REPAIR, optional(NODE_REPAIR)), false, "true or false")?,
                policies: Policies { preferences, min_values },
            },
            catalog: catalog::Settings {
                vm_memory_overhead_ppm: share(
                    (VM_MEMORY_OVERHEAD, optional(VM_MEMORY_OVERHEAD)),
                    defaults.vm_memory_overhead_ppm,
                )?,
                reserved_enis: parsed(
                    (RESERVED_ENIS, optional(RESERVED_ENIS)),
                    defaults.reserved_enis,
                    "a number of interfaces",
                )?,
            },
            cluster: Endpoint {
                url,
                certificate_authority: required(CLUSTER_CA)?,
                service_cidr: required(SERVICE_CIDR)?,
            },
            instance_profiles: profiles(optional(INSTANCE_PROFILES))?,
            event_bus: optional(EVENT_BUS),
            namespace: optional(NAMESPACE).unwrap_or_else(|| NAMESPACE_DEFAULT.to_owned()),
            region: required(REGION)?,
        })
    }
}

/// `role=profile`, separated by commas.
fn profiles(value: Option<String>) -> Result<BTreeMap<Text, Text>, ConfigError> {
    let value = value.unwrap_or_default();
    let pairs = value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| match pair.split_once('=') {
        Some((role, profile)) if !role.is_empty() && !profile.is_empty() => {
            Ok((role.into(), profile.into()))
        }
        Some(_) | None => Err(ConfigError::Invalid {
            name: INSTANCE_PROFILES,
            value: value.clone(),
            expected: "role=profile, separated by commas",
        }),
    };
    pairs.map(pair).collect()
}

/// A value that text can be read as, or the default where nothing is set.
fn parsed<T: FromStr<Err: Display>>(
    (name, value): (&'static str, Option<String>),
    default: T,
    expected: &'static str,
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    value.trim().parse().map_err(|_| ConfigError::Invalid { name, value, expected })
}

/// A share below one, such as `0.075`, in millionths.
fn share((name, value): (&'static str, Option<String>), default: u32) -> Result<u32, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    let millionths = |text: &str| {
        let decimals = text.strip_prefix("0").unwrap_or(text);
        let decimals = if decimals.is_empty() { "" } else { decimals.strip_prefix('.')? };
        let is_short = decimals.len() <= 6 && decimals.bytes().all(|byte| byte.is_ascii_digit());
        if is_short { format!("{decimals:0<6}").parse().ok() } else { None }
    };
    let expected = "a share from 0 to 0.999999";
    millionths(value.trim()).ok_or(ConfigError::Invalid { name, value, expected })
}

/// One of some words, the first where nothing is set.
fn named<T: Copy>(
    (name, value): (&'static str, Option<String>),
    words: &[(&str, T)],
    expected: &'static str,
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(words[0].1) };
    let found = words.iter().find(|(word, _)| *word == value.trim());
    found.map(|(_, meant)| *meant).ok_or(ConfigError::Invalid { name, value, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const GOOD: [(&str, &str); 6] = [
        (CLUSTER_NAME, "blue"),
        (CLUSTER_UID, "0b5f"),
        (CLUSTER_ENDPOINT, "https://1.gr7.eu-west-1.eks.amazonaws.com"),
        (CLUSTER_CA, "LS0t"),
        (SERVICE_CIDR, "10.100.0.0/16"),
        (REGION, "eu-west-1"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all: Vec<_> = changes.iter().chain(&GOOD).collect();
        Config::read(|name| {
            let found = all.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn check_error(name: &str, value: &str, expected: &Expect) {
        expected.assert_eq(&read(&[(name, value)]).unwrap_err().to_string());
    }

    #[test]
    fn six_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!((&*config.namespace, config.settings.nodes_max), ("joiner-system", 1_000));
        assert!(!config.settings.spot_to_spot && !config.settings.node_repair);
        assert_eq!(config.catalog, catalog::Settings::default());
        assert_eq!(config.settings.policies, Policies::default());
    }

    #[test]
    fn the_others_have_karpenters_names_and_words() {
        let config = read(&[
            (NODES_MAX, "40"),
            (SPOT_TO_SPOT, "true"),
            (NODE_REPAIR, "true"),
            (PREFERENCES, "Ignore"),
            (MIN_VALUES, "BestEffort"),
            (INSTANCE_PROFILES, "nodes=stack-nodes-1, more=stack-more-2"),
            (VM_MEMORY_OVERHEAD, "0.05"),
            (RESERVED_ENIS, "1"),
            (EVENT_BUS, "audit"),
        ])
        .unwrap();
        let of_nodes = catalog::Settings { vm_memory_overhead_ppm: 50_000, reserved_enis: 1 };
        assert_eq!(config.catalog, of_nodes);
        assert_eq!(config.event_bus.as_deref(), Some("audit"));
        assert_eq!(config.instance_profiles["more"].to_string(), "stack-more-2");
        let settings = config.settings;
        assert_eq!((settings.nodes_max, settings.spot_to_spot), (40, true));
        assert!(settings.node_repair);
        assert_eq!(settings.policies.preferences, PreferencePolicy::Ignore);
        assert_eq!(settings.policies.min_values, MinValuesPolicy::BestEffort);
    }

    #[test]
    fn a_share_is_read_to_six_decimals() {
        let read = |value: &str| share(("NAME", Some(value.to_owned())), 7);
        for (value, millionths) in [("0.075", 75_000), ("0", 0), (".5", 500_000), ("0.000001", 1)] {
            assert_eq!(read(value), Ok(millionths), "{value}");
        }
        assert_eq!(share(("NAME", None), 7), Ok(7));
        for wrong in ["1", "7.5", "-0.1", "0.0000001", "0,1", "00.1", "NaN", "é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_names_the_variable_and_what_was_expected() {
        check_error(CLUSTER_UID, "", &expect!["JOINER_CLUSTER_UID: is not set"]);
        check_error(NODES_MAX, "-1", &expect!["JOINER_NODES_MAX: `-1` is not a number of nodes"]);
        check_error(
            VM_MEMORY_OVERHEAD,
            "7.5",
            &expect!["VM_MEMORY_OVERHEAD_PERCENT: `7.5` is not a share from 0 to 0.999999"],
        );
        check_error(
            SPOT_TO_SPOT,
            "yes",
            &expect!["JOINER_SPOT_TO_SPOT_CONSOLIDATION: `yes` is not true or false"],
        );
        check_error(
            INSTANCE_PROFILES,
            "nodes",
            &expect!["JOINER_INSTANCE_PROFILES: `nodes` is not role=profile, separated by commas"],
        );
        check_error(
            PREFERENCES,
            "ignore",
            &expect!["PREFERENCE_POLICY: `ignore` is not Respect or Ignore"],
        );
        check_error(
            CLUSTER_ENDPOINT,
            "http://localhost",
            &expect![
                "JOINER_CLUSTER_ENDPOINT: `http://localhost` is not the API server's endpoint, as https://ID.gr7.REGION.eks.amazonaws.com"
            ],
        );
    }
}
