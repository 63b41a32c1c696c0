use sampled_pages::Page as Graphs;

use super::*;

fn layout(text: &str) -> (LayoutFile, Layout, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("top.toml");
    fs::write(&path, text).unwrap();
    let (file, layout) = LayoutFile::read(Some(path));
    (file, layout, directory)
}

#[test]
fn what_is_written_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/top.toml");
    let (file, absent) = LayoutFile::read(Some(path.clone()));
    assert_eq!((file.broken(), &absent), (None, &Layout::default()));
    let written = Layout {
        sort: Some("-rss".to_owned()),
        tree: true,
        metrics: vec!["cpu/*/usage".to_owned()],
        ..Layout::default()
    };
    let written = written.with(
        Page::Graphs(Graphs::Disks),
        Duration::from_millis(1500),
        Grouping::Unit,
    );
    assert!(file.write(&written).starts_with("Saved to "));
    let (file, read) = LayoutFile::read(Some(path));
    assert_eq!((file.broken(), &read), (None, &written));
    assert_eq!(read.page(), Some(Page::Graphs(Graphs::Disks)));
    assert_eq!(read.interval(), Some(Duration::from_millis(1500)));
    assert_eq!(read.grouping(), Some(Grouping::Unit));
}

#[test]
fn what_is_written_has_the_first_page_among_its_pages() {
    let (file, read, _directory) = layout("pages = ['disks', 'power']\npage = 'power'\n");
    let written = read.with(Page::Metrics, Duration::from_secs(1), Grouping::Unit);
    assert!(file.write(&written).starts_with("Saved to "));
    let (file, read) = LayoutFile::read(file.path);
    assert_eq!((file.broken, read.page()), (None, page("power")));
}

#[test]
fn no_more_than_the_limit_is_read() {
    // The kernel's files have no size beforehand.
    let (file, read) = LayoutFile::read(Some("/proc/kallsyms".into()));
    assert_eq!(read, Layout::default());
    let broken = file.broken().unwrap();
    assert!(broken.contains("larger than 65536 bytes"), "{broken}");
}

#[test]
fn a_broken_file_is_kept() {
    let check = |text: &str, expected: &str| {
        let (file, read, directory) = layout(text);
        assert_eq!(read, Layout::default());
        let broken = file.broken().unwrap();
        assert!(broken.contains(expected), "{broken}");
        let said = file.write(&read);
        assert!(said.starts_with("Not saved"), "{said}");
        let kept = fs::read_to_string(directory.path().join("top.toml"));
        assert_eq!(kept.unwrap(), text);
    };
    check("page = 'disks'\ntree = maybe\n", "line 2: ");
    check("page = 'disk'\n", "line 1: page: \"disk\" is no page");
    check("\ncolour = 'red'\n", "line 2: unknown field `colour`");
    check("tree = true\ninterval = '0s'\n", "line 2: interval: ");
    check(
        "pages = ['disks', 'power', 'disks']\n",
        "line 1: pages: \"disks\" is there twice",
    );
    check(
        "pages = ['disks']\n# The first one.\npage = 'power'\n",
        "line 3: page: \"power\" is not among pages",
    );
    check("sort = 'size'\n", "line 1: sort: ");
    check("group = 'x'\n", "line 1: group: ");
    check(&"#".repeat(70_000), "larger than 65536 bytes");
}
