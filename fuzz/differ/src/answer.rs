//! What an evaluator answers to a program, in a form in which two of them can be compared.

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// A printed value, and what was traced on the way.
    Value { text: String, traced: String },
    /// Standard error of a program that failed.
    Error(String),
    /// It took too much time or memory, or ran too deep for the evaluator's own stack.
    Exhausted,
    /// The evaluator itself broke.
    Broken(String),
}

/// In what two answers differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Difference {
    /// One has a value and the other has not, or another one.
    Value,
    /// The message of the error.
    Message,
    /// What was traced before the end.
    Traced,
    /// Places and frames around a message that is the same.
    Frames,
}

impl Answer {
    /// In what this differs from the oracle's answer, if it does.
    pub fn difference(&self, oracle: &Answer) -> Option<Difference> {
        match (self, oracle) {
            (Answer::Exhausted, _) | (_, Answer::Exhausted) => None,
            (Answer::Value { text: a, .. }, Answer::Value { text: b, .. }) if a != b => {
                Some(Difference::Value)
            }
            (Answer::Value { traced: a, .. }, Answer::Value { traced: b, .. }) => {
                (!same(a, b)).then_some(Difference::Traced)
            }
            (Answer::Error(a), Answer::Error(b)) => {
                let (a, b) = (Failure::of(a), Failure::of(b));
                if !same(a.root, b.root) {
                    Some(Difference::Message)
                } else if !same(a.traced, b.traced) {
                    Some(Difference::Traced)
                } else {
                    (!same(a.frames, b.frames)).then_some(Difference::Frames)
                }
            }
            _ => Some(Difference::Value),
        }
    }

    /// Why the answer to a program may differ from the oracle's.
    pub fn explanation(&self, oracle: &Answer, program: &str) -> Option<&'static str> {
        match (self, oracle) {
            (Answer::Error(ours), Answer::Error(theirs)) => {
                let (ours, theirs) = (Failure::of(ours), Failure::of(theirs));
                if same(ours.root, theirs.root)
                    && theirs.traced.contains("This expression uses `or` as an identifier")
                {
                    return Some("warnings of what stands before a syntax error are not given");
                }
                let is_it = |e: &&Explained| {
                    ours.root.contains(e.ours)
                        && theirs.root.contains(e.theirs)
                        && program.contains(e.program)
                };
                EXPLAINED.iter().find(is_it).map(|e| e.why)
            }
            (Answer::Value { .. }, Answer::Error(theirs))
                if program.contains("pathExists")
                    && (theirs.contains("to be a valid store path")
                        || theirs.contains("is not a valid store path: ")) =>
            {
                Some(
                    "CppNix 2.34 fails at a path below what can be no store path, later versions say that it is not there",
                )
            }
            (Answer::Value { .. }, Answer::Error(theirs))
                if theirs.contains(" is not a valid store path")
                    || theirs.trim_end().ends_with("' is not valid") =>
            {
                Some("CppNix may not write what it makes to its store, and then misses it there")
            }
            (Answer::Value { text: ours, .. }, Answer::Value { text: theirs, .. }) => {
                let is_it = but_for(ours, theirs, "«repeated»") || but_for(theirs, ours, "«repeated»");
                is_it.then_some("lists of one or two elements have no identity of their own in CppNix")
            }
            _ => None,
        }
    }

    /// The answer in a line, for people and for telling finds apart.
    pub fn line(&self) -> String {
        match self {
            Answer::Value { text, .. } => text.clone(),
            Answer::Error(text) => format!("error: {}", Failure::of(text).root),
            Answer::Exhausted => "exhausted".to_owned(),
            Answer::Broken(text) => format!("broken: {text}"),
        }
    }
}

/// A difference that is understood and stays.
struct Explained {
    why: &'static str,
    /// What the messages have in common, and the program has in it.
    ours: &'static str,
    theirs: &'static str,
    program: &'static str,
}

const EXPLAINED: &[Explained] = &[
    Explained {
        why: "of several attributes defined twice, CppNix names the one whose name it met first",
        ours: "already defined at ",
        theirs: "already defined at ",
        program: "",
    },
    Explained {
        why: "of keys of several types, CppNix compares the ones on the way down a tree of its own",
        ours: "cannot compare ",
        theirs: "cannot compare ",
        program: "genericClosure",
    },
    Explained {
        why: "Frazil has no store to ask what is valid in it",
        ours: "",
        theirs: " is not valid",
        program: "",
    },
    Explained {
        why: "Frazil has no store to ask what is valid in it",
        ours: "",
        theirs: " is not a valid store path",
        program: "",
    },
    Explained {
        why: "Frazil has no store to ask what is valid in it",
        ours: "this evaluator has no store",
        theirs: "",
        program: "",
    },
    Explained {
        why: "the size of a directory is the file system's",
        ours: "Is a directory",
        theirs: "bytes: Is a directory",
        program: "",
    },
];

/// Whether texts are the same, or differ only in values that CppNix had not looked at yet: Frazil makes sets, lists and
/// functions that stand in a program at once, where CppNix makes thunks. Only texts for people show it.
fn same(ours: &str, theirs: &str) -> bool {
    but_for(ours, theirs, "«thunk»")
}

/// Whether texts are the same, when `joker` in the second one stands for anything.
fn but_for(text: &str, pattern: &str, joker: &str) -> bool {
    let mut parts = pattern.split(joker);
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|part| rest.ends_with(part))
}

/// Standard error of a failure, in its parts.
struct Failure<'a> {
    traced: &'a str,
    frames: &'a str,
    root: &'a str,
}

impl Failure<'_> {
    fn of(text: &str) -> Failure<'_> {
        let text = text.trim_end();
        let at_line = |mark: &str, at: usize| {
            text[..at].rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
                && text[at..].starts_with(mark)
        };
        let marks: Vec<usize> =
            text.match_indices("error:").map(|(at, _)| at).filter(|&at| at_line("error:", at)).collect();
        let (first, last) = (marks.first().copied().unwrap_or(0), marks.last().copied().unwrap_or(0));
        let message = text[last..].trim_start_matches("error:").trim_start();
        // The place stands behind the message, and the excerpt behind the place.
        let end = ["\n       at ", "\n         at "].iter().filter_map(|mark| message.find(mark)).min();
        let root = &message[..end.unwrap_or(message.len())];
        Failure { traced: &text[..first], frames: &text[first..], root }
    }
}
