//! Translations.

use std::path::PathBuf;

pub use gettextrs::{gettext, ngettext, pgettext};
use sampled_client::units;

/// The name of the catalogue of translations.
pub const DOMAIN: &str = "sampled-monitor";

/// Sets the locale, as GTK would later, and finds the translations for it: in `LOCALEDIR` of the build, otherwise in
/// `share/locale` beside the directory of the program. Nothing else runs yet.
#[allow(
    unsafe_code,
    reason = "GLib prints the options before GTK sets the locale"
)]
pub fn init() {
    let beside = || {
        let program = std::env::current_exe().ok()?;
        Some(program.parent()?.parent()?.join("share/locale"))
    };
    let directory = option_env!("LOCALEDIR").map(PathBuf::from);
    let directory = directory
        .or_else(beside)
        .unwrap_or_else(|| "/usr/share/locale".into());
    // SAFETY: `run` calls this first, when no other thread can read the locale.
    unsafe { gettextrs::setlocale(gettextrs::LocaleCategory::LcAll, "") };
    // These fail for want of memory only; the text is then in English.
    gettextrs::bindtextdomain(DOMAIN, directory).ok();
    gettextrs::bind_textdomain_codeset(DOMAIN, "UTF-8").ok();
    gettextrs::textdomain(DOMAIN).ok();
}

/// Translates a text, then replaces each `{name}` in it.
pub fn gettext_f(text: &str, values: &[(&str, &str)]) -> String {
    fill(&gettext(text), values)
}

/// Translates a text for a number of things, then replaces each `{name}` in it.
pub fn ngettext_f(one: &str, many: &str, number: u32, values: &[(&str, &str)]) -> String {
    fill(&ngettext(one, many, number), values)
}

/// Replaces each `{name}` in a text.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, after))
        });
        match value {
            Some((value, after)) => {
                result.push_str(value);
                rest = after;
            }
            None => {
                result.push('{');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

/// A number of things, in the plural that belongs to it.
pub fn count(number: usize, words: impl Fn(u32, &[(&str, &str)]) -> String) -> String {
    let bounded = u32::try_from(number).unwrap_or(u32::MAX);
    words(bounded, &[("count", &number.to_string())])
}

/// A value in its unit, which stay in this order beside text of any direction.
pub fn value(value: f64, unit: &str) -> String {
    left_to_right(&units::format(value, unit))
}

/// A text that is read from left to right beside text of any direction.
pub fn left_to_right(text: &str) -> String {
    format!("\u{2066}{text}\u{2069}")
}

/// A text of any direction, which does not reorder what is beside it.
pub fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn names_are_replaced_once() {
        let values = [("pid", "{user}"), ("user", "x")];
        assert_eq!(fill("{user}: process {pid}", &values), "x: process {user}");
        assert_eq!(fill("{other} {", &values), "{other} {");
        assert_eq!(fill("no names", &values), "no names");
    }
}
