//! Frazil's own commands, and which words are the drop-in's.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand};
use frazil::Shard;
use frazil::lint::Level;

/// The name by which the drop-in is called, as a link or as the first word.
const DROP_IN: &str = "nix-instantiate";

/// Whose words a command line holds.
pub enum Invocation {
    /// The drop-in's: `nix-instantiate …` through a link, or `frazil nix-instantiate …`. Words in [`crate::args`]' form.
    DropIn(Vec<Vec<u8>>),
    /// Frazil's own, for [`Cli`].
    Own(Vec<OsString>),
}

/// Tells the drop-in's command lines, which `clap` could not read, from Frazil's own.
pub fn invocation(mut words: Vec<OsString>) -> Invocation {
    let name = words.first().and_then(|name| Path::new(name).file_name()?.to_str());
    let by_name = name.is_some_and(|name| name.strip_suffix(EXE_SUFFIX).unwrap_or(name) == DROP_IN);
    let by_word = words.get(1).is_some_and(|word| word == DROP_IN);
    if !by_name && !by_word {
        return Invocation::Own(words);
    }
    let rest = words.split_off(if by_name { 1 } else { 2 });
    Invocation::DropIn(rest.into_iter().map(OsString::into_encoded_bytes).collect())
}

/// Evaluates the Nix language.
#[derive(Debug, Parser)]
#[command(name = "frazil", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Frazil's commands. `frazil nix-instantiate` takes the flags of CppNix's program of that name.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluates an expression and prints its value.
    Eval(Eval),
    /// Prints the paths of derivations.
    Instantiate(Instantiate),
    /// Prints a line of JSON for each derivation of a set, as it is found.
    Jobs(Jobs),
    /// Prints an expression as it was understood.
    Parse(Source),
    /// Says what is wrong with the syntax of files.
    Check(Check),
    /// Looks into each room.
    Explain(Explain),
    /// Reads, evaluates, prints.
    Repl(World),
}

/// Where an expression is.
#[derive(Args, Clone, Debug)]
pub struct Source {
    /// A file, or a folder with `default.nix`; `-` is standard input [default: ./default.nix].
    #[arg(short, long, conflicts_with = "expr")]
    pub file: Option<PathBuf>,
    /// The expression itself.
    #[arg(short = 'E', long, allow_hyphen_values = true)]
    pub expr: Option<OsString>,
}

/// What an evaluation sees beside its expression.
#[derive(Args, Clone, Debug, Default)]
pub struct World {
    /// An entry of the search path, `PATH` or `NAME=PATH`, before all others.
    #[arg(short = 'I', long = "include", value_name = "PATH")]
    pub includes: Vec<OsString>,
    /// A setting of nix.conf.
    #[arg(long = "option", num_args = 2, value_names = ["NAME", "VALUE"])]
    pub options: Vec<String>,
    /// Errors tell how they came about.
    #[arg(long)]
    pub show_trace: bool,
}

/// What is taken of an expression's value.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    /// The attribute to take.
    #[arg(short = 'A', long, value_name = "PATH")]
    pub attr: Vec<String>,
    /// An argument of functions on the way, as an expression.
    #[arg(long = "arg", allow_hyphen_values = true, num_args = 2, value_names = ["NAME", "EXPR"])]
    pub args: Vec<OsString>,
    /// An argument of functions on the way, as a string.
    #[arg(long = "argstr", allow_hyphen_values = true, num_args = 2, value_names = ["NAME", "STRING"])]
    pub strings: Vec<OsString>,
}

/// A value, as several commands are told of it.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// Where the expression is.
    #[command(flatten)]
    pub source: Source,
    /// What is taken of it.
    #[command(flatten)]
    pub selection: Selection,
    /// What it sees.
    #[command(flatten)]
    pub world: World,
}

/// `frazil eval`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("form"))]
pub struct Eval {
    /// The value that is wanted.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Evaluates to the bottom before printing.
    #[arg(long)]
    pub strict: bool,
    /// Prints JSON.
    #[arg(long, group = "form")]
    pub json: bool,
    /// Prints a string alone, without quotes or a line's end.
    #[arg(long, group = "form")]
    pub raw: bool,
    /// Prints XML.
    #[arg(long, group = "form")]
    pub xml: bool,
}

/// `frazil instantiate`.
#[derive(Args, Debug)]
pub struct Instantiate {
    /// The value that is wanted.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Writes the closure of derivations as files into this folder.
    #[arg(long, value_name = "DIR")]
    pub derivations: Option<PathBuf>,
}

/// `frazil jobs`: nix-eval-jobs' walk, with the fields of its lines.
#[derive(Args, Debug)]
pub struct Jobs {
    /// The value that is wanted.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Lines have the `meta` of their derivation.
    #[arg(long)]
    pub meta: bool,
    /// Lines have the derivations that theirs needs.
    #[arg(long)]
    pub show_input_derivations: bool,
    /// Looks into sets that do not say `recurseForDerivations`, too.
    #[arg(long)]
    pub force_recurse: bool,
    /// Only jobs of these systems.
    #[arg(long, value_delimiter = ',', value_name = "SYSTEM,…")]
    pub systems: Vec<String>,
    /// One part of many, by a hash that is the same everywhere: I is from 0 to N - 1.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Leaves out the attributes that this file of lines has already.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    let shard = parts.map(|(index, of)| Shard { index, of }).filter(|shard| shard.index < shard.of);
    shard.ok_or_else(|| "a part is I/N, where I is from 0 to N - 1".to_owned())
}

/// `frazil check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Files, and folders whose `.nix` files are taken.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Says what could be better, too.
    #[arg(long)]
    pub lint: bool,
    /// How findings are written: for people on standard error, for programs on standard output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What makes the command fail; errors if not said.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<FailOn>,
}

/// How findings are written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// With excerpts of the source.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// A log of SARIF 2.1.0.
    Sarif,
}

/// What makes `frazil check` fail.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Errors only.
    Error,
    /// Warnings, too.
    Warning,
    /// Anything.
    Note,
}

impl From<FailOn> for Level {
    fn from(level: FailOn) -> Level {
        match level {
            FailOn::Error => Level::Error,
            FailOn::Warning => Level::Warning,
            FailOn::Note => Level::Note,
        }
    }
}

/// `frazil explain`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("view").required(true))]
pub struct Explain {
    /// Where the expression is.
    #[command(flatten)]
    pub source: Source,
    /// What it sees, where it is evaluated.
    #[command(flatten)]
    pub world: World,
    /// Prints its tokens.
    #[arg(long, group = "view")]
    pub tokens: bool,
    /// Prints its tree.
    #[arg(long, group = "view")]
    pub tree: bool,
    /// Prints it with names resolved.
    #[arg(long, group = "view")]
    pub ir: bool,
    /// Prints its instructions.
    #[arg(long, group = "view")]
    pub bytecode: bool,
    /// Evaluates it, printing each call.
    #[arg(long, group = "view")]
    pub trace: bool,
    /// Evaluates it, printing what was counted.
    #[arg(long, group = "view")]
    pub stats: bool,
}

/// The words of a flag that takes two at a time, in pairs.
pub fn pairs<T: Clone>(words: &[T]) -> impl Iterator<Item = (T, T)> + '_ {
    words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_drop_in_is_known_by_either_name() {
        for line in
            [["/usr/bin/nix-instantiate", "--eval"].as_slice(), &["frazil", "nix-instantiate", "--eval"]]
        {
            let Invocation::DropIn(rest) = invocation(words(line)) else {
                panic!("{line:?} is the drop-in's")
            };
            assert_eq!(rest, [b"--eval".to_vec()]);
        }
        assert!(matches!(invocation(words(&["frazil", "eval", "nix-instantiate"])), Invocation::Own(_)));
        assert!(matches!(invocation(words(&["frazil"])), Invocation::Own(_)));
    }

    #[test]
    fn forms_exclude_each_other() {
        assert!(Cli::try_parse_from(["frazil", "eval", "-E", "1", "--json", "--xml"]).is_err());
        assert!(Cli::try_parse_from(["frazil", "eval", "-E", "1", "-f", "x"]).is_err());
        assert!(Cli::try_parse_from(["frazil", "explain", "-E", "1"]).is_err());
    }

    #[test]
    fn flags_of_two_words_come_in_pairs() {
        let line = ["frazil", "eval", "-E", "x", "--arg", "a", "1", "--argstr", "b", "2", "--arg", "c", "-3"];
        let Ok(Cli { command: Command::Eval(eval) }) = Cli::try_parse_from(line) else {
            panic!("a good line")
        };
        let arguments: Vec<_> = pairs(&eval.wanted.selection.args).collect();
        assert_eq!(arguments, [("a".into(), "1".into()), ("c".into(), "-3".into())]);
    }
}
