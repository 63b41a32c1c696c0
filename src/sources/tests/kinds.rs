//! Trees with FIFOs, sockets, devices, directories or large files in place of the kernel's files.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::*;
use crate::source::{
    Error,
    tests::{begin, discover, harm::copy},
};

/// A test fails if discovery and reading take longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// A copy of a machine, and its files.
fn machine(name: &str, tree: &Tree) -> (Roots, Vec<PathBuf>) {
    let root = tree.roots().root;
    let files = copy(&roots(name).root, &root);
    let roots = Roots {
        proc: root.join("proc"),
        sys: root.join("sys"),
        root,
    };
    (roots, files.into_iter().map(|(path, _)| path).collect())
}

/// Discovers and reads everything twice, and returns the errors. Fails if that does not end.
#[track_caller]
fn read_all(roots: &Roots, what: &str) -> Vec<Error> {
    let (send, receive) = mpsc::channel();
    let roots = roots.clone();
    thread::spawn(move || {
        let mut errors = Vec::new();
        let mut sources = all(&roots);
        for _ in 0..2 {
            let mut at = 0;
            while at < sources.len() {
                match sources[at].members() {
                    Ok(members) => {
                        sources.extend(members.into_iter().map(|member| member.provider));
                    }
                    Err(error) => errors.push(error),
                }
                if let Provider::Source(source) = &mut sources[at] {
                    errors.extend(discover(source.as_mut()).err());
                    begin(source.as_mut());
                    errors.extend(source.read(&mut Vec::new()).err());
                }
                at += 1;
            }
        }
        send.send(errors).ok();
    });
    let errors = receive.recv_timeout(DEADLINE);
    errors.unwrap_or_else(|_| panic!("{what}: it does not end"))
}

#[track_caller]
fn check(what: &str, replace: impl Fn(&Path)) {
    for name in ["laptop", "server", "desktop", "raspberry"] {
        let tree = Tree::new();
        let (roots, files) = machine(name, &tree);
        for path in files {
            fs::remove_file(&path).unwrap();
            replace(&path);
        }
        let errors = read_all(&roots, &format!("{what} on {name}"));
        let other = |error: &&Error| !matches!(error.fault(), Fault::Malformed | Fault::Gone);
        assert_eq!(errors.iter().find(other).map(Error::to_string), None);
        let told = errors
            .iter()
            .filter(|error| error.to_string().contains(what));
        assert!(told.count() > 10, "{errors:?}");
    }
}

#[test]
fn fifos() {
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    check("it is a FIFO", |path| mkfifo(path, mode).unwrap());
}

#[test]
fn sockets() {
    // The path of a socket is limited in length, so it is linked.
    let tree = Tree::new();
    let socket = tree.roots().root.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    check("it is a socket", |path| {
        fs::hard_link(&socket, path).unwrap();
    });
}

#[test]
fn devices() {
    check("it is a device", |path| {
        symlink("/dev/zero", path).unwrap();
    });
}

#[test]
fn directories() {
    check("it is a directory", |path| fs::create_dir(path).unwrap());
}

#[test]
fn large_files() {
    check("it is larger than ", |path| {
        fs::File::create(path).unwrap().set_len(1 << 30).unwrap();
    });
}

#[test]
fn many_lines() {
    const COUNT: usize = 25_000;
    let numbers = " 1".repeat(20);
    // Equal lines, and lines of as many devices as the limit allows.
    for different in [1, 2000] {
        let lines = |line: &dyn Fn(usize) -> String| -> String {
            (0..COUNT).map(|at| line(at % different)).collect()
        };
        let tree = Tree::new();
        let cpus = lines(&|at| format!("cpu{at}{numbers}\n"));
        tree.write("stat", &format!("cpu{numbers}\n{cpus}intr 1\n"));
        tree.write(
            "diskstats",
            &lines(&|at| format!("8 {at} sd{at}{numbers}\n")),
        );
        tree.write("net/dev", &lines(&|at| format!("eth{at}:{numbers}\n")));
        read_all(&tree.roots(), "many lines");
    }
}

#[test]
fn equal_lines_are_one_device() {
    let tree = Tree::new();
    let numbers = " 1".repeat(20);
    tree.write("diskstats", &format!("8 0 sda{numbers}\n").repeat(3));
    tree.write("net/dev", &format!("eth0:{numbers}\n").repeat(3));
    let mut count = 0;
    for mut source in all(&tree.roots()) {
        let metrics = source.discover().unwrap_or_default();
        let ids = metrics.iter().map(|metric| &*metric.id);
        count += ids
            .filter(|id| ["disk/sda/read", "network/eth0/download"].contains(id))
            .count();
    }
    assert_eq!(count, 2);
}

#[test]
fn large_directories() {
    let tree = Tree::new();
    let directory = tree.roots().sys.join("class/hwmon");
    fs::create_dir_all(&directory).unwrap();
    for number in 0..=crate::regular_file::MOST_ENTRIES {
        symlink("nowhere", directory.join(format!("hwmon{number}"))).unwrap();
    }
    let other = tree.roots().sys.join("class/thermal");
    symlink(&directory, other).unwrap();
    let errors = read_all(&tree.roots(), "large directories");
    let told = |error: &&Error| {
        error
            .to_string()
            .ends_with("it has more than 16384 entries")
    };
    assert!(errors.iter().filter(told).count() >= 2, "{errors:?}");
}
