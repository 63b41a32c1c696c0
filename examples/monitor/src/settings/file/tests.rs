use std::{os::unix::fs::symlink, process::Command, time::Duration};

use super::*;
use crate::threshold::Threshold;

/// A directory of a test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("sampled-monitor-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("settings.ini")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn what_is_saved_is_loaded() {
    let directory = Directory::new("saved");
    let path = directory.0.join("new/settings.ini");
    let settings = Settings {
        width: 360,
        page: "memory".to_owned(),
        span: Duration::from_secs(600),
        pinned: vec!["disk/盘;%2F/read".to_owned(), "cpu/all/usage".to_owned()],
        thresholds: vec!["cpu/all/usage above 90".parse().unwrap()],
        ..Settings::default()
    };
    let (file, absent) = SettingsFile::load(path.clone());
    assert_eq!((file.damage(), absent), (None, Settings::default()));
    file.save(&settings).unwrap();
    let (file, loaded) = SettingsFile::load(path.clone());
    assert_eq!((file.damage(), &loaded), (None, &settings));
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("\n[later]\nversion=2\n");
    fs::write(&path, text).unwrap();
    file.save(&settings).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("version=2"));
}

#[test]
fn the_longest_lists_are_saved() {
    let directory = Directory::new("longest");
    // A selector of the longest kind, whose every character is escaped.
    let id = |number: usize| format!("{number:02}{}", ";".repeat(254));
    let pinned: Vec<String> = (0..super::super::MAX_PINNED).map(id).collect();
    let threshold = |id: &String| Threshold {
        id: id.clone(),
        direction: sampled_client::Direction::Above,
        value: -1.234_567_890_123_4e-12,
    };
    let settings = Settings {
        thresholds: pinned.iter().map(threshold).collect(),
        pinned,
        ..Settings::default()
    };
    let (file, _) = SettingsFile::load(directory.path());
    file.save(&settings).unwrap();
    let (file, loaded) = SettingsFile::load(directory.path());
    assert_eq!((file.damage(), loaded), (None, settings));
}

#[test]
fn a_link_stays_a_link() {
    let directory = Directory::new("link");
    let target = directory.0.join("target");
    fs::write(&target, "[window]\nwidth=500\n").unwrap();
    symlink("target", directory.path()).unwrap();
    let (file, mut settings) = SettingsFile::load(directory.path());
    settings.width = 600;
    file.save(&settings).unwrap();
    let link = fs::symlink_metadata(directory.path()).unwrap();
    assert!(link.is_symlink());
    assert!(fs::read_to_string(target).unwrap().contains("width=600"));
    assert_eq!(directory.names(), ["settings.ini", "target"]);
}

#[test]
fn what_could_not_be_read_again_is_not_saved() {
    let directory = Directory::new("large");
    let text = "[window]\nwidth=500\n";
    fs::write(directory.path(), text).unwrap();
    let (file, mut settings) = SettingsFile::load(directory.path());
    settings.pinned = vec!["x".repeat(70_000)];
    let cause = "they are larger than 65536 bytes".to_owned();
    assert_eq!(file.save(&settings), Err(Error::Unwritable { cause }));
    assert_eq!(fs::read_to_string(directory.path()).unwrap(), text);
}

#[test]
fn a_damaged_file_is_kept_and_named() {
    let check = |text: &[u8], expected: &str, width: i32| {
        let directory = Directory::new("damaged");
        fs::write(directory.path(), text).unwrap();
        let (file, settings) = SettingsFile::load(directory.path());
        assert_eq!(settings.width, width);
        let damage = file.damage().unwrap();
        assert!(damage.cause.contains(expected), "{}", damage.cause);
        assert!(damage.cause.chars().count() <= 300, "{}", damage.cause);
        let kept = damage.kept.as_ref().unwrap();
        assert_eq!(fs::read(kept).unwrap(), text);
        // A second run before the first has saved needs no other copy.
        let (_again, _) = SettingsFile::load(directory.path());
        assert_eq!(directory.names(), ["settings.ini", "settings.ini.broken-1"]);
        file.save(&settings).unwrap();
        let (file, saved) = SettingsFile::load(directory.path());
        assert_eq!((file.damage(), saved), (None, settings));
    };
    check(b"no key file", "Key file", 1000);
    check(b"[window]\nwidth=500\nheight=high", "high", 500);
    check(b"[window]\nwidth=-1", "-1", 1000);
    let expected = "interval-ms=1 is not between 250 and 60000";
    check(b"[sampling]\ninterval-ms=1", expected, 1000);
    let text = b"[window]\nwidth=7\n[board]\nthresholds=cpu above;";
    check(text, "cpu above", 7);
    let expected = "which is not a key-value pair";
    check(&[b'a'; 65_536], expected, 1000);
    let text = format!("[board]\nthresholds={};", "a".repeat(60_000));
    check(text.as_bytes(), "is no threshold", 1000);
    check(b"# caf\xe9\n[window]\nwidth=500\n", "UTF-8", 1000);
}

#[test]
fn a_file_that_is_not_read_is_neither_copied_nor_replaced() {
    let check = |make: &dyn Fn(&Path), expected: &str| {
        let directory = Directory::new("unread");
        let path = directory.path();
        make(&path);
        let about = || {
            let about = fs::symlink_metadata(&path).unwrap();
            (about.file_type(), about.len())
        };
        let made = about();
        let (file, settings) = SettingsFile::load(path.clone());
        assert_eq!(settings, Settings::default());
        let damage = file.damage().unwrap();
        assert!(damage.cause.contains(expected), "{}", damage.cause);
        assert_eq!(damage.kept, None);
        let cause = damage.cause.clone();
        assert_eq!(file.save(&settings), Err(Error::Lost { cause }));
        assert_eq!(directory.names(), ["settings.ini"]);
        assert_eq!(about(), made);
        // Nothing is lost when the user has moved it away.
        fs::rename(&path, directory.0.join("moved")).unwrap();
        file.save(&settings).unwrap();
        assert_eq!(directory.names(), ["moved", "settings.ini"]);
    };
    let no_file = "it is no regular file";
    check(&|path| symlink("/dev/zero", path).unwrap(), no_file);
    check(&|path| fs::create_dir(path).unwrap(), no_file);
    let fifo = |path: &Path| {
        let status = Command::new("mkfifo").arg(path).status();
        assert!(status.unwrap().success());
    };
    check(&fifo, no_file);
    let large = |path: &Path| fs::write(path, "#".repeat(65_537)).unwrap();
    check(&large, "it is larger than 65536 bytes");
    check(&|path| symlink(path, path).unwrap(), "symbolic links");
}

#[test]
fn a_repaired_file_is_not_replaced() {
    let directory = Directory::new("repaired");
    fs::write(directory.path(), "#".repeat(65_537)).unwrap();
    let (file, settings) = SettingsFile::load(directory.path());
    let text = "[board]\nmetrics=cpu/all/usage;\n";
    fs::write(directory.path(), text).unwrap();
    let result = file.save(&settings);
    assert!(matches!(result, Err(Error::Lost { .. })), "{result:?}");
    assert_eq!(fs::read_to_string(directory.path()).unwrap(), text);
}

#[test]
fn a_file_that_was_damaged_since_is_not_replaced() {
    let directory = Directory::new("since");
    fs::write(directory.path(), "not yet a key file").unwrap();
    let (file, settings) = SettingsFile::load(directory.path());
    fs::write(directory.path(), "no longer a key file").unwrap();
    let result = file.save(&settings);
    assert!(matches!(result, Err(Error::Lost { .. })), "{result:?}");
    let text = fs::read_to_string(directory.path()).unwrap();
    assert_eq!(text, "no longer a key file");
}

#[test]
fn a_file_that_cannot_be_copied_is_not_replaced() {
    let directory = Directory::new("copies");
    for number in 1..100 {
        let name = format!("settings.ini.broken-{number}");
        fs::write(directory.0.join(name), number.to_string()).unwrap();
    }
    fs::write(directory.path(), "no key file").unwrap();
    let (file, settings) = SettingsFile::load(directory.path());
    assert_eq!(file.damage().unwrap().kept, None);
    let result = file.save(&settings);
    assert!(matches!(result, Err(Error::Lost { .. })), "{result:?}");
    let text = fs::read_to_string(directory.path()).unwrap();
    assert_eq!(text, "no key file");
}
