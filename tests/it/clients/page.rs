//! docs/clients.md: its programs, and the rules of its proxy.

const PAGE: &str = include_str!("../../../docs/clients.md");

/// A program of the page.
pub(super) struct Program {
    pub(super) code: String,
    pub(super) file: String,
    /// The commands of a shell that build and run it.
    pub(super) command: String,
}

impl Program {
    /// The program below a heading.
    pub(super) fn of(stack: &str) -> Self {
        let (language, code, rest) = block(stack);
        let extension = match language {
            "python" => "py",
            "javascript" => "js",
            "rust" => "rs",
            "bash" => "sh",
            language => language,
        };
        let commands = rest.lines().filter_map(|line| line.strip_prefix("    "));
        Self {
            code: code.to_owned(),
            file: format!("client.{extension}"),
            command: commands.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// The rules for xdg-dbus-proxy that allow readings and no processes.
pub(super) fn rules() -> Vec<String> {
    let (_, command, _) = block("In a sandbox");
    let words = command
        .split_whitespace()
        .map(|word| word.replace('\'', ""));
    let rules: Vec<_> = words
        .filter(|word| word.starts_with("--call=") || word.starts_with("--broadcast="))
        .collect();
    assert_eq!(rules.len(), 5, "{command}");
    rules
}

/// The first block of code below a heading: its language, the code, and the rest of the section.
fn block(heading: &str) -> (&'static str, &'static str, &'static str) {
    let (_, section) = PAGE
        .split_once(&format!("\n### {heading}\n"))
        .expect(heading);
    let section = section.split("\n### ").next().expect("a part");
    let (_, block) = section.split_once("\n```").expect(heading);
    let (language, block) = block.split_once('\n').expect(heading);
    let (code, rest) = block.split_once("```\n").expect(heading);
    (language, code, rest)
}
