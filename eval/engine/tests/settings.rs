//! Settings: where they come from, which of two wins, and what the evaluator reads of them.

use std::collections::BTreeMap;

use frazil_engine::settings::{
    Feature, Flag, Kind, Lint, Outside, SETTINGS, Settings, Unreadable, split_nix_path,
};

/// A world of these variables and files.
#[derive(Default)]
struct World {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Outside for World {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| (*value).to_owned())
    }

    fn read(&self, path: &str) -> Result<String, Unreadable> {
        self.files.get(path).map(|text| (*text).to_owned()).ok_or(Unreadable::Missing)
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn working_directory(&self) -> String {
        "/work".to_owned()
    }
}

fn world<const V: usize, const F: usize>(
    variables: [(&'static str, &'static str); V],
    files: [(&'static str, &'static str); F],
) -> World {
    World { variables: variables.into(), files: files.into() }
}

fn load(world: &World) -> Settings {
    Settings::load(world).expect("good settings")
}

#[test]
fn the_table_is_in_order_and_names_are_told_apart() {
    assert!(SETTINGS.is_sorted_by(|a, b| a.name < b.name));
    let mut names: Vec<&str> =
        SETTINGS.iter().flat_map(|s| s.aliases.iter().copied().chain([s.name])).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn renamed_lints_name_lints() {
    for setting in SETTINGS {
        if let Kind::RenamedLint(target) = setting.kind {
            let row = SETTINGS.iter().find(|row| row.name == target).expect("the lint is there");
            assert_eq!(row.kind, Kind::Lint);
        }
    }
}

#[test]
fn defaults() {
    let settings = load(&World::default());
    assert_eq!(settings.max_call_depth(), 10_000);
    assert!(!settings.pure_eval() && !settings.restrict_eval() && settings.allow_import_from_derivation());
    assert_eq!(settings.lint_url_literals(), Lint::Ignore);
    assert_eq!(settings.current_system(), "x86_64-linux");
    assert!(Feature::ALL.iter().all(|feature| !settings.has_feature(*feature)));
}

#[test]
fn later_sources_win() {
    let world = world(
        [
            ("HOME", "/home/u"),
            ("NIX_CONF_DIR", "/conf"),
            ("XDG_CONFIG_DIRS", "/x:/y"),
            ("NIX_CONFIG", "allowed-uris = e"),
        ],
        [
            ("/conf/nix.conf", "max-call-depth = 1\ntrace-verbose = true\nsystem = a\nallowed-uris = q"),
            ("/y/nix/nix.conf", "max-call-depth = 2\nsystem = b"),
            ("/x/nix/nix.conf", "max-call-depth = 3"),
            ("/home/u/.config/nix/nix.conf", "extra-allowed-uris = r"),
        ],
    );
    let settings = load(&world);
    assert_eq!(settings.max_call_depth(), 3);
    assert_eq!(settings.current_system(), "b");
    assert_eq!(settings.allowed_uris(), ["e"]);
    assert!(settings.trace_verbose());
}

#[test]
fn named_user_files_stand_for_all_others() {
    let world = world(
        [("HOME", "/home/u"), ("NIX_USER_CONF_FILES", "/a:/b")],
        [
            ("/a", "max-call-depth = 1"),
            ("/b", "max-call-depth = 2\nabort-on-warn = true"),
            ("/home/u/.config/nix/nix.conf", "pure-eval = true"),
        ],
    );
    let settings = load(&world);
    assert_eq!(settings.max_call_depth(), 1);
    assert!(settings.abort_on_warn() && !settings.pure_eval());
}

#[test]
fn files_include_files() {
    let world = world(
        [("NIX_CONF_DIR", "/etc/nix")],
        [
            ("/etc/nix/nix.conf", "include sub/more.conf\n!include gone.conf\nmax-call-depth = 7"),
            ("/etc/nix/sub/more.conf", "max-call-depth = 6\nshow-trace = true\ninclude ../other.conf"),
            (
                "/etc/nix/other.conf",
                "experimental-features = flakes\nextra-experimental-features = pipe-operators",
            ),
        ],
    );
    let settings = load(&world);
    assert_eq!(settings.max_call_depth(), 7);
    assert!(settings.show_trace());
    for feature in [Feature::Flakes, Feature::FetchTree, Feature::PipeOperators] {
        assert!(settings.has_feature(feature), "{feature:?}");
    }
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let world = world([("NIX_CONF_DIR", "/c")], [("/c/nix.conf", "include nix.conf")]);
    let error = Settings::load(&world).expect_err("it has no end");
    assert!(error.message().contains("files deep"), "{error}");
}

#[test]
fn nix_path_beats_files_and_flags_beat_both() {
    let world = world([("NIX_PATH", "a=/tmp"), ("NIX_CONFIG", "nix-path = c=/usr")], []);
    let mut settings = load(&world);
    assert_eq!(settings.search_path(&["z=/q".to_owned()], &world), ["z=/q", "a=/tmp"]);
    let flag = Flag::named("extra-nix-path").expect("it can be added to");
    settings.set_flag(flag, "b=/etc").expect("any words");
    assert_eq!(settings.search_path(&[], &world), ["a=/tmp", "b=/etc"]);
    settings.set_flag(Flag::named("nix-path").expect("a setting"), "d").expect("any words");
    assert_eq!(settings.search_path(&[], &world), ["d"]);
}

#[test]
fn channels_come_last_and_not_to_the_restricted() {
    let world = world(
        [("HOME", "/home/u"), ("NIX_STATE_DIR", "/state")],
        [
            ("/home/u/.nix-defexpr/channels", ""),
            ("/state/profiles/per-user/root/channels/nixpkgs", ""),
            ("/state/profiles/per-user/root/channels", ""),
        ],
    );
    let mut settings = load(&world);
    let channels = [
        "/home/u/.nix-defexpr/channels",
        "nixpkgs=/state/profiles/per-user/root/channels/nixpkgs",
        "/state/profiles/per-user/root/channels",
    ];
    assert_eq!(settings.search_path(&[], &world), channels);
    settings.set_option("restrict-eval", "true").expect("a good value");
    assert_eq!(settings.search_path(&["x".to_owned()], &world), ["x"]);
    settings.set_option("pure-eval", "true").expect("a good value");
    assert!(settings.search_path(&["x".to_owned()], &world).is_empty());
    settings.set_impure();
    assert!(!settings.pure_eval());
}

#[test]
fn colons_of_addresses_part_no_entries() {
    let check = |path, entries: &[&str]| assert_eq!(split_nix_path(path), entries, "{path}");
    check("", &[]);
    check("a:b", &["a", "b"]);
    check("a::b:", &["a", "", "b"]);
    check("nixpkgs=https://x/y.tar.gz:foo=http://z", &["nixpkgs=https://x/y.tar.gz", "foo=http://z"]);
    check("a=flake:nixpkgs:b", &["a=flake:nixpkgs", "b"]);
    check("channel:nixos:b=channel:x", &["channel:nixos", "b=channel:x"]);
}

#[test]
fn older_names_of_flags_stand_for_the_last_flag_of_their_setting() {
    let mut settings = Settings::default();
    for (old, own) in [("build-keep-log", "no-keep-build-log"), ("binary-caches", "extra-substituters")] {
        assert_eq!(Flag::named(old), Flag::named(own), "{old}");
    }
    assert!(Flag::named("no-build-keep-log").is_none());
    settings.set_option("eval-system", "powerpc-linux").expect("a good value");
    assert_eq!(settings.current_system(), "powerpc-linux");
}

#[test]
fn the_renamed_lint_yields_to_the_new_one() {
    let mut settings = Settings::default();
    settings.set_option("warn-short-path-literals", "true").expect("a good value");
    assert_eq!(settings.lint_short_path_literals(), Lint::Warn);
    settings.set_option("lint-short-path-literals", "fatal").expect("a good value");
    settings.set_option("warn-short-path-literals", "true").expect("a good value");
    assert_eq!(settings.lint_short_path_literals(), Lint::Fatal);
    assert_eq!(settings.take_warnings().len(), 2);
}

#[test]
fn abort_on_warn_has_a_variable() {
    assert!(load(&world([("NIX_ABORT_ON_WARN", "1")], [])).abort_on_warn());
    assert!(!load(&world([("NIX_ABORT_ON_WARN", "0")], [])).abort_on_warn());
}
