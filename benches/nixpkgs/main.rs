//! Frazil and CppNix take turns at whole workloads; CPU, wall time and peak memory of each are printed side by side.
//!
//! ```text
//! cargo run --release --bin nixpkgs -- --runs 5 --only hello,nixos-minimal
//! ```
//!
//! The contenders alternate within one run of this program, the first one changing from round to round, so that a
//! machine that slows down slows all of them. Every figure is the kernel's own account of one child process
//! (`wait4`). A child's peak memory is never read below this program's own few megabytes, since the kernel counts
//! what the process held before it became the child.

#![expect(clippy::disallowed_methods, reason = "it measures: files, processes and clocks are its work")]
#![forbid(unsafe_code)]

mod contender;
mod report;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use contender::Contender;
use workload::Workload;

/// Compares Frazil with CppNix on whole workloads.
#[derive(Parser)]
#[command(name = "nixpkgs")]
struct Args {
    /// Runs of each contender per workload.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only these workloads, separated by commas; `--list` names them.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Names the workloads and stops.
    #[arg(long)]
    list: bool,
    /// CppNix: a folder with `bin/nix-instantiate` [default: cppnix in Frazil's cache].
    #[arg(long, env = "FRAZIL_ORACLE")]
    oracle: Option<PathBuf>,
    /// A Nixpkgs tree [default: nixpkgs in Frazil's cache].
    #[arg(long, env = "FRAZIL_NIXPKGS")]
    nixpkgs: Option<PathBuf>,
    /// Frazil's binary; one called `nix-instantiate` is taken for a drop-in.
    #[arg(long, default_value = "target/release/frazil")]
    frazil: PathBuf,
    /// A folder with minimal.nix, desktop.nix and server.nix [default: the golden ones, else our own].
    #[arg(long)]
    systems: Option<PathBuf>,
    /// Adds CppNix without its collector, which trades memory for time.
    #[arg(long)]
    gc_off: bool,
    /// Adds Frazil with code of earlier runs in this directory, which one run that is not measured fills.
    #[arg(long)]
    kept: Option<PathBuf>,
    /// Appends the report, in markdown, to this file.
    #[arg(long)]
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    match compare(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("nixpkgs: {message}");
            ExitCode::from(2)
        }
    }
}

/// Runs the chosen workloads and reports them; `false` when an output differed or a contender failed.
fn compare(args: Args) -> Result<bool, String> {
    let nixpkgs = found(args.nixpkgs, "nixpkgs")?;
    let oracle = found(args.oracle, "cppnix")?;
    let systems = args.systems.unwrap_or_else(workload::own);
    let mut workloads = workload::all(&nixpkgs, &systems);
    if args.list {
        for workload in &workloads {
            println!("{}", workload.name);
        }
        return Ok(true);
    }
    if let Some(unknown) = args.only.iter().find(|name| workloads.iter().all(|w| w.name != **name)) {
        return Err(format!("no workload is called '{unknown}'; --list names them"));
    }
    if !args.only.is_empty() {
        workloads.retain(|w| args.only.iter().any(|name| name == w.name));
    }
    let mut contenders = vec![Contender::frazil(&args.frazil)?, Contender::oracle(&oracle)?];
    if args.gc_off {
        contenders.push(Contender::oracle(&oracle)?.without_collector());
    }
    let absolute =
        |dir: PathBuf| std::path::absolute(&dir).map_err(|error| format!("{}: {error}", dir.display()));
    let kept = args.kept.map(absolute).transpose()?;
    let keeping = kept.map(|kept| contenders[0].clone().keeping_code(&kept));
    contenders.extend(keeping.clone());

    let mut report = report::Report::new(args.runs, &contenders);
    let mut all_equal = true;
    for workload in &workloads {
        if let Some(keeping) = &keeping {
            keeping.run(workload)?;
        }
        let outcome = take_turns(workload, &contenders, args.runs)?;
        all_equal &= outcome.verdict == report::Verdict::Equal;
        report.add(workload.name, &outcome);
    }
    if let Some(path) = args.record {
        report.append_to(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(all_equal)
}

/// One workload: every contender `runs` times, the order rotated each round.
fn take_turns(workload: &Workload, contenders: &[Contender], runs: u32) -> Result<report::Outcome, String> {
    let mut samples = vec![Vec::new(); contenders.len()];
    let mut outputs: Vec<Option<Vec<u8>>> = vec![None; contenders.len()];
    for round in 0..runs as usize {
        for turn in 0..contenders.len() {
            let at = (round + turn) % contenders.len();
            let run = contenders[at].run(workload)?;
            if let Some(complaint) = run.complaint {
                let complaint = format!("{}: {complaint}", contenders[at].name);
                return Ok(report::Outcome { samples, verdict: report::Verdict::Failed(complaint) });
            }
            samples[at].push(run.sample);
            if outputs[at].get_or_insert_with(|| run.output.clone()) != &run.output {
                let complaint = format!("{}: two runs gave different outputs", contenders[at].name);
                return Ok(report::Outcome { samples, verdict: report::Verdict::Failed(complaint) });
            }
        }
    }
    let equal = outputs.windows(2).all(|pair| pair[0] == pair[1]);
    let verdict = if equal { report::Verdict::Equal } else { report::Verdict::Different };
    Ok(report::Outcome { samples, verdict })
}

/// `given`, or `name` in Frazil's cache folder; an error that says how to give it when there is neither.
fn found(given: Option<PathBuf>, name: &str) -> Result<PathBuf, String> {
    let path = match given {
        Some(path) => path,
        None => workload::cache().ok_or("HOME is not set")?.join(name),
    };
    path.canonicalize().map_err(|error| {
        let flag = if name == "cppnix" { "--oracle" } else { "--nixpkgs" };
        format!("{}: {error}; say where it is with {flag}", path.display())
    })
}
