//! `just up`: the whole product for a person, on this machine, until Ctrl-C or `just down`.
#![expect(clippy::print_stdout, reason = "a command for a person")]

use anyhow::{Context, Result};
use e2e::product::Product;
use e2e::stage::on_this_thread;
use sim::kubelet::Paces;
use std::time::Duration;
use std::{env, fs, process};
use tokio::signal;
use tokio::time::interval;

/// Between two looks for events of EC2's.
const LOOK: Duration = Duration::from_millis(200);

fn main() -> Result<()> {
    // `just down` finds the process here.
    let mark = env::args().nth(1).context("usage: up FILE, which will hold the process' id")?;
    let result = on_this_thread(async {
        let product = Product::open(Paces::REAL).await?;
        product.furnish().await?;
        fs::write(&mark, process::id().to_string()).with_context(|| mark.clone())?;
        greet(&product);
        tokio::select! {
            ended = signal::ctrl_c() => Ok(ended?),
            () = deliver(&product) => Ok(()),
        }
    });
    // It may never have been written.
    let _ = fs::remove_file(&mark);
    result
}

fn greet(product: &Product) {
    let access = product.stage.plane.borrow().access.clone();
    println!(
        "\nA cluster with joiner in it: NodePool `default`, EC2NodeClass `default`, namespace `apps`.

  export KUBECONFIG={}
  kubectl create deployment web -n apps --image=registry.invalid/web --replicas=20
  kubectl get nodeclaims,nodes -w             # nodes join half a minute after their launch
  kubectl delete deployment web -n apps       # and go again, with the next sweeps

AWS is at {} (queues, functions, rules; any credentials), EC2 at {}.
What the functions say: {}/log/aws.log; the forwarder: {}/log/forwarder.log
Ctrl-C or `just down` ends it, and nothing is left.",
        access.kubeconfig.display(),
        product.aws.endpoint(),
        product.ec2.endpoint(),
        access.dir.display(),
        access.dir.display(),
    );
}

async fn deliver(product: &Product) {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        if let Err(error) = product.deliver_events().await {
            println!("error: {error:#}");
        }
    }
}
