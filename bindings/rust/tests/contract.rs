//! The cases that all languages have in common, through the facade. UPDATE_CONTRACT=1 writes what they come to.
#![cfg(feature = "serde")]
#![expect(clippy::disallowed_methods, reason = "this test reads the checkout it is part of")]

use frazil::{Error, EvalSpec};
use serde_json::{Value, json};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract/cases.json");

fn outcome(spec: &Value) -> Value {
    let run = || -> Result<Value, Error> {
        let spec: EvalSpec = serde_json::from_value(spec.clone()).expect("a case's spec is one");
        let (_, value) = spec.open()?;
        value.to::<Value>()
    };
    match run() {
        Ok(value) => json!({ "json": value }),
        Err(error) => {
            let all = serde_json::to_value(&error).expect("an error has a form in JSON");
            json!({ "error": { "code": all["code"], "message": all["message"], "position": all["position"],
                "span": all["span"] } })
        }
    }
}

#[test]
fn every_case_comes_to_what_it_says() {
    let text = std::fs::read_to_string(CASES).expect("the cases are in the checkout");
    let mut file: Value = serde_json::from_str(&text).expect("the cases are JSON");
    let cases = file["cases"].as_array_mut().expect("cases are a list");
    assert!(cases.len() > 40, "the cases are there");
    let mut wrong = Vec::new();
    for case in cases {
        let found = outcome(&case["spec"]);
        let expected = json!({ "json": case["json"] });
        let same = match case.get("error") {
            None => found == expected,
            // Where a text depends on the machine, the case leaves it out.
            Some(error) => ["code", "message", "position", "span"]
                .iter()
                .all(|&key| error.get(key).is_none_or(|part| found["error"][key] == *part)),
        };
        if !same {
            wrong.push(format!("{}: {found}", case["name"]));
            for key in ["json", "error"] {
                case.as_object_mut().expect("a case is an object").remove(key);
                if let Some(part) = found.get(key) {
                    case[key] = part.clone();
                }
            }
        }
    }
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(CASES, serde_json::to_string_pretty(&file).expect("JSON") + "\n")
            .expect("a file of the checkout");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
