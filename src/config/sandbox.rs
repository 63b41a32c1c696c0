//! The section of grants to sandboxed programs:
//!
//! ```toml
//! [sandbox."org.example.App"]
//! processes = true
//! ```

use std::collections::BTreeMap;

use crate::{
    diagnostic::{self, Diagnostic, Key, Value},
    service::{Grant, Grants, is_app_id},
};

/// The greatest number of programs with grants.
const PROGRAM_LIMIT: usize = 1024;

/// The grants, by the id of the program.
pub(super) fn parse(value: &Value<'_>) -> Result<BTreeMap<String, Grants>, Diagnostic> {
    let table = diagnostic::table("sandbox", value)?;
    if table.len() > PROGRAM_LIMIT {
        let what = format!(
            "sandbox: {} programs: at most {PROGRAM_LIMIT} can be named",
            table.len()
        );
        return Err(Diagnostic::new(value.span(), what));
    }
    let grants = |(app, value): (&Key<'_>, &Value<'_>)| {
        let id = &**app.get_ref();
        if !is_app_id(id) {
            let what = format!(
                "sandbox.{id:?}: an id such as \"org.example.App\" or \"snap.example\" is expected, in quotes"
            );
            return Err(Diagnostic::new(app.span(), what));
        }
        Ok((id.to_owned(), of_app(id, value)?))
    };
    table.iter().map(grants).collect()
}

fn of_app(id: &str, value: &Value<'_>) -> Result<Grants, Diagnostic> {
    let place = format!("sandbox.\"{id}\"");
    let mut grants = Grants::default();
    for (key, value) in diagnostic::table(&place, value)? {
        let name = &**key.get_ref();
        let Some(grant) = Grant::ALL.into_iter().find(|grant| grant.key() == name) else {
            let known = Grant::ALL.map(Grant::key).join(", ");
            return Err(Diagnostic::unknown(&format!("{place}."), key, &known));
        };
        *grants.of(grant) = diagnostic::flag(&format!("{place}.{name}"), value)?;
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<BTreeMap<String, Grants>, String> {
        let config = crate::config::parse(text);
        let config = config.map_err(|diagnostic| {
            let position = diagnostic.position(text);
            format!(
                "{}:{}: {}",
                position.line, position.column, diagnostic.message
            )
        });
        Ok(config?.settings.sandbox)
    }

    #[test]
    fn grants_are_parsed() {
        assert_eq!(parsed("[sandbox]"), Ok(BTreeMap::new()));
        let text = "[sandbox.'org.example.App']\nprocesses = true\nend = false\n\
                    [sandbox.'snap.example']\ncustom = true\ncommand-lines = true\nend = true";
        let expected = [
            (
                "org.example.App".to_owned(),
                Grants {
                    processes: true,
                    ..Grants::default()
                },
            ),
            (
                "snap.example".to_owned(),
                Grants {
                    custom: true,
                    processes: false,
                    command_lines: true,
                    end: true,
                },
            ),
        ];
        assert_eq!(parsed(text), Ok(expected.into()));
    }

    #[test]
    fn diagnostics_have_a_position() {
        #[track_caller]
        fn refuses(text: &str, expected: &str) {
            assert_eq!(parsed(text), Err(expected.to_owned()));
        }
        refuses(
            "[sandbox.'org.example.App']\nproceses = true",
            "2:1: sandbox.\"org.example.App\".proceses: unknown key (known: custom, processes, \
             command-lines, end)",
        );
        refuses(
            "[sandbox.'org.example.App']\nend = 'yes'",
            "2:7: sandbox.\"org.example.App\".end: true or false is expected, and string is given",
        );
        // Without quotes, the dots make nested tables in TOML.
        refuses(
            "[sandbox.org.example.App]\nend = true",
            "1:10: sandbox.\"org\": an id such as \"org.example.App\" or \"snap.example\" is expected, \
             in quotes",
        );
        refuses(
            "[sandbox]\n'org.example.App' = true",
            "2:21: sandbox.\"org.example.App\": a table is expected, and boolean is given",
        );
        refuses(
            "sandbox = 1",
            "1:11: sandbox: a table is expected, and integer is given",
        );
        let many: String = (0..=PROGRAM_LIMIT)
            .map(|number| format!("[sandbox.'a.{number}']\n"))
            .collect();
        let error = parsed(&many).expect_err("they are too many");
        assert!(error.contains("1025 programs: at most 1024"), "{error}");
    }
}
