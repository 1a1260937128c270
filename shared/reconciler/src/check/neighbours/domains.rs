//! In which domain of a label each place is, as far as it is known.

use super::Numbers;
use super::sites::{Shape, Sites};
use model::labels::{self, Labels};
use model::name::Text;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Where a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// In this one, whichever way it is launched.
    Known(usize),
    /// In none.
    Lacking,
    /// In one of these, or in any where none are named; `always` says that it will be in one at all.
    Open { values: Vec<usize>, always: bool },
}

/// The domains of one label.
pub(super) struct Domains {
    /// The label.
    pub(super) key: Text,
    values: Vec<Text>,
    /// Of each shape, or where each node is a domain, of each place.
    of: Vec<Domain>,
    /// Of each way in which each shape may be launched; none where each node is a domain.
    by_view: Option<Vec<Vec<Option<usize>>>>,
}

impl Domains {
    pub(super) fn of(key: &str, sites: &Sites<'_>) -> Self {
        let mut values = Numbers::default();
        if key == labels::HOSTNAME {
            let names = (0..sites.all.len()).map(|site| sites.host_name(site));
            let of = names.map(|name| Domain::Known(values.number(name))).collect();
            return Self { key: key.into(), values: values.all, of, by_view: None };
        }
        let mut number = |view: &Cow<'_, Labels>| view.get(key).map(|v| values.number(v.clone()));
        let shapes = sites.shapes.iter();
        let by_view: Vec<Vec<Option<usize>>> =
            shapes.map(|shape| shape.views.iter().map(&mut number).collect()).collect();
        let of = sites.shapes.iter().zip(&by_view).map(|(shape, views)| domain_of(shape, views));
        Self { key: key.into(), of: of.collect(), values: values.all, by_view: Some(by_view) }
    }

    /// The domain of a place.
    pub(super) fn of_site(&self, sites: &Sites<'_>, site: usize) -> &Domain {
        &self.of[if self.by_view.is_none() { site } else { sites.all[site].shape }]
    }

    /// The domains in which a place may be when it is launched in one of the ways that are chosen.
    pub(super) fn of_views(
        &self,
        sites: &Sites<'_>,
        site: usize,
        chosen: &[bool],
    ) -> BTreeSet<usize> {
        let Some(by_view) = &self.by_view else {
            let is_chosen = chosen.contains(&true);
            return self.of[site].possible().iter().copied().filter(|_| is_chosen).collect();
        };
        let views = by_view[sites.all[site].shape].iter().zip(chosen);
        views.filter(|(_, is_chosen)| **is_chosen).filter_map(|(domain, _)| *domain).collect()
    }

    /// Where a place is, in words.
    pub(super) fn words(&self, domain: &Domain) -> String {
        let mut values: Vec<&str> =
            domain.possible().iter().map(|domain| &*self.values[*domain]).collect();
        values.sort_unstable();
        if values.is_empty() { "an unknown domain".to_owned() } else { values.join(" or ") }
    }
}

impl Domain {
    /// The domains in which the place may be, as far as they are known.
    pub(super) fn possible(&self) -> &[usize] {
        match self {
            Self::Known(domain) => std::slice::from_ref(domain),
            Self::Lacking => &[],
            Self::Open { values, .. } => values,
        }
    }
}

fn domain_of(shape: &Shape<'_>, views: &[Option<usize>]) -> Domain {
    let always = views.iter().all(Option::is_some);
    let distinct: BTreeSet<usize> = views.iter().copied().flatten().collect();
    let values: Vec<usize> = distinct.into_iter().collect();
    match values[..] {
        [] if shape.is_open => Domain::Open { values, always: false },
        [] => Domain::Lacking,
        [only] if always => Domain::Known(only),
        _ => Domain::Open { values, always },
    }
}
