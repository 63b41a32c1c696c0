//! The section of sources, which switches sources off:
//!
//! ```toml
//! [sources]
//! off = ["os"]
//! ```

use crate::{
    custom,
    diagnostic::{self, Diagnostic, Value},
    service::{PROCESS_TABLE, Settings},
    source::Roots,
    sources,
};

pub(super) fn parse(value: &Value<'_>, settings: &mut Settings) -> Result<(), Diagnostic> {
    for (key, value) in diagnostic::table("sources", value)? {
        match &**key.get_ref() {
            "off" => settings.sources_off = off("sources.off", value)?,
            _ => return Err(Diagnostic::unknown("sources.", key, "off")),
        }
    }
    Ok(())
}

fn off(key: &str, value: &Value<'_>) -> Result<Vec<String>, Diagnostic> {
    let expected = "an array of names of sources";
    let array = value.get_ref().as_array();
    let array = array.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
    let known = self::names();
    let name = |value: &Value<'_>| {
        let name = value.get_ref().as_str();
        let name = name.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
        if known.iter().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let what = format!("{key}: no source is called {name:?}: {}", known.join(", "));
        Err(Diagnostic::new(value.span(), what))
    };
    array.iter().map(name).collect()
}

/// The names of all sources, each once. Constructing the sources opens no files.
pub(super) fn names() -> Vec<String> {
    let sources = sources::all(&Roots::default());
    let mut names: Vec<_> = sources
        .iter()
        .map(|source| source.about().name.to_owned())
        .collect();
    // All custom metrics.
    names.push(custom::NAME.to_owned());
    names.push(PROCESS_TABLE.to_owned());
    names.sort_unstable();
    names.dedup();
    names
}
