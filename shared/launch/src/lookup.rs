//! What EC2 and the parameter store are asked, so that an EC2NodeClass' terms become things.

use model::labels::{ARCH, Labels};
use model::name::Text;
use model::node_class::status::AmiRequirement;
use model::node_class::terms::{ImageTerm, PlacementGroupTerm, ReservationTerm, Term};

const GPU_COUNT: &str = "karpenter.k8s.aws/instance-gpu-count";
const ACCELERATOR_COUNT: &str = "karpenter.k8s.aws/instance-accelerator-count";

/// Owners of images that are meant where none is named: nobody else's image is launched by accident.
const USUAL_OWNERS: [&str; 2] = ["self", "amazon"];

/// One question: things that meet every filter. The names are those of EC2's `Describe` calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// `Owners`, of images only.
    pub owners: Vec<Text>,
    /// Ids, of capacity reservations only: for these there is no filter.
    pub ids: Vec<Text>,
    /// Name and values; one of the values has to fit.
    pub filters: Vec<(Text, Vec<Text>)>,
}

impl Lookup {
    fn by(name: &str, values: Vec<Text>) -> Self {
        Self { filters: vec![(name.into(), values)], ..Self::default() }
    }
}

/// A parameter that holds an image's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name or ARN.
    pub name: Text,
    /// What an instance type has to be for the image, beside its architecture.
    pub requirements: Vec<AmiRequirement>,
}

/// Why an alias cannot be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the alias {alias} is not published for Kubernetes {version}")]
pub struct UnsupportedAlias {
    /// The alias.
    pub alias: Text,
    /// The cluster's version.
    pub version: Text,
}

/// Questions for subnets.
pub fn subnets(terms: &[Term]) -> Vec<Lookup> {
    by_terms(terms, "subnet-id")
}

/// Questions for security groups.
pub fn security_groups(terms: &[Term]) -> Vec<Lookup> {
    let names: Vec<Text> = terms.iter().filter_map(|term| term.name.clone()).collect();
    let by_name = (!names.is_empty()).then(|| Lookup::by("group-name", names));
    by_terms(terms, "group-id").into_iter().chain(by_name).collect()
}

/// All ids by one question, each set of tags by one of its own.
fn by_terms(terms: &[Term], id_filter: &str) -> Vec<Lookup> {
    let ids: Vec<Text> = terms.iter().filter_map(|term| term.id.clone()).collect();
    let by_id = (!ids.is_empty()).then(|| Lookup::by(id_filter, ids));
    let tagged = terms.iter().filter(|term| !term.tags.is_empty());
    let by_tags = tagged.map(|term| Lookup { filters: of_tags(&term.tags), ..Lookup::default() });
    by_id.into_iter().chain(by_tags).collect()
}

/// Questions for images: those of the parameters' values and those of the terms.
pub fn images(terms: &[ImageTerm], of_parameters: &[Text]) -> Vec<Lookup> {
    let mut ids: Vec<Text> = terms.iter().filter_map(|term| term.id.clone()).collect();
    ids.extend_from_slice(of_parameters);
    ids.sort();
    ids.dedup();
    let by_id = (!ids.is_empty()).then(|| Lookup::by("image-id", ids));
    let described = terms.iter().filter(|term| term.name.is_some() || !term.tags.is_empty());
    let described = described.map(|ImageTerm { name, owner, tags, .. }| {
        let owners = match owner {
            Some(owner) => vec![owner.clone()],
            None => USUAL_OWNERS.map(Into::into).to_vec(),
        };
        let by_name = name.iter().map(|name| ("name".into(), vec![name.clone()]));
        Lookup { owners, ids: Vec::new(), filters: by_name.chain(of_tags(tags)).collect() }
    });
    let available = |mut lookup: Lookup| {
        lookup.filters.push(("state".into(), vec!["available".into()]));
        lookup
    };
    by_id.into_iter().chain(described).map(available).collect()
}

/// Questions for capacity reservations.
pub fn reservations(terms: &[ReservationTerm]) -> Vec<Lookup> {
    let ids: Vec<Text> = terms.iter().filter_map(|term| term.id.clone()).collect();
    let by_id = (!ids.is_empty()).then(|| Lookup { ids, ..Lookup::default() });
    let described = terms.iter().filter(|term| term.id.is_none()).map(|term| {
        let ReservationTerm { id: _, instance_match_criteria, owner_id, tags } = term;
        let criteria = instance_match_criteria.iter();
        let criteria = criteria.map(|text| ("instance-match-criteria".into(), vec![text.clone()]));
        let owner = owner_id.iter().map(|text| ("owner-id".into(), vec![text.clone()]));
        let filters = criteria.chain(owner).chain(of_tags(tags)).collect();
        Lookup { filters, ..Lookup::default() }
    });
    let active = |mut lookup: Lookup| {
        lookup.filters.push(("state".into(), vec!["active".into()]));
        lookup
    };
    by_id.into_iter().chain(described).map(active).collect()
}

/// The question for a placement group.
pub fn placement_group(term: &PlacementGroupTerm) -> Lookup {
    let PlacementGroupTerm { id, name } = term;
    let by = |filter: &str, text: &Option<Text>| {
        text.as_ref().map(|text| (Text::from(filter), vec![text.clone()]))
    };
    let filters = by("group-id", id).into_iter().chain(by("group-name", name)).collect();
    Lookup { filters, ..Lookup::default() }
}

fn of_tags(tags: &Labels) -> Vec<(Text, Vec<Text>)> {
    let filter = |(key, value): (&Text, &Text)| match &**value {
        "*" => ("tag-key".into(), vec![key.clone()]),
        _ => (format!("tag:{key}").into(), vec![value.clone()]),
    };
    tags.iter().map(filter).collect()
}

/// The parameters that the terms mean: AWS' own for an alias, and those that are named.
///
/// # Errors
/// When an alias means nothing for the cluster's version.
pub fn parameters(terms: &[ImageTerm], version: &str) -> Result<Vec<Parameter>, UnsupportedAlias> {
    let mut all = Vec::new();
    for term in terms {
        if let Some(name) = &term.ssm_parameter {
            all.push(Parameter { name: name.clone(), requirements: Vec::new() });
        }
        if let Some(alias) = &term.alias {
            let unsupported = || UnsupportedAlias { alias: alias.clone(), version: version.into() };
            all.extend(of_alias(alias, version).ok_or_else(unsupported)?);
        }
    }
    Ok(all)
}

/// The paths under which AWS publishes images (EKS user guide, "Retrieve recommended Amazon Linux AMI IDs" and the like;
/// Bottlerocket's README).
fn of_alias(alias: &str, version: &str) -> Option<Vec<Parameter>> {
    let (family, release) = alias.split_once('@')?;
    let minor: u32 = version.strip_prefix("1.")?.parse().ok()?;
    let is_latest = release == "latest";
    let eks = format!("/aws/service/eks/optimized-ami/{version}");
    let parameter =
        |path: String, kind| Parameter { name: path.into(), requirements: of_kind(kind) };
    Some(match family {
        "al2" if minor < 33 => [
            ("", "node", Kind::Plain),
            ("-arm64", "arm64-node", Kind::Plain),
            ("-gpu", "gpu-node", Kind::Gpu),
        ]
        .into_iter()
        .flat_map(|(suffix, named, kind)| {
            let name = if is_latest {
                "recommended".into()
            } else {
                format!("amazon-eks-{named}-{version}-{release}")
            };
            let path = format!("{eks}/amazon-linux-2{suffix}/{name}/image_id");
            // The image with drivers for graphics serves AWS' own accelerators too.
            let both = (kind == Kind::Gpu).then(|| parameter(path.clone(), Kind::Accelerator));
            [Some(parameter(path, kind)), both].into_iter().flatten()
        })
        .collect(),
        "al2023" => [
            ("x86_64", "standard"),
            ("arm64", "standard"),
            ("x86_64", "nvidia"),
            ("arm64", "nvidia"),
            ("x86_64", "neuron"),
        ]
        .into_iter()
        .map(|(arch, variant)| {
            let name = if is_latest {
                "recommended".into()
            } else {
                format!("amazon-eks-node-al2023-{arch}-{variant}-{version}-{release}")
            };
            parameter(
                format!("{eks}/amazon-linux-2023/{arch}/{variant}/{name}/image_id"),
                Kind::of(variant),
            )
        })
        .collect(),
        "bottlerocket" => [
            ("", "x86_64"),
            ("", "arm64"),
            ("-nvidia", "x86_64"),
            ("-nvidia", "arm64"),
        ]
        .into_iter()
        .map(|(suffix, arch)| {
            let release = release.trim_start_matches('v');
            let path = format!(
                "/aws/service/bottlerocket/aws-k8s-{version}{suffix}/{arch}/{release}/image_id"
            );
            parameter(path, if suffix.is_empty() { Kind::Plain } else { Kind::Gpu })
        })
        .collect(),
        "windows2019" | "windows2022" => vec![windows(&family[7..], version)],
        "windows2025" if 35 <= minor => vec![windows("2025", version)],
        _ => return None,
    })
}

fn windows(year: &str, version: &str) -> Parameter {
    let name = format!(
        "/aws/service/ami-windows-latest/Windows_Server-{year}-English-Core-EKS_Optimized-{version}/image_id"
    );
    Parameter { name: name.into(), requirements: Vec::new() }
}

/// What an image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Gpu,
    Accelerator,
}

impl Kind {
    fn of(variant: &str) -> Self {
        match variant {
            "nvidia" => Self::Gpu,
            "neuron" => Self::Accelerator,
            _ => Self::Plain,
        }
    }
}

fn of_kind(kind: Kind) -> Vec<AmiRequirement> {
    let that = |key: &str, operator: &str| AmiRequirement {
        key: key.into(),
        operator: operator.into(),
        values: Vec::new(),
    };
    match kind {
        Kind::Plain => {
            vec![that(ACCELERATOR_COUNT, "DoesNotExist"), that(GPU_COUNT, "DoesNotExist")]
        }
        Kind::Gpu => vec![that(GPU_COUNT, "Exists")],
        Kind::Accelerator => vec![that(ACCELERATOR_COUNT, "Exists")],
    }
}

/// The requirement of an architecture, under EC2's name for it; none for those that no node runs on.
pub(crate) fn of_architecture(name: &str) -> Option<AmiRequirement> {
    let value = match name {
        "x86_64" => "amd64",
        "arm64" => "arm64",
        _ => return None,
    };
    Some(AmiRequirement { key: ARCH.into(), operator: "In".into(), values: vec![value.into()] })
}
