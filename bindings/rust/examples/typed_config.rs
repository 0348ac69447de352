//! Reads a typed configuration that is written in Nix: `typed_config FILE [MODE]`.
//!
//! The file is a function of what the program tells it, and may import what lies beside it, but nothing else.
#![forbid(unsafe_code)]

use frazil::{Access, Disk, Engine, Error, Guarded, Limits, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the program tells its configuration.
#[derive(Serialize)]
struct Facts<'a> {
    mode: &'a str,
    cores: usize,
}

/// What it is told.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Config {
    workers: usize,
    #[serde(default)]
    log: Level,
    listeners: BTreeMap<String, Listener>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Info,
    Debug,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Listener {
    port: u16,
    tls: Option<bool>,
}

/// The configuration in a file.
fn read(engine: &Engine, file: &str, facts: &Facts<'_>) -> Result<Config, Error> {
    let mut evaluator = engine.evaluator();
    let (function, facts) = (evaluator.eval(Source::file(file))?, evaluator.to_value(facts)?);
    let config = evaluator.call(&function, &[&facts])?;
    evaluator.to(&config)
}

fn limits() -> Limits {
    Limits { heap: 256 << 20, wall: Some(Duration::from_secs(5)), ..Limits::default() }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let file = std::path::absolute(words.next().ok_or("which file?")?)?;
    let folder = file.parent().ok_or("a file lies in a folder")?.to_string_lossy().into_owned();
    let mode = words.next().unwrap_or_else(|| "production".to_owned());
    let host = Guarded::new(Disk, Access::none().root(&folder));
    let engine = Engine::builder().host(host).limits(limits()).build();
    let facts = Facts { mode: &mode, cores: std::thread::available_parallelism()?.get() };
    let config = read(&engine, &file.to_string_lossy(), &facts).map_err(|error| error.render().to_owned())?;
    println!("{config:#?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use frazil::Memory;

    const CONFIG: &str = r#"
        { mode, cores }: {
          workers = cores * 2;
          log = if mode == "test" then "debug" else "info";
          listeners = builtins.mapAttrs (name: port: { inherit port; }) (import ./ports.nix);
        }
    "#;

    fn read_with(ports: &str) -> Result<Config, Error> {
        let host = Memory::new().file("/etc/app/config.nix", CONFIG).file("/etc/app/ports.nix", ports);
        let engine = Engine::builder().host(host).limits(limits()).build();
        read(&engine, "/etc/app/config.nix", &Facts { mode: "test", cores: 4 })
    }

    #[test]
    fn a_configuration_is_read_with_its_types() {
        let config = read_with("{ http = 80; https = 443; }").expect("it is one");
        let listener = |port| Listener { port, tls: None };
        let listeners = [("http".to_owned(), listener(80)), ("https".to_owned(), listener(443))];
        assert_eq!(config, Config { workers: 8, log: Level::Debug, listeners: listeners.into() });
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = read_with("{ http = 80000; }").expect_err("no port is that large");
        assert!(error.message().starts_with("at 'listeners.http.port': invalid value"), "{error}");
    }
}
