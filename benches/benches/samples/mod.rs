//! What the benchmarks work on, and how long they take.

use criterion::Criterion;
use std::time::Duration;

/// Quick runs: these tell twice as slow from as fast, not one percent.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

/// A text like a package of Nixpkgs, as often as makes about a hundred kilobytes.
#[allow(dead_code, reason = "not every benchmark needs a program")]
pub(crate) fn program() -> String {
    const PACKAGE: &str = r#"
      ({ lib, stdenv, fetchurl, enableX ? false, libX ? null, ... }@args:
        let
          version = "1.2.3";
          flags = lib.optionals enableX [ "--with-x" "--x=${libX}" ] ++ [ (lib.enableFeature true "shared") ];
        in
        stdenv.mkDerivation (finalAttrs: {
          pname = "hello"; inherit version;
          src = fetchurl { url = "mirror://gnu/hello-${finalAttrs.version}.tar.gz"; hash = "sha256-x"; };
          configureFlags = flags;
          postInstall = ''
            mkdir -p $out/bin # of ${args.name or "it"}
            ln -s ${./wrapper.sh} $out/bin/hello
          '';
          meta = with lib; { description = "A program"; license = licenses.gpl3; platforms = platforms.all; };
        }))
    "#;
    format!("[ {} ]", PACKAGE.repeat(130))
}
