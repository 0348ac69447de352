//! The experimental features that CppNix 2.34.8 knows.

macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One experimental feature, in CppNix's own order, which decides of several missing ones which is complained of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Feature] = &[$(Feature::$variant,)*];

            /// The name in settings and messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Feature::$variant => $name,)*
                }
            }
        }
    };
}

features! {
    /// Derivations whose output paths come from their outputs' content.
    CaDerivations = "ca-derivations",
    /// Derivations that are never cached.
    ImpureDerivations = "impure-derivations",
    /// `builtins.getFlake` and what goes with it; enabling it enables `fetch-tree`.
    Flakes = "flakes",
    /// `builtins.fetchTree`.
    FetchTree = "fetch-tree",
    /// The `nix` command.
    NixCommand = "nix-command",
    /// Hashing files as git does.
    GitHashing = "git-hashing",
    /// Nix inside of builds.
    RecursiveNix = "recursive-nix",
    /// `builtins.fetchClosure`.
    FetchClosure = "fetch-closure",
    /// Users for builds without a group.
    AutoAllocateUids = "auto-allocate-uids",
    /// Builds in control groups.
    Cgroups = "cgroups",
    /// Deciding whom a daemon trusts.
    DaemonTrustOverride = "daemon-trust-override",
    /// Derivations made by derivations, `builtins.outputOf`.
    DynamicDerivations = "dynamic-derivations",
    /// Timestamps in `builtins.fromTOML`.
    ParseTomlTimestamps = "parse-toml-timestamps",
    /// A store that is only read.
    ReadOnlyLocalStore = "read-only-local-store",
    /// A store over another.
    LocalOverlayStore = "local-overlay-store",
    /// The setting `impure-env`.
    ConfigurableImpureEnv = "configurable-impure-env",
    /// A store over ssh whose files are mounted.
    MountedSshStore = "mounted-ssh-store",
    /// Signatures of fetched commits.
    VerifiedFetches = "verified-fetches",
    /// `|>` and `<|`.
    PipeOperators = "pipe-operators",
    /// Builders of other systems.
    ExternalBuilders = "external-builders",
    /// The hash BLAKE3.
    Blake3Hashes = "blake3-hashes",
}

impl Feature {
    /// The feature of that name.
    pub fn named(name: &str) -> Option<Feature> {
        Feature::ALL.iter().copied().find(|feature| feature.name() == name)
    }

    /// What CppNix says when something needs this feature and it is off.
    pub fn missing(self) -> String {
        let name = self.name();
        format!(
            "experimental Nix feature '{name}' is disabled; add '--extra-experimental-features {name}' to enable it"
        )
    }
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet(u32);

const _: () = assert!(Feature::ALL.len() <= 32, "a feature is a bit of 32");

impl FeatureSet {
    /// Adds a feature, and `fetch-tree` with `flakes`.
    pub fn insert(&mut self, feature: Feature) {
        self.0 |= 1 << feature as u8;
        if feature == Feature::Flakes {
            self.insert(Feature::FetchTree);
        }
    }

    /// Whether a feature is in the set.
    pub fn contains(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// All of both sets.
    pub fn union(self, other: FeatureSet) -> FeatureSet {
        FeatureSet(self.0 | other.0)
    }
}
