//! Changes of definitions that inotify(7) does not report.

use std::{env, fs, os::unix::fs::symlink, path::Path, process::Command, time::Instant};

use rustix::process::Signal;
use sampled::client::Client;

use super::fixture::{define, sources_d};
use crate::support::{
    bus::Bus,
    process::{DEADLINE, Run, skip},
};

/// A file of definitions with one metric.
fn definition(id: &str, file: &Path) -> String {
    format!("[metrics.'{id}']\nfile = {file:?}\n")
}

/// Asks for the custom metrics until they have these ids: on a busy machine the directory is read late.
async fn wait_for_ids(client: &Client, expected: &[&str]) {
    let start = Instant::now();
    loop {
        let ids = client.list(&["room"]).await.unwrap_or_default();
        if ids.keys().eq(expected) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "{ids:?}");
    }
}

/// Set in a user namespace without inotify.
const INSIDE: &str = "SAMPLED_TEST_NO_INOTIFY";

/// The service and its clients, in a user namespace of their own: the service could not look at a client outside.
#[test]
fn changes_are_noticed_without_inotify() {
    if env::var_os(INSIDE).is_some() {
        return follow_definitions();
    }
    for limit in ["watches", "instances"] {
        let test = "custom::unwatched::changes_are_noticed_without_inotify";
        let run = |program: &Path, arguments: &[&str]| {
            let set = format!("echo 0 >/proc/sys/user/max_inotify_{limit} && exec \"$0\" \"$@\"");
            let mut unshare = Command::new("unshare");
            unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &set]);
            unshare.arg(program).args(arguments).env(INSIDE, limit);
            Run::of(&mut unshare)
        };
        if run(Path::new("true"), &[]).code != Some(0) {
            return skip("needs unshare(1) and user namespaces with a limit of inotify");
        }
        let program = env::current_exe().expect("path of the test");
        let run = run(&program, &["--exact", test, "--nocapture"]);
        assert!(run.stdout.contains("ok. 1 passed"), "{run:?}");
    }
}

fn follow_definitions() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    fs::create_dir_all(&directory).expect("directory");
    // On others, since Linux 6.13, a file that is written after a look has another time than at the look.
    let mut mount = bus.command("mount");
    Run::of(mount.args(["-t", "ramfs", "none"]).arg(&directory)).ok();
    let file = bus.dir().join("file");
    fs::write(&file, "5").expect("file");
    define(&directory, "room.toml", &definition("room/a/b", &file));
    bus.block_on(async {
        let client = bus.client().await;
        wait_for_ids(&client, &["room/a/b"]).await;
        let sources = client.sources().await.expect("sources");
        let error = &sources["sources.d"].error;
        assert!(error.contains("inotify"), "{error}");
        define(&directory, "more.toml", &definition("room/a/c", &file));
        wait_for_ids(&client, &["room/a/b", "room/a/c"]).await;
        // Written in place with the same size, often twice in one step of the times of files.
        for id in ["room/a/d", "room/a/e"].iter().cycle().take(100) {
            fs::write(directory.join("more.toml"), definition(id, &file)).expect("write");
            wait_for_ids(&client, &["room/a/b", id]).await;
        }
        fs::remove_file(directory.join("more.toml")).expect("remove");
        wait_for_ids(&client, &["room/a/b"]).await;
    });
}

#[test]
fn a_reload_reads_behind_links() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let (file, stored) = (bus.dir().join("file"), bus.dir().join("stored"));
    fs::write(&file, "5").expect("file");
    fs::write(&stored, definition("room/a/b", &file)).expect("definitions");
    // As configuration managers do: a link to a generation, which has a link to the file.
    symlink(&stored, bus.dir().join("generation")).expect("link");
    fs::create_dir_all(&directory).expect("directory");
    symlink(bus.dir().join("generation"), directory.join("room.toml")).expect("link");
    bus.block_on(async {
        let client = bus.client().await;
        wait_for_ids(&client, &["room/a/b"]).await;
        let daemon = bus.owned().await;
        fs::write(&stored, definition("room/a/c", &file)).expect("definitions");
        daemon.signal(Signal::HUP);
        wait_for_ids(&client, &["room/a/c"]).await;
    });
}
