//! The table of processes: search, order, tree, and the end of a process.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command},
    time::Instant,
};

use crate::support::{DEADLINE, bus::Bus, terminal::Terminal};

/// A process that does nothing, under a name of its own.
struct Sleeper(Child);

impl Sleeper {
    fn start(bus: &Bus, name: &str) -> Self {
        let program = bus.home().join(name);
        let copied = Command::new("cp").arg("/bin/sleep").arg(&program).status();
        assert!(copied.unwrap().success());
        Self(Command::new(program).arg("1000").spawn().expect("sleep"))
    }

    fn signal(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.signal();
            }
            assert!(start.elapsed() < DEADLINE, "it does not end");
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_process_ends_after_a_question() {
    let bus = Bus::new();
    let mut sleeper = Sleeper::start(&bus, "zz-victim");
    let mut top = Terminal::top(&bus, "", 24, 100);
    top.until(|text| text.contains("PID"));
    top.key_in("0k");
    top.until(|text| text.contains("Select a process first"));
    top.key_in("/zz-vic\r");
    let row = format!("{} ", sleeper.0.id());
    let is_alone = |text: &str| text.contains(&row) && text.contains("/zz-vic (Esc)");
    top.until(|text| is_alone(text) && text.lines().count() < 24 || is_alone(text));
    top.until(|text| !text.contains("dbus-daemon"));
    top.key_in("\x1b[B");
    top.key_in("k");
    let question = format!("End zz-victim ({})?", sleeper.0.id());
    top.until(|text| text.contains(&question));
    top.key_in("\r");
    top.key_in("n");
    top.until(|text| !text.contains(&question));
    assert!(sleeper.0.try_wait().unwrap().is_none());
    top.key_in("k");
    top.until(|text| text.contains(&question));
    top.key_in("y");
    assert_eq!(sleeper.signal(), Some(15));
    top.until(|text| !text.contains(&row));
}

#[test]
fn names_do_not_control_the_terminal() {
    let bus = Bus::new();
    let names = ["zz-a\x1b[31mb", "zz-日本", "zz-שלום"];
    let sleepers = names.map(|name| Sleeper::start(&bus, name));
    let mut top = Terminal::top(&bus, "", 24, 60);
    top.until(|text| text.contains("PID"));
    top.key_in("0/zz-\r");
    let text = top.until(|text| {
        let expected = [r"zz-a\u{1b}[31mb", "zz-日本", "zz-שלום"];
        expected.iter().all(|name| text.contains(name))
    });
    assert_eq!(
        text.lines().filter(|line| line.contains("zz-")).count(),
        4,
        "{text}"
    );
    drop(sleepers);
}

#[test]
fn rows_have_an_order_and_a_tree() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 30, 100);
    top.until(|text| text.contains("CPU▾"));
    top.key_in("0");
    // The overview has a table, too, further below.
    top.until(|text| {
        text.lines()
            .nth(2)
            .is_some_and(|line| line.contains("CPU▾"))
    });
    let (column, row) = top.place("PID");
    top.click(column, row);
    top.until(|text| text.contains("PID▴"));
    top.until(|text| {
        text.lines()
            .nth(3)
            .is_some_and(|line| line.trim_start().starts_with("1 "))
    });
    top.key_in(">");
    top.until(|text| text.contains("User▴"));
    top.key_in("M");
    top.until(|text| text.contains("Memory▾"));
    top.key_in("r");
    top.until(|text| text.contains("Memory▴"));
    top.key_in("t");
    top.until(|text| text.contains("├ ") && !text.contains("Command Line"));
    top.key_in("\x1b[F");
    top.until(|text| !text.contains("├ 1 "));
}

#[test]
fn the_wheel_and_clicks_reach_the_rows() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 12, 80);
    top.until(|text| text.contains("PID"));
    top.key_in("0N");
    let first = |text: &str| text.lines().nth(3).map(str::to_owned);
    top.until(|text| first(text).is_some_and(|line| line.trim_start().starts_with("1 ")));
    top.key_in("\x1b[<65;5;6M");
    top.until(|text| {
        first(text).is_some_and(|line| {
            line.trim_start().starts_with("4 ") || !line.trim_start().starts_with("1 ")
        })
    });
    top.click(5, 5);
    top.until_screen(|screen| screen.cell(5, 5).is_some_and(|cell| cell.inverse()));
    top.key_in("\x1b");
    top.until_screen(|screen| screen.cell(5, 5).is_some_and(|cell| !cell.inverse()));
}

#[test]
fn processes_are_grouped() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    top.key_in("agg");
    let text = top.until(|text| text.contains("by user (g)") && text.contains("root"));
    assert!(
        text.contains("Processes") && !text.contains("PID"),
        "{text}"
    );
}
