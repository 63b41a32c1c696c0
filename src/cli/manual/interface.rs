//! An interface, from its description in XML and the comments in it.

use roff::{bold, italic, roman};
use roxmltree::{Document, Node, ParsingOptions};

use sampled::wire::{NAME, PATH};

use super::{markdown, name, page::Page};

/// The kinds of members, and their sections.
const SECTIONS: [(&str, &str); 3] = [
    ("method", "METHODS"),
    ("signal", "SIGNALS"),
    ("property", "PROPERTIES"),
];

/// The comment before an element.
struct Comment {
    /// The names that begin with `@`, and their texts.
    arguments: Vec<(String, String)>,
    /// The paragraphs, as Markdown.
    text: String,
}

/// Appends the page of the interface.
pub(super) fn render(page: &mut Page, description: &str) {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(description, options).expect("valid XML");
    let interface = document
        .descendants()
        .find(|node| node.has_tag_name("interface"))
        .expect("an interface");
    let about = Comment::before(interface);
    let [(_, short)] = &about.arguments[..] else {
        panic!("a short description is expected");
    };
    let mut short = short.clone();
    short[..1].make_ascii_lowercase();
    name(page, attribute(interface, "name"), &short);
    page.control("SH", ["SYNOPSIS"]);
    for (what, value) in [
        ("Bus", "the session bus"),
        ("Name", NAME),
        ("Object", PATH),
        ("Interface", attribute(interface, "name")),
    ] {
        page.control("TP", ["11"]);
        page.text([roman(what)]).text([bold(value)]);
    }
    page.control("SH", ["DESCRIPTION"]);
    markdown::render(page, &about.text);
    for (kind, section) in SECTIONS {
        let members = interface.children().filter(|node| node.has_tag_name(kind));
        let mut members = members.peekable();
        if members.peek().is_some() {
            page.control("SH", [section]);
        }
        members.for_each(|member| render_member(page, member));
    }
}

fn render_member(page: &mut Page, member: Node<'_, '_>) {
    let comment = Comment::before(member);
    page.control("SS", [attribute(member, "name")]);
    markdown::example(page, &declaration(member));
    markdown::render(page, &comment.text);
    for (argument, text) in &comment.arguments {
        page.control("TP", []);
        page.text([italic(argument.as_str())]);
        markdown::render_term(page, text);
    }
}

/// A member in the form of systemd's manual pages.
fn declaration(member: Node<'_, '_>) -> String {
    let name = attribute(member, "name");
    if member.has_tag_name("property") {
        return format!(
            "{}only {} {name};",
            attribute(member, "access"),
            attribute(member, "type")
        );
    }
    let arguments = member.children().filter(|node| node.has_tag_name("arg"));
    let arguments = arguments.map(|argument| {
        let [kind, name] = ["type", "name"].map(|key| attribute(argument, key));
        match (
            member.has_tag_name("method"),
            attribute(argument, "direction"),
        ) {
            (true, direction) => format!("{direction:<3} {kind} {name}"),
            (false, _) => format!("{kind} {name}"),
        }
    });
    let arguments: Vec<_> = arguments.collect();
    let between = format!(",\n{}", " ".repeat(name.len() + 1));
    format!("{name}({});", arguments.join(&between))
}

impl Comment {
    /// The comment before an element. Its first line is the name of the element; then come arguments, each with the lines
    /// that are indented further; the rest is the text.
    fn before(node: Node<'_, '_>) -> Self {
        let mut before = node.prev_siblings().skip(1);
        let comment = before.find(|node| !node.is_text());
        let comment = comment.filter(Node::is_comment).expect("a comment");
        let comment = comment.text().unwrap_or_default();
        let (_, comment) = comment.split_once(':').expect("the name of the element");
        let lines = comment.lines().map(str::trim);
        let (mut arguments, mut text) = (Vec::<(String, String)>::new(), String::new());
        let mut is_argument = false;
        for line in lines {
            if let Some(argument) = line.strip_prefix('@') {
                let (name, text) = argument.split_once(": ").expect("the name of an argument");
                arguments.push((name.to_owned(), text.to_owned()));
                is_argument = true;
            } else if line.is_empty() {
                is_argument = false;
                text.push('\n');
            } else {
                let last = arguments.last_mut().filter(|_| is_argument);
                let text = last.map_or(&mut text, |(_, text)| text);
                text.push('\n');
                text.push_str(line);
            }
        }
        Self { arguments, text }
    }
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).expect("the attribute")
}
