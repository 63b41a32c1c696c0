//! The files for people and shells: descriptions of the interfaces, manual pages, completions.

use std::path::PathBuf;

use crate::wire::{DESCRIPTION, INTERFACE, PROCESSES_DESCRIPTION, PROCESSES_INTERFACE};

use super::Layout;

/// A text that is installed with a mark in it.
pub(super) struct Document {
    pub(super) path: PathBuf,
    /// The begin of the file, with the mark.
    begin: &'static str,
    /// The rest of the file.
    rest: &'static str,
}

impl Document {
    /// The content of the file.
    pub(super) fn content(&self) -> String {
        format!("{}{}", self.begin, self.rest)
    }
}

/// The begins of the files. Code generators tell XML by its first line, and zsh a completion; so the mark comes second.
pub(super) const BEGINS: [&str; 4] = [XML, MANUAL, SCRIPT, ZSH];
const XML: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Written by `sampled install`. -->\n";
const MANUAL: &str = ".\\\" Written by `sampled install`.\n";
const SCRIPT: &str = "# Written by `sampled install`.\n";
const ZSH: &str = "#compdef sampled\n# Written by `sampled install`.\n";

/// The manual pages, by the names of their files.
const MANUALS: [(&str, &str); 6] = [
    ("man1/sampled.1", include_str!("../../man/sampled.1")),
    (
        "man1/sampled-top.1",
        include_str!("../../man/sampled-top.1"),
    ),
    (
        "man5/sampled-config.5",
        include_str!("../../man/sampled-config.5"),
    ),
    (
        "man5/sampled-sources.5",
        include_str!("../../man/sampled-sources.5"),
    ),
    (
        "man5/io.github.sampled.Sampler1.5",
        include_str!("../../man/io.github.sampled.Sampler1.5"),
    ),
    (
        "man5/io.github.sampled.Processes1.5",
        include_str!("../../man/io.github.sampled.Processes1.5"),
    ),
];

const BASH_COMPLETION: &str = include_str!("../../completions/sampled.bash");
const ZSH_COMPLETION: &str = include_str!("../../completions/_sampled");
const FISH_COMPLETION: &str = include_str!("../../completions/sampled.fish");

/// All documents, with their paths in a layout.
pub(super) fn all(layout: &Layout) -> Vec<Document> {
    let document = |path, begin, rest| Document { path, begin, rest };
    let description = |interface, text| {
        let path = layout.interfaces.join(format!("{interface}.xml"));
        document(path, XML, text)
    };
    let mut all = vec![
        description(INTERFACE, DESCRIPTION),
        description(PROCESSES_INTERFACE, PROCESSES_DESCRIPTION),
    ];
    let manuals = MANUALS.iter();
    all.extend(manuals.map(|(file, text)| document(layout.manuals.join(file), MANUAL, *text)));
    let zsh = ZSH_COMPLETION.split_once('\n');
    let zsh = zsh.map_or(ZSH_COMPLETION, |(_, rest)| rest);
    all.extend([
        document(
            layout.bash_completions.join("sampled"),
            SCRIPT,
            BASH_COMPLETION,
        ),
        document(layout.zsh_completions.join("_sampled"), ZSH, zsh),
        document(
            layout.fish_completions.join("sampled.fish"),
            SCRIPT,
            FISH_COMPLETION,
        ),
    ]);
    all
}

#[test]
fn all_files_of_the_project_are_documents() {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (directory, count) in [("man", MANUALS.len()), ("completions", 3)] {
        let files = std::fs::read_dir(project.join(directory)).unwrap();
        assert_eq!(files.count(), count, "{directory}");
    }
    assert!(ZSH_COMPLETION.starts_with("#compdef sampled\n"));
}
