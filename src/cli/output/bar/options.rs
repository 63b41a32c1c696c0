//! The options for bars.

use clap::Args;

use super::{
    Bar, Reader,
    level::{Limit, Limits},
    template::Template,
};

/// The options of `sample` and `watch` for bars.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct BarOptions {
    /// Print a line for waybar, i3blocks, polybar or tmux, or a line of your own: text with {ID} in it, such as
    /// 'CPU {cpu/all/usage .0}'. In braces may follow .N (decimals), >N (least width) and raw (no scale, no unit)
    #[arg(long, value_name = "FORMAT", value_parser = parse, conflicts_with_all = ["json", "csv"])]
    format: Option<LineFormat>,
    /// The text of the line for waybar, i3blocks, polybar or tmux [default: all values with short names]
    #[arg(long, value_name = "TEXT", requires = "format")]
    template: Option<Template>,
    /// Colour the line from this value on; 'ID<VALUE' from this value downwards [default: the limit of the metric, if
    /// there is one]
    #[arg(long, value_name = "ID=VALUE", requires = "format")]
    warning: Vec<Limit>,
    /// The same for a value that is dangerous
    #[arg(long, value_name = "ID=VALUE", requires = "format")]
    critical: Vec<Limit>,
}

/// The value of `--format`.
#[derive(Clone, Debug)]
enum LineFormat {
    Bar(Reader),
    Template(Template),
}

fn parse(text: &str) -> Result<LineFormat, String> {
    let mut named = Reader::NAMED.into_iter();
    if let Some((_, reader)) = named.find(|(name, _)| *name == text) {
        return Ok(LineFormat::Bar(reader));
    }
    if text.contains(['{', '}']) {
        return Ok(LineFormat::Template(text.parse()?));
    }
    Err("it is none of waybar, i3blocks, polybar, tmux and a text with {ID} in it".to_owned())
}

/// Whether a selector is this id, a prefix of it, or a pattern.
fn may_match(selector: &str, id: &str) -> bool {
    let rest = id.strip_prefix(selector);
    selector.contains('*') || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl BarOptions {
    /// The bar, if there is one.
    ///
    /// # Errors
    /// If there are two templates or no metrics, or a limit is for a metric that the line does not have.
    pub(crate) fn bar(&self, selectors: &[&str]) -> Result<Option<Bar>, String> {
        let (reader, template) = match (&self.format, &self.template) {
            (None, _) => return Ok(None),
            (Some(LineFormat::Bar(reader)), template) => (*reader, template.clone()),
            (Some(LineFormat::Template(template)), None) => (Reader::Plain, Some(template.clone())),
            (Some(LineFormat::Template(_)), Some(_)) => {
                return Err(
                    "--format is a template already: --template means nothing to it".to_owned(),
                );
            }
        };
        let mut limits = self.warning.iter().chain(&self.critical);
        if reader == Reader::Plain && limits.clone().next().is_some() {
            return Err(
                "a line of your own has no colour: --warning and --critical mean nothing to it"
                    .to_owned(),
            );
        }
        if template.is_none() && selectors.is_empty() {
            return Err(
                "a line of every metric is too long: name metrics, such as cpu/all/usage, or give --template"
                    .to_owned(),
            );
        }
        let is_shown = |id: &str| match &template {
            Some(template) => template.ids().any(|shown| shown == id),
            None => selectors.iter().any(|selector| may_match(selector, id)),
        };
        if let Some(limit) = limits.find(|limit| !is_shown(limit.id())) {
            return Err(format!("{} has a limit and is not in the line", limit.id()));
        }
        Ok(Some(Bar {
            reader,
            template,
            limits: Limits {
                warning: self.warning.clone(),
                critical: self.critical.clone(),
            },
        }))
    }
}
