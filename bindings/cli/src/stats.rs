//! What was counted, as JSON with CppNix's names where they fit.

use frazil::Evaluator;
use std::time::Duration;

/// The counts of an evaluator that was at work for so long.
pub fn json(evaluator: &mut Evaluator, elapsed: Duration) -> String {
    let (counts, census) = (evaluator.counts(), evaluator.census());
    let s = counts.stats;
    let fields = [
        ("nrThunks", s.thunks),
        ("nrForced", s.forced),
        ("nrFunctionCalls", s.calls),
        ("nrPrimOpCalls", s.builtin_calls),
        ("nrNativeSteps", s.natives),
        ("nrLookups", s.selects),
        ("nrLookupHits", s.select_hits),
        ("nrOpUpdates", s.updates),
        ("nrFiles", s.files),
        ("nrSourceBytes", s.source_bytes),
        ("nrDerivations", s.derivations),
        ("nrLayouts", counts.layouts),
        ("nrSymbols", counts.symbols),
        ("heapAllocatedBytes", counts.allocated),
        ("heapReservedBytes", counts.reserved),
    ];
    let lines: Vec<String> = fields.iter().map(|(name, n)| format!("  \"{name}\": {n}")).collect();
    let kind = |(kind, n, bytes): &(String, u64, u64)| {
        format!("    \"{kind}\": {{ \"number\": {n}, \"bytes\": {bytes} }}")
    };
    let kinds: Vec<String> = census.iter().map(kind).collect();
    format!(
        "{{\n{},\n  \"heap\": {{\n{}\n  }},\n  \"time\": {{ \"wall\": {} }}\n}}",
        lines.join(",\n"),
        kinds.join(",\n"),
        elapsed.as_secs_f64()
    )
}
