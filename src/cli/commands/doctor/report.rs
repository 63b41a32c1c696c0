//! The findings of `doctor`, as lines for a person and as JSON.

use std::fmt::Display;

use serde::Serialize;

use crate::cli::output::{
    style::Style,
    terminal_text::{escape, padded},
};

/// The findings, in the order of the checks.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

/// The result of a check.
#[derive(Debug, Serialize)]
struct Finding {
    check: Check,
    severity: Severity,
    /// One sentence.
    text: String,
    /// The remedy; absent if nothing needs to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// The subject of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    RuntimeDirectory,
    SessionBus,
    Activation,
    Unit,
    Program,
    Configuration,
    Service,
    Source,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// As it should be.
    Ok,
    /// Something is missing, and the service works without it.
    Warning,
    /// The service does not work, or not as it was told to.
    Problem,
}

impl Report {
    /// The subject is as it should be.
    pub(super) fn ok(&mut self, check: Check, text: impl Display) {
        self.add(check, Severity::Ok, text, None);
    }

    /// Something is missing, and the service works without it.
    pub(super) fn warning(&mut self, check: Check, text: impl Display, remedy: impl Display) {
        self.add(check, Severity::Warning, text, Some(remedy.to_string()));
    }

    /// The service does not work, or not as it was told to.
    pub(super) fn problem(&mut self, check: Check, text: impl Display, remedy: impl Display) {
        self.add(check, Severity::Problem, text, Some(remedy.to_string()));
    }

    fn add(
        &mut self,
        check: Check,
        severity: Severity,
        text: impl Display,
        remedy: Option<String>,
    ) {
        self.findings.push(Finding {
            check,
            severity,
            text: text.to_string(),
            remedy,
        });
    }

    /// Whether there is a problem.
    pub(super) fn has_problem(&self) -> bool {
        self.count(Severity::Problem) > 0
    }

    /// The lines for a person.
    pub(super) fn lines(&self, style: Style) -> Vec<String> {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let severity = finding.severity.paint(style);
            let check = padded(finding.check.name(), Check::WIDTH);
            lines.push(format!("{severity}  {check}  {}", escape(&finding.text)));
            if let Some(remedy) = &finding.remedy {
                let indent = Severity::WIDTH + Check::WIDTH + 4;
                lines.push(format!("{:indent$}{}", "", escape(remedy)));
            }
        }
        lines.push(self.summary());
        lines
    }

    fn summary(&self) -> String {
        let count = |severity, one: &str| match self.count(severity) {
            0 => format!("no {one}s"),
            1 => format!("1 {one}"),
            many => format!("{many} {one}s"),
        };
        let problems = count(Severity::Problem, "problem");
        format!("{problems}, {}", count(Severity::Warning, "warning"))
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

impl Check {
    /// The widest name.
    const WIDTH: usize = "runtime directory".len();

    fn name(self) -> &'static str {
        match self {
            Self::RuntimeDirectory => "runtime directory",
            Self::SessionBus => "session bus",
            Self::Activation => "activation",
            Self::Unit => "unit",
            Self::Program => "program",
            Self::Configuration => "configuration",
            Self::Service => "service",
            Self::Source => "source",
        }
    }
}

impl Severity {
    /// The widest name.
    const WIDTH: usize = "problem".len();

    fn paint(self, style: Style) -> String {
        match self {
            Self::Ok => padded("ok", Self::WIDTH),
            Self::Warning => style.bold(&padded("warning", Self::WIDTH)),
            Self::Problem => style.red(&padded("problem", Self::WIDTH)),
        }
    }
}
