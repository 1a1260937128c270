//! The places where pods can be at the end: nodes, claims on their way, and claims of the plan.

use crate::check::facts::{Facts, ToLaunch};
use crate::check::nodes;
use crate::check::placements::Name;
use model::by_name::ByName;
use model::claim::{NodeClaim, NodeClaimSpec, NoticeKind};
use model::labels::{self, Labels};
use model::name::Text;
use model::node::Node;
use model::plan::Target;
use model::pod::Pod;
use model::taint::{Taint, first_untolerated};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A place.
pub(super) struct Site<'a> {
    pub(super) name: Name<'a>,
    /// The number of its shape.
    pub(super) shape: usize,
    /// Whether it is a node, or a claim that is launched now or was before.
    pub(super) will_be: bool,
    /// Whether it will go.
    pub(super) goes: bool,
}

/// What places look like to the scheduler; those of one launch look alike.
pub(super) struct Shape<'a> {
    /// The labels, for each of the ways in which it may be launched.
    pub(super) views: Vec<Cow<'a, Labels>>,
    taints: Cow<'a, [Taint]>,
    /// Whether there may be labels beside those that are known.
    pub(super) is_open: bool,
}

/// What of a pod decides which nodes count for its spread.
#[derive(Clone, Copy)]
pub(super) struct Admission<'p> {
    pub(super) pod: &'p Pod,
    /// Whether its node affinity counts.
    pub(super) by_affinity: bool,
    /// Whether its tolerations count.
    pub(super) by_taints: bool,
    /// Labels that a node must have.
    pub(super) keys: &'p [&'p str],
}

/// All places.
pub(super) struct Sites<'a> {
    pub(super) all: Vec<Site<'a>>,
    pub(super) shapes: Vec<Shape<'a>>,
    nodes: ByName<'a, usize>,
    claims: ByName<'a, usize>,
}

impl<'a> Sites<'a> {
    pub(super) fn of(facts: &Facts<'a>) -> Self {
        let mut sites = Self {
            all: Vec::new(),
            shapes: Vec::new(),
            nodes: ByName::new([]),
            claims: ByName::new([]),
        };
        let (mut nodes, mut claims) = (Vec::new(), Vec::new());
        for node in facts.nodes() {
            let claim = facts.claim_of(node);
            let site = sites.enter_node(node, claim);
            nodes.push((&*node.name, site));
            claims.extend(claim.map(|claim| (&*claim.name, site)));
        }
        let mut shapes: BTreeMap<(usize, &[Taint]), usize> = BTreeMap::new();
        for claim in facts.claims().filter(|claim| facts.nodes_of(claim).is_empty()) {
            let shape = match facts.launched.get(&claim.name) {
                _ if claim.is_launched() => sites.enter_shape(launched_shape(claim)),
                Some(to_launch) => sites.shape_of_launch(to_launch, &mut shapes),
                None => sites.enter_shape(open_shape(&claim.labels, &claim.spec)),
            };
            let will_be = claim.is_launched() || facts.launched.contains_key(&claim.name);
            let (name, goes) = (Name::Claim(&claim.name), is_going(claim));
            claims.push((&*claim.name, sites.enter(Site { name, shape, will_be, goes })));
        }
        for new in &facts.new_claims {
            let to_launch = facts.launched.get(&new.name);
            let shape = match to_launch {
                Some(to_launch) => sites.shape_of_launch(to_launch, &mut shapes),
                None => sites.enter_shape(open_shape(&new.labels, &new.spec)),
            };
            let (name, will_be) = (Name::Claim(&new.name), to_launch.is_some());
            let site = Site { name, shape, will_be, goes: false };
            claims.push((&*new.name, sites.enter(site)));
        }
        Self { nodes: ByName::new(nodes), claims: ByName::new(claims), ..sites }
    }

    fn enter(&mut self, site: Site<'a>) -> usize {
        self.all.push(site);
        self.all.len() - 1
    }

    fn enter_shape(&mut self, shape: Shape<'a>) -> usize {
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    fn enter_node(&mut self, node: &'a Node, claim: Option<&'a NodeClaim>) -> usize {
        let (labels, taints) = nodes::appearance(node, claim);
        let shape = self.enter_shape(Shape { views: vec![labels], taints, is_open: false });
        let goes = node.deleting.is_some() || claim.is_some_and(is_going);
        self.enter(Site { name: Name::Node(&node.name), shape, will_be: true, goes })
    }

    fn shape_of_launch(
        &mut self,
        to_launch: &ToLaunch<'a>,
        known: &mut BTreeMap<(usize, &'a [Taint]), usize>,
    ) -> usize {
        let taints = &to_launch.spec.taints;
        *known.entry((to_launch.launch, taints)).or_insert_with(|| {
            let views = to_launch.choices.iter().map(|choice| Cow::Borrowed(&choice.labels));
            let taints = Cow::Borrowed(&taints[..]);
            self.enter_shape(Shape { views: views.collect(), taints, is_open: false })
        })
    }

    /// The place that a target names, if there is one.
    pub(super) fn at(&self, target: &Target) -> Option<usize> {
        match target {
            Target::Node(node) => self.nodes.get(node),
            Target::Claim(claim) => self.claims.all(claim).first().copied(),
        }
    }

    /// The place that is the node of this name.
    pub(super) fn node(&self, name: &str) -> Option<usize> {
        self.nodes.get(name)
    }

    /// The value of the label that names each node; a node that is not there yet will have its own.
    pub(super) fn host_name(&self, site: usize) -> Text {
        let Site { name, shape, .. } = &self.all[site];
        let label = self.shapes[*shape].views.first().and_then(|view| view.get(labels::HOSTNAME));
        match name {
            Name::Node(name) => label.cloned().unwrap_or_else(|| name.text()),
            Name::Claim(name) | Name::Choice(name, _) => name.text(),
        }
    }
}

impl Shape<'_> {
    /// Whether a node of this shape counts for a spread, for each of the ways in which it may be launched.
    pub(super) fn admitted(&self, admission: Admission<'_>) -> Vec<bool> {
        let Admission { pod, by_affinity, by_taints, keys } = admission;
        let tolerates = !by_taints || first_untolerated(&self.taints, &pod.tolerations).is_none();
        let admits = |view: &Cow<'_, Labels>| {
            tolerates
                && keys.iter().all(|key| *key == labels::HOSTNAME || view.contains_key(*key))
                && (!by_affinity || pod.admits_node_labels(view))
        };
        self.views.iter().map(admits).collect()
    }
}

fn launched_shape(claim: &NodeClaim) -> Shape<'_> {
    let taints = Cow::Borrowed(&claim.spec.taints[..]);
    Shape { views: vec![Cow::Borrowed(&claim.labels)], taints, is_open: false }
}

/// A claim that someone else launches: beside its labels only what it requires to be one value is known.
fn open_shape<'a>(labels: &'a Labels, spec: &'a NodeClaimSpec) -> Shape<'a> {
    let mut labels = labels.clone();
    for (key, requirement) in spec.requirements.iter() {
        let listed = requirement.listed().filter(|_| !requirement.admits_absence());
        if let Some(value) = listed.filter(|listed| listed.len() == 1).and_then(|l| l.first()) {
            labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let taints = Cow::Borrowed(&spec.taints[..]);
    Shape { views: vec![Cow::Owned(labels)], taints, is_open: true }
}

/// Whether a claim's node will go: it is being deleted, or EC2 said so.
fn is_going(claim: &NodeClaim) -> bool {
    let notice = claim.notice.as_ref();
    claim.deleting.is_some()
        || notice.is_some_and(|notice| notice.kind != NoticeKind::RebalanceRecommendation)
}
