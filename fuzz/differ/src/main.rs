//! Asks Frazil and CppNix the same generated programs, and says where the answers differ.
//!
//! `frazil-differ [--seed N] [--programs N | --seconds N] [--threads N] [--frames] [--explained FILE] [--print]`
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "this program has a world of its own, and starts CppNix")]

mod answer;
mod generate;
mod oracle;
mod ours;
mod program;
mod random;
mod texts;
mod types;
mod world;

use answer::{Answer, Difference};
use generate::Generator;
use oracle::Oracle;
use ours::Frazil;
use program::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Programs that a thread takes at a time.
const CHUNK: usize = 200;

/// Differences that are made small and shown; whoever has so many reads these first.
const MOST: usize = 60;

/// What is asked for.
struct Wanted {
    seed: u64,
    programs: usize,
    seconds: u64,
    threads: usize,
    /// Whether frames count as well.
    frames: bool,
    /// Whether programs are printed, and not run.
    print: bool,
    oracle: PathBuf,
    /// One program to ask both.
    ask: Option<String>,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted {
        seed: 1,
        programs: usize::MAX,
        seconds: u64::MAX,
        threads: 2,
        frames: false,
        print: false,
        oracle: std::env::var_os("FRAZIL_ORACLE").map(PathBuf::from).unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/frazil/cppnix")
        }),
        ask: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("'{text}' is no number"));
        match word.as_str() {
            "--seed" => wanted.seed = number(value()?)?,
            "--programs" => wanted.programs = number(value()?)? as usize,
            "--seconds" => wanted.seconds = number(value()?)?,
            "--threads" => wanted.threads = number(value()?)? as usize,
            "--oracle" => wanted.oracle = value()?.into(),
            "--ask" => wanted.ask = Some(value()?),
            "--frames" => wanted.frames = true,
            "--print" => wanted.print = true,
            _ => return Err(format!("'{word}' is not understood")),
        }
    }
    if wanted.programs == usize::MAX && wanted.seconds == u64::MAX {
        wanted.programs = 10_000;
    }
    Ok(wanted)
}

/// What was found so far.
#[derive(Default)]
struct Finds {
    /// Finds by what tells them apart.
    known: BTreeSet<String>,
    /// How many programs had a difference that is understood, by why.
    explained: BTreeMap<&'static str, usize>,
    /// How many programs had a difference that was found before.
    again: usize,
    shown: usize,
}

/// The parts of a line that are the same in many finds: without names and numbers.
fn outline(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in text.chars().take(160) {
        match c {
            '\'' | '"' | '«' | '»' => {
                quoted = !quoted;
                out.push('\'');
            }
            _ if quoted => {}
            c if c.is_ascii_digit() => {
                if !out.ends_with('0') {
                    out.push('0');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// One thread's evaluators.
struct Pair {
    frazil: Frazil,
    oracle: Oracle,
    frames: bool,
}

impl Pair {
    fn counts(&self, difference: Option<Difference>) -> Option<Difference> {
        difference.filter(|&kind| self.frames || kind != Difference::Frames)
    }

    fn ask(&mut self, program: &str) -> (Answer, Answer) {
        let ours = self.frazil.answer(program);
        let theirs =
            self.oracle.answers(&[(program, true)], false).expect("the oracle can be started").remove(0);
        (ours, theirs)
    }

    /// The smallest program that still has a difference of this kind that nothing explains, as far as a few hundred questions
    /// lead there.
    fn minimised(&mut self, program: &Node, (ours, theirs): (&Answer, &Answer), kind: Difference) -> Node {
        let mut left = 400;
        let errors = |answer: &Answer| matches!(answer, Answer::Error(_) | Answer::Broken(_));
        let wanted = (errors(ours), errors(theirs));
        program.minimised(&mut |smaller| {
            if left == 0 {
                return false;
            }
            left -= 1;
            let text = smaller.print();
            let (ours, theirs) = self.ask(&text);
            ours.difference(&theirs) == Some(kind)
                && wanted == (errors(&ours), errors(&theirs))
                && ours.explanation(&theirs, &text).is_none()
        })
    }
}

fn show(kind: Difference, program: &str, ours: &Answer, theirs: &Answer) -> String {
    let full = |answer: &Answer| match answer {
        Answer::Error(text) if kind >= Difference::Traced => text.clone(),
        Answer::Value { text, traced } if kind == Difference::Traced => format!("{traced}{text}"),
        answer => answer.line(),
    };
    format!("--- {kind:?}\n{program}\n  frazil: {}\n  cppnix: {}\n", full(ours), full(theirs))
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::FAILURE;
        }
    };
    if wanted.print {
        for seed in wanted.seed..wanted.seed + wanted.programs.min(1000) as u64 {
            println!("{}\n", Generator::new(seed).program().print());
        }
        return ExitCode::SUCCESS;
    }
    let pair = || {
        let oracle = Oracle::at(&wanted.oracle)?;
        Some(Pair { frazil: Frazil::new(), oracle, frames: wanted.frames })
    };
    let Some(mut first) = pair() else {
        eprintln!("error: there is no CppNix at {}", wanted.oracle.display());
        return ExitCode::FAILURE;
    };
    if let Err(error) = world::make() {
        eprintln!("error: cannot make the folder {}: {error}", world::FOLDER);
        return ExitCode::FAILURE;
    }
    // A panic is an answer.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(program) = &wanted.ask {
        let (ours, theirs) = first.ask(program);
        match ours.difference(&theirs) {
            Some(kind) => print!("{}", show(kind, program, &ours, &theirs)),
            None => println!("the same: {}", ours.line()),
        }
        return ExitCode::SUCCESS;
    }
    let end =
        Instant::now().checked_add(Duration::from_secs(wanted.seconds.min(1 << 30))).expect("not that late");
    let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let (exhausted, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let finds = Mutex::new(Finds::default());
    let work = || {
        let Some(mut pair) = pair() else { return };
        while Instant::now() < end {
            let from = next.fetch_add(CHUNK, Relaxed);
            let n = CHUNK.min(wanted.programs.saturating_sub(from));
            if n == 0 {
                break;
            }
            let programs: Vec<Node> =
                (from..from + n).map(|i| Generator::new(wanted.seed + i as u64).program()).collect();
            let texts: Vec<String> = programs.iter().map(Node::print).collect();
            let ours: Vec<Answer> = texts.iter().map(|text| pair.frazil.answer(text)).collect();
            let asked: Vec<(&str, bool)> = texts
                .iter()
                .zip(&ours)
                .map(|(text, answer)| (text.as_str(), !matches!(answer, Answer::Value { .. })))
                .collect();
            let theirs = pair.oracle.answers(&asked, !pair.frames).expect("the oracle can be started");
            for at in 0..n {
                failed.fetch_add(usize::from(matches!(theirs[at], Answer::Error(_))), Relaxed);
                let is_exhausted = ours[at] == Answer::Exhausted || theirs[at] == Answer::Exhausted;
                exhausted.fetch_add(usize::from(is_exhausted), Relaxed);
                if pair.counts(ours[at].difference(&theirs[at])).is_none() {
                    continue;
                }
                // What ran before in the same process has left its names behind, in whose order sets are forced.
                let (ours, theirs) = pair.ask(&texts[at]);
                let Some(kind) = pair.counts(ours.difference(&theirs)) else { continue };
                if let Some(explanation) = ours.explanation(&theirs, &texts[at]) {
                    *finds.lock().expect("no thread panics").explained.entry(explanation).or_default() += 1;
                    continue;
                }
                let outline = format!("{kind:?} {} {}", outline(&ours.line()), outline(&theirs.line()));
                {
                    let mut finds = finds.lock().expect("no thread panics");
                    if !finds.known.insert(outline) || finds.known.len() > MOST {
                        finds.again += 1;
                        continue;
                    }
                }
                let small = pair.minimised(&programs[at], (&ours, &theirs), kind).print();
                let (ours, theirs) = pair.ask(&small);
                let mut finds = finds.lock().expect("no thread panics");
                finds.shown += 1;
                println!("seed {}: {}", wanted.seed + (from + at) as u64, show(kind, &small, &ours, &theirs));
            }
            done.fetch_add(n, Relaxed);
        }
        started.fetch_add(pair.oracle.started, Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads.max(1) {
            scope.spawn(work);
        }
    });
    let finds = finds.into_inner().expect("no thread panics");
    for (explanation, n) in &finds.explained {
        println!("explained: {n} times, {explanation}");
    }
    println!(
        "{} programs from seed {}: {} errors, {} exhausted, {} oracle processes; {} differences shown, {} more like them",
        done.into_inner(),
        wanted.seed,
        failed.into_inner(),
        exhausted.into_inner(),
        started.into_inner(),
        finds.shown,
        finds.again,
    );
    if finds.shown == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
