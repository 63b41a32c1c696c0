//! An interactive shell on a terminal of its own.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use nix::pty::{Winsize, openpty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{bus::Bus, process::DEADLINE};

/// The time after which a completion is asked for again: on a busy machine the service may be too late once.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(3);

const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bash,
    Zsh,
    Fish,
}

pub(super) struct Shell {
    child: Child,
    master: OwnedFd,
    directory: PathBuf,
    /// The output of the shell, without escape sequences.
    shown: String,
    /// The start of an escape sequence or a character whose end has not been read yet.
    incomplete: Vec<u8>,
}

impl Shell {
    /// Starts a shell in which the program is installed below a prefix; `None` if this machine does not have the shell.
    pub(super) fn start(kind: Kind, bus: &Bus, prefix: &Path) -> Option<Self> {
        let home = bus.dir();
        let share = prefix.join("share");
        let mut command = bus.command("setsid");
        command.arg("--ctty");
        match kind {
            Kind::Bash => {
                let rc = home.join("bashrc");
                fs::write(&rc, format!("PS1='> '\n. {BASH_COMPLETION}\n")).unwrap();
                fs::metadata(BASH_COMPLETION).ok()?;
                command.args(["bash", "--rcfile"]).arg(rc).arg("-i");
                command.env("INPUTRC", "/dev/null");
            }
            Kind::Zsh => {
                let functions = match share.join("zsh").is_dir() {
                    true => share.join("zsh/site-functions"),
                    false => bus.data().join("zsh/site-functions"),
                };
                let functions = functions.display();
                let rc = format!(
                    "PS1='> '\nunsetopt PROMPT_SP\nfpath=('{functions}' $fpath)\n\
                     autoload -Uz compinit\ncompinit -u -D\n"
                );
                fs::write(home.join(".zshrc"), rc).unwrap();
                command.args(["zsh", "-i"]).env("ZDOTDIR", home);
            }
            Kind::Fish => {
                let directory = bus.config().join("fish");
                fs::create_dir_all(&directory).unwrap();
                // A suggestion would look like a completion.
                let rc = "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n\
                          function fish_prompt; echo '> '; end\n";
                fs::write(directory.join("config.fish"), rc).unwrap();
                command.args(["fish", "-i"]);
            }
        }
        is_there(&format!("{kind:?}").to_lowercase()).then_some(())?;
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}/bin:{path}", prefix.display()));
        command.env("XDG_DATA_DIRS", format!("{}:/usr/share", share.display()));
        command.env("TERM", "xterm").current_dir(home);
        let size = Winsize {
            ws_row: 50,
            ws_col: 160,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("terminal");
        let other = || pty.slave.try_clone().expect("dup");
        command.stdin(other()).stdout(other()).stderr(other());
        let mut shell = Self {
            child: command.spawn().expect("setsid"),
            master: pty.master,
            directory: home.to_owned(),
            shown: String::new(),
            incomplete: Vec::new(),
        };
        shell.shows("> ");
        Some(shell)
    }

    pub(super) fn key_in(&mut self, text: &str) {
        let mut master = File::from(self.master.try_clone().expect("dup"));
        master
            .write_all(text.as_bytes())
            .expect("the terminal is open");
    }

    /// All that was shown since the last line was begun.
    pub(super) fn shown(&self) -> String {
        self.shown.clone()
    }

    /// Waits until a text is shown.
    #[track_caller]
    pub(super) fn shows(&mut self, text: &str) {
        let is_shown = self.waits(DEADLINE, |shown| shown.contains(text));
        assert!(is_shown, "no {text:?}: {:?}", self.shown);
    }

    /// Keys in a new line and the tabulator, until the text is shown.
    #[track_caller]
    pub(super) fn completes(&mut self, typed: &str, expected: &str) {
        self.attempts(&format!("{typed}\t"), |shown| shown.contains(expected));
    }

    /// Keys in a new line and two tabulators, until all the candidates are listed. Returns what is shown.
    #[track_caller]
    pub(super) fn lists(&mut self, typed: &str, expected: &[&str]) -> String {
        self.attempts(&format!("{typed}\t\t"), |shown| {
            expected.iter().all(|expected| shown.contains(expected))
        });
        self.shown()
    }

    /// Runs the line with its output in a file, and returns the content of the file.
    #[track_caller]
    pub(super) fn run_redirected(&mut self) -> String {
        self.shown.clear();
        self.key_in(" >output; printf 'd%s' one\r");
        self.shows("done");
        fs::read_to_string(self.directory.join("output")).expect("the output")
    }

    #[track_caller]
    fn attempts(&mut self, keys: &str, is_done: impl Fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            // ^U removes the line.
            self.key_in("\x15");
            self.shown.clear();
            self.key_in(keys);
            if self.waits(BETWEEN_ATTEMPTS, &is_done) {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "{keys:?}: {:?}", self.shown);
        }
    }

    fn waits(&mut self, time: Duration, is_done: impl Fn(&str) -> bool) -> bool {
        let start = Instant::now();
        while !is_done(&self.shown) {
            let left = time.saturating_sub(start.elapsed());
            let left = Timespec::try_from(left).expect("a short time");
            let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
            if poll(&mut ready, Some(&left)).expect("poll") == 0 {
                return false;
            }
            let mut bytes = [0; 4096];
            let mut master = File::from(self.master.try_clone().expect("dup"));
            let read = master.read(&mut bytes).expect("the terminal is open");
            self.write(&bytes[..read]);
        }
        true
    }

    /// Takes bytes of the shell; leaves escape sequences out.
    fn write(&mut self, bytes: &[u8]) {
        self.incomplete.extend(bytes);
        let bytes = std::mem::take(&mut self.incomplete);
        let text = match str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
        };
        let mut rest = text;
        while let Some((before, sequence)) = rest.split_once('\x1b') {
            self.shown.push_str(before);
            rest = &rest[before.len()..];
            let mut characters = sequence.char_indices();
            let end = match characters.next() {
                Some((_, '[')) => characters.find(|(_, c)| matches!(c, '@'..='~')),
                Some((_, ']')) => characters.find(|(_, c)| *c == '\x07'),
                Some((_, '(' | ')')) => characters.next(),
                other => other,
            };
            let Some((end, c)) = end else {
                break;
            };
            rest = &sequence[end + c.len_utf8()..];
        }
        if !rest.starts_with('\x1b') {
            self.shown.push_str(rest);
            rest = "";
        }
        self.incomplete = bytes[text.len() - rest.len()..].to_vec();
    }
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
