//! Commands of custom metrics under systemd: the unit confines them as it does the service, and they end with it.

use std::{env, fs, io::Write, net::TcpListener, path::PathBuf, thread};

use sampled::{client::SampleOptions, reading::Value};

use super::session::{UNITS, within};
use crate::{
    custom::fixture::define,
    support::{environment::environment, process::DEADLINE},
};

/// A command that connects to a server, one that maps writable executable memory as a compiler does, and one that
/// ignores SIGTERM and leaves a process in another session.
const COMMANDS: &str = r#"
[commands.router]
argv = ["bash", "-c", "exec cat < /dev/tcp/127.0.0.1/PORT"]
[metrics."unit/router/rx"]
command = "router"

[commands.compiler]
argv = ["python3", "-c", "import mmap; mmap.mmap(-1, 4096, prot=7); print(7)"]
[metrics."unit/compiler/x"]
command = "compiler"

[commands.deaf]
shell = "trap '' TERM; (setsid sleep 1000 &); echo 1; while :; do sleep 1000; done"
lines = true
[metrics."unit/deaf/x"]
command = "deaf"
"#;

#[test]
fn commands_may_use_the_network_and_executable_memory_and_end_with_the_unit() {
    within(&UNITS, async |session| {
        let router = TcpListener::bind("127.0.0.1:0").expect("port");
        let port = router.local_addr().expect("address").port();
        let server = thread::spawn(move || {
            let (mut connection, _) = router.accept().expect("a connection");
            connection.write_all(b"42\n").expect("answer");
        });
        let home = PathBuf::from(env::var_os("HOME").expect("HOME"));
        let text = COMMANDS.replace("PORT", &port.to_string());
        define(&home.join(".config/sampled/sources.d"), "unit.toml", &text);
        let client = session.client().await;
        let options = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["unit"], options).await.expect("sample");
        let values = ["unit/compiler/x", "unit/deaf/x", "unit/router/rx"];
        let values = values.map(|id| sample.readings.get(id).cloned());
        let expected = [7.0, 1.0, 42.0].map(|number| Some(Value::Number(number)));
        assert_eq!(values, expected, "{:?}", client.sources().await);
        server.join().expect("the server");

        assert!(processes_of_commands() > 3);
        session.systemctl(&["stop", "sampled"]);
        assert_eq!(processes_of_commands(), 0);
        let unit = session.unit().await;
        assert_eq!(
            (unit.state().await, unit.result().await),
            ("inactive".into(), "success".into())
        );
    });
}

/// The number of processes that commands have started. The pid namespace has no other session.
fn processes_of_commands() -> usize {
    let environments = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
        let environment = environment(entry.ok()?.file_name().to_str()?.parse().ok()?);
        let mut variables = environment.split(|&byte| byte == 0);
        variables
            .find(|variable| variable.starts_with(b"SAMPLED_RUN="))
            .map(drop)
    });
    environments.count()
}
