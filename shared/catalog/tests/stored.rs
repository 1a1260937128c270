//! The catalogue as it is kept in the cluster, and what is put into it.
#![cfg(test)]

use catalog::facts::{InstanceFacts, RegionFacts, ZoneFacts};
use catalog::merge::{Merged, Seen, merge};
use catalog::stored::Catalogue;
use catalog::{Facts, resolve};
use expect_test::{Expect, expect};
use flate2::Compression;
use flate2::write::GzEncoder;
use model::instance_type::InstanceType;
use model::name::{InstanceTypeName, Zone};
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use model::price::Price;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// A ConfigMap with all it holds may be so large (Kubernetes, "ConfigMaps": 1 MiB).
const CONFIG_MAP: usize = 1 << 20;

const REGION: &str = "us-east-1";

fn builtin(region: &str) -> Catalogue {
    Catalogue::of(Facts::builtin(), region)
}

fn class() -> NodeClass {
    NodeClass {
        name: "default".into(),
        uid: "uid-1".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: std::sync::Arc::default(),
    }
}

fn dollars(millionths: i64) -> Price {
    Price::from_micro_dollars(millionths)
}

/// A few types, so that a case takes no time.
fn some() -> Catalogue {
    let mut some = builtin(REGION);
    some.types.truncate(5);
    some
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn every_region_comes_back_as_it_was_stored() {
    for region in Facts::builtin().regions() {
        let catalogue = builtin(region);
        assert_eq!(Catalogue::unpack(&catalogue.pack(), region).unwrap(), catalogue);
        let resolved = |facts: &Facts| resolve(facts, region, &class()).unwrap();
        let before: Vec<InstanceType> = resolved(Facts::builtin());
        assert_eq!(resolved(&catalogue.into_facts()), before, "{region}");
    }
}

#[expect(clippy::print_stdout, reason = "the size is a figure that people ask for")]
#[test]
fn all_of_ec2_in_six_zones_takes_a_tenth_of_a_config_map() {
    // Every type there is, everywhere, and no price like another.
    let mut catalogue = builtin(REGION);
    let zones = ["a", "b", "c", "d", "e", "f"].map(|z| Zone::from(format!("{REGION}{z}")));
    for (n, facts) in catalogue.types.iter_mut().enumerate() {
        let n = i64::try_from(n).unwrap();
        let spot = |k: i64| Some(dollars((n * 7 + k) * 2_654_435 % 10_000_000));
        let at =
            zones.iter().zip(0..).map(|(zone, k)| ZoneFacts { zone: zone.clone(), spot: spot(k) });
        let here = RegionFacts { on_demand: dollars(n * 104_729), zones: at.collect() };
        facts.regions = BTreeMap::from([(REGION.into(), here)]);
    }
    let (real, worst) = (builtin(REGION).pack().len(), catalogue.pack().len());
    let (types, encoded) = (catalogue.types.len(), worst.div_ceil(3) * 4);
    println!("{types} types: {real} bytes as built in, {worst} at worst, {encoded} in base64");
    assert!(types > 1_000 && encoded < CONFIG_MAP / 8, "{encoded} bytes");
}

fn check_error(body: &Value, expected: &Expect) {
    let error = Catalogue::unpack(&gzip(body.to_string().as_bytes()), REGION).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    expected.assert_eq(&format!("{error}{}", cause.unwrap_or_default()));
}

/// What is stored for one type, with these as its price and places.
fn body(price: i64, at: &Value) -> Value {
    let facts = json!({"name": "m5.large", "arch": "amd64", "vcpu": 2, "mem_mib": 8192, "enis": 3,
        "ips_per_eni": 10, "category": "m", "generation": 5, "family": "m5", "size": "large",
        "hypervisor": "nitro", "flex": false, "enc_in_transit": false, "cpu_manufacturer": "intel",
        "usage_classes": ["on-demand"]});
    json!({"version": 1, "region": REGION, "zones": ["us-east-1a"],
        "types": [{"facts": facts, "price": price, "at": at}]})
}

#[test]
fn what_is_not_a_catalogue_is_refused_with_a_reason() {
    let good = body(96_000, &json!([[0, 31_000]]));
    assert!(Catalogue::unpack(&gzip(good.to_string().as_bytes()), REGION).is_ok());
    let changed = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    check_error(&changed("version", json!(2)), &expect!["it is of version 2, expected 1"]);
    check_error(
        &changed("region", json!("eu-west-1")),
        &expect![[r#"it is of region "eu-west-1""#]],
    );
    check_error(
        &changed("zones", json!([])),
        &expect!["m5.large: is in a zone that is not listed"],
    );
    check_error(&body(-1, &json!([])), &expect!["m5.large: costs nonsense"]);
    check_error(&body(1, &json!([[0, -5]])), &expect!["m5.large: costs nonsense"]);
    check_error(&body(1, &json!([[0, 5], [0, 6]])), &expect!["m5.large: is in a zone twice"]);
    let twice = json!([good["types"][0], good["types"][0]]);
    check_error(&changed("types", twice), &expect!["m5.large: is there twice"]);
    check_error(
        &json!({"version": 1}),
        &expect!["it cannot be read: missing field `region` at line 1 column 13"],
    );
}

proptest! {
    #[test]
    fn rubbish_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Catalogue::unpack(&bytes, REGION).is_err());
        prop_assert!(Catalogue::unpack(&gzip(&bytes), REGION).is_err());
    }

    #[test]
    fn a_catalogue_with_some_bytes_changed_is_one_or_an_error(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let packed = some().pack();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut text).unwrap();
        for (at, byte) in &changes {
            *at.get_mut(&mut text) = *byte;
        }
        if let Ok(read) = Catalogue::unpack(&gzip(&text), REGION) {
            // Whatever it says now, it can be used and kept.
            prop_assert_eq!(&Catalogue::unpack(&read.pack(), REGION).unwrap(), &read);
            read.into_facts();
        }
        let mut packed = packed;
        for (at, byte) in &changes {
            *at.get_mut(&mut packed) = *byte;
        }
        drop(Catalogue::unpack(&packed, REGION));
    }
}

/// The catalogue with the first type's spot price in its first zone changed.
fn with_spot(price: Option<i64>) -> Catalogue {
    let mut catalogue = some();
    let here = catalogue.types[0].regions.get_mut(REGION).unwrap();
    here.zones[0].spot = price.map(dollars);
    catalogue
}

#[test]
fn a_spot_price_is_news_when_it_has_moved_by_one_per_cent() {
    let stored = with_spot(Some(100_000));
    let is_news = |price| with_spot(price).is_news_after(&stored);
    assert_eq!(
        [100_000, 100_999, 99_001, 101_000, 99_000].map(|p| is_news(Some(p))),
        [false, false, false, true, true]
    );
    assert!(is_news(None));
    assert!(!stored.is_news_after(&stored));
}

fn here(facts: &mut InstanceFacts) -> &mut RegionFacts {
    facts.regions.get_mut(REGION).unwrap()
}

#[test]
fn any_other_change_is_news() {
    let stored = some();
    let change = |change: &dyn Fn(&mut InstanceFacts)| {
        let mut new = some();
        change(&mut new.types[0]);
        new.is_news_after(&stored)
    };

    assert!(!change(&|_| ()));
    assert!(change(&|facts| facts.vcpu += 1));
    assert!(change(&|facts| here(facts).on_demand = dollars(1)));
    assert!(change(&|facts| drop(here(facts).zones.pop())));
    assert!(change(&|facts| here(facts).zones[0].zone = "us-east-1z".into()));
    let mut fewer = some();
    fewer.types.pop();
    assert!(fewer.is_news_after(&stored) && stored.is_news_after(&fewer));
}

/// What was seen of two types of a region that nothing is known about.
fn seen() -> Seen {
    let builtin = Facts::builtin();
    let bare = |name: &str| {
        let known = builtin.named(name).unwrap().clone();
        InstanceFacts { regions: BTreeMap::new(), network_mbps: None, branch_enis: 0, ..known }
    };
    let odd = InstanceFacts { name: "m99.large".into(), ..bare("m5.large") };
    let zones: Vec<Zone> = vec!["eu-x-1b".into(), "eu-x-1a".into(), "eu-x-1a".into()];
    let names = ["m5.large", "c5.large", "m99.large"].map(InstanceTypeName::from);
    Seen {
        region: "eu-x-1".into(),
        types: vec![bare("m5.large"), odd, bare("c5.large"), bare("r5.large")],
        offered: names.into_iter().map(|name| (name, zones.clone())).collect(),
        on_demand: Some([("m5.large".into(), dollars(107_000))].into()),
        spot: Some([("m5.large".into(), [("eu-x-1b".into(), dollars(40_000))].into())].into()),
    }
}

fn lines(merged: &Merged) -> String {
    let line = |facts: &InstanceFacts| {
        let here = &facts.regions[&merged.catalogue.region];
        let place = |at: &ZoneFacts| match at.spot {
            Some(price) => format!(" {}={price}", at.zone),
            None => format!(" {}", at.zone),
        };
        let places: String = here.zones.iter().map(place).collect();
        let (network, branches) = (facts.network_mbps, facts.branch_enis);
        let InstanceFacts { name, .. } = facts;
        format!("{name} {}{places} network={network:?} branches={branches}\n", here.on_demand)
    };
    let lines: String = merged.catalogue.types.iter().map(line).collect();
    format!("{lines}unpriced: {:?}", merged.unpriced)
}

#[test]
fn what_was_seen_is_filled_up_from_what_is_built_in() {
    // c5.large takes the price of us-east-1; nobody knows what an m99.large costs; r5.large is not offered.
    expect![[r#"
        c5.large $0.0850 eu-x-1a eu-x-1b network=Some(750) branches=9
        m5.large $0.1070 eu-x-1a eu-x-1b=$0.0400 network=Some(750) branches=9
        unpriced: ["m99.large"]"#]]
    .assert_eq(&lines(&merge(seen(), None, Facts::builtin())));
}

#[test]
fn prices_that_could_not_be_read_stay_as_they_were() {
    let before = merge(seen(), None, Facts::builtin()).catalogue;
    let blind = Seen { on_demand: None, spot: None, ..seen() };
    let merged = merge(blind.clone(), Some(&before), Facts::builtin());
    assert!(!merged.catalogue.is_news_after(&before));
    expect![[r#"
        c5.large $0.0850 eu-x-1a eu-x-1b network=Some(750) branches=9
        m5.large $0.0960 eu-x-1a eu-x-1b network=Some(750) branches=9
        unpriced: ["m99.large"]"#]]
    .assert_eq(&lines(&merge(blind, None, Facts::builtin())));
}
