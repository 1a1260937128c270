//! The watches, each a task of its own: one whose kind is missing or forbidden does not hold up the others.

use crate::state::{Shared, pause};
use kubernetes::watch::{Api, follow};
use model::hint::Subject;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Starts to watch everything. The tasks end with the set.
pub(crate) fn start(api: &Api, shared: &Arc<Shared>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for subject in Subject::ALL {
        let (api, shared) = (api.clone(), Arc::clone(shared));
        tasks.spawn(async move {
            follow(&api, subject, |event| shared.heard(subject, event), pause).await;
        });
    }
    tasks
}
