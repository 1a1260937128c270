//! One pass from the world to the world, the same for every function.

use crate::batch::Invocation;
use crate::check::check;
use crate::decision;
use crate::execute;
use crate::observe::{View, observe};
use crate::ports::{Cloud, Cluster, ObserveError};
use crate::report::{self, Report};
use jiff::{SignedDuration, Timestamp};
use model::action::ClusterAction;
use model::outcome::Outcome;
use model::plan::Plan;
use model::snapshot::Snapshot;
use std::sync::atomic::Ordering;

/// A planner that found the lease wanted looks again at most so often in one invocation. Each further look serves hints
/// that came meanwhile; a fourth would only serve those that the next hint or sweep serves as well.
const PASSES_MAX: u32 = 3;

/// How long the lease holds if its holder dies. The lease spans reading, deciding and creating claims, which take well
/// under a second; a dead holder thus delays the one-minute sweep by nothing.
const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// How a function reconciles.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// The function's name, for the log.
    pub function: &'static str,
    /// What it looks at.
    pub view: View,
    /// Whether it works under the planner's lease.
    pub leased: bool,
    /// What it was called with.
    pub invocation: &'a Invocation<'a>,
}

impl<'a> Pass<'a> {
    /// Who asks for the planner's lease, if it is needed.
    fn holder(&self) -> Option<&'a str> {
        self.leased.then_some(self.invocation.holder)
    }
}

/// Observes, decides, checks, executes and reports.
///
/// # Errors
/// When the world could not be read; nothing was done then.
pub async fn reconcile(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    pass: Pass<'_>,
    decide: impl Fn(&Snapshot, Timestamp) -> Plan,
) -> Result<Report, ObserveError> {
    let mut report = Report::default();
    while report.passes < PASSES_MAX {
        let (later, wanted) = one_pass(cluster, cloud, pass, &decide).await?;
        report.absorb(later);
        if !wanted {
            break;
        }
        // Whoever asked is served by the next hint or sweep.
        if pass.invocation.stop.load(Ordering::Relaxed) {
            release(cluster, pass.holder()).await;
            break;
        }
        // A lease that was wanted is still ours; after the last pass it goes back whoever wants it.
        if report.passes == PASSES_MAX {
            release(cluster, pass.holder()).await;
        }
    }
    report::log(pass.function, &report);
    Ok(report)
}

/// One look at the world. Says whether another planner asked for a further one meanwhile.
async fn one_pass(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    pass: Pass<'_>,
    decide: &impl Fn(&Snapshot, Timestamp) -> Plan,
) -> Result<(Report, bool), ObserveError> {
    let Invocation { settings, now, stop, .. } = *pass.invocation;
    let holder = pass.holder();
    if let Some(holder) = holder {
        let acquire = ClusterAction::AcquireLease { holder: holder.to_owned(), lasts: LEASE };
        let outcome = cluster.apply(&acquire).await;
        if matches!(outcome, Outcome::Conflict) {
            return Ok((Report { busy: true, passes: 1, ..Report::default() }, false));
        }
        if !outcome.took_effect() {
            let message = format!("the planner's lease: {}", outcome.word());
            return Err(ObserveError::Unreachable { service: "Kubernetes", message });
        }
    }
    let snapshot = match observe(cluster, cloud, pass.view, settings).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            release(cluster, holder).await;
            return Err(error);
        }
    };
    let plan = decide(&snapshot, now);
    // A plan that does nothing harms nothing.
    let violations =
        if plan.actions.is_empty() { Vec::new() } else { check(&plan, &snapshot, now) };
    let mut report = Report {
        passes: 1,
        unreadable: snapshot.cluster.unreadable.clone(),
        violations,
        ..Report::default()
    };
    let wanted = if report.violations.is_empty() {
        // The claims are all that another planner must see; the slow calls to EC2 are made without the lease.
        let prepared = execute::prepare(cluster, cloud, (&plan, &snapshot), stop).await;
        let wanted = release(cluster, holder).await;
        report.done = execute::launch_all(cluster, cloud, &plan, prepared, now).await;
        wanted
    } else {
        release(cluster, holder).await
    };
    report.decisions = decision::of_pass(&plan, &report.done, &report.violations);
    report.plan = plan;
    Ok((report, wanted))
}

/// Gives the lease back. Says whether someone wanted it meanwhile.
async fn release(cluster: &impl Cluster, holder: Option<&str>) -> bool {
    let Some(holder) = holder else { return false };
    let release = ClusterAction::ReleaseLease { holder: holder.to_owned() };
    matches!(cluster.apply(&release).await, Outcome::Conflict)
}
