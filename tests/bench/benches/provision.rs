//! How long `provision` takes as pods become more: `just bench`, or with a part of a name for some of them.

use bench::{Mix, check, plan, world};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use std::hint::black_box;
use std::time::Duration;

/// Pods that wait. The first is the one that a Deployment adds; the last is more than a cluster starts with.
const PODS: [usize; 4] = [1, 1_000, 10_000, 100_000];
/// The fewest that criterion takes: the largest world takes seconds a time.
const SAMPLES: usize = 10;

fn provision(criterion: &mut Criterion) {
    for (name, mix) in [
        ("few classes", Mix::FewClasses),
        ("many classes", Mix::ManyClasses),
        ("diverse", Mix::Diverse),
    ] {
        let mut group = criterion.benchmark_group(name);
        group
            .sample_size(SAMPLES)
            .sampling_mode(SamplingMode::Flat)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        for pods in PODS {
            group.throughput(Throughput::Elements(pods as u64));
            group.bench_function(BenchmarkId::from_parameter(pods), |bencher| {
                // Made here, so that a world that is filtered out is not made at all.
                let world = world(mix, pods);
                check(&world, &plan(&world));
                bencher.iter(|| black_box(plan(black_box(&world))));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, provision);
criterion_main!(benches);
