//! The start of a bus: with an activation file or without, with a policy of its own, at an address.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind},
    os::unix::ffi::OsStrExt,
    process::Stdio,
};

use sampled::wire::NAME;
use tokio::runtime;

use super::Bus;
use crate::support::home::{Home, SAMPLED};

impl Bus {
    /// A bus that activates `sampled serve`, with its socket in a directory of this name.
    #[track_caller]
    pub(crate) fn in_directory(name: &str) -> Self {
        let home = Home::new();
        write_activation_file(&home, &format!("{SAMPLED} serve"));
        let directory = home.dir().join(name);
        fs::create_dir(&directory).expect("directory");
        let path = directory.join("bus");
        let escaped = path.as_os_str().as_bytes().iter().map(|byte| match byte {
            b'-' | b'_' | b'/' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(*byte).to_string()
            }
            byte => format!("%{byte:02x}"),
        });
        let address = format!("unix:path={}", escaped.collect::<String>());
        Self::configured(home, "--session", Some(&address))
    }

    /// A bus without services to activate.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::in_home(Home::new())
    }

    /// A bus that activates `sampled serve` with these arguments.
    #[track_caller]
    pub(crate) fn activating(arguments: &str) -> Self {
        Self::executing(format!("{SAMPLED} serve {arguments}").trim_end())
    }

    /// A bus whose activation file has this `Exec=`.
    #[track_caller]
    pub(crate) fn executing(exec: &str) -> Self {
        let home = Home::new();
        write_activation_file(&home, exec);
        Self::in_home(home)
    }

    /// A bus for a user whose home exists already.
    #[track_caller]
    pub(crate) fn in_home(home: Home) -> Self {
        Self::configured(home, "--session", None)
    }

    /// A bus that activates `sampled serve` and refuses its statistics, as a dbus-daemon that was built without them:
    /// the service cannot ask how many bytes a client has not read.
    #[track_caller]
    pub(crate) fn without_statistics() -> Self {
        let denied = "<deny send_interface='org.freedesktop.DBus.Debug.Stats'/>";
        Self::with_policy(denied, "", None)
    }

    /// A bus that accepts connections of every user.
    #[track_caller]
    pub(crate) fn for_all_users() -> Self {
        Self::with_policy("<allow user='*'/>", "", None)
    }

    /// A bus at a TCP address, which accepts anonymous connections.
    #[track_caller]
    pub(crate) fn over_tcp() -> Self {
        let anonymous = "<auth>ANONYMOUS</auth><allow_anonymous/>";
        Self::with_policy("", anonymous, Some("tcp:host=127.0.0.1,port=0"))
    }

    #[track_caller]
    fn with_policy(rules: &str, auth: &str, address: Option<&str>) -> Self {
        let home = Home::new();
        write_activation_file(&home, &format!("{SAMPLED} serve"));
        let config = home.dir().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>\
             {auth}<standard_session_servicedirs/><policy context='default'>\
             <allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/>\
             <allow own='*'/>{rules}</policy></busconfig>"
        );
        fs::write(&config, text).expect("configuration");
        let config = format!("--config-file={}", config.display());
        Self::configured(home, &config, address)
    }

    #[track_caller]
    fn configured(home: Home, config: &str, address: Option<&str>) -> Self {
        let unix = format!("unix:path={}", home.dir().join("bus").display());
        let log = fs::File::create(home.dir().join("log")).expect("log");
        let spawned = home
            .command("dbus-daemon")
            .args([config, "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address={}", address.unwrap_or(&unix)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut daemon = match spawned {
            Ok(daemon) => daemon,
            Err(error) if error.kind() == ErrorKind::NotFound => panic!(
                "these tests need dbus-daemon: install it (Debian: apt install dbus-daemon; Fedora: \
                 dnf install dbus-daemon)"
            ),
            Err(error) => panic!("dbus-daemon: {error}"),
        };
        let mut address = String::new();
        // dbus-daemon prints its address once it listens.
        let mut stdout = BufReader::new(daemon.stdout.take().expect("stdout is a pipe"));
        stdout.read_line(&mut address).expect("address");
        let bus = Self {
            daemon,
            address: address.trim_end().to_owned(),
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime"),
            home,
        };
        assert!(!bus.address.is_empty(), "dbus-daemon: {}", bus.log());
        bus
    }
}

fn write_activation_file(home: &Home, exec: &str) {
    let dir = home.data().join("dbus-1/services");
    fs::create_dir_all(&dir).expect("services");
    let file = format!("[D-BUS Service]\nName={NAME}\nExec={exec}\n");
    fs::write(dir.join(format!("{NAME}.service")), file).expect("activation file");
}
