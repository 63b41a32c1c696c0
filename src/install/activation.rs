//! The texts of the activation file and the unit.

use std::path::Path;

use super::error::Error;

const ACTIVATION: &str = include_str!("../../dbus/io.github.sampled.Sampler1.service");
const UNIT: &str = include_str!("../../systemd/sampled.service");

/// The activation file for this program with these arguments.
///
/// # Errors
/// When the file cannot express the path.
pub fn activation_file(program: &Path, arguments: &str) -> Result<String, Error> {
    let exec = format!("Exec={} {arguments}", quote(program)?);
    Ok(with_line(ACTIVATION, "Exec=", &exec))
}

pub(super) fn unit_file(program: &Path) -> Result<String, Error> {
    // % starts a specifier (systemd.unit(5)).
    let program = quote(program)?.replace('%', "%%");
    let unit = with_line(UNIT, "ExecStart=", &format!("ExecStart={program} serve"));
    let reload = format!("ExecReload={program} reload");
    Ok(with_line(&unit, "ExecReload=", &reload))
}

/// Replaces the line that begins with `start`.
fn with_line(text: &str, start: &str, line: &str) -> String {
    let lines = text
        .lines()
        .map(|old| if old.starts_with(start) { line } else { old });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Quotes a path, if needed, for dbus-daemon, dbus-broker and systemd.
///
/// Their parsers agree on double quotes only. A path that needs a backslash is an error.
fn quote(path: &Path) -> Result<String, Error> {
    let unquotable = |what| Error::Unquotable {
        path: path.to_owned(),
        what,
    };
    let text = path
        .to_str()
        .ok_or_else(|| unquotable("a path that is not UTF-8 cannot be activated"))?;
    if text.contains(|c: char| c.is_control() || matches!(c, '\\' | '"' | '`' | '$')) {
        return Err(unquotable(
            "a path with a control character, \\, \", ` or $ cannot be activated",
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@:,=%".contains(c);
    if text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        let check = |path: &str, bus: &str, systemd: &str| {
            let path = Path::new(path);
            let file = activation_file(path, "serve").unwrap();
            assert!(file.lines().any(|line| line == bus), "{file}");
            let unit = unit_file(path).unwrap();
            assert!(unit.lines().any(|line| line == systemd), "{unit}");
            // The unit runs no other program, which a system might have elsewhere.
            let start = systemd.strip_suffix("serve").unwrap();
            let start = start.strip_prefix("ExecStart=").unwrap();
            let commands = unit.lines().filter_map(|line| line.strip_prefix("Exec"));
            for command in commands {
                let (_, command) = command.split_once('=').unwrap();
                assert!(command.starts_with(start), "{command}");
            }
        };
        check(
            "/usr/bin/sampled",
            "Exec=/usr/bin/sampled serve",
            "ExecStart=/usr/bin/sampled serve",
        );
        check(
            "/home/J. O'Neill/bin/sampled",
            "Exec=\"/home/J. O'Neill/bin/sampled\" serve",
            "ExecStart=\"/home/J. O'Neill/bin/sampled\" serve",
        );
        check(
            "/100%/sampled",
            "Exec=/100%/sampled serve",
            "ExecStart=/100%%/sampled serve",
        );
        for path in ["/a\"b", "/a\\b", "/a\nb", "/$HOME/b"] {
            assert!(activation_file(Path::new(path), "serve").is_err(), "{path}");
        }
    }

    #[test]
    fn the_shipped_files_are_those_for_usr() {
        let program = Path::new("/usr/bin/sampled");
        assert_eq!(activation_file(program, "serve").unwrap(), ACTIVATION);
        assert_eq!(unit_file(program).unwrap(), UNIT);
    }
}
