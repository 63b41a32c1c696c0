//! A peer: pmFetch(3) of Performance Co-Pilot, from a private pmcd with the agent of the kernel's metrics.
//!
//! The client is a program in C, which is compiled here: libpcp is no dependency of this project.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Bench, METRICS, SAMPLED,
    idle::at_rest,
    ksystemstats,
    measure::{Side, compare, interleave, print},
    process::Process,
    sample_call,
};

const PMCD: &str = "/usr/lib/pcp/bin/pmcd";
const AGENT: &str = "/var/lib/pcp/pmdas/linux/pmdalinux";
const NAMES: &str = "/var/lib/pcp/pmns/root_linux";
const HEADER: &str = "/usr/include/pcp/pmapi.h";

/// 20 metrics of stat, loadavg, meminfo and uptime. On a machine with two CPUs they have 34 values.
const PMCD_METRICS: [&str; 20] = [
    "kernel.all.load",
    "kernel.percpu.cpu.user",
    "kernel.percpu.cpu.nice",
    "kernel.percpu.cpu.sys",
    "kernel.percpu.cpu.idle",
    "kernel.percpu.cpu.wait.total",
    "kernel.percpu.cpu.irq.hard",
    "kernel.percpu.cpu.irq.soft",
    "kernel.percpu.cpu.steal",
    "kernel.percpu.cpu.guest",
    "kernel.percpu.cpu.guest_nice",
    "kernel.percpu.cpu.vuser",
    "kernel.percpu.cpu.vnice",
    "kernel.all.uptime",
    "hinv.ncpu",
    "mem.physmem",
    "mem.util.free",
    "mem.util.used",
    "mem.util.bufmem",
    "mem.util.cached",
];

pub(crate) fn pcp(bench: &Bench) {
    if ![PMCD, AGENT, NAMES, HEADER]
        .iter()
        .all(|file| Path::new(file).exists())
    {
        return println!(
            "  left out: PCP or its headers are not installed (Debian: apt install pcp libpcp3-dev)"
        );
    }
    let pmcd = Pmcd::start();
    let mut fetches = Fetches::start(&pmcd);
    let agent = pmcd.agent();
    let bus = bench.bus();
    let mut client = bus.connect();
    let few = sample_call(&ksystemstats::METRICS[..20]);
    let many = sample_call(METRICS);
    client.call(&few);
    client.call(&many);
    let service = client.owner(SAMPLED);
    let peer = Process::open(pmcd.daemon.id());
    at_rest("pmcd and its agent", &[&peer, &agent]);
    let title = format!("pmFetch, 20 metrics, {} values", fetches.values);
    let client = RefCell::new(&mut client);
    let sides = [
        Side::new(vec![&peer, &agent], |times| fetches.run(times)),
        Side::call(&service, &client, &few),
        Side::call(&service, &client, &many),
    ];
    let [fetch, few, many] = interleave(300, 10, sides);
    print(&title, fetch);
    print("Sample, 20 metrics", few);
    print("Sample, 34 metrics", many);
    compare("Sample of 20 / pmFetch", few.time / fetch.time, 0.5);
    compare("Sample of 34 / pmFetch", many.time / fetch.time, 0.5);
    compare("the same, CPU time", many.cpu / fetch.cpu, 0.5);
}

/// A private pmcd.
struct Pmcd {
    daemon: Child,
    dir: TempDir,
}

impl Pmcd {
    fn start() -> Self {
        let dir = TempDir::new().expect("temporary directory");
        let config = format!("linux 60 pipe binary {AGENT}\n[access]\nallow \"local:*\" : all;\n");
        fs::write(dir.path().join("pmcd.conf"), config).expect("configuration");
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
        let user = user.expect("users").expect("this process has a user");
        // It listens on a port, too, and ends if that is in use.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = free.expect("a free port").port().to_string();
        let daemon = Command::new(PMCD)
            .args([
                "-f",
                "-A",
                "-c",
                "pmcd.conf",
                "-l",
                "pmcd.log",
                "-x",
                "start.log",
            ])
            .args(["-s", "pmcd.socket", "-i", "127.0.0.1", "-p", &port])
            .args(["-n", NAMES, "-U", &user.name])
            .current_dir(&dir)
            .envs(["PCP_RUN_DIR", "PCP_LOG_DIR", "PCP_TMP_DIR"].map(|name| (name, dir.path())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pmcd");
        Self { daemon, dir }
    }

    fn host(&self) -> String {
        let socket = self.dir.path().join("pmcd.socket");
        format!("unix:/{}", socket.display())
    }

    /// The agent, which is its only child.
    fn agent(&self) -> Process {
        let pid = self.daemon.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.expect("it runs");
        Process::open(children.trim().parse().expect("one child"))
    }
}

impl Drop for Pmcd {
    fn drop(&mut self) {
        // It ends its agent when it is asked to end.
        let pid = self.daemon.id().try_into().map(nix::unistd::Pid::from_raw);
        nix::sys::signal::kill(pid.expect("a pid"), nix::sys::signal::Signal::SIGTERM).ok();
        self.daemon.wait().ok();
    }
}

/// The client of pmcd.
struct Fetches {
    program: Child,
    orders: ChildStdin,
    times: BufReader<ChildStdout>,
    /// The number of values of a fetch.
    values: usize,
}

impl Fetches {
    fn start(pmcd: &Pmcd) -> Self {
        let program = pmcd.dir.path().join("fetch");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/service/pcp.c");
        let compiled = Command::new("cc")
            .args(["-O2", "-o"])
            .arg(&program)
            .args([source, "-lpcp"])
            .status();
        assert!(compiled.expect("cc").success(), "cc compiles {source}");
        // pmcd makes its socket before its agent is ready, and refuses nothing after that.
        let begin = Instant::now();
        let socket = pmcd.dir.path().join("pmcd.socket");
        while !socket.exists() && begin.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_millis(20));
        }
        let mut program = Command::new(&program)
            .arg(pmcd.host())
            .args(PMCD_METRICS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of pcp.c");
        let orders = program.stdin.take().expect("stdin is a pipe");
        let times = BufReader::new(program.stdout.take().expect("stdout is a pipe"));
        let mut this = Self {
            program,
            orders,
            times,
            values: 0,
        };
        this.values = this.number() as usize;
        this
    }

    fn run(&mut self, times: usize) -> Vec<f64> {
        writeln!(self.orders, "{times}").expect("the program reads");
        (0..times).map(|_| self.number()).collect()
    }

    fn number(&mut self) -> f64 {
        let mut line = String::new();
        self.times.read_line(&mut line).expect("a line");
        line.trim().parse().expect("pmcd answers")
    }
}

impl Drop for Fetches {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}
