//! Every setting of CppNix 2.34.8: its name, what its value may be, and the value it has when nobody sets it.

use super::Feature;

/// What a value may be, and what setting it twice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true`, `yes`, `1`, `false`, `no` or `0`.
    Bool,
    /// A truth value that stands for `warn` or `ignore` of the lint it was renamed to.
    RenamedLint(&'static str),
    /// `ignore`, `warn` or `fatal`.
    Lint,
    /// An unsigned 32-bit number, with a unit of 1024 (`K`, `M`, `G`, `T`) if wished.
    U32,
    /// The same with 64 bits.
    U64,
    /// The same with a sign.
    I64,
    /// A number of jobs, or `auto`.
    Jobs,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
    /// Any text but the empty one.
    Path,
    /// An absolute path, or the empty text for none.
    OptionalPath,
    /// An absolute path.
    AbsolutePath,
    /// A store.
    Store,
    /// Stores between blanks, which an `extra-` setting adds to.
    Stores,
    /// Words between blanks, which an `extra-` setting adds to.
    Words,
    /// Names of experimental features, which `extra-experimental-features` adds to.
    Features,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// The name in `nix.conf` and, after two dashes, on the command line.
    pub name: &'static str,
    /// What it may be set to.
    pub kind: Kind,
    /// The value nobody set, in the form that `nix.conf` would have it. What CppNix finds out about the machine, as the
    /// features of its processor, stands here without that.
    pub default: &'static str,
    /// Older names.
    pub aliases: &'static [&'static str],
    /// The setting is ignored unless this is enabled.
    pub feature: Option<Feature>,
}

const fn row(name: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { name, kind, default, aliases: &[], feature: None }
}

impl Setting {
    const fn or(self, aliases: &'static [&'static str]) -> Setting {
        Setting { aliases, ..self }
    }

    const fn with(self, feature: Feature) -> Setting {
        Setting { feature: Some(feature), ..self }
    }
}

/// All settings in byte order of their names; looking one up searches by halves.
pub static SETTINGS: &[Setting] = &[
    row("abort-on-warn", Kind::Bool, "false"),
    row("accept-flake-config", Kind::Bool, "false").with(Feature::Flakes),
    row("access-tokens", Kind::Words, ""),
    row("allow-dirty", Kind::Bool, "true"),
    row("allow-dirty-locks", Kind::Bool, "false").with(Feature::Flakes),
    row("allow-import-from-derivation", Kind::Bool, "true"),
    row("allow-new-privileges", Kind::Bool, "false"),
    row("allow-symlinked-store", Kind::Bool, "false"),
    row("allow-unsafe-native-code-during-evaluation", Kind::Bool, "false"),
    row("allowed-impure-host-deps", Kind::Text, ""),
    row("allowed-uris", Kind::Words, ""),
    row("allowed-users", Kind::Words, "*"),
    row("always-allow-substitutes", Kind::Bool, "false"),
    row("auto-allocate-uids", Kind::Bool, "false").with(Feature::AutoAllocateUids),
    row("auto-optimise-store", Kind::Bool, "false"),
    row("bash-prompt", Kind::Text, ""),
    row("bash-prompt-prefix", Kind::Text, ""),
    row("bash-prompt-suffix", Kind::Text, ""),
    row("build-dir", Kind::OptionalPath, ""),
    row("build-hook", Kind::Words, "nix __build-remote"),
    row("build-poll-interval", Kind::U32, "5"),
    row("build-users-group", Kind::Text, ""),
    row("builders", Kind::Text, "@/etc/nix/machines"),
    row("builders-use-substitutes", Kind::Bool, "false"),
    row("commit-lock-file-summary", Kind::Text, "").or(&["commit-lockfile-summary"]).with(Feature::Flakes),
    row("compress-build-log", Kind::Bool, "true").or(&["build-compress-log"]),
    row("connect-timeout", Kind::U64, "15"),
    row("cores", Kind::U32, "0").or(&["build-cores"]),
    row("debugger-on-trace", Kind::Bool, "false"),
    row("debugger-on-warn", Kind::Bool, "false"),
    row("diff-hook", Kind::OptionalPath, ""),
    row("download-attempts", Kind::U32, "5"),
    row("download-buffer-size", Kind::U64, "1048576"),
    row("download-speed", Kind::U32, "0"),
    row("eval-attrset-update-layer-rhs-threshold", Kind::U32, "16"),
    row("eval-cache", Kind::Bool, "true"),
    row("eval-profile-file", Kind::Path, "nix.profile"),
    row("eval-profiler", Kind::OneOf(&["disabled", "flamegraph"]), "disabled"),
    row("eval-profiler-frequency", Kind::U32, "99"),
    row("eval-system", Kind::Text, ""),
    row("experimental-features", Kind::Features, ""),
    row("external-builders", Kind::Text, ""),
    row("extra-platforms", Kind::Words, "i686-linux"),
    row("fallback", Kind::Bool, "false").or(&["build-fallback"]),
    row("filter-syscalls", Kind::Bool, "true"),
    row("flake-registry", Kind::Text, "https://channels.nixos.org/flake-registry.json").with(Feature::Flakes),
    row("fsync-metadata", Kind::Bool, "true"),
    row("fsync-store-paths", Kind::Bool, "false"),
    row("gc-reserved-space", Kind::I64, "8388608"),
    row("hashed-mirrors", Kind::Words, ""),
    row("http-connections", Kind::U64, "25").or(&["binary-caches-parallel-connections"]),
    row("http2", Kind::Bool, "true"),
    row("id-count", Kind::U32, "8388608"),
    row("ignore-try", Kind::Bool, "false"),
    row("ignored-acls", Kind::Words, "security.csm security.selinux system.nfs4_acl"),
    row("impersonate-linux-26", Kind::Bool, "false").or(&["build-impersonate-linux-26"]),
    row("impure-env", Kind::Words, "").with(Feature::ConfigurableImpureEnv),
    row("json-log-path", Kind::OptionalPath, ""),
    row("keep-build-log", Kind::Bool, "true").or(&["build-keep-log"]),
    row("keep-derivations", Kind::Bool, "true").or(&["gc-keep-derivations"]),
    row("keep-env-derivations", Kind::Bool, "false").or(&["env-keep-derivations"]),
    row("keep-failed", Kind::Bool, "false"),
    row("keep-going", Kind::Bool, "false"),
    row("keep-outputs", Kind::Bool, "false").or(&["gc-keep-outputs"]),
    row("lint-absolute-path-literals", Kind::Lint, "ignore"),
    row("lint-short-path-literals", Kind::Lint, "ignore"),
    row("lint-url-literals", Kind::Lint, "ignore"),
    row("log-lines", Kind::U64, "25"),
    row("max-build-log-size", Kind::U64, "0").or(&["build-max-log-size"]),
    row("max-call-depth", Kind::U32, "10000"),
    row("max-free", Kind::U64, "9223372036854775807"),
    row("max-jobs", Kind::Jobs, "1").or(&["build-max-jobs"]),
    row("max-silent-time", Kind::I64, "0").or(&["build-max-silent-time"]),
    row("max-substitution-jobs", Kind::U32, "16").or(&["substitution-max-jobs"]),
    row("min-free", Kind::U64, "0"),
    row("min-free-check-interval", Kind::U64, "5"),
    row("nar-buffer-size", Kind::U64, "33554432"),
    row("narinfo-cache-meta-ttl", Kind::U32, "604800"),
    row("narinfo-cache-negative-ttl", Kind::U32, "3600"),
    row("narinfo-cache-positive-ttl", Kind::U32, "2592000"),
    row("netrc-file", Kind::AbsolutePath, "/etc/nix/netrc"),
    row("nix-path", Kind::Words, ""),
    row("nix-shell-always-looks-for-shell-nix", Kind::Bool, "true"),
    row("nix-shell-shebang-arguments-relative-to-script", Kind::Bool, "true"),
    row("plugin-files", Kind::Text, ""),
    row("post-build-hook", Kind::Text, ""),
    row("pre-build-hook", Kind::Text, ""),
    row("preallocate-contents", Kind::Bool, "false"),
    row("print-missing", Kind::Bool, "true"),
    row("pure-eval", Kind::Bool, "false"),
    row("require-drop-supplementary-groups", Kind::Bool, "true"),
    row("require-sigs", Kind::Bool, "true"),
    row("restrict-eval", Kind::Bool, "false"),
    row("run-diff-hook", Kind::Bool, "false"),
    row("sandbox", Kind::OneOf(&["true", "relaxed", "false"]), "true")
        .or(&["build-use-chroot", "build-use-sandbox"]),
    row("sandbox-build-dir", Kind::AbsolutePath, "/build"),
    row("sandbox-dev-shm-size", Kind::Text, "50%"),
    row("sandbox-fallback", Kind::Bool, "true"),
    row("sandbox-paths", Kind::Words, "").or(&["build-chroot-dirs", "build-sandbox-paths"]),
    row("secret-key-files", Kind::Words, ""),
    row("show-trace", Kind::Bool, "false"),
    row("ssl-cert-file", Kind::OptionalPath, "/etc/ssl/certs/ca-certificates.crt"),
    row("stalled-download-timeout", Kind::U64, "300"),
    row("start-id", Kind::U32, "872415232"),
    row("store", Kind::Store, "auto"),
    row("substitute", Kind::Bool, "true").or(&["build-use-substitutes"]),
    row("substituters", Kind::Stores, "https://cache.nixos.org/").or(&["binary-caches"]),
    row("sync-before-registering", Kind::Bool, "false"),
    row("system", Kind::Text, "x86_64-linux"),
    row("system-features", Kind::Words, "benchmark big-parallel nixos-test uid-range"),
    row("tarball-ttl", Kind::U32, "3600"),
    row("timeout", Kind::I64, "0").or(&["build-timeout"]),
    row("trace-function-calls", Kind::Bool, "false"),
    row("trace-import-from-derivation", Kind::Bool, "false"),
    row("trace-verbose", Kind::Bool, "false"),
    row("trust-tarballs-from-git-forges", Kind::Bool, "true"),
    row("trusted-public-keys", Kind::Words, "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=")
        .or(&["binary-cache-public-keys"]),
    row("trusted-substituters", Kind::Stores, "").or(&["trusted-binary-caches"]),
    row("trusted-users", Kind::Words, "root"),
    row(
        "upgrade-nix-store-path-url",
        Kind::Text,
        "https://github.com/NixOS/nixpkgs/raw/master/nixos/modules/installer/tools/nix-fallback-paths.nix",
    ),
    row("use-case-hack", Kind::Bool, "false"),
    row("use-cgroups", Kind::Bool, "false"),
    row("use-registries", Kind::Bool, "true").with(Feature::Flakes),
    row("use-sqlite-wal", Kind::Bool, "true"),
    row("use-xdg-base-directories", Kind::Bool, "false"),
    row("user-agent-suffix", Kind::Text, ""),
    row("warn-dirty", Kind::Bool, "true"),
    row("warn-large-path-threshold", Kind::U64, "0"),
    row("warn-short-path-literals", Kind::RenamedLint("lint-short-path-literals"), "false"),
];
