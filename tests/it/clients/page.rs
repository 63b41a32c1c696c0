//! docs/clients.md: what it quotes from the examples, and the rules of its proxy.

use std::{fs, path::Path};

const PAGE: &str = include_str!("../../../docs/clients.md");

/// The rules for xdg-dbus-proxy that allow readings and no processes.
pub(super) fn rules() -> Vec<String> {
    let (_, section) = PAGE.split_once("\n### In a sandbox\n").expect("a section");
    let (_, block) = section.split_once("\n```sh\n").expect("a block");
    let (command, _) = block.split_once("```\n").expect("its end");
    let words = command
        .split_whitespace()
        .map(|word| word.replace('\'', ""));
    let rules: Vec<_> = words
        .filter(|word| word.starts_with("--call=") || word.starts_with("--broadcast="))
        .collect();
    assert_eq!(rules.len(), 5, "{command}");
    rules
}

#[test]
fn the_page_quotes_the_examples_as_they_are() {
    let mut rest = PAGE;
    let mut quotes = 0;
    // The link to a file of an example, then a block of its lines.
    while let Some((_, after)) = rest.split_once("](../examples/") {
        rest = after;
        let Some((path, block)) = after.split_once("):\n\n```") else {
            continue;
        };
        if path.contains('\n') {
            continue;
        }
        let (quote, _) = block.split_once("\n```\n").expect("the end of a block");
        let quote: Vec<_> = quote.lines().skip(1).collect();
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(path);
        let text = fs::read_to_string(&file).expect(path);
        let lines: Vec<_> = text.lines().collect();
        let found = lines
            .windows(quote.len())
            .any(|lines| is_quoted(lines, &quote));
        assert!(found, "{path} does not have {quote:#?}");
        quotes += 1;
    }
    let blocks = PAGE.matches("\n```\n").count();
    assert_eq!(
        quotes + 1,
        blocks,
        "each block but that of the proxy is a quotation"
    );
}

/// Whether a quotation has these lines, all with the same indentation less.
fn is_quoted(lines: &[&str], quote: &[&str]) -> bool {
    let indent = lines[0].len().saturating_sub(quote[0].len());
    lines.iter().zip(quote).all(|(line, quote)| {
        line.split_at_checked(indent)
            .map_or(line.is_empty() && quote.is_empty(), |(space, line)| {
                space.trim().is_empty() && line == *quote
            })
    })
}
