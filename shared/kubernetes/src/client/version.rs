//! Kubernetes' version, as the API server tells it.

use super::wire::Failure;
use serde::Deserialize;

#[derive(Deserialize)]
struct Version {
    major: String,
    minor: String,
}

/// `1.34` of an answer; EKS marks its builds by a plus after the minor number.
pub(super) fn read(body: &[u8]) -> Result<String, Failure> {
    let lost = |what: String| Failure::Lost(format!("an answer that is no version: {what}"));
    let Version { major, minor } =
        serde_json::from_slice(body).map_err(|error| lost(error.to_string()))?;
    let minor = minor.trim_end_matches('+');
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    if is_number(&major) && is_number(minor) {
        Ok(format!("{major}.{minor}"))
    } else {
        Err(lost(format!("{major}.{minor}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_major_and_minor() {
        let read = |body: &str| read(body.as_bytes());
        assert_eq!(
            read(r#"{"major":"1","minor":"34+","gitVersion":"v1.34.2-eks"}"#).unwrap(),
            "1.34"
        );
        assert_eq!(read(r#"{"major":"1","minor":"36"}"#).unwrap(), "1.36");
        assert!(read(r#"{"major":"1","minor":"x"}"#).is_err());
        assert!(read("<html>").is_err());
    }
}
