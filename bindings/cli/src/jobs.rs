//! `frazil jobs`: the derivations of a set, a line of JSON each.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use crate::args::InstantiateArgs;
use crate::command;
use crate::session::{Failure, Session, auto_arguments, source};
use frazil::settings::Settings;
use frazil::{Handle, JobOptions};
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// Prints the jobs that a command line asks for. An attribute that fails is a line with its error.
pub fn run(args: &command::Jobs, request: &InstantiateArgs, settings: &Settings) -> Result<(), Failure> {
    let options = JobOptions {
        force_recurse: args.force_recurse,
        meta: args.meta,
        input_drvs: args.show_input_derivations,
        systems: args.systems.clone(),
        shard: args.shard,
        skip: args.resume.as_deref().map_or(Ok(BTreeSet::new()), done)?,
        ..JobOptions::default()
    };
    let mut session = Session::new(settings, &request.includes, None);
    for path in &request.attributes {
        let value = select(&mut session, request, path)?;
        let mut jobs = frazil::Jobs::new(&mut session.evaluator, &value, options.clone())?;
        while let Some(job) = jobs.next(&mut session.evaluator) {
            let mut line = job.to_json();
            // That is for other languages; a line has nix-eval-jobs' fields.
            line.as_object_mut().map(|fields| fields.remove("failure"));
            // A line is written as a whole, so that a file of lines that is cut short can be resumed.
            session.progress.aside(|| io::stdout().lock().write_all(format!("{line}\n").as_bytes()))?;
        }
    }
    session.progress.clear();
    Ok(())
}

fn select(session: &mut Session, request: &InstantiateArgs, path: &[u8]) -> Result<Handle, Failure> {
    let here = &session.here;
    session.evaluator.enter(|scope| {
        let arguments = auto_arguments(scope, here, request)?;
        let source = source(scope, here, &request.inputs[0])?;
        let v = scope.eval(source)?;
        let v = scope.select(v, path, &arguments)?;
        let v = scope.call_auto(v, &arguments)?;
        Ok(scope.keep(v))
    })
}

/// The attributes that a file of lines has. A last line that was cut short does not count.
fn done(file: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut attributes = BTreeSet::new();
    for line in BufReader::new(std::fs::File::open(file)?).lines() {
        if let Ok(job) = serde_json::from_str::<serde_json::Value>(&line?)
            && let Some(attr) = job["attr"].as_str()
        {
            attributes.insert(attr.to_owned());
        }
    }
    Ok(attributes)
}
