//! What asking Frazil and CppNix 2.34.8 the same generated programs brought to light: each answer is CppNix's.
//! `fuzz/differ` finds more.

use frazil::settings::{Nothing, Settings};
use frazil::{Engine, Memory, Source};

/// The value of a program, or the message of its error, in a world of a few files.
fn answer(program: &str) -> String {
    let host = Memory::new().file("/w/x.nix", "1").link("/w/link", "x.nix").link("/w/dangling", "nowhere");
    let settings = Settings::load(&Nothing).expect("nothing is wrong with nothing");
    let mut evaluator = Engine::builder().host(host).settings(&settings).build().evaluator();
    let value = evaluator.eval(Source::text(program, "/w")).and_then(|value| evaluator.print(&value));
    value.unwrap_or_else(|error| format!("error: {}", error.message()))
}

macro_rules! answers {
    ($($name:ident: $program:literal => $wanted:literal,)*) => {$(
        #[test]
        fn $name() {
            assert_eq!(answer($program), $wanted);
        }
    )*};
}

answers! {
    a_left_operand_is_looked_at_before_a_variable_is: "let foo = null \"x\"; in null + foo" =>
        "error: cannot coerce null to a string: null",
    the_empty_name_was_met_early: "builtins.deepSeq { b = null null; \"\" = 0 null; } 1" =>
        "error: attempt to call something which is not a function but an integer: 0",
    derivation_is_a_lambda: "derivation" => "<LAMBDA>",
    derivation_has_a_formal: "builtins.functionArgs derivation" => "{ outputs = true; }",
    a_link_is_copied_as_a_link: "\"\" + ./dangling" => "\"/nix/store/i9s602wqnwlz1rz6979x039a1snpz3wf-dangling\"",
    links_on_the_way_are_named: "\"\" + (./link + \"/a/b\")" => "error: path '/w/x.nix/a/b' does not exist",
    links_on_the_way_to_an_import_are_named: "import (./link + \"/a/b\")" => "error: path '/w/x.nix/a/b' does not exist",
    links_on_the_way_to_a_source_are_named: "builtins.filterSource (a: b: true) (./dangling + \"/a\")" =>
        "error: path '/w/nowhere/a' does not exist",
    the_algorithm_is_looked_at_first: "builtins.hashString \"\" (throw \"text\")" =>
        "error: unknown hash algorithm '', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
    the_hash_algorithm_is_looked_at_before_the_format:
        "builtins.convertHash { hash = \"\"; hashAlgo = \"x\"; toHashFormat = throw \"format\"; }" =>
        "error: unknown hash algorithm 'x', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
    the_hash_format_is_looked_at_before_the_hash:
        "builtins.convertHash { hash = \"\"; hashAlgo = \"md5\"; toHashFormat = \"\"; }" =>
        "error: unknown hash format '', expect 'base16', 'base32', 'base64', or 'sri'",
    a_large_integer_has_no_floor: "builtins.floor 9007199254740993" =>
        "error: Due to a bug (see https://github.com/NixOS/nix/issues/12899) a loss of precision occurred in previous Nix \
         versions because the NixInt argument 9007199254740993 was rounded to 9007199254740992.\n\tFuture Nix versions \
         might implement the correct behavior.",
    a_negative_start_is_refused_first: "builtins.substring (-1) (throw \"len\") (throw \"text\")" =>
        "error: negative start position in 'substring'",
    a_path_is_absolute: "builtins.hashFile \"md5\" \"\"" => "error: string '' doesn't represent an absolute path",
    the_left_operand_is_coerced_first: "null + throw \"right\"" => "error: cannot coerce null to a string: null",
    a_left_set_becomes_a_string_first: "{ outPath = throw \"left\"; } + throw \"right\"" => "error: left",
    a_left_set_is_no_string: "{ outPath = \"x\"; } + (if true then /. + \"y\" else null)" => "\"x/y\"",
    a_list_is_no_operand: "[ ] + (\"\" + null)" => "error: cannot coerce a list to a string: [ ]",
    sets_are_compared_in_the_order_of_names_met:
        "{ b = throw \"b\"; x = 1; } == { b = 1; x = 2; }" => "false",
    sets_are_forced_in_the_order_of_names_met: "rec { b = throw \"b\"; x = throw \"x\"; }" => "error: x",
    formals_are_missed_in_the_order_of_names_met: "({ b, a, ... }: 1) { }" =>
        "error: function 'anonymous lambda' called without required argument 'b'",
    attributes_are_refused_in_the_order_of_names_met: "({ }: 1) { c = 1; b = 2; }" =>
        "error: function 'anonymous lambda' called with unexpected argument 'c'",
    arguments_of_path_are_looked_at_in_the_order_of_names_met: "builtins.path { b = 1; system = 2; }" =>
        "error: unsupported argument 'system' to 'builtins.path'",
    names_in_messages_are_quoted: "builtins.path { \"\" = 1; }" =>
        "error: unsupported argument '\"\"' to 'builtins.path'",
    context_keys_are_looked_at_before_their_values: "builtins.appendContext \"\" { a = throw \"value\"; }" =>
        "error: context key 'a' is not a store path",
    sources_are_no_derivations: "\"${./x.drv}\"" => "error: file names are not allowed to end in '.drv'",
    the_first_of_several_undefined_variables_goes_by_names_met: "let zb = u1; za = u2; in 1" =>
        "error: undefined variable 'u1'",
    of_two_outputs_of_one_name_the_first_counts:
        "let d = derivation { name = \"n\"; system = \"s\"; builder = \"b\"; outputs = [ \"a\" \"a\" ]; }; in d.a.a == d" =>
        "error: duplicate derivation output 'a'",
    attributes_of_derivations_are_defined_somewhere: "builtins.unsafeGetAttrPos \"outPath\" (derivation { })" =>
        "{ column = 7; file = \"/derivation-internal.nix\"; line = 50; }",
    a_name_in_the_store_is_looked_at: "builtins.readFileType \"/nix/store/a b\"" =>
        "error: 'a b' is too short to be a valid store path",
    a_link_that_leads_nowhere_is_followed: "builtins.readFile ./dangling" => "error: path '/w/nowhere' does not exist",
    structured_attributes_given_are_read:
        "(derivation { name = \"x\"; system = \"s\"; builder = \"b\"; __json = \"foo\"; }).drvPath" =>
        "error: cannot process __json attribute: [json.exception.parse_error.101] parse error at line 1, column 2: syntax \
         error while parsing value - invalid literal; last read: 'fo'",
    structured_attributes_given_are_an_object:
        "(derivation { name = \"x\"; system = \"s\"; builder = \"b\"; __json = \"[1]\"; }).drvPath" =>
        "error: cannot process __json attribute: [json.exception.type_error.302] type must be object, but is array",
    structured_attributes_given_are_written_again:
        "(derivationStrict { name = \"x\"; system = \"s\"; builder = \"b\"; __json = \"{\\\"b\\\": 1.50, \\\"a\\\":  [1 , 2]}\"; }).drvPath" =>
        "\"/nix/store/xjxl7hzv16r85888cwdmsbs0lswwincr-x.drv\"",
    a_set_that_is_its_own_functor_ends: "let x = { __functor = x; }; in x 1" =>
        "error: stack overflow; max-call-depth exceeded",
    experimental_hashes_are_off: "builtins.hashString \"blake3\" \"\"" =>
        "error: experimental Nix feature 'blake3-hashes' is disabled; add '--extra-experimental-features blake3-hashes' \
         to enable it",
    experimental_derivations_are_off:
        "(derivation { name = \"x\"; system = \"s\"; builder = \"b\"; __contentAddressed = true; }).drvPath" =>
        "error: experimental Nix feature 'ca-derivations' is disabled; add '--extra-experimental-features \
         ca-derivations' to enable it",
}

/// CppNix would build it, which it says in other words.
#[test]
fn a_folder_above_an_output_is_no_sign_of_it() {
    let derivation = r#"(derivation { name = "x"; system = "s"; builder = "b"; })"#;
    let path = Engine::new().session().eval(format!("{derivation}.drvPath").as_str()).expect("it is derived");
    let path = path.text().expect("it is a text");
    let host = Memory::new().file(path, "");
    let mut evaluator = Engine::builder().host(host).build().evaluator();
    let error = evaluator
        .eval(format!("builtins.readFile (dirOf {derivation})").as_str())
        .expect_err("nothing was built");
    assert_eq!(error.code(), "unavailable");
    assert!(error.message().starts_with("cannot build '/nix/store/"), "{}", error.message());
}

#[test]
fn the_list_of_all_outputs_is_one() {
    let derivation = r#"derivation { name = "a"; builder = "b"; system = "s"; outputs = [ "x" "y" ]; }"#;
    let printed = answer(&format!("let d = {derivation}; in builtins.deepSeq d d"));
    assert!(printed.starts_with("{ all = [ «repeated» { all = «repeated»; builder = "), "{printed}");
}

#[test]
fn a_store_path_behind_links_is_found() {
    let store_path = "/nix/store/xjxl7hzv16r85888cwdmsbs0lswwincr-x";
    let host = Memory::new().link("/s/there", store_path).link("/s/away", "d").link("/s/loop", "loop");
    let session = Engine::builder().host(host).build().session();
    let answer = |program: &str| match session.eval(program) {
        Ok(value) => value.text().expect("it is a text").to_owned(),
        Err(error) => error.message().to_owned(),
    };
    assert_eq!(answer("builtins.storePath (/s/there + \"/a/b\")"), format!("{store_path}/a/b"));
    assert_eq!(answer("builtins.storePath (/s/away + \"/c\")"), "path '/s/d/c' is not in the Nix store");
    assert_eq!(answer("builtins.storePath (/s/loop + \"/a\")"), "infinite symlink recursion in path '/a'");
}
