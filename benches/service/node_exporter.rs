//! Two peers: Prometheus' node_exporter with the collectors of the same files, asked over a connection that stays open; and
//! a program that reads the files itself.

use std::{
    cell::RefCell,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Bench, METRICS, SAMPLED,
    idle::at_rest,
    measure::{Side, compare, interleave, print, timed},
    process::Process,
    sample_call,
};

const PROGRAM: &str = "prometheus-node-exporter";

/// Those that read stat, loadavg, meminfo, uname and os-release.
const COLLECTORS: [&str; 6] = ["cpu", "stat", "loadavg", "meminfo", "uname", "os"];

/// The files of [`METRICS`].
const FILES: [&str; 7] = [
    "/proc/stat",
    "/sys/devices/system/cpu/online",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/uptime",
    "/proc/sys/kernel/hostname",
    "/etc/os-release",
];

pub(crate) fn node_exporter(bench: &Bench) {
    let Some(mut exporter) = Exporter::start() else {
        return println!(
            "  left out: node_exporter is not installed (Debian: apt install prometheus-node-exporter)"
        );
    };
    let peer = Process::open(exporter.process.id());
    let values = exporter.scrape();
    at_rest("node_exporter", &[&peer]);
    let bus = bench.bus();
    let mut client = bus.connect();
    let many = sample_call(METRICS);
    client.call(&many);
    let service = client.owner(SAMPLED);
    let own = Process::open(std::process::id());
    let client = RefCell::new(&mut client);
    let sides = [
        Side::new(vec![&peer], |times| {
            let mut scrape = || timed(|| _ = exporter.scrape());
            (0..times).map(|_| scrape()).collect()
        }),
        Side::call(&service, &client, &many),
        Side::new(vec![&own], |times| {
            (0..times).map(|_| timed(read_files)).collect()
        }),
    ];
    let [scrape, sample, read] = interleave(100, 10, sides);
    print(&format!("GET /metrics, {values} values"), scrape);
    print("Sample, 34 metrics", sample);
    print("the files of Sample, opened and read", read);
    compare("Sample / GET", sample.time / scrape.time, 0.5);
    compare("the same, CPU time", sample.cpu / scrape.cpu, 0.5);
}

/// Reads the files as a program does that uses no service, without the parsing.
fn read_files() {
    for path in FILES {
        std::hint::black_box(fs::read(path).expect("Linux has it"));
    }
}

struct Exporter {
    process: Child,
    connection: TcpStream,
    /// The bytes of the last response.
    response: Vec<u8>,
}

impl Exporter {
    /// `None` if it is not installed.
    fn start() -> Option<Self> {
        // It takes no port 0.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = free.expect("a free port");
        let mut command = Command::new(PROGRAM);
        command
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--web.disable-exporter-metrics",
                "--collector.disable-defaults",
            ])
            .args(COLLECTORS.map(|name| format!("--collector.{name}")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().ok()?;
        Some(Self {
            process,
            connection: connect(address),
            response: Vec::new(),
        })
    }

    /// Returns the number of values.
    fn scrape(&mut self) -> usize {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.connection.write_all(request).expect("it listens");
        self.response.clear();
        while !is_whole(&self.response) {
            let mut bytes = [0; 65536];
            let length = self.connection.read(&mut bytes).expect("it answers");
            assert!(length > 0, "the connection stays open");
            self.response.extend_from_slice(&bytes[..length]);
        }
        let lines = self.response.split(|&byte| byte == b'\n');
        lines.filter(|line| line.starts_with(b"node_")).count()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect(address) {
            Ok(connection) => return connection,
            Err(error) if begin.elapsed() > Duration::from_secs(10) => panic!("{error}"),
            Err(_) => sleep(Duration::from_millis(20)),
        }
    }
}

/// A response has a length, or ends with an empty chunk.
fn is_whole(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let header = String::from_utf8_lossy(&response[..end]).to_lowercase();
    let length = header
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => response.len() >= end + 4 + length.parse::<usize>().expect("a number"),
        None => response.ends_with(b"\r\n0\r\n\r\n"),
    }
}
