//! What was counted, as JSON with CppNix's names where they fit.

use frazil::Evaluator;
use std::time::Duration;

/// The counts of an evaluator.
pub fn json(evaluator: &mut Evaluator, elapsed: Duration) -> String {
    let world = evaluator.world();
    let s = world.state.stats;
    let (allocated, reserved) = (world.heap.allocated(), world.heap.reserved());
    let layouts = world.layouts.count();
    let symbols = world.state.symbols.len();
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
        ("nrLayouts", layouts as u64),
        ("nrSymbols", symbols as u64),
        ("heapAllocatedBytes", allocated),
        ("heapReservedBytes", reserved),
    ];
    for (kind, n, bytes) in world.heap.census(&world.layouts) {
        eprintln!("{kind:?} {n} {bytes}");
    }
    let lines: Vec<String> = fields.iter().map(|(name, n)| format!("  \"{name}\": {n}")).collect();
    format!("{{\n{},\n  \"time\": {{ \"wall\": {} }}\n}}", lines.join(",\n"), elapsed.as_secs_f64())
}
