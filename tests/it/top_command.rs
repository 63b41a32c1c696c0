//! `sampled top` executes the monitor.

use std::path::Path;

use crate::support::{
    home::{Home, SAMPLED, copy_program},
    process::Run,
};

#[test]
fn top_becomes_the_program_beside_it_or_in_path() {
    let home = Home::new();
    let own = home.dir().join("sampled");
    copy_program(Path::new(SAMPLED), &own);
    let elsewhere = home.dir().join("bin");
    let run = |arguments: &[&str]| {
        let mut command = home.command(own.to_str().expect("UTF-8"));
        Run::of(command.env("PATH", &elsewhere).arg("top").args(arguments))
    };
    let missing = run(&["cpu"]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    let expected = format!(
        "sampled: {}/sampled-top: there is no such program",
        home.dir().display()
    );
    assert!(missing.stderr.starts_with(&expected), "{missing:?}");
    // echo(1) shows what it is given.
    std::fs::create_dir(&elsewhere).expect("directory");
    for place in [&elsewhere, home.dir()] {
        copy_program(Path::new("/bin/echo"), &place.join("sampled-top"));
        assert_eq!(
            run(&["--interval", "2s", "cpu", "-x"]).ok(),
            "--interval 2s cpu -x\n"
        );
        assert_eq!(run(&[]).ok(), "\n");
    }
}
