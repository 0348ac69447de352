//! What was counted, as JSON with CppNix's names where they fit.

use frazil::Counts;
use std::time::Duration;

/// The counts of an evaluator that was at work for so long.
pub fn json(counts: &Counts, elapsed: Duration) -> String {
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
    for (kind, n, bytes) in world.heap.census(&world.layouts) {
        eprintln!("{kind:?} {n} {bytes}");
    }
    let lines: Vec<String> = fields.iter().map(|(name, n)| format!("  \"{name}\": {n}")).collect();
    format!("{{\n{},\n  \"time\": {{ \"wall\": {} }}\n}}", lines.join(",\n"), elapsed.as_secs_f64())
}
