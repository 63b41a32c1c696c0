//! The manual pages: that man and mandoc take them, and that nothing is missing. `src/cli/manual` makes them.

use std::{
    collections::BTreeSet,
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    home::Home,
    process::{Run, skip},
};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of all pages.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(project().join("man")).unwrap();
    let pages: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!pages.is_empty());
    pages
}

/// Runs a program of this machine; `None` if it is missing, which is a skip.
fn run(program: &str, arguments: &[&str]) -> Option<Run> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.env("PATH", env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
    match command.output() {
        Ok(output) => Some(output.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(&format!("{program} is not installed"));
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// A page as a person reads it, without the bold and italic letters of a terminal.
fn rendered(page: &str) -> Option<String> {
    let path = project().join("man").join(page);
    let path = path.to_str().unwrap();
    Some(run("man", &["-l", path])?.ok())
}

/// The words of a text, without the signs around them.
fn words(text: &str) -> BTreeSet<&str> {
    let is_sign = |c: char| !c.is_alphanumeric() && !"_-.".contains(c);
    let words = text.split(is_sign);
    words.map(|word| word.trim_end_matches('.')).collect()
}

#[test]
fn man_formats_each_page_without_a_warning_in_80_columns() {
    for page in pages() {
        let page = page.to_str().unwrap();
        let arguments = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page];
        let Some(run) = run("man", &arguments) else {
            return;
        };
        assert_eq!(run.stderr, "", "{page}");
        assert!(!run.ok().is_empty(), "{page}");
        let text = self::run("man", &["-l", page]).unwrap().ok();
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{page}: {line}");
            // Markdown that was not understood.
            let is_raw = ["](", "**", "`", "| ---"]
                .iter()
                .any(|raw| line.contains(raw));
            assert!(!is_raw, "{page}: {line}");
        }
    }
}

#[test]
fn mandoc_finds_nothing_wrong() {
    for page in pages() {
        let page = page.to_str().unwrap();
        let Some(run) = run("mandoc", &["-T", "lint", "-W", "warning", page]) else {
            return;
        };
        let found = run.stdout.lines().chain(run.stderr.lines());
        // A date would differ from build to build.
        let found: Vec<_> = found
            .filter(|line| !line.contains("missing date"))
            .collect();
        assert_eq!(found, [] as [&str; 0]);
    }
}

/// The names at the begin of the lines below `Commands:`.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn the_page_of_the_program_has_each_command_and_each_option() {
    let Some(page) = rendered("sampled.1") else {
        return;
    };
    let home = Home::new();
    let mut waiting = vec![Vec::<String>::new()];
    let (mut commands_found, mut options_found) = (0, 0);
    while let Some(command) = waiting.pop() {
        let mut arguments: Vec<_> = command.iter().map(String::as_str).collect();
        match command.as_slice() {
            // Its option --help is that of sampled-top, which has a page of its own.
            [top] if top == "top" => arguments.insert(0, "help"),
            _ => arguments.push("--help"),
        }
        let help = home.run(&arguments).ok();
        let title = format!("sampled {}", command.join(" "));
        // The section of the command, and the common one.
        let section = page.split_once(&format!("\n   {title}\n"));
        let section = match command.is_empty() {
            true => "",
            false => section.unwrap_or_else(|| panic!("{title} is missing")).1,
        };
        let section = section.split("\n   sampled ").next().unwrap();
        let (_, common) = page.split_once("\nCOMMON OPTIONS\n").unwrap();
        let documented = words(section);
        let documented: BTreeSet<_> = documented.union(&words(common)).copied().collect();
        let options = help.lines().map(str::trim_start);
        let options = options.filter(|line| line.starts_with('-'));
        for option in options.flat_map(|line| line.split([' ', ',', '='])) {
            if option.starts_with("--") && option.len() > 2 {
                assert!(documented.contains(option), "{title} {option} is missing");
                options_found += 1;
            }
        }
        for name in commands(&help) {
            commands_found += 1;
            waiting.push([command.clone(), vec![name.to_owned()]].concat());
        }
    }
    assert!(commands_found > 15, "{commands_found}");
    assert!(options_found > 100, "{options_found}");
}

/// The keys that the program knows in a section of config.toml: the error of an unknown one lists them.
fn known_keys(home: &Home, section: &str) -> Vec<String> {
    let file = home.dir().join("config.toml");
    fs::write(&file, format!("{section}nonsense = 1\n")).unwrap();
    let run = home.run(&["list", "--local", "--config", file.to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let (_, known) = run.stderr.split_once("(known: ").expect(&run.stderr);
    let (known, _) = known.split_once(')').unwrap();
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_page_of_the_configuration_has_each_key() {
    let Some(page) = rendered("sampled-config.5") else {
        return;
    };
    let home = Home::new();
    // A key is a term of a list, or a section.
    let is_documented = |key: &str| {
        let is_term = |line: &str| {
            line.strip_prefix("       ").is_some_and(|line| {
                line.split_whitespace().next() == Some(key) && !line.starts_with(' ')
            })
        };
        page.lines().any(is_term)
    };
    let sections = known_keys(&home, "");
    assert!(sections.len() > 5, "{sections:?}");
    for section in sections {
        if section == "idle_timeout" {
            assert!(is_documented(&section));
            continue;
        }
        let table = match section.as_str() {
            "sandbox" => "sandbox.\"org.example.App\"".to_owned(),
            _ => section.clone(),
        };
        assert!(page.contains(&format!("[{table}]")), "{table}");
        for key in known_keys(&home, &format!("{table}.")) {
            if key == "total" {
                assert!(page.contains("[limits.total]"));
                for key in known_keys(&home, "limits.total.") {
                    assert!(is_documented(&key), "limits.total.{key}");
                }
                continue;
            }
            assert!(is_documented(&key), "{table}.{key}");
        }
    }
}

#[test]
fn the_page_of_custom_metrics_has_each_key() {
    let Some(page) = rendered("sampled-sources.5") else {
        return;
    };
    let documented = words(&page);
    let home = Home::new();
    let directory = home.dir().join("definitions");
    fs::create_dir(&directory).unwrap();
    for table in ["metrics.\"a/b/c\"", "commands.a"] {
        fs::write(directory.join("a.toml"), format!("{table}.nonsense = 1\n")).unwrap();
        let run = home.run(&["sources", "check", directory.to_str().unwrap()]);
        let (_, known) = run.stdout.split_once("(known: ").expect(&run.stdout);
        let (known, _) = known.split_once(')').unwrap();
        for key in known.split(", ") {
            assert!(documented.contains(key), "{table}: {key} is missing");
        }
    }
}

#[test]
fn the_page_of_an_interface_has_each_member_and_argument() {
    for interface in ["Sampler1", "Processes1"] {
        let name = format!("io.github.sampled.{interface}");
        let Some(page) = rendered(&format!("{name}.5")) else {
            return;
        };
        let description = project().join(format!("dbus/{name}.xml"));
        let description = fs::read(description).unwrap();
        let node = zbus_xml::Node::from_reader(&description[..]).unwrap();
        let interface = &node.interfaces()[0];
        let names = |arguments: &[zbus_xml::Arg]| -> Vec<String> {
            let names = arguments
                .iter()
                .map(|argument| argument.name().expect("a name"));
            names.map(str::to_owned).collect()
        };
        let methods = interface.methods();
        let methods = methods.map(|method| (method.name().to_string(), names(method.args())));
        let signals = interface.signals();
        let signals = signals.map(|signal| (signal.name().to_string(), names(signal.args())));
        let properties = interface.properties();
        let properties = properties.map(|property| (property.name().to_string(), Vec::new()));
        for (member, arguments) in methods.chain(signals).chain(properties) {
            let title = format!("   {member}");
            let lines = page.lines().skip_while(|line| *line != title);
            assert!(lines.clone().next().is_some(), "{name}.{member} is missing");
            let lines = lines.skip(1);
            let lines = lines.take_while(|line| line.is_empty() || line.starts_with("     "));
            let text = lines.collect::<Vec<_>>().join("\n");
            for argument in arguments {
                assert!(
                    text.contains(&format!("\n       {argument}")),
                    "{name}.{member} does not explain {argument}"
                );
            }
        }
    }
}
