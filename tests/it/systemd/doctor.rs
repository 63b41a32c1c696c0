//! `sampled doctor` on the unit of the service.

use crate::support::process::{DEADLINE, Run};

use super::session::{UNITS, within};

#[test]
fn a_masked_unit_is_a_problem() {
    within(&UNITS, async |session| {
        let doctor = || Run::within(&mut session.sampled(&["doctor"]), DEADLINE);
        let sound = doctor();
        assert!(sound.stdout.contains("sampled.service is "), "{sound:?}");
        assert!(
            sound.stdout.contains("started by systemd for this check"),
            "{sound:?}"
        );
        assert!(sound.stdout.contains("no problems"), "{sound:?}");
        assert_eq!(sound.code, Some(0), "{sound:?}");
        let systemctl = |verb| {
            let mut command = std::process::Command::new("systemctl");
            Run::of(command.args(["--user", "--now", verb, "sampled.service"])).ok()
        };
        Run::within(&mut session.sampled(&["stop"]), DEADLINE).ok();
        systemctl("mask");
        let masked = doctor();
        systemctl("unmask");
        assert_eq!(masked.code, Some(1), "{masked:?}");
        for text in [
            "problem  unit",
            "sampled.service is masked",
            "systemctl --user unmask sampled.service",
            "problem  service",
        ] {
            assert!(masked.stdout.contains(text), "{text}: {masked:?}");
        }
    });
}
