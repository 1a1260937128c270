//! Nodes of static pools: the cheapest that the pool admits, as no pod says what they are for.

use super::claims::{Draft, labels_of, new_claim};
use super::limits::Allowance;
use super::pools::stock_of;
use super::profiles::Profiles;
use super::ranking::{Ranking, Subject, rank};
use super::stock::Survey;
use model::action::NewClaim;
use model::labels::Labels;
use model::name::ClaimName;
use model::pool::NodePool;
use model::reason::Reason;
use model::resources::Resources;

/// What all nodes of a static pool are made from.
pub(crate) struct Mould<'a> {
    pool: &'a NodePool,
    /// Where they can be launched, best first; at least one.
    pub(crate) ranking: Ranking<'a>,
    labels: Labels,
    /// What their daemons request.
    requests: Resources,
}

impl<'a> Mould<'a> {
    /// What a pool's nodes are made from now, or why there can be none.
    pub(crate) fn of(survey: &Survey<'a>, pool: &'a NodePool) -> Result<Self, Box<Reason>> {
        let stock = stock_of(survey, pool)?;
        let profiles = Profiles::of(&stock);
        let profile = profiles.get(0);
        let labels = labels_of(pool, &profile.requirements);
        let used = vec![0; survey.columns.width()];
        let subject = Subject { stock: &stock, profile, used: &used, labels: &labels };
        let ranking = rank(subject, |_| true);
        let Some(first) = ranking.choices.first() else {
            let types = stock.shapes.len();
            return Err(Box::new(Reason::NoOffering { pool: pool.name.clone(), types }));
        };
        let name = &first.offering.instance_type;
        let it = survey.snapshot.instance_type(&stock.class.name, name);
        let requests = it.map(|it| stock.daemons.on(it)).unwrap_or_default();
        Ok(Self { pool, ranking, labels, requests })
    }

    /// One more node, or why the pool's limits do not allow it. Counts it.
    pub(crate) fn admit(&self, allowance: &mut Allowance) -> Result<(), Box<Reason>> {
        let first = &self.ranking.choices[0];
        let mut most = Resources::default();
        for choice in &self.ranking.choices {
            most.raise_to(&choice.capacity);
        }
        if allowance.admits(&most, 1) < 1 {
            return Err(Box::new(allowance.refusal(&first.offering.instance_type, &most)));
        }
        allowance.take(&most, 1);
        Ok(())
    }

    /// A claim under this name.
    pub(crate) fn claim(&self, name: ClaimName, replaces: Vec<ClaimName>) -> NewClaim {
        let Self { pool, ranking, labels, requests } = self;
        new_claim(name, Draft { pool, ranking, labels, pods: &[], requests }, replaces)
    }
}
