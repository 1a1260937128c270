//! `joiner plan`: files or a live cluster to a decision, printed. It changes nothing.

mod consolidation;
pub(crate) mod report;
mod table;
mod what_if;
pub(crate) mod world;

use crate::catalogue::Catalogue;
use crate::failure::Failure;
use crate::format::Format;
use crate::live::{REGION, Seen, Server};
use crate::{Streams, files};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::time::Instant;
use world::World;

/// What is decided on: files, or where none is given a live cluster.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Kubernetes objects, YAML or JSON, as `kubectl get -o yaml` prints them; `-` is standard input.
    ///
    /// Pods that are pending are to be placed; everything else is the cluster they are placed in. Without a file the cluster
    /// of the kubeconfig is looked at, and nothing is changed in it.
    #[arg(short, long = "file", value_name = "FILE", conflicts_with = "kubeconfig")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: Server,
    /// A resolved catalogue (JSON) instead of the built-in one; it says which region it is of.
    #[arg(long, value_name = "FILE", conflicts_with = "region")]
    catalog: Option<PathBuf>,
    /// The region whose instance types and prices are used; without it us-east-1, or the live cluster's.
    #[arg(long)]
    region: Option<String>,
    /// The time of the decision; without it the newest time that an object names, or now for a live cluster.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

/// After so long a pod that stays where it is is moved for as little as any: it is asked what could go in the long run.
const SETTLED: SignedDuration = SignedDuration::from_hours(48);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Plan which nodes could be given back or replaced, instead of places for pods that wait.
    ///
    /// Nothing has to be seen twice first, and without `--now` it is two days after the newest time that an object names, when
    /// no pod counts as one that has just come. A NodePool's budgets are kept to if the files name some; one that comes from a
    /// cluster always does.
    #[arg(long)]
    consolidate: bool,
    /// NodePools and EC2NodeClasses as they are to become: plan which nodes would drift by that, and what the others cost
    /// that their pods need then.
    #[arg(long, value_name = "FILE", conflicts_with = "consolidate")]
    what_if: Option<PathBuf>,
    /// How the plan is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Input {
    /// Reads the files, or looks at the cluster. Returns the world and the time of the decision.
    pub(crate) fn read(&self, streams: &mut Streams<'_>) -> Result<(World, Timestamp), Failure> {
        let named = self.catalog.as_ref();
        let named = named.map(|path| Catalogue::read(&files::read(path, streams.input)?));
        let named = named.transpose()?;
        if self.files.is_empty() {
            let Seen { world, now, .. } =
                self.server.connect()?.look(self.region.as_deref(), named)?;
            return Ok((world, self.now.unwrap_or(now)));
        }
        let objects = files::objects(&self.files, streams.input)?;
        let catalogue = match named {
            Some(named) => named,
            None => Catalogue::builtin(self.region.as_deref().unwrap_or(REGION))?,
        };
        let now = self.now.or(objects.newest).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok((world::build(objects, catalogue)?, now))
    }
}

/// Plans and prints.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let (world, now) = arguments.input.read(streams)?;
    if arguments.consolidate {
        let now = if arguments.input.now.is_none() { now + SETTLED } else { now };
        return consolidation::run(world, now, arguments.output, streams);
    }
    if let Some(path) = &arguments.what_if {
        let changed = files::objects(std::slice::from_ref(path), streams.input)?;
        return what_if::run(
            &world,
            (changed, &files::name_of(path)),
            now,
            (arguments.output, streams),
        );
    }
    let start = Instant::now();
    let plan = planner::provision::provision(&world.snapshot, now);
    let solve_seconds = start.elapsed().as_secs_f64();
    if let Some(violation) = reconciler::check::check(&plan, &world.snapshot, now).first() {
        return Err(Failure::Run(format!("the plan breaks a rule, {violation}")));
    }
    world.say_notes(streams)?;
    let report = report::of(&plan, &world, solve_seconds);
    streams.print(arguments.output, &report, |report| table::print(&plan, &world, report))
}
