//! Markdown as roff: sections, paragraphs, lists, examples, and tables as lists of terms.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use roff::{Inline, bold, italic, roman};

use super::page::Page;

/// The files of the documentation that are pages, too.
const PAGES: [(&str, &str); 3] = [
    ("sources.md", "sampled-sources(5)"),
    ("config.md", "sampled-config(5)"),
    ("command-line.md", "sampled(1)"),
];

/// Appends a text. A heading of the second level is a section, one of the third a subsection.
pub(super) fn render(page: &mut Page, text: &str) {
    render_after(page, text, "PP");
}

/// Appends the text of a term. Its first paragraph begins none of its own.
pub(super) fn render_term(page: &mut Page, text: &str) {
    render_after(page, text, "");
}

fn render_after(page: &mut Page, text: &str, paragraph: &'static str) {
    let mut writer = Writer {
        page,
        inlines: Vec::new(),
        is_bold: false,
        is_italic: false,
        paragraph,
        items: 0,
        link: None,
        code: None,
        table: Table::default(),
    };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        writer.write(event);
    }
}

/// Names of pages, with commas between them.
pub(super) fn pages(pages: &[&str]) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for page in pages {
        let (name, section) = page.split_at(page.find('(').expect("a section"));
        if !inlines.is_empty() {
            inlines.push(roman(", "));
        }
        inlines.extend([bold(name), roman(section)]);
    }
    inlines
}

/// Appends an example: its lines as they are.
pub(super) fn example(page: &mut Page, text: &str) {
    page.control("PP", []).control("RS", ["4"]);
    example_lines(page, text);
    page.control("RE", []);
}

fn example_lines(page: &mut Page, text: &str) {
    /// The columns that a terminal of 80 has beside the indentation.
    const WIDTH: usize = 69;
    page.control("EX", []);
    for line in text.trim_end().lines() {
        assert!(line.chars().count() <= WIDTH, "too wide for a page: {line}");
        page.text([roman(line)]);
    }
    page.control("EE", []);
}

struct Writer<'a> {
    page: &'a mut Page,
    /// The paragraph so far.
    inlines: Vec<Inline>,
    is_bold: bool,
    is_italic: bool,
    /// The request before the next paragraph; empty inside an item that has begun.
    paragraph: &'static str,
    /// The depth of lists.
    items: usize,
    /// The target of a link, and the number of inlines before its text.
    link: Option<(String, usize)>,
    code: Option<String>,
    table: Table,
}

#[derive(Default)]
struct Table {
    heads: Vec<String>,
    cells: Vec<Vec<Inline>>,
}

impl Writer<'_> {
    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.push(&text),
            },
            Event::Code(text) => self.inlines.push(bold(text.to_string())),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            other => panic!("the manual has no form for {other:?}"),
        }
    }

    fn push(&mut self, text: &str) {
        self.inlines.push(match (self.is_bold, self.is_italic) {
            (true, _) => bold(text),
            (_, true) => italic(text),
            _ => roman(text),
        });
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.is_bold = true,
            Tag::Emphasis => self.is_italic = true,
            Tag::Link { dest_url, .. } => {
                self.link = Some((dest_url.to_string(), self.inlines.len()));
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = Some(String::new());
            }
            Tag::List(_) => {
                self.flush();
                self.items += 1;
            }
            Tag::Item => {
                self.page.control("IP", ["\\(bu", "2"]);
                self.paragraph = "";
            }
            Tag::Table(_) => self.table = Table::default(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.is_bold = false,
            TagEnd::Emphasis => self.is_italic = false,
            TagEnd::Link => self.end_link(),
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.items -= 1;
                self.paragraph = if self.items > 0 { "IP" } else { "PP" };
            }
            TagEnd::Heading(level) => {
                let text = plain(&std::mem::take(&mut self.inlines));
                match level as usize {
                    1 => {}
                    2 => drop(self.page.control("SH", [&*text.to_uppercase()])),
                    _ => drop(self.page.control("SS", [&*text])),
                }
                self.paragraph = "PP";
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                match self.items {
                    0 => example(self.page, &code),
                    _ => {
                        self.page.control("IP", []);
                        example_lines(self.page, &code);
                    }
                }
            }
            TagEnd::TableCell => self.table.cells.push(std::mem::take(&mut self.inlines)),
            TagEnd::TableHead => {
                let heads = std::mem::take(&mut self.table.cells);
                self.table.heads = heads.iter().map(|head| plain(head)).collect();
            }
            TagEnd::TableRow => self.end_row(),
            _ => {}
        }
    }

    /// Ends the paragraph.
    fn flush(&mut self) {
        let inlines = std::mem::take(&mut self.inlines);
        if inlines.is_empty() {
            return;
        }
        if !self.paragraph.is_empty() {
            self.page.control(self.paragraph, []);
        }
        self.page.text(inlines);
        self.paragraph = if self.items > 0 { "IP" } else { "PP" };
    }

    /// Says where a link leads, unless that is in the same page.
    fn end_link(&mut self) {
        let Some((target, begin)) = self.link.take() else {
            return;
        };
        if target.starts_with("https:") {
            return self.inlines.push(roman(format!(" <{target}>")));
        }
        let (file, _) = target.split_once('#').unwrap_or((&target, ""));
        if file.is_empty() {
            return;
        }
        let page = PAGES.iter().find(|(name, _)| *name == file);
        let named = match page {
            Some((_, page)) => pages(&[*page]),
            None => vec![roman(format!("docs/{}", file.trim_start_matches("../")))],
        };
        // A text that is the name of the file means nothing to a reader of the page.
        if plain(&self.inlines[begin..]).ends_with(".md") {
            self.inlines.truncate(begin);
            return self.inlines.extend(named);
        }
        self.inlines.push(roman(" ("));
        self.inlines.extend(named);
        self.inlines.push(roman(")"));
    }

    /// Writes a row: its first cell is a term, the second its meaning; each further one has its head as a label.
    fn end_row(&mut self) {
        let mut cells = std::mem::take(&mut self.table.cells).into_iter();
        self.page.control("TP", []);
        self.page.text(cells.next().unwrap_or_default());
        let mut text = cells.next().unwrap_or_default();
        for (head, cell) in self.table.heads.iter().skip(2).zip(cells) {
            if cell.is_empty() {
                continue;
            }
            let is_sentence = plain(&text).ends_with('.') || text.is_empty();
            let between = if is_sentence { "" } else { "." };
            let mut label = head.clone();
            label[..1].make_ascii_uppercase();
            text.push(roman(format!("{between} {label}: ")));
            text.extend(cell);
        }
        self.page.text(text);
        self.paragraph = "PP";
    }
}

/// The text alone.
fn plain(inlines: &[Inline]) -> String {
    let texts = inlines.iter().map(|inline| match inline {
        Inline::Roman(text) | Inline::Italic(text) | Inline::Bold(text) => text.as_str(),
        Inline::LineBreak => " ",
    });
    texts.collect()
}
