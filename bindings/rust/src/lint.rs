//! Errors all at once, and lints.

use crate::Evaluator;
pub use frazil_lint::{Edit, Finding, Level, Rule};

impl Evaluator {
    /// Whether a text only lacks its end to be an expression, or bindings as they stand between braces.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert!(evaluator.is_incomplete("{ a = 1;") && evaluator.is_incomplete("a = x:"));
    /// assert!(!evaluator.is_incomplete("{ a = 1 }") && !evaluator.is_incomplete("a = 1"));
    /// ```
    pub fn is_incomplete(&mut self, text: &str) -> bool {
        let options = self.inner().options();
        frazil_lint::is_incomplete(text, &options)
    }

    /// Names that mean something in every program, in order.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert!(evaluator.globals().iter().any(|name| name == "map"));
    /// ```
    pub fn globals(&mut self) -> Vec<String> {
        self.inner().globals()
    }

    /// All there is to say about a text before it runs, in its order: every error, and lints if `lints`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let findings = evaluator.findings("let a = 1; in { b = c; d = e }", true);
    /// let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.name()).collect();
    /// assert_eq!(rules, ["undefined-variable", "syntax"]);
    /// ```
    pub fn findings(&mut self, text: &str, lints: bool) -> Vec<Finding> {
        let (options, globals) = (self.inner().options(), self.inner().globals());
        let names: Vec<&str> = globals.iter().map(String::as_str).collect();
        let is_global = |name: &str| names.binary_search(&name).is_ok();
        frazil_lint::check(text, &options, &is_global, &names, lints)
    }
}
