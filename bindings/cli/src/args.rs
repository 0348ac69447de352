//! The command line of the drop-in `nix-instantiate`, read by CppNix 2.34's own rules.
//!
//! Flags stand anywhere, several short ones in one word (`-QkA x`), and every setting is a flag. Which flag is asked first
//! matters where two have one name, and a message depends on it: first the flags that CppNix registers by name,
//! then the ones that `nix-instantiate` compares by hand. `clap` knows neither rule, so this is by hand.

use std::collections::BTreeMap;

use frazil::settings::{self, Feature, Flag, Settings, SettingsError};

/// What is done with each input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Derivations are made, and their paths printed.
    Instantiate,
    /// `--eval`: values are printed.
    Evaluate,
    /// `--parse`: expressions are printed.
    Parse,
    /// `--find-file`: inputs are names to look for on the search path.
    FindFile,
}

/// How a value is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// As Nix.
    #[default]
    Plain,
    /// `--raw`: the string alone.
    Raw,
    /// `--xml`.
    Xml,
    /// `--json`.
    Json,
}

/// An argument for functions that are called automatically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoArg {
    /// `--arg`: an expression.
    Expression(Vec<u8>),
    /// `--argstr`: a string.
    String(Vec<u8>),
    /// `--arg-from-file`: the content of a file.
    File(Vec<u8>),
    /// `--arg-from-stdin`: what standard input holds.
    Stdin,
}

/// Where the text of one input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// The word itself: `-E`.
    Expression(Vec<u8>),
    /// A file, a folder with `default.nix`, or `<…>`.
    File(Vec<u8>),
}

/// How much is said on standard error, from errors alone to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verbosity(u8);

impl Verbosity {
    /// Errors only.
    pub const ERROR: Verbosity = Verbosity(0);
    /// Warnings too.
    pub const WARN: Verbosity = Verbosity(1);
    /// What CppNix says when nobody asks for more or less.
    pub const INFO: Verbosity = Verbosity(3);
    /// What helps to find faults of the evaluator.
    pub const DEBUG: Verbosity = Verbosity(6);
    const MOST: Verbosity = Verbosity(7);
}

/// A command line of `nix-instantiate`, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstantiateArgs {
    /// What is done.
    pub mode: Mode,
    /// What it is done with, in order: standard input comes first, and `./default.nix` stands for no input at all.
    pub inputs: Vec<Input>,
    /// `--attr`: attribute paths to select; one empty path when none was given.
    pub attributes: Vec<Vec<u8>>,
    /// `--arg` and its kin, by name; of two for one name the last.
    pub auto_args: BTreeMap<Vec<u8>, AutoArg>,
    /// `--include`: entries of the search path before all others.
    pub includes: Vec<Vec<u8>>,
    /// The form of printed values.
    pub output: Output,
    /// `--strict`: values are evaluated to the bottom.
    pub strict: bool,
    /// XML tells where functions and attributes come from.
    pub locations: bool,
    /// Nothing is written to a store.
    pub read_only: bool,
    /// `--repair`: store paths are written again where they are missing or broken.
    pub repair: bool,
    /// `--add-root`: where links to results go.
    pub root: Option<Vec<u8>>,
    /// Whether a missing `--add-root` is warned of.
    pub root_warning: bool,
    /// `--store`: the store instead of the setting's.
    pub store: Option<String>,
    /// `--eval-store`: where derivations go instead.
    pub eval_store: Option<String>,
    /// `--override-flake`: pairs of a flake reference and what stands for it.
    pub flake_overrides: Vec<(String, String)>,
    /// How much is said.
    pub verbosity: Verbosity,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `--version`.
    Version,
    /// `--help`.
    Help,
    /// All else.
    Run(Box<InstantiateArgs>),
}

/// Reads the words after the program's name; settings among them go to `settings`, as do warnings.
///
/// An error is the first one from the left, `--version` and `--help` end the reading where they stand, and what
/// a flag's experimental feature says is said last.
pub fn parse(words: Vec<Vec<u8>>, settings: &mut Settings) -> Result<Request, SettingsError> {
    // Words are taken from the end.
    let mut words = words;
    words.reverse();
    let mut reader = Reader { words, settings, flags: Flags::default(), needed: Vec::new() };
    let mut only_inputs = false;
    while let Some(word) = reader.words.pop() {
        let word = if only_inputs { word } else { reader.split_short(word) };
        let alone = only_inputs || !word.starts_with(b"-");
        if !alone {
            if word == b"--" {
                only_inputs = true;
                continue;
            }
            if reader.registered_flag(&word)? {
                continue;
            }
        }
        // Inputs, and all words behind `--`, go through the same comparisons, but each sees no word beside itself.
        let hidden = if alone { std::mem::take(&mut reader.words) } else { Vec::new() };
        let read = reader.own_flag(&word)?;
        if alone {
            reader.words = hidden;
        }
        match read {
            Read::Done => {}
            Read::Stop(request) => return Ok(request),
            Read::Unknown if alone => return usage(format!("unexpected argument '{}'", lossy(&word))),
            Read::Unknown => return usage(format!("unrecognised flag '{}'", lossy(&word))),
        }
    }
    let Reader { settings, flags, needed, .. } = reader;
    settings.finish();
    match needed.into_iter().filter(|feature| !settings.has_feature(*feature)).min() {
        Some(feature) => Err(SettingsError::Failure(feature.missing())),
        None => Ok(Request::Run(Box::new(flags.finish()))),
    }
}

fn usage<T>(message: String) -> Result<T, SettingsError> {
    Err(SettingsError::Usage(message))
}

fn lossy(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// What became of a word.
enum Read {
    Done,
    Stop(Request),
    Unknown,
}

/// The flags of `nix-instantiate` as they are found.
struct Flags {
    stdin: bool,
    expressions: bool,
    eval: bool,
    parse: bool,
    find_file: bool,
    read_write: bool,
    words: Vec<Vec<u8>>,
    args: InstantiateArgs,
}

impl Default for Flags {
    fn default() -> Flags {
        let args = InstantiateArgs {
            mode: Mode::Instantiate,
            inputs: Vec::new(),
            attributes: Vec::new(),
            auto_args: BTreeMap::new(),
            includes: Vec::new(),
            output: Output::Plain,
            strict: false,
            locations: true,
            read_only: false,
            repair: false,
            root: None,
            root_warning: true,
            store: None,
            eval_store: None,
            flake_overrides: Vec::new(),
            verbosity: Verbosity::INFO,
        };
        Flags {
            stdin: false,
            expressions: false,
            eval: false,
            parse: false,
            find_file: false,
            read_write: false,
            words: Vec::new(),
            args,
        }
    }
}

impl Flags {
    fn finish(self) -> InstantiateArgs {
        let mut args = self.args;
        args.mode = match self {
            Flags { find_file: true, .. } => Mode::FindFile,
            Flags { parse: true, .. } => Mode::Parse,
            Flags { eval: true, .. } => Mode::Evaluate,
            _ => Mode::Instantiate,
        };
        args.read_only |= (self.eval || self.parse) && !self.read_write;
        if args.attributes.is_empty() {
            args.attributes.push(Vec::new());
        }
        if args.mode == Mode::FindFile {
            args.inputs = self.words.into_iter().map(Input::File).collect();
            return args;
        }
        if self.stdin {
            args.inputs.push(Input::Stdin);
        } else if self.words.is_empty() && !self.expressions {
            args.inputs.push(Input::File(b"./default.nix".to_vec()));
        }
        let kind = if self.expressions { Input::Expression } else { Input::File };
        args.inputs.extend(self.words.into_iter().map(kind));
        args
    }
}

struct Reader<'a> {
    /// What is still to be read, the next word last.
    words: Vec<Vec<u8>>,
    settings: &'a mut Settings,
    flags: Flags,
    /// Features that flags ask for.
    needed: Vec<Feature>,
}

impl Reader<'_> {
    /// `-qlf` is `-q -l -f`, and `-j3` is `-j 3`: the first is returned, the others are the next words.
    fn split_short(&mut self, word: Vec<u8>) -> Vec<u8> {
        let [b'-', first, rest @ ..] = word.as_slice() else { return word };
        if rest.is_empty() || !first.is_ascii_alphabetic() {
            return word;
        }
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (letters, value) = rest.split_at(letters);
        if !value.is_empty() {
            self.words.push(value.to_vec());
        }
        self.words.extend(letters.iter().rev().map(|letter| vec![b'-', *letter]));
        vec![b'-', *first]
    }

    /// The next `N` words, as values of `flag`.
    fn values<const N: usize>(&mut self, flag: &str) -> Result<[Vec<u8>; N], SettingsError> {
        if self.words.len() < N {
            let given = self.words.len();
            return usage(format!("flag '{flag}' requires {N} argument(s), but only {given} were given"));
        }
        Ok(std::array::from_fn(|_| self.words.pop().unwrap_or_default()))
    }

    fn value(&mut self, flag: &str) -> Result<Vec<u8>, SettingsError> {
        let [value] = self.values(flag)?;
        Ok(value)
    }

    fn text(&mut self, flag: &str) -> Result<String, SettingsError> {
        Ok(lossy(&self.value(flag)?))
    }

    /// A flag that CppNix registers by name, with its values; `false` if there is none of that name.
    fn registered_flag(&mut self, word: &[u8]) -> Result<bool, SettingsError> {
        let Ok(flag) = std::str::from_utf8(word) else { return Ok(false) };
        let args = &mut self.flags.args;
        match flag {
            "-v" | "--verbose" => args.verbosity.0 = (args.verbosity.0 + 1).min(Verbosity::MOST.0),
            "--quiet" => args.verbosity.0 = args.verbosity.0.saturating_sub(1),
            "--debug" => args.verbosity = Verbosity::DEBUG,
            "-Q" | "--no-build-output" | "-K" | "--keep-failed" | "-k" | "--keep-going" | "--fallback" => {}
            "--readonly-mode" => args.read_only = true,
            "--no-gc-warning" => args.root_warning = false,
            "--repair" => args.repair = true,
            "--impure" => self.settings.set_impure(),
            "--option" => {
                let [name, value] = self.values(flag)?;
                self.settings.set_option(&lossy(&name), &lossy(&value))?;
            }
            "--log-format" => {
                let format = self.text(flag)?;
                if !["raw", "raw-with-logs", "internal-json", "bar", "bar-with-logs"].contains(&&*format) {
                    let message = format!("option 'log-format' has an invalid value '{format}'");
                    return Err(SettingsError::Failure(message));
                }
            }
            "-j" => {
                let jobs = self.text(flag)?;
                self.settings.set("max-jobs", &jobs)?;
            }
            "--cores" | "--max-silent-time" | "--timeout" => {
                let count = settings::count(&self.text(flag)?)?;
                self.settings.set(&flag[2..], &count.to_string())?;
            }
            "--store" | "--eval-store" => {
                let store = self.text(flag)?;
                settings::check_store(&store)?;
                let args = &mut self.flags.args;
                *(if flag == "--store" { &mut args.store } else { &mut args.eval_store }) = Some(store);
            }
            "--arg" => self.auto_arg(flag, AutoArg::Expression)?,
            "--argstr" => self.auto_arg(flag, AutoArg::String)?,
            "--arg-from-file" => self.auto_arg(flag, AutoArg::File)?,
            "--arg-from-stdin" => {
                let name = self.value(flag)?;
                self.flags.args.auto_args.insert(name, AutoArg::Stdin);
            }
            "-I" | "--include" => {
                let entry = self.value(flag)?;
                self.flags.args.includes.push(entry);
            }
            "--override-flake" => {
                let [from, to] = self.values(flag)?;
                self.flags.args.flake_overrides.push((lossy(&from), lossy(&to)));
            }
            _ => return self.setting_flag(flag),
        }
        Ok(true)
    }

    fn setting_flag(&mut self, word: &str) -> Result<bool, SettingsError> {
        let Some(flag) = word.strip_prefix("--").and_then(Flag::named) else { return Ok(false) };
        self.needed.extend(flag.feature());
        let value = if flag.takes_value() { self.text(word)? } else { String::new() };
        self.settings.set_flag(flag, &value)?;
        Ok(true)
    }

    fn auto_arg(&mut self, flag: &str, kind: fn(Vec<u8>) -> AutoArg) -> Result<(), SettingsError> {
        let [name, value] = self.values(flag)?;
        self.flags.args.auto_args.insert(name, kind(value));
        Ok(())
    }

    /// A flag that `nix-instantiate` compares by hand, or an input.
    fn own_flag(&mut self, word: &[u8]) -> Result<Read, SettingsError> {
        let flags = &mut self.flags;
        match word {
            b"--help" => return Ok(Read::Stop(Request::Help)),
            b"--version" => return Ok(Read::Stop(Request::Version)),
            b"-" => flags.stdin = true,
            b"--expr" | b"-E" => flags.expressions = true,
            b"--eval" | b"--eval-only" => flags.eval = true,
            b"--read-write-mode" => flags.read_write = true,
            b"--parse" | b"--parse-only" => flags.parse = true,
            b"--find-file" => flags.find_file = true,
            b"--attr" | b"-A" => {
                let path = self.own_value(word)?;
                self.flags.args.attributes.push(path);
            }
            b"--add-root" => self.flags.args.root = Some(self.own_value(word)?),
            b"--indirect" => {}
            b"--raw" => flags.args.output = Output::Raw,
            b"--xml" => flags.args.output = Output::Xml,
            b"--json" => flags.args.output = Output::Json,
            b"--no-location" => flags.args.locations = false,
            b"--strict" => flags.args.strict = true,
            b"--dry-run" => flags.args.read_only = true,
            [b'-', ..] => return Ok(Read::Unknown),
            input => flags.words.push(input.to_vec()),
        }
        Ok(Read::Done)
    }

    fn own_value(&mut self, flag: &[u8]) -> Result<Vec<u8>, SettingsError> {
        self.words.pop().map_or_else(|| usage(format!("'{}' requires an argument", lossy(flag))), Ok)
    }
}
