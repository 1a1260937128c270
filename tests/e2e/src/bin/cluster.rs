//! `just cluster`: a real control plane for a person, with joiner and the simulated EC2 beside it, until Ctrl-C.
#![expect(clippy::print_stdout, reason = "a command for a person")]

use anyhow::Result;
use e2e::joiner::Joiner;
use e2e::stage::{Stage, on_this_thread};
use e2e::{chart, classes};
use reconciler::report::Report;
use sim::kubelet::Paces;
use std::env;
use std::time::Duration;
use tokio::signal;
use tokio::time::{Instant, interval};

/// Between two looks, in place of hints, which would come sooner.
const LOOK: Duration = Duration::from_secs(1);
/// Between two sweeps of disruption, as its schedule has it.
const SWEEP: Duration = Duration::from_mins(1);

fn main() -> Result<()> {
    let flags: Vec<String> = env::args().skip(1).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    on_this_thread(async {
        let stage = Stage::open(&flags, Paces::REAL).await?;
        chart::install(&stage).await?;
        let joiner = Joiner::new(&stage, "cluster").await?;
        println!("export KUBECONFIG={}", stage.plane.borrow().access.kubeconfig.display());
        println!(
            "An EC2NodeClass finds subnets and images at once; a node joins half a minute after its launch."
        );
        println!("What joiner does is told here. Ctrl-C ends it, and nothing is left.");
        tokio::select! {
            ended = signal::ctrl_c() => Ok(ended?),
            () = look_for_ever(&stage, &joiner) => Ok(()),
        }
    })
}

async fn look_for_ever(stage: &Stage, joiner: &Joiner<'_>) {
    let mut looks = interval(LOOK);
    let mut swept = Instant::now();
    loop {
        looks.tick().await;
        if let Err(error) = look(stage, joiner, &mut swept).await {
            println!("error: {error:#}");
        }
    }
}

async fn look(stage: &Stage, joiner: &Joiner<'_>, swept: &mut Instant) -> Result<()> {
    classes::resolve(&stage.client, &stage.cloud).await?;
    for event in stage.announced() {
        joiner.interrupt(&event).await?;
    }
    tell("provisioning", &joiner.provision().await?);
    tell("lifecycle", &joiner.advance().await?);
    if SWEEP <= swept.elapsed() {
        *swept = Instant::now();
        tell("disruption", &joiner.disrupt().await?);
    }
    Ok(())
}

fn tell(function: &str, report: &Report) {
    for done in &report.done {
        println!("{function}: {}: {}", done.action, done.outcome.word());
    }
}
