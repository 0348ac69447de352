//! What is evaluated: the arguments of `nix-instantiate` for each workload.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One command line that every contender is given.
pub(crate) struct Workload {
    /// What `--only` and the report call it.
    pub(crate) name: &'static str,
    /// The arguments after `nix-instantiate`.
    pub(crate) args: Vec<OsString>,
}

/// Every workload, from the smallest to the largest.
pub(crate) fn all(nixpkgs: &Path, systems: &Path) -> Vec<Workload> {
    let package = |attribute: &str| -> Vec<OsString> {
        vec!["--readonly-mode".into(), nixpkgs.into(), "-A".into(), attribute.into()]
    };
    let system = |file: &str| -> Vec<OsString> {
        let file = systems.join(file);
        vec!["--readonly-mode".into(), file.into(), "--arg".into(), "nixpkgs".into(), nixpkgs.into()]
    };
    let own = own();
    vec![
        Workload { name: "one", args: ["--eval", "-E", "1"].map(OsString::from).to_vec() },
        Workload { name: "hello", args: package("hello") },
        Workload { name: "firefox", args: package("firefox") },
        Workload { name: "plasma-desktop", args: package("kdePackages.plasma-desktop") },
        Workload { name: "nixos-minimal", args: system("minimal.nix") },
        Workload { name: "nixos-desktop", args: system("desktop.nix") },
        Workload { name: "nixos-server", args: system("server.nix") },
        Workload {
            name: "packages-500",
            args: vec![
                "--eval".into(),
                "--strict".into(),
                "--json".into(),
                "--readonly-mode".into(),
                own.join("packages.nix").into(),
                "--arg".into(),
                "nixpkgs".into(),
                nixpkgs.into(),
                "--argstr".into(),
                "list".into(),
                own.join("packages-500.txt").into(),
            ],
        },
    ]
}

/// Frazil's cache folder, where its inputs for tests and measurements are looked for.
pub(crate) fn cache() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    Some(base.join("frazil"))
}

pub(crate) fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads")
}
