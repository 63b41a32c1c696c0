//! Flatpak: the file `/.flatpak-info` that it puts into the root of each sandbox, and of the proxy of each.

/// The app id in the text of that file: that of an application, or of a runtime that runs without one.
///
/// The file is a key file. The groups `[Application]` and `[Runtime]` have a key `name`; see flatpak-metadata(5).
pub(super) fn app_id(text: &str) -> Option<&str> {
    let mut group = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            group = name.strip_suffix(']').unwrap_or_default();
        } else if let "Application" | "Runtime" = group
            && let Some((key, value)) = line.split_once('=')
            && key.trim_end() == "name"
        {
            return Some(value.trim_start()).filter(|id| is_app_id(id));
        }
    }
    None
}

/// Whether a text has the form of an app id: elements separated by dots, as in a bus name, or `snap.NAME`.
pub(crate) fn is_app_id(text: &str) -> bool {
    const MAX_BYTES: usize = 255;
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    text.len() <= MAX_BYTES && text.contains('.') && text.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_ids_of_flatpak_info_files() {
        let check = |text, expected| assert_eq!(app_id(text), expected, "{text:?}");
        let real = "[Application]\nname=org.gnome.Maps\nruntime=runtime/org.gnome.Platform/x86_64/45\n\
                    \n[Instance]\ninstance-id=4123\nname=not.this\n";
        check(real, Some("org.gnome.Maps"));
        check(
            "# a comment\n[Runtime]\nruntime=x\nname = org.gnome.Sdk\n",
            Some("org.gnome.Sdk"),
        );
        check("[Instance]\nname=org.example.App\n", None);
        check("name=org.example.App\n", None);
        check("[Application\nname=org.example.App\n", None);
        check("[Application]\nname=\n", None);
        check("[Application]\nname=org example\n", None);
        check("[Application]\n#name=org.example.App\n", None);
        check("", None);
    }

    #[test]
    fn valid_and_invalid_app_ids() {
        let check = |text: &str, expected| assert_eq!(is_app_id(text), expected, "{text}");
        check("org.example.App", true);
        check("org.example.My-App_2", true);
        check("snap.firefox", true);
        check("snap.0ad", true);
        check("App", false);
        check("org..App", false);
        check(".org.App", false);
        check("org.example.App.", false);
        check("org.example.App\"]", false);
        check("org.exämple.App", false);
        check("", false);
        check(&format!("a.{}", "b".repeat(253)), true);
        check(&format!("a.{}", "b".repeat(254)), false);
    }
}
