//! A hash of what makes nodes of an EC2NodeClass drift when it changes. What it selects is looked at by itself, and says
//! better what is wrong.
//!
//! Karpenter's hash is another one: under a version string of our own neither takes the other's for a change, and
//! either stamps its own over it when a cluster moves (D14).

use model::name::stable_hash;
use model::node_class::template::Template;
use serde_json::json;

/// The template with its hash.
pub(super) fn stamped(template: Template) -> Template {
    let hash = hash(&template).to_string().into();
    Template { hash, ..template }
}

fn hash(template: &Template) -> u64 {
    let Template {
        generation: _,
        hash: _,
        ami_selector_terms: _,
        subnet_selector_terms: _,
        security_group_selector_terms: _,
        capacity_reservation_selector_terms: _,
        placement_group_selector: _,
        role,
        instance_profile,
        instance_store_policy,
        user_data,
        tags,
        kubelet,
        block_device_mappings,
        associate_public_ip_address,
        network_interfaces,
        connection_tracking,
        cpu_options,
        detailed_monitoring,
        metadata_options,
        context,
        status: _,
    } = template;
    // Keys in order, and nothing of how it was written: the same settings are the same text.
    let settings = json!({
        "role": role,
        "instanceProfile": instance_profile,
        "instanceStorePolicy": instance_store_policy,
        "tags": tags,
        "kubelet": kubelet,
        "blockDeviceMappings": block_device_mappings,
        "associatePublicIPAddress": associate_public_ip_address,
        "networkInterfaces": network_interfaces,
        "connectionTracking": connection_tracking,
        "cpuOptions": cpu_options,
        "detailedMonitoring": detailed_monitoring,
        "metadataOptions": metadata_options,
        "context": context,
    });
    stable_hash([settings.to_string().as_bytes(), user_data.reveal().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use model::labels::Labels;
    use model::node_class::template::UserData;
    use model::node_class::terms::Term;

    fn of(template: Template) -> String {
        stamped(template).hash.to_string()
    }

    /// Whoever has to change this text has to change `HASH_VERSION` with it, or every node drifts on the update.
    #[test]
    fn the_hash_of_the_same_settings_stays_the_same_from_release_to_release() {
        expect!["17668089083168955880"].assert_eq(&of(Template::default()));
    }

    #[test]
    fn settings_of_nodes_change_the_hash_and_what_is_selected_does_not() {
        let plain = of(Template::default());
        let selects = Template {
            generation: 9,
            subnet_selector_terms: vec![Term { id: Some("subnet-1".into()), ..Term::default() }],
            ..Template::default()
        };
        assert_eq!(of(selects), plain);
        let tags = Labels::from([("a".into(), "b".into())]);
        let user_data = UserData::new("x");
        let others = [
            of(Template { tags, ..Template::default() }),
            of(Template { user_data, ..Template::default() }),
            of(Template { detailed_monitoring: Some(false), ..Template::default() }),
            plain,
        ];
        let distinct: std::collections::BTreeSet<&String> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }
}
