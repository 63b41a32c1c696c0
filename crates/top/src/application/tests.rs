use sampled_pages::Page as Graphs;

use super::*;
use crate::{action::Action, processes::grouping::Grouping};

fn application(selectors: &[&str]) -> Application {
    let directory = std::env::temp_dir().join("no such directory");
    let layout = LayoutFile::read(Some(directory.join("top.toml")));
    let selectors = selectors.iter().map(|selector| (*selector).to_owned());
    Application::new(Theme::of_environment(), layout, selectors.collect(), None)
}

#[test]
fn a_page_reads_only_what_it_shows() {
    let mut application = application(&[]);
    application.table_size = (80, 24);
    let demand = application.demand().unwrap();
    assert!(demand.selectors.contains(&"cpu/all/usage".to_owned()));
    assert!(application.query().is_some());
    application.act(Action::Show(Page::Graphs(Graphs::Memory)));
    let demand = application.demand().unwrap();
    assert!(
        demand
            .selectors
            .iter()
            .all(|selector| selector.contains("memory"))
    );
    assert_eq!(application.query(), None);
    application.act(Action::Show(Page::Sampling));
    assert_eq!(application.demand(), None);
    assert!(application.needs_report());
    application.act(Action::Show(Page::Metrics));
    assert_eq!(application.demand(), None);
    application.act(Action::Pause);
    application.act(Action::Show(Page::OVERVIEW));
    assert_eq!((application.demand(), application.query()), (None, None));
}

#[test]
fn selectors_of_the_command_line_have_a_page() {
    let mut application = application(&["a/b/c"]);
    assert_eq!(application.page, Page::Metrics);
    assert_eq!(application.demand().unwrap().selectors, ["a/b/c"]);
    application.act(Action::EditMetrics);
    application.act(Action::EraseAll);
    application.act(Action::Type("x/* \n y".to_owned()));
    application.act(Action::Erase);
    application.act(Action::Type("z".to_owned()));
    application.act(Action::Submit);
    assert_eq!(application.demand().unwrap().selectors, ["x/*", "z"]);
}

#[test]
fn pages_are_beside_each_other() {
    let mut application = application(&[]);
    application.act(Action::PreviousPage);
    assert_eq!(application.page, Page::Metrics);
    application.act(Action::NextPage);
    assert_eq!(application.page, Page::OVERVIEW);
}

#[test]
fn nothing_is_shown_twice_after_a_pause() {
    let mut application = application(&["a/b/c"]);
    let frame = |second: u64| {
        let reading = Ok(sampled_client::Value::Number(second as f64));
        Frame::new(second * 1_000_000, [("a/b/c".to_owned(), reading)])
    };
    (1..=3).for_each(|second| application.take(&frame(second)));
    application.act(Action::Pause);
    application.act(Action::Pause);
    (1..=3).for_each(|second| application.take(&frame(second)));
    let values: Vec<f64> = application.recording.values("a/b/c").collect();
    assert_eq!(values, [3.0, 2.0, 1.0]);
}

#[test]
fn the_interval_has_steps() {
    let mut application = application(&[]);
    for (action, expected) in [
        (Action::Slower, 2000),
        (Action::Faster, 1000),
        (Action::Faster, 500),
        (Action::Faster, 250),
        (Action::Faster, 100),
        (Action::Faster, 100),
    ] {
        application.act(action);
        assert_eq!(application.interval, Duration::from_millis(expected));
    }
}

#[test]
fn a_process_ends_only_after_an_answer() {
    let mut application = application(&[]);
    application.act(Action::End);
    assert_eq!(application.mode, Mode::Normal);
    assert!(
        application
            .message
            .as_deref()
            .unwrap()
            .starts_with("Select a process")
    );
    application.mode = Mode::End {
        pid: 7,
        start_time: 8,
        name: "x".to_owned(),
    };
    application.act(Action::Cancel);
    assert_eq!(application.act(Action::Confirm(9)), None);
    application.mode = Mode::End {
        pid: 7,
        start_time: 8,
        name: "x".to_owned(),
    };
    let request = application.act(Action::Confirm(15));
    let expected = Request::End {
        pid: 7,
        start_time: 8,
        signal: 15,
    };
    assert_eq!(request, Some(expected));
    assert_eq!(application.mode, Mode::Normal);
}

#[test]
fn groups_change_by_a_key() {
    let mut application = application(&[]);
    application.act(Action::Group);
    assert_eq!(application.table.grouping, Grouping::Application);
    application.act(Action::Show(Page::Applications));
    application.act(Action::Group);
    assert_eq!(application.table.grouping, Grouping::Unit);
}
