//! What AWS has in the region and what it costs, into the cluster for the functions that buy and compare.

use aws::Ec2;
use catalog::Facts;
use catalog::merge::{Merged, merge};
use catalog::stored::Catalogue;
use jiff::Timestamp;
use kubernetes::client::{Client, Stored};
use reconciler::chain::chain;
use reconciler::ports::ObserveError;
use reconciler::report::{Done, Report};

/// Looks, and stores what is news.
pub(crate) async fn refresh(
    cluster: &Client,
    cloud: &Ec2,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), ObserveError> {
    let stored = cluster.catalogue(None).await?;
    let (seen, missing) = cloud.look_around(now).await?;
    report.notes.extend(missing);
    let (over, before) = match stored {
        Stored::Nothing | Stored::AsKnown => (None, None),
        Stored::New { version, packed } => match Catalogue::unpack(&packed, &seen.region) {
            Ok(before) => (Some(version), Some(before)),
            Err(error) => {
                report.notes.push(format!("the stored catalogue is replaced: {}", chain(&error)));
                (Some(version), None)
            }
        },
    };
    let Merged { catalogue, unpriced } = merge(seen, before.as_ref(), Facts::builtin());
    if let Some(first) = unpriced.first() {
        let count = unpriced.len();
        report.notes.push(format!("{count} types without a known price are left out, as {first}"));
    }
    if before.is_some_and(|before| !catalogue.is_news_after(&before)) {
        return Ok(());
    }
    let packed = catalogue.pack();
    let (types, size) = (catalogue.types.len(), packed.len());
    let action = format!("store the catalogue: {types} instance types in {size} bytes");
    let outcome = cluster.set_catalogue(over.as_deref(), &packed).await;
    report.done.push(Done { action, outcome });
    Ok(())
}
