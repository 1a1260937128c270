//! joiner's functions as they are deployed, on the real API server and the simulated EC2.

use crate::chart::{NAMESPACE, kubeconfig};
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use kubernetes::client::Client;
use model::outcome::Outcome;
use model::snapshot::{ClusterState, Scope};
use reconciler::batch::{Invocation, Response};
use reconciler::ports::Cluster;
use reconciler::report::Report;
use sim::handle::WorldHandle;
use sim::lambda;
use std::sync::atomic::AtomicBool;

/// The four functions.
pub struct Joiner<'s> {
    stage: &'s Stage,
    name: String,
    /// Its environment, for those who look at what it reads.
    pub provisioning: Function,
    lifecycle: Function,
    disruption: Function,
    interruption: Function,
}

/// The environment of one function, which stays warm: it keeps what it knows of the cluster from pass to pass.
pub struct Function {
    /// The adapter to the API server.
    pub cluster: Client,
    cloud: WorldHandle,
}

impl Function {
    /// With the rights that the chart gives to the function, and no more.
    async fn deploy(stage: &Stage, name: &str, function: lambda::Function) -> Result<Self> {
        let kubeconfig = kubeconfig(&stage.plane.borrow().access.kubeconfig, name)?;
        let cluster = Client::from_kubeconfig(&kubeconfig, NAMESPACE).await;
        let cluster = cluster.context("connecting a function to the API server")?;
        Ok(Self { cluster, cloud: stage.cloud.account().handle(function) })
    }
}

impl<'s> Joiner<'s> {
    /// Deploys the functions under a name, by which one planner tells itself from another.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub async fn new(stage: &'s Stage, name: &str) -> Result<Self> {
        use lambda::Function as Role;
        Ok(Self {
            stage,
            name: name.to_owned(),
            provisioning: Function::deploy(stage, "provisioning", Role::Provisioning).await?,
            lifecycle: Function::deploy(stage, "lifecycle", Role::Lifecycle).await?,
            disruption: Function::deploy(stage, "disruption", Role::Disruption).await?,
            interruption: Function::deploy(stage, "interruption", Role::Interruption).await?,
        })
    }

    /// One pass of provisioning, as its schedule makes it.
    ///
    /// # Errors
    /// When the world could not be read, or the plan broke a rule.
    pub async fn provision(&self) -> Result<Report> {
        let Function { cluster, cloud } = &self.provisioning;
        let invocation = self.invocation();
        let pass = provisioning::handler::handle(cluster, cloud, &invocation);
        told("provisioning", self.stage.cloud.drive(Box::pin(pass)).await)
    }

    /// One pass of lifecycle.
    ///
    /// # Errors
    /// When the world could not be read, or the plan broke a rule.
    pub async fn advance(&self) -> Result<Report> {
        let Function { cluster, cloud } = &self.lifecycle;
        let invocation = self.invocation();
        let pass = lifecycle::handler::handle(cluster, cloud, &invocation);
        told("lifecycle", self.stage.cloud.drive(Box::pin(pass)).await)
    }

    /// One sweep of disruption.
    ///
    /// # Errors
    /// When the world could not be read, or the plan broke a rule.
    pub async fn disrupt(&self) -> Result<Report> {
        let Function { cluster, cloud } = &self.disruption;
        let invocation = self.invocation();
        let pass = disruption::handler::handle(cluster, cloud, &invocation);
        told("disruption", self.stage.cloud.drive(Box::pin(pass)).await)
    }

    /// One event of EC2's.
    ///
    /// # Errors
    /// When the world could not be read, the event neither, or the plan broke a rule.
    pub async fn interrupt(&self, event: &str) -> Result<()> {
        let Function { cluster, cloud } = &self.interruption;
        let invocation = self.invocation();
        let pass = interruption::handler::handle(cluster, cloud, &invocation, event);
        let response = self.stage.cloud.drive(Box::pin(pass)).await;
        ensure!(response.poison.is_empty(), "interruption: {:?}", response.poison);
        ensure!(response.error.is_none(), "interruption: {:?}", response.error);
        Ok(())
    }

    /// A schedule's, with all the time in the world.
    fn invocation(&self) -> Invocation<'_> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let (settings, holder) = (&self.stage.settings, &*self.name);
        Invocation { settings, holder, messages: &[], now: Timestamp::now(), stop: &NEVER }
    }

    /// Waits until something holds, with a pass of lifecycle before each look.
    ///
    /// # Errors
    /// When it does not in a generous time, or a pass fails.
    pub async fn advance_until(
        &self,
        what: &str,
        holds: impl AsyncFn() -> Result<bool>,
    ) -> Result<()> {
        let looks = async || {
            self.advance().await?;
            holds().await
        };
        self.stage.until(what, looks).await
    }

    /// What provisioning sees.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn sees(&self, scope: Scope) -> Result<ClusterState> {
        Ok(self.provisioning.cluster.observe(scope).await?)
    }
}

fn told(function: &str, response: Response) -> Result<Report> {
    let Response { failed: _, report, error, poison: _ } = response;
    ensure!(error.is_none(), "{function}: {}", error.unwrap_or_default());
    let report = report.with_context(|| format!("{function} reports"))?;
    ensure!(report.violations.is_empty(), "{function}: {:?}", report.violations);
    let denied = report.done.iter().find(|done| matches!(done.outcome, Outcome::Denied { .. }));
    ensure!(denied.is_none(), "{function}: {denied:?}");
    Ok(report)
}
