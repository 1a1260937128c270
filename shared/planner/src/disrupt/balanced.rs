//! The policy `Balanced`: a move has to save its share of what the pool costs for the disruption that it is.

use super::search::Search;
use model::pool::ConsolidationPolicy;
use model::price::Price;

/// Karpenter's k: a move may disrupt twice the share that it saves.
const K: i128 = 2;

/// Whether the policies of the pools whose nodes go accept a saving; why not, in Karpenter's words, otherwise.
pub(super) fn accepts(
    search: &Search<'_, '_>,
    gone: &[usize],
    saving: Price,
) -> Result<(), String> {
    let paid: Price = gone.iter().map(|at| search.used[*at].price).sum();
    for at in gone {
        let pool = search.used[*at].pool;
        if pool.disruption.policy != ConsolidationPolicy::Balanced {
            continue;
        }
        let Some((cost, disruption)) = search.totals.get(&pool.name) else { continue };
        let of_pool = gone.iter().map(|at| &search.used[*at]).filter(|c| c.pool.name == pool.name);
        let (price, disrupted) = of_pool.fold((Price::ZERO, 0), |(price, disrupted), candidate| {
            (price + candidate.price, disrupted + candidate.disruption)
        });
        let part = |number: i64, of: i64| i128::from(number) * 1_000_000 / i128::from(of.max(1));
        // What is saved counts for each pool by its part of what goes.
        let share = part(price.micro_dollars(), paid.micro_dollars());
        let saved = part(saving.micro_dollars(), cost.micro_dollars()) * share / 1_000_000;
        let disrupted = part(disrupted, *disruption).max(1);
        if saved * K < disrupted {
            let score = saved * 100 / disrupted;
            return Err(format!(
                "score {}.{:02} < threshold 0.50 (k: {K}, savings {}%, disruption {}%)",
                score / 100,
                score % 100,
                saved / 10_000,
                disrupted / 10_000
            ));
        }
    }
    Ok(())
}
