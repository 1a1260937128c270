//! Where credentials come from: on EKS from Pod Identity or from a web identity (IRSA).

use crate::api::{Api, PODS, pod};
use crate::aws::Aws;
use crate::process::{Forwarder, environment, file};

/// The access key that a hint was signed with, where the pod has these variables.
fn signer(variables: impl FnOnce(&Aws) -> Vec<(&'static str, String)>) -> String {
    let (api, aws) = (Api::start(), Aws::start());
    let mut environment = environment(&api, &aws);
    environment.retain(|(key, _)| !key.contains("ACCESS_KEY"));
    environment.extend(variables(&aws));
    api.put(PODS, pod("a"));
    let _forwarder = Forwarder::start(&environment);
    aws.wait_for("provisioning", 1);
    let authorization = &aws.taken()[0].authorization;
    let (_, rest) = authorization.split_once("Credential=").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

#[test]
fn eks_pod_identity_gives_credentials() {
    let key = signer(|aws| {
        let token = file("token", "the-pods-token");
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", aws.server.url())),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.display().to_string()),
        ]
    });
    assert_eq!(key, "FROMPODIDENTITY");
}

#[test]
fn a_web_identity_gives_credentials() {
    let key = signer(|aws| {
        let token = file("token", "the-pods-token");
        vec![
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/forwarder".into()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string()),
            ("AWS_ENDPOINT_URL_STS", aws.server.url()),
        ]
    });
    assert_eq!(key, "FROMWEBIDENTITY");
}
