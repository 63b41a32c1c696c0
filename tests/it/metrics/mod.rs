//! The metrics of each machine in tests/fixtures, and docs/metrics.md.

mod documentation;
mod machines;

use std::{env, path::Path, sync::Arc};

use tokio::runtime;

use sampled::{
    source::Roots,
    sources,
    store::{Selection, Store},
};

const TREES: [&str; 4] = ["desktop", "laptop", "raspberry", "server"];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A store of the sources of a machine in tests/fixtures.
fn store(tree: &str) -> Store {
    let root = project().join("tests/fixtures").join(tree);
    let roots = Roots {
        proc: root.join("proc"),
        sys: root.join("sys"),
        root,
    };
    Store::new(sources::all(&roots))
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

/// All metrics of a machine in tests/fixtures.
fn listed(tree: &str) -> Arc<Selection> {
    let store = store(tree);
    let selection = block_on(store.wait_and_resolve(&[])).unwrap();
    for source in store.sources() {
        assert_eq!(source.error, "", "{tree}: {}", source.name);
    }
    selection
}

/// The addresses of an interface, which no file has: the kernel is asked.
fn addresses() -> Arc<Selection> {
    let store = Store::new(sources::all(&Roots::default()));
    store
        .resolve(&[
            "network/lo/ipv4address",
            "network/lo/ipv4subnet",
            "network/lo/ipv4withPrefixLength",
            "network/lo/ipv6address",
            "network/lo/ipv6subnet",
            "network/lo/ipv6withPrefixLength",
        ])
        .unwrap()
}

/// The metrics of all machines.
pub(crate) fn everything() -> Vec<Arc<Selection>> {
    let machines = TREES.into_iter().map(listed);
    machines.chain([addresses()]).collect()
}
