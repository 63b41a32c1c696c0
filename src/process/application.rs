//! The desktop application of a process, from its control group.

/// The id of the application of a process in a unit of a user manager: the name of its desktop file without `.desktop`.
/// `path` is the control group.
///
/// - `app[-LAUNCHER]-ID-RANDOM.scope`, `app[-LAUNCHER]-ID[@RANDOM].service` and `app[-LAUNCHER]-ID[-RANDOM].slice`, by
///   systemd.io/DESKTOP_ENVIRONMENTS. In each of the parts, a dash is written `\x2d`.
/// - `flatpak-ID-RANDOM.scope`, of older versions of Flatpak.
/// - `snap.NAME.APP-UUID.scope`, with a dot before the UUID in older versions of snapd, and `snap.NAME.APP.service`. The
///   desktop file is `NAME_APP.desktop`.
/// - `dbus-:1.2-ID@RANDOM.service`, for a program that dbus-broker has activated; the id is the name on the bus.
pub(super) fn application(unit: &str, path: &str) -> Option<String> {
    of_unit(unit).or_else(|| of_slice(unit, path))
}

fn of_unit(unit: &str) -> Option<String> {
    if let Some(name) = unit.strip_suffix(".scope") {
        if let Some(name) = name.strip_prefix("snap.") {
            return of_snap(without_random(name)?);
        }
        let (name, _random) = name.rsplit_once('-')?;
        let id = name
            .strip_prefix("app-")
            .or(name.starts_with("flatpak-").then_some(name))?;
        return id_of(id);
    }
    let name = unit.strip_suffix(".service")?;
    if let Some(name) = name.strip_prefix("snap.") {
        return of_snap(name);
    }
    let name = name.split_once('@').map_or(name, |(name, _random)| name);
    if let Some(activated) = name.strip_prefix("dbus-:") {
        let (_unique, id) = activated.split_once('-')?;
        return nonempty(unescape(id));
    }
    id_of(name.strip_prefix("app-")?)
}

/// A slice of an application has the units that the application starts. The slice of the instances of a template (of
/// `a@b.service`: `app-a.slice`) is that of no application.
fn of_slice(unit: &str, path: &str) -> Option<String> {
    let slices = path
        .rsplit('/')
        .filter_map(|part| part.strip_suffix(".slice"));
    let name = slices
        .filter_map(|slice| slice.strip_prefix("app-"))
        .next()?;
    let template = unit.split_once('@').map(|(template, _)| template);
    if template == Some(&*unescape(name)) {
        return None;
    }
    let is_random = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let id = match name.rsplit_once('-') {
        Some((name, random)) if is_random(random) => name,
        _ => name,
    };
    id_of(id)
}

/// The id in `[LAUNCHER-]ID`. Older versions of Flatpak do not escape the dashes of the id.
fn id_of(name: &str) -> Option<String> {
    let id = match name.strip_prefix("flatpak-") {
        Some(id) => id,
        None => name.rsplit_once('-').map_or(name, |(_launcher, id)| id),
    };
    nonempty(unescape(id))
}

/// The id in `NAME.APP`. A snap's hooks are no applications.
fn of_snap(name: &str) -> Option<String> {
    let (snap, app) = name.split_once('.')?;
    let is_one = !snap.is_empty() && !app.is_empty() && !app.contains('.');
    is_one.then(|| format!("{snap}_{}", unescape(app)))
}

/// The name without `-UUID` or `.UUID`.
fn without_random(name: &str) -> Option<&str> {
    const UUID: usize = 36;
    let at = name.len().checked_sub(UUID)?;
    let (name, uuid) = (name.get(..at)?, name.get(at..)?);
    let is_uuid = uuid
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    name.strip_suffix(['-', '.']).filter(|_| is_uuid)
}

fn nonempty(id: String) -> Option<String> {
    (!id.is_empty()).then_some(id)
}

/// Undoes the escapes of systemd.unit(5): `\x2d` is a dash.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, others @ ..] = rest {
        let escaped = rest
            .strip_prefix(br"\x")
            .and_then(|rest| Some((rest.get(..2)?, &rest[2..])))
            .and_then(|(digits, rest)| {
                let digits = std::str::from_utf8(digits).ok()?;
                let byte = u8::from_str_radix(digits, 16).ok()?;
                (byte != 0 && !digits.starts_with('+')).then_some((byte, rest))
            });
        let (byte, others) = escaped.unwrap_or((*first, others));
        bytes.push(byte);
        rest = others;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications() {
        let check = |unit: &str, expected: &str| {
            assert_eq!(
                application(unit, "").unwrap_or_default(),
                expected,
                "{unit}"
            );
        };
        check(
            "app-gnome-org.gnome.Terminal-1234.scope",
            "org.gnome.Terminal",
        );
        check("app-org.gnome.Terminal-1234.scope", "org.gnome.Terminal");
        check(
            r"app-flatpak-org.example.My\x2dApp-99.scope",
            "org.example.My-App",
        );
        check("app-firefox@0123abcd.service", "firefox");
        check("app-KDE-org.kde.okular@0123.service", "org.kde.okular");
        check("app-org.kde.okular.service", "org.kde.okular");
        check(r"app-gnome-google\x2dchrome-77.scope", "google-chrome");
        check(r"app-gnome-a\x2db@autostart.service", "a-b");
        check("app-1.scope", "");
        check("app.slice", "");
        check("application.service", "");
        check("session-2.scope", "");
        check("flatpak-org.example.App-99.scope", "org.example.App");
        check(
            "app-flatpak-org.example.my-app-99.scope",
            "org.example.my-app",
        );
        let uuid = "0d8ab7a1-7b1e-4a3f-9d1c-3f4e5a6b7c8d";
        check(
            &format!("snap.firefox.firefox-{uuid}.scope"),
            "firefox_firefox",
        );
        check(
            &format!("snap.firefox.firefox.{uuid}.scope"),
            "firefox_firefox",
        );
        check(&format!("snap.a-b.c-d-{uuid}.scope"), "a-b_c-d");
        check(&format!("snap.a.hook.configure-{uuid}.scope"), "");
        check(
            "snap.snapd-desktop-integration.snapd-desktop-integration.service",
            "snapd-desktop-integration_snapd-desktop-integration",
        );
        check("snap.firefox.firefox-12.scope", "");
        check("dbus-:1.2-org.gnome.Maps@0.service", "org.gnome.Maps");
        check(
            r"dbus-:1.10-org.example.My\x2dApp@12.service",
            "org.example.My-App",
        );
        check("dbus-broker.service", "");
        check("flatpak-session-helper.service", "");
    }

    #[test]
    fn units_in_the_slice_of_an_application() {
        let check = |slice: &str, unit: &str, expected: &str| {
            let path = format!("/user.slice/user-1.slice/user@1.service/app.slice/{slice}/{unit}");
            assert_eq!(
                application(unit, &path).unwrap_or_default(),
                expected,
                "{path}"
            );
        };
        let shell = "vte-spawn-0d8ab7a1.scope";
        check("app-org.gnome.Terminal.slice", shell, "org.gnome.Terminal");
        check(
            "app-gnome-org.gnome.Terminal-12.slice",
            shell,
            "org.gnome.Terminal",
        );
        check("session.slice", shell, "");
        // The slice that systemd makes for the instances of a template.
        check("app-backup.slice", "backup@home.service", "");
        check(r"app-my\x2dbackup.slice", "my-backup@home.service", "");
        let bus = "dbus-:1.2-org.gnome.Maps@0.service";
        check(
            r"app-dbus\x2d:1.2\x2dorg.gnome.Maps.slice",
            bus,
            "org.gnome.Maps",
        );
    }

    #[test]
    fn escapes() {
        let check = |name, expected| assert_eq!(unescape(name), expected);
        check(r"a\x2db", "a-b");
        check(r"\xc3\xa4", "ä");
        check(r"\xff", "\u{fffd}");
        check(r"\x2", r"\x2");
        check(r"\xzz\x00\", r"\xzz\x00\");
        check("", "");
    }
}
