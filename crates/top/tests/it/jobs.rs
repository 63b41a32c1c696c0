//! A shell's jobs: ^Z and `fg`.

use crate::support::{
    bus::{Bus, TOP},
    terminal::Terminal,
};

#[test]
fn a_stopped_program_gives_the_terminal_back_and_goes_on() {
    let bus = Bus::new();
    let mut command = bus.command("setsid");
    command.args([
        "--ctty",
        "bash",
        "--norc",
        "--noprofile",
        "--noediting",
        "-i",
    ]);
    command.env("PS1", "> ").env("TOP_PROGRAM", TOP);
    let mut shell = Terminal::run(command, 24, 80);
    shell.until(|text| text.trim_end().ends_with('>'));
    shell.key_in("$TOP_PROGRAM\n");
    for round in 1..=3 {
        shell.until(|text| text.contains("PID") && text.contains("1 Overview"));
        shell.key_in("\u{1a}");
        shell.until_screen(|screen| {
            !screen.alternate_screen() && screen.contents().matches("Stopped").count() == round
        });
        shell.key_in(&format!("echo mark $((100 + {round}))\n"));
        let mark = format!("mark {}", 100 + round);
        shell.until(|text| text.contains(&mark));
        shell.key_in("fg\n");
        shell.until_screen(vt100::Screen::alternate_screen);
    }
    shell.until(|text| text.contains("PID"));
    shell.key_in("q");
    shell.until_screen(|screen| !screen.alternate_screen());
    shell.key_in("echo status $?\n");
    shell.until(|text| text.contains("status 0"));
}
