//! The catalogue that the function catalog stores in the cluster, as a warm process follows it.

use aws::Ec2;
use catalog::stored::Catalogue;
use jiff::{SignedDuration, Timestamp};
use kubernetes::client::{Client, Stored};
use reconciler::chain::chain;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A warm process asks so often whether there is a new one. It is written once an hour at most; a price that is some minutes
/// older chooses another node in the rarest case.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// What is held of it.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<Option<Held>>);

#[derive(Clone, Debug)]
struct Held {
    version: String,
    looked: Timestamp,
}

impl Followed {
    /// Lets instance types be told from what is stored now. Where nothing is, or nothing that can be read, they are told from
    /// the facts that are built in; where the cluster does not answer, from what was known. Returns that in a line.
    pub(crate) async fn catch_up(
        &self,
        (cluster, cloud): (&Client, &Ec2),
        region: &str,
        now: Timestamp,
    ) -> Option<String> {
        let held = self.held().clone();
        if held.as_ref().is_some_and(|held| now < held.looked + LOOK_EVERY) {
            return None;
        }
        let known = held.as_ref().map(|held| &*held.version);
        let built_in = |why: &str| {
            if known.is_some() {
                cloud.know(None);
            }
            Some(format!("{why}: instance types and prices are those that are built in"))
        };
        let (version, note) = match cluster.catalogue(known).await {
            Ok(Stored::AsKnown) => (held.map(|held| held.version), None),
            Ok(Stored::Nothing) => (None, built_in("ConfigMap joiner-catalog is not there")),
            Ok(Stored::New { version, packed }) => match Catalogue::unpack(&packed, region) {
                Ok(catalogue) => {
                    cloud.know(Some(Arc::new(catalogue.into_facts())));
                    (Some(version), None)
                }
                Err(error) => {
                    let why = format!("ConfigMap joiner-catalog: {}", chain(&error));
                    (None, built_in(&why))
                }
            },
            Err(error) if known.is_some() => {
                return Some(format!("ConfigMap joiner-catalog: {error}: the last one is used"));
            }
            Err(error) => (None, built_in(&format!("ConfigMap joiner-catalog: {error}"))),
        };
        *self.held() = version.map(|version| Held { version, looked: now });
        note
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
