use sampled_client::{Frame, Value};
use sampled_pages::{Hue, Line};

use super::*;
use crate::{drawing::Drawing, layout_file::LayoutFile, theme::Theme};

/// The rows that a screen of this size shows of a graph of these lines. Each of them has read 1.
fn rows(lines: &[&str], width: u16, height: u16) -> Vec<String> {
    let file = std::env::temp_dir().join("no such directory/top.toml");
    let layout = LayoutFile::read(Some(file));
    let mut application = Application::new(Theme::of_environment(), layout, Vec::new(), None);
    let readings = lines
        .iter()
        .map(|id| ((*id).to_owned(), Ok(Value::Number(1.0))));
    application.take(&Frame::new(1_000_000, readings));
    let lines = lines.iter().map(|name| Line {
        id: (*name).to_owned(),
        name: (*name).to_owned(),
        hue: Hue::Blue,
    });
    let mut section = Section::new("");
    section.cards.push(Card {
        title: "Throughput".to_owned(),
        object: String::new(),
        lines: lines.collect(),
        unit: "By/s".to_owned(),
        minimum: None,
        maximum: Some(10_240.0),
        details: Vec::new(),
        notice: String::new(),
        is_small: false,
    });
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let mut drawing = Drawing::default();
    drawing.begin(area);
    let mut canvas = Canvas {
        drawing: &mut drawing,
        area,
    };
    draw(&mut canvas, &application, &[section], 0);
    let rows = drawing.rows().zip(area.rows());
    rows.map(|(row, at)| {
        let cells = row.cells(at);
        let symbols = cells.content().iter().map(|cell| cell.symbol());
        symbols.collect::<String>().trim_end().to_owned()
    })
    .collect()
}

#[test]
fn a_graph_that_is_cut_shows_its_first_lines() {
    const NAMES: [&str; 3] = ["Highest", "Average", "Lowest"];
    for height in 1..20 {
        let rows = rows(&NAMES, 60, height);
        assert!(rows[0].starts_with("Throughput"), "{rows:#?}");
        let below = &rows[1..];
        for row in below {
            let names = NAMES.iter().filter(|name| row.contains(**name)).count();
            assert!(names <= 1, "{rows:#?}");
            let is_whole = row.is_empty()
                || NAMES.iter().any(|name| row.starts_with(name))
                || row.trim_start().starts_with(['1', '▁']);
            assert!(is_whole, "{rows:#?}");
        }
        // Each name has its value and its mark.
        for name in NAMES {
            let Some(at) = below.iter().position(|row| row.starts_with(name)) else {
                continue;
            };
            let own = below[at..].iter().take(2).cloned().collect::<String>();
            assert!(own.contains(" 1"), "{rows:#?}");
        }
        let is_there = height == 1 || rows[1].starts_with(NAMES[0]);
        assert!(is_there, "{rows:#?}");
    }
}

#[test]
fn a_scale_without_room_is_left_out() {
    let check = |width, expected: &str| assert_eq!(rows(&["Read"], width, 3)[0], expected);
    check(40, "Throughput           1      ≤ 10.0 KiB/s");
    check(36, "Throughput           1  ≤ 10.0 KiB/s");
    check(34, "Throughput           1");
    check(20, "Throughput         1");
    let both = ["Read", "Written"];
    assert_eq!(rows(&both, 24, 3)[0], "Throughput  ≤ 10.0 KiB/s");
    assert_eq!(rows(&both, 20, 3)[0], "Throughput");
    assert_eq!(rows(&both, 8, 3)[0], "Through…");
}
