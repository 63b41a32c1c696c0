//! The parts of an error's text.

use std::io;

use nix::errno::Errno;

/// A message and its causes in one line. A cause that the text already ends with is left out.
pub(super) fn with_causes(message: &str, causes: &[String]) -> String {
    let mut text = message.to_owned();
    for cause in causes {
        if !text.ends_with(cause.as_str()) {
            text.push_str(": ");
            text.push_str(cause);
        }
    }
    text
}

pub(super) fn lock_owner(pid: Option<i32>) -> String {
    pid.map_or("a process that cannot be seen".to_owned(), |pid| {
        format!("process {pid}")
    })
}

pub(super) fn thread_list(names: &[String]) -> String {
    match names {
        [] => "several threads".to_owned(),
        names => {
            let (count, shown) = (names.len(), names.get(..8).unwrap_or(names));
            let more = if shown.len() < count { ", …" } else { "" };
            format!("{count} threads ({}{more})", shown.join(", "))
        }
    }
}

/// The text of the cause in lower case, without the number that `io::Error` appends.
pub(super) fn cause_text(error: &io::Error) -> String {
    let text = match error.raw_os_error().map(Errno::from_raw) {
        Some(errno) => errno.desc().to_owned(),
        None => error.to_string(),
    };
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_printed_once() {
        let check = |message, causes: &[&str], expected| {
            let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(with_causes(message, &causes), expected);
        };
        check("no port", &[], "no port");
        check(
            "config",
            &["line 3", "no number"],
            "config: line 3: no number",
        );
        check("x.toml: not found", &["not found"], "x.toml: not found");
    }
}
