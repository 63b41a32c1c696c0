use sampled_client::Fault;

use super::*;

/// A table of processes with pids, usage of processors, and parents.
fn table(rows: &[(u32, f64, u32)], is_tree: bool) -> Table {
    let mut table = Table::new(Order::DEFAULT, is_tree, Grouping::Application);
    table.query = Some(Query {
        fields: vec!["cpu", "name", "start_time", "parent"],
        options: TableOptions::default(),
        grouping: None,
        is_tree,
    });
    let number = |number: f64| Ok(Value::Number(number));
    table.rows = rows
        .iter()
        .map(|&(pid, cpu, parent)| Row {
            key: Key::Process(pid),
            cells: vec![
                if cpu.is_nan() {
                    Err(Fault::First)
                } else {
                    number(cpu)
                },
                Ok(Value::Text(format!("p\u{1b}{pid}").into())),
                number(7.0),
                number(parent.into()),
            ],
            branch: String::new(),
        })
        .collect();
    table.arrange();
    table
}

fn pids(table: &Table) -> Vec<u32> {
    table.rows.iter().filter_map(Row::pid).collect()
}

#[test]
fn rows_are_ordered_by_a_column() {
    let mut table = table(
        &[(1, 2.0, 0), (2, f64::NAN, 0), (3, 5.0, 0), (4, 2.0, 0)],
        false,
    );
    assert_eq!(pids(&table), [3, 1, 4, 2]);
    table.order_by(Column::Cpu);
    assert_eq!(pids(&table), [2, 1, 4, 3]);
    table.order_by(Column::Pid);
    assert_eq!(pids(&table), [1, 2, 3, 4]);
    table.order_by(Column::Pid);
    assert_eq!(pids(&table), [4, 3, 2, 1]);
    table.order_beside(&[Column::Pid, Column::Cpu], true);
    assert_eq!(table.order, Order::DEFAULT);
    table.order_beside(&[Column::Pid, Column::Cpu], true);
    assert_eq!(table.order, Order::DEFAULT);
}

#[test]
fn the_selection_follows_a_process() {
    let mut table = table(&[(1, 1.0, 0), (2, 2.0, 0), (3, 3.0, 0)], false);
    assert_eq!(table.selected_process(), None);
    table.select_by(1);
    table.select_by(1);
    let selected = Some((2, 7, r"p\u{1b}2".to_owned()));
    assert_eq!(table.selected_process(), selected);
    table.order_by(Column::Pid);
    assert_eq!(table.selected_process(), selected);
    table.rows.remove(1);
    table.arrange();
    assert_eq!(table.selected_process().map(|(pid, ..)| pid), Some(3));
    table.select_by(-9);
    assert_eq!(table.selected_process().map(|(pid, ..)| pid), Some(1));
}

#[test]
fn the_screen_follows_the_selection() {
    let rows: Vec<_> = (1..=100).map(|pid| (pid, 0.0, 0)).collect();
    let mut table = table(&rows, false);
    assert_eq!(table.scroll_to_fit(10), 0);
    table.select_by(0);
    table.select_by_page(true);
    table.select_by_page(true);
    assert_eq!(table.scroll_to_fit(10), 11);
    assert_eq!(table.query(false, 80, 10).options.limit, Some(64));
    table.select_last();
    assert_eq!(table.scroll_to_fit(10), 90);
    // All rows are asked for.
    assert_eq!(table.query(false, 80, 10).options.limit, None);
    table.select_by(-1);
    assert_eq!(table.query(false, 80, 10).options.limit, Some(128));
    table.select_nothing();
    table.scroll_by(-85);
    assert_eq!(table.scroll_to_fit(10), 5);
    table.scroll_by(1000);
    assert_eq!(table.scroll_to_fit(10), 90);
}

#[test]
fn a_search_is_a_pattern_for_the_service() {
    let mut table = table(&[], false);
    let mut check = |search: &str, field: &str, pattern: &str| {
        table.search = search.to_owned();
        let filter = table.query(false, 80, 10).options.filter;
        assert_eq!(filter.get(field).map(String::as_str), Some(pattern));
    };
    check("ssh", "name", "*ssh*");
    check("ssh*", "name", "ssh*");
    check("17", "pid", "17");
}

#[test]
fn only_what_is_shown_is_asked_for() {
    let table = table(&[], false);
    let fields = |width| table.query(false, width, 10).fields;
    assert_eq!(fields(30), ["cpu", "name", "start_time"]);
    assert!(!fields(80).contains(&"read"));
    assert!(fields(300).contains(&"read"));
    let mut brief = super::Table::new(Order::DEFAULT, false, Grouping::Application);
    brief.is_brief = true;
    let fields = brief.query(false, 300, 10).fields;
    assert!(!fields.contains(&"read") && fields.contains(&"threads"));
}
